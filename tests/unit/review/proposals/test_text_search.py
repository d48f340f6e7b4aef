import random

from handrail.review.proposals.text_search import SUBJECTS, JudgedText, proved, weeks_of

CHANCE = random.Random(20261129)
VOCABULARY = [
    f"{first}{last}" for first in ("ka", "lo", "mi", "ne", "po", "ru") for last in ("ran", "mel", "tos")
]


def noise(share: float, *, weeks: int = 10) -> list[JudgedText[str]]:
    """Texts whose words say nothing of how they were judged; some customers write again."""
    return [
        JudgedText(
            ticket=f"{week}-{number}",
            week=week,
            subject=f"c{CHANCE.randrange(200)}",
            hits=dict.fromkeys(CHANCE.sample(VOCABULARY, 5), CHANCE.random() < share),
        )
        for week in range(weeks)
        for number in range(20)
    ]


def planted(share: float, *, weeks: int = 8, subject: str = "") -> list[JudgedText[str]]:
    """Three texts a week with a word whose texts are hits with a probability."""
    return [
        JudgedText(
            ticket=f"p{week}-{number}",
            week=week,
            subject=subject or f"p{week}-{number}",
            hits={"planted": CHANCE.random() < share},
        )
        for week in range(weeks)
        for number in range(3)
    ]


def test_of_logs_in_which_nothing_is_so_few_show_anything() -> None:
    for share in (0.1, 0.3, 0.5):
        assert sum(bool(list(proved(noise(share)))) for _ in range(60)) / 60 <= 0.05


def test_what_is_mostly_a_hit_is_found_within_eight_weeks() -> None:
    shown = [{one.feature for one, _ in proved([*noise(0.1), *planted(0.9)])} for _ in range(30)]
    assert sum("planted" in one for one in shown) / 30 >= 0.9


def found(texts: list[JudgedText[str]]) -> dict[str, tuple[list[str], int, int]]:
    """By feature its tickets, its texts and those that were held against it."""
    shown = proved([*noise(0.1), *texts])
    return {one.feature: (one.tickets, count, one.bet.cases) for one, count in shown}


def test_a_customer_counts_once_and_who_is_not_known_never() -> None:
    texts = planted(1.0)
    assert "planted" in found(texts)
    assert "planted" not in found(planted(1.0, subject="always-me"))
    unknown = [JudgedText(ticket=text.ticket, week=text.week, subject="", hits=text.hits) for text in texts]
    assert "planted" not in found(unknown)


def test_what_is_found_names_its_tickets_and_counts_its_texts() -> None:
    tickets, count, held_against = found(planted(1.0))["planted"]
    assert len(tickets) == count == 24
    assert len(tickets) >= SUBJECTS
    # The texts that made it suspected speak for nothing.
    assert held_against == 21


def test_texts_are_of_the_weeks_from_the_first_to_the_last() -> None:
    assert weeks_of(planted(1.0)) == 8
    assert weeks_of([]) == 1
