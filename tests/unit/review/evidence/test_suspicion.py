import numpy as np

from handrail.records import FactValue
from handrail.review.evidence.bets import ShareBet
from handrail.review.evidence.candidate import MISSING, Candidate
from handrail.review.evidence.suspicion import weigh
from handrail.review.log.conditions import FactCondition, FactTest
from handrail.review.log.review_log import RIGHT, WRONG, ReviewLog

EVEN = 0.25


def passed(rng: np.random.Generator, count: int, *, tool: float, monday: float = 0.02) -> ReviewLog:
    """Answers of two tools over two days, of which `tool` of the first one's are wrong."""
    facts: list[dict[str, FactValue]] = []
    wrong = []
    for _ in range(count):
        name, day = str(rng.choice(["close", "look_up"])), str(rng.choice(["monday", "friday"]))
        facts.append({"tool": name, "day": day})
        wrong.append(rng.random() < (tool if name == "close" else monday if day == "monday" else 0.02))
    return ReviewLog(
        exchange=tuple(map(str, range(count))),
        facts=tuple(facts),
        verdict=np.where(wrong, WRONG, RIGHT),
    )


def candidate(fact: str, value: str, *, found: int | None = None) -> Candidate:
    condition = FactCondition(tests=(FactTest(fact=fact, operator="in", values=(value,)),))
    bet = ShareBet(bound=EVEN, is_below=False)
    return Candidate(kind=MISSING, rule="", condition=condition, born=0, place=1, bet=bet, found=found)


def test_what_one_condition_explains_counts_for_no_other() -> None:
    log = passed(np.random.default_rng(0), 160, tool=0.9)
    tool, day = candidate("tool", "close"), candidate("day", "monday")
    weigh([day, tool], log, EVEN)
    assert tool.is_suspected(EVEN)
    assert not day.is_suspected(EVEN)
    assert day.seen[0] <= 3


def test_the_order_in_which_conditions_stand_says_nothing() -> None:
    log = passed(np.random.default_rng(1), 160, tool=0.9)
    one = [candidate("tool", "close"), candidate("day", "monday"), candidate("day", "friday")]
    other = [candidate("tool", "close"), candidate("day", "monday"), candidate("day", "friday")]
    weigh(one, log, EVEN)
    weigh(other[::-1], log, EVEN)
    assert [(each.seen, each.chance) for each in one] == [(each.seen, each.chance) for each in other]


def test_two_conditions_that_are_both_so_are_both_suspected() -> None:
    log = passed(np.random.default_rng(2), 240, tool=0.9, monday=0.8)
    tool, day = candidate("tool", "close"), candidate("day", "monday")
    weigh([tool, day], log, EVEN)
    assert tool.is_suspected(EVEN)
    assert day.is_suspected(EVEN)


def test_what_is_proved_already_explains_and_is_left_as_it_is() -> None:
    log = passed(np.random.default_rng(3), 160, tool=0.9)
    proved, day = candidate("tool", "close", found=2), candidate("day", "monday")
    weigh([day, proved], log, EVEN)
    assert (proved.seen, proved.chance) == ((0, 0), 1.0)
    assert not day.is_suspected(EVEN)


def test_where_nothing_is_so_hardly_anything_is_suspected() -> None:
    suspected = 0
    for seed in range(100):
        log = passed(np.random.default_rng(seed), 120, tool=0.02)
        found = [candidate("tool", "close"), candidate("day", "monday")]
        weigh(found, log, EVEN)
        suspected += any(each.is_suspected(EVEN) for each in found)
    assert suspected <= 10
