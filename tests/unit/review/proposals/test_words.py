import random
from datetime import UTC, datetime, timedelta

import pytest

from handrail.guard.opening import listening_of
from handrail.policy import loads
from handrail.policy.runtime.log_row import LogRow
from handrail.records import Trigger
from handrail.review.changes.policy_in_force import PolicyInForce
from handrail.review.changes.proposal import Proposal
from handrail.review.log.cases import ReviewCase, TicketEnding
from handrail.review.log.review_log import review_log
from handrail.review.proposals.words import phrases, proposed_words, said
from handrail.signals.read import hear

START = datetime(2026, 9, 7, 10, tzinfo=UTC)
TEXT = """\
policy: shop
version: "1"
if_unsure: queue_manager
roles:
  queue_manager: {}
  supervisor: {}
facts:
  signal.complaint: {type: yes/no}
  confidence: {type: number}
hand_offs:
  - id: complaint
    when: signal.complaint
    to: supervisor
    trigger: complaint
    because: A lead answers complaints.
  - id: low
    when: confidence < 0.5
    to: queue_manager
    trigger: low_confidence
    because: Somebody looks.
"""
WORDS = """
the order my parcel came late again and i want to know where it is now please help me with this bill
because nobody told me when you send another one to our new house is it still open today or not
"""
COMMON = WORDS.split()
CHANCE = random.Random(20261129)


def sentence(*words: str, size: int = 9) -> str:
    found = [*CHANCE.choices(COMMON, k=size), *words]
    CHANCE.shuffle(found)
    return " ".join(found)


class Weeks:
    """Tickets of some weeks, of which people pass some on to the supervisor."""

    def __init__(self) -> None:
        self.rows: list[LogRow] = []
        self.cases: list[ReviewCase] = []

    def add(self, text: str, *, week: int, is_passed_on: bool, customer: str = "", code: str = "") -> None:
        number = len(self.cases)
        ticket, at = f"t{number}", START + timedelta(weeks=week, minutes=number)
        role = "supervisor" if is_passed_on else "queue_manager"
        self.rows += [
            LogRow(
                outcome="handed_off",
                exchange=ticket,
                ticket=ticket,
                at=at.isoformat(),
                effect="hand_off",
                role="queue_manager",
                customer=customer or f"c{number}",
                reasons=({"rule": "low", "effect": "hand_off", "trigger": "low_confidence"},),
            ),
            LogRow(
                outcome="resolved",
                ticket=ticket,
                at=(at + timedelta(minutes=9)).isoformat(),
                verdict="answer",
                reviewer="ann",
                role=role,
            ),
        ]
        self.cases.append(
            ReviewCase(
                id=ticket,
                created_at=at,
                role=role,
                trigger=Trigger.LOW_CONFIDENCE,
                ending=TicketEnding.ANSWERED,
                rules=("low",),
                reason=code,
                lines=(("user", "Hello"), ("assistant", "What is it?"), ("user", text)),
            )
        )

    def found(self, text: str = TEXT) -> list[Proposal]:
        now = PolicyInForce(policy=loads(text), text=text, file="shop.yaml")
        return list(proposed_words(review_log(self.rows), self.cases, now))


def season(word: str, *, customers: bool = True, code: str = "", card: str = "") -> Weeks:
    weeks = Weeks()
    for week in range(8):
        for number in range(3):
            customer = "" if customers else "always-me"
            text = f"{sentence(word)}. {card}"
            weeks.add(text, week=week, is_passed_on=not code, customer=customer, code=code)
            weeks.add(sentence(), week=week, is_passed_on=number == 0, code="")
        for _ in range(6):
            weeks.add(sentence(), week=week, is_passed_on=False)
    return weeks


@pytest.mark.parametrize(
    "word", ["schlamperei", "жалоба", "ärger", "unter aller kanone", "投诉你们", "शिकायत"]
)
def test_a_word_that_people_hear_is_proposed_and_the_policy_then_hears_it(word: str) -> None:
    (one,) = season(word).found()
    assert one.is_ready, one.problems
    assert f"“{word}”" in one.title
    assert "24 of 24" in one.why
    assert len(one.tickets) == 24
    policy = loads(one.text)
    assert policy.signals["complaint"]["words"] == policy.signals["complaint"]["match"] == (word,)
    assert "complaint" in {heard.name for heard in hear(sentence(word), listening=listening_of(policy))}


def test_a_reason_code_of_the_signals_name_says_so_too() -> None:
    (one,) = season("schlamperei", code="complaint").found()
    assert "schlamperei" in one.title


BACKED = TEXT.replace("queue_manager: {}", "queue_manager: {answer_within: 2 hours, backup: supervisor}")


def test_a_word_is_heard_where_people_give_the_ticket_to_the_backup_too() -> None:
    (one,) = season("schlamperei").found(BACKED)
    assert "schlamperei" in one.title


def test_what_went_on_because_time_ran_out_says_nothing_of_a_word() -> None:
    weeks = season("schlamperei")
    weeks.rows += [
        LogRow(outcome="escalated", ticket=row.ticket, at=row.at, role="supervisor")
        for row in weeks.rows
        if row.outcome == "resolved" and row.role == "supervisor"
    ]
    assert weeks.found(BACKED) == []


def test_of_signals_that_share_a_role_the_first_is_proposed_and_a_code_names_another() -> None:
    also = TEXT.replace(
        "  - id: low\n",
        "  - id: health\n    when: input.findings has health\n    to: supervisor\n"
        "    because: So.\n  - id: low\n",
    ).replace("  confidence:", "  input.findings: {type: set, values: [health]}\n  confidence:")
    for weeks, name in ((season("schlamperei"), "complaint"), (season("grippe", code="health"), "health")):
        assert [one.title.split()[1] for one in weeks.found(also)] == [name]


def test_a_word_that_the_policy_has_is_not_proposed_again() -> None:
    weeks = season("schlamperei")
    (one,) = weeks.found()
    assert weeks.found(one.text) == []


def test_what_one_customer_writes_is_nobodys_to_see() -> None:
    assert season("schlamperei", customers=False).found() == []


@pytest.mark.parametrize("word", ["[EMAIL]", "4711-22", "jane@example.com", "<EMAIL_1>", "order_4711"])
def test_nothing_that_is_masked_a_number_or_an_address_is_proposed(word: str) -> None:
    assert season(word).found() == []


def test_a_name_that_the_scanner_knows_is_not_proposed() -> None:
    assert not [one for one in season("mary").found() if "mary" in one.title.lower()]


@pytest.mark.parametrize(
    "word",
    ["schmidt", "krügerová", "kellermann", "frau schmidt", "müller-obermeier", "rosenbaum", "sjöström"],
)
def test_a_surname_that_stands_alone_is_not_proposed_either(word: str) -> None:
    found = [phrase for one in season(word).found() for phrase in one.title.split()]
    assert not [phrase for phrase in found if word.split()[-1] in phrase]


def test_how_many_tickets_have_no_text_is_said() -> None:
    weeks = season("schlamperei")
    del weeks.cases[-3:]
    (one,) = weeks.found()
    assert "3 more tickets have no text to look at" in one.replay


def test_words_that_say_nothing_are_proposed_in_few_of_many_logs() -> None:
    wrong = 0
    for _ in range(40):
        weeks = Weeks()
        for week in range(8):
            for _ in range(12):
                weeks.add(sentence(), week=week, is_passed_on=CHANCE.random() < 0.25)
        wrong += bool(weeks.found())
    assert wrong / 40 <= 0.05


def test_phrases_go_over_no_mark_number_or_mask() -> None:
    assert phrases("Bad, it's [EMAIL] now 12 days") == {"bad", "it's", "now", "days"}
    assert "我要投" in phrases("我要投诉你们")


def test_what_a_person_said_is_what_came_since_the_answer() -> None:
    lines = (("user", "old"), ("assistant", "yes?"), ("user", "new"), ("tool", "x"), ("user", "newer"))
    case = ReviewCase(
        id="t", created_at=START, role="a", trigger=Trigger.UNSURE, ending=TicketEnding.OPEN, lines=lines
    )
    assert said(case) == "new\nnewer"
