from decimal import Decimal

import numpy as np
import pytest

from handrail.policy.runtime.log_row import LogRow, read_row
from handrail.records import Money
from handrail.review.evidence.bets import ShareBet, chance_of_rise, level_of
from handrail.review.evidence.log_review import LogReview, LogSettings, limits_of
from handrail.review.log.conditions import FactCondition, FactTest, plain_size
from handrail.review.log.review_log import NO_VERDICT, RIGHT, WRONG, ReviewLog, joined, review_log
from handrail.testing.plants import MISSING, NEEDLESS, PLANTED_RULE
from handrail.testing.quarter import QuarterSettings, quarter
from handrail.testing.simulated_people import staff


def rows_of(records: object) -> list[LogRow]:
    return [row for row in map(read_row, records) if row is not None]  # type: ignore[call-overload]


def decided(exchange: str, at: str = "2026-09-01T10:00:00+00:00", **more: object) -> LogRow:
    return LogRow(outcome="passed", exchange=exchange, at=at, effect="pass", **more)  # type: ignore[arg-type]


def test_a_log_says_of_each_decision_what_people_said_who_and_how_fast() -> None:
    held = LogRow(
        outcome="handed_off", exchange="a", ticket="a", at="2026-09-01T10:00:00+00:00", effect="hand_off",
        reasons=({"rule": "big", "effect": "hand_off", "trigger": "high_stakes"},),
        facts={"amount": {"kind": "money", "value": "7", "currency": "USD"}},
    )  # fmt: skip
    taken = LogRow(outcome="taken", ticket="a", at="2026-09-01T10:05:00+00:00", reviewer="p")
    said = LogRow(
        outcome="resolved", ticket="a", at="2026-09-01T10:05:30+00:00", reviewer="p", verdict="edit"
    )
    log = review_log([decided("b"), held, taken, said])
    assert log.exchange == ("a", "b")
    assert log.verdict.tolist() == [WRONG, NO_VERDICT]
    assert log.reviewer == ("p", "")
    assert log.seconds[0] == 30
    assert log.rules == (("big",), ())
    assert log.facts[0] == {"amount": Money(amount=Decimal(7), currency="USD")}


def test_a_verdict_faster_than_anybody_reads_is_no_verdict() -> None:
    def said(key: str, second: int) -> list[LogRow]:
        return [
            LogRow(outcome="taken", exchange=key, at="2026-09-01T11:00:00+00:00", reviewer="p"),
            LogRow(
                outcome="sampled",
                exchange=key,
                at=f"2026-09-01T11:00:{second:02}+00:00",
                reviewer="p",
                verdict="right",
            ),
        ]

    log = review_log([decided("a"), decided("b"), *said("a", 2), *said("b", 40)])
    assert log.verdict.tolist() == [RIGHT, RIGHT]
    assert log.is_read.tolist() == [False, True]


def test_a_week_read_alone_is_that_week_of_the_whole_log() -> None:
    weeks = [
        rows_of(week.records) for week in quarter("support", QuarterSettings(weeks=3, weekly=80)).weeks()
    ]
    apart = joined([review_log(week) for week in weeks])
    whole = review_log([row for week in weeks for row in week])
    assert apart.exchange == whole.exchange
    for name in ReviewLog.__slots__:
        one, other = getattr(apart, name), getattr(whole, name)
        if isinstance(one, np.ndarray):
            np.testing.assert_array_equal(one, other)
        else:
            assert one == other


@pytest.mark.parametrize(
    ("test", "words", "right", "wrong"),
    [
        (FactTest(fact="a", operator="yes"), "a", True, False),
        (FactTest(fact="a", operator="no"), "not a", False, True),
        (FactTest(fact="a", operator="has", values=("x",)), 'a has "x"', frozenset({"x"}), frozenset({"y"})),
        (FactTest(fact="a", operator="in", values=("x", "y")), 'a in ["x", "y"]', "y", "z"),
        (FactTest(fact="a", operator="<=", size=50.0, unit="USD"), "a <= 50 USD",
         Money(amount=Decimal(50), currency="USD"), Money(amount=Decimal(50), currency="EUR")),
        (FactTest(fact="a", operator=">", size=0.5), "a > 0.5", Decimal("0.51"), Decimal("0.5")),
    ],
)  # fmt: skip
def test_a_condition_reads_as_a_policy_does(test: FactTest, words: str, right: object, wrong: object) -> None:
    condition = FactCondition(tests=(test,))
    assert str(condition) == words
    assert condition.holds({"a": right})  # type: ignore[dict-item]
    assert not condition.holds({"a": wrong})  # type: ignore[dict-item]
    assert not condition.holds({})


@pytest.mark.parametrize(("size", "plain"), [(261.4, 260), (99.0, 99), (1234, 1200), (0.739, 0.73), (0, 0)])
def test_a_limit_is_one_that_a_person_would_write(size: float, plain: float) -> None:
    assert plain_size(size) == pytest.approx(plain)


def test_a_bet_against_what_is_so_is_seldom_won_however_often_it_is_looked_at() -> None:
    rng = np.random.default_rng(0)
    won = 0
    for _ in range(400):
        bet = ShareBet(bound=0.2, is_below=True)
        for hit in rng.random(200) < 0.2:
            bet.take(int(hit), 1)
            if bet.log_wealth >= np.log(1 / 0.05):
                won += 1
                break
    assert won / 400 <= 0.05


def test_levels_of_all_places_together_spend_no_more_than_the_level() -> None:
    assert sum(level_of(place, 0.05) for place in range(1, 10_000)) <= 0.05


def test_a_rise_in_any_stratum_is_seen_and_a_fall_is_not() -> None:
    cases = np.full((2, 8), 40)
    calm, rise = np.full((2, 8), 4), np.full((2, 8), 4)
    rise[1, 4:] = 14
    assert chance_of_rise(calm, cases)[0] > 0.2
    assert chance_of_rise(rise, cases)[0] < 1e-4
    assert chance_of_rise(rise, cases)[1] == 4
    assert chance_of_rise(rise[:, ::-1], cases)[0] > 0.2


def reviewed(seed: int, plants: tuple[str, ...], **settings: object) -> LogReview:
    played = quarter("support", QuarterSettings(seed=seed, **settings), plants=plants)  # type: ignore[arg-type]
    review = LogReview(LogSettings(reads=limits_of(played.policy)))
    while len(review.weeks) < played.settings.weeks:
        review.take(review_log(rows_of(played.play(audit_rate=0.2).records)))
    return review


@pytest.fixture(scope="module")
def faulty() -> LogReview:
    """A quarter under a policy with two faults, with two people who only click."""
    return reviewed(2, (NEEDLESS, MISSING), people=staff(honest=6, stampers=2))


def test_what_is_planted_is_found_and_nothing_else(faulty: LogReview) -> None:
    kinds = {(found.kind, found.rule) for found in faulty.rules.found}
    assert kinds == {(NEEDLESS, PLANTED_RULE), ("missing", "")}
    missing = next(found for found in faulty.rules.found if found.kind == "missing")
    assert "delete_account" in str(missing.condition)
    assert missing.tickets == []
    needless = next(found for found in faulty.rules.found if found.kind == NEEDLESS)
    assert len(needless.tickets) == needless.bet.cases
    assert faulty.drift.found is None


def test_who_only_clicks_is_named_and_a_quick_expert_is_not(faulty: LogReview) -> None:
    assert faulty.readers.found == {"person-8", "person-9"}


def test_in_a_quarter_without_a_fault_nothing_is_found() -> None:
    review = reviewed(3, (), weeks=7)
    assert review.rules.found == ()
    assert review.readers.found == frozenset()
    assert review.drift.found is None
    assert review.weeks[-1].threshold < 0.95


def test_drift_takes_back_the_threshold() -> None:
    review = reviewed(5, (), drift_week=5, drift=8.0)
    assert review.drift.found is not None
    place = next(i for i, week in enumerate(review.weeks) if week.has_drifted)
    assert review.weeks[place - 1].threshold < review.weeks[place].threshold


def scored(wrong_below: float, *, others: float = 0.0, count: int = 400) -> LogReview:
    """A week of passed answers that were all read: wrong below a confidence, and elsewhere by a share."""
    rng = np.random.default_rng(7)
    score = np.round(1.0 - rng.beta(1.0, 3.0, count), 3)
    wrong = rng.random(count) < np.where(score < wrong_below, 0.8, others)
    review = LogReview(LogSettings(scores=frozenset({"confidence"})))
    review.take(
        ReviewLog(
            exchange=tuple(map(str, range(count))),
            ticket=("",) * count,
            at=np.arange(count, dtype=np.float64),
            week=np.zeros(count, dtype=np.int64),
            facts=tuple({"confidence": Decimal(str(each))} for each in score),
            rules=((),) * count,
            triggers=((),) * count,
            is_held=np.zeros(count, dtype=np.bool_),
            is_passed=np.ones(count, dtype=np.bool_),
            is_blocked=np.zeros(count, dtype=np.bool_),
            score=score,
            is_scored=np.ones(count, dtype=np.bool_),
            probability=np.ones(count),
            is_drawn=np.ones(count, dtype=np.bool_),
            verdict=np.where(wrong, WRONG, RIGHT),
            reviewer=("p",) * count,
            seconds=np.full(count, 60.0),
            second=np.full(count, NO_VERDICT),
            policy=("p",) * count,
            maker=("m",) * count,
        )
    )
    return review


def test_a_limit_is_worth_raising_where_what_was_read_above_it_is_wrong_too_often() -> None:
    worth = scored(0.6).worth_above(0.3)
    assert worth is not None
    assert 0.45 < worth.cautious < 0.8


def test_a_limit_above_which_answers_are_right_is_left_whatever_the_curve_says() -> None:
    review = scored(0.4, others=0.22)
    worth = review.worth()
    assert worth is not None
    assert worth.cautious > 0.6
    assert review.worth_above(0.42) is None
