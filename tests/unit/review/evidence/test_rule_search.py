from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from handrail.records import FactValue
from handrail.review.evidence.candidate import MISSING, NEEDLESS, TRIAL
from handrail.review.evidence.rule_search import BLIND, RuleSearch
from handrail.review.log.review_log import NO_VERDICT, RIGHT, WRONG, ReviewLog

HELD = "read-all"


def held(verdicts: list[int], *, rule: str = HELD, week: int = 0, trigger: str = "high_stakes") -> ReviewLog:
    """Tickets of one rule that stopped them alone, with what people said of them."""
    count = len(verdicts)
    return ReviewLog(
        exchange=tuple(f"{rule}-{week}-{place}" for place in range(count)),
        ticket=tuple(f"{rule}-{week}-{place}" for place in range(count)),
        week=np.full(count, week),
        facts=tuple({"tool": "look_up"} for _ in range(count)),
        rules=((rule,),) * count,
        triggers=((trigger,),) * count,
        is_held=np.ones(count, dtype=np.bool_),
        is_passed=np.zeros(count, dtype=np.bool_),
        is_blocked=np.zeros(count, dtype=np.bool_),
        is_scored=np.ones(count, dtype=np.bool_),
        probability=np.ones(count),
        verdict=np.array(verdicts),
        reviewer=("p",) * count,
        seconds=np.full(count, 60.0),
    )


def let_out(scores: list[float]) -> ReviewLog:
    """Passed answers with a confidence, none of them read."""
    count = len(scores)
    facts: list[dict[str, FactValue]] = [{"confidence": Decimal(str(score))} for score in scores]
    return ReviewLog(
        exchange=tuple(map(str, range(count))),
        ticket=("",) * count,
        week=np.zeros(count, dtype=np.int64),
        facts=tuple(facts),
        rules=((),) * count,
        triggers=((),) * count,
        is_held=np.zeros(count, dtype=np.bool_),
        is_passed=np.ones(count, dtype=np.bool_),
        is_blocked=np.zeros(count, dtype=np.bool_),
        is_scored=np.ones(count, dtype=np.bool_),
        probability=np.full(count, 0.3),
        verdict=np.full(count, NO_VERDICT),
        reviewer=("",) * count,
        seconds=np.full(count, np.nan),
    )


def test_a_rule_is_tried_as_a_whole_from_its_first_week_and_every_verdict_counts() -> None:
    search = RuleSearch()
    search.take(held([RIGHT] * 30))
    assert [each.rule for each in search.likely] == [HELD]
    assert search.candidates[0].bet.cases == 30


def test_the_rule_that_stops_most_is_the_first_to_be_tried() -> None:
    search = RuleSearch()
    rare, often = held([RIGHT] * 3, rule="rare"), held([RIGHT] * 9, rule="often")
    search.take(ReviewLog(**{name: _both(name, rare, often) for name in ReviewLog.__slots__}))
    assert [(each.rule, each.place) for each in search.candidates] == [("often", 1), ("rare", 2)]


def _both(name: str, one: ReviewLog, other: ReviewLog) -> object:
    first, second = getattr(one, name), getattr(other, name)
    return np.concatenate([first, second]) if isinstance(first, np.ndarray) else first + second


def test_a_rule_whose_cases_people_change_is_dropped() -> None:
    search = RuleSearch()
    search.take(held([WRONG] * 12))
    assert search.likely == ()
    assert not any(each.is_tried for each in search.candidates)


@pytest.mark.parametrize("trigger", ["sensitive_data", "complaint", "asks_for_human", "never_ai"])
def test_what_protects_people_is_never_tried(trigger: str) -> None:
    search = RuleSearch()
    search.take(held([RIGHT] * 40, trigger=trigger))
    assert search.candidates == []


def test_rules_that_are_needed_are_hardly_ever_likely_needless() -> None:
    rng = np.random.default_rng(4)
    likely = 0
    for _ in range(200):
        search = RuleSearch()
        for week in range(6):
            search.take(held(np.where(rng.random(10) < (1 - BLIND) / 4, WRONG, RIGHT).tolist(), week=week))
            if any(each.rule == HELD and not each.condition.tests for each in search.likely):
                likely += 1
                break
    assert likely / 200 <= 0.1


def test_a_trial_goes_on_unless_verdicts_speak_against_it() -> None:
    on_trial = f"{TRIAL}1a2b3c"
    borne_out, unclear, against = RuleSearch(), RuleSearch(), RuleSearch()
    borne_out.take(held([WRONG] * 6 + [RIGHT] * 6, rule=on_trial))
    unclear.take(held([WRONG] * 2 + [RIGHT] * 9, rule=on_trial))
    against.take(held([RIGHT] * 14, rule=on_trial))
    assert (borne_out.failed_trials, unclear.failed_trials) == ((), ())
    assert against.failed_trials == (on_trial,)


def test_the_least_sure_of_what_is_passed_is_read_first() -> None:
    search = RuleSearch(scores=frozenset({"confidence"}))
    search.take(let_out([place / 100 for place in range(1, 101)]))
    assert search.is_wanted((), {"confidence": Decimal("0.05")})
    assert not search.is_wanted((), {"confidence": Decimal("0.5")})
    assert not search.is_wanted((), {})
    assert any("confidence" in words for words in search.reading)


def test_what_nearly_everything_is_says_nothing_of_what_to_read_first() -> None:
    log = let_out([0.9] * 100)
    common: list[dict[str, FactValue]] = [
        {"fault": "none", "kind": "a" if i % 4 else "b"} for i in range(100)
    ]
    search = RuleSearch()
    search.take(replace(log, facts=tuple(common)))
    assert search.reading == ('passed answers where kind == "b"', 'passed answers where kind == "a"')


def test_without_a_fact_of_confidence_nothing_is_asked_about_it() -> None:
    search = RuleSearch()
    search.take(let_out([place / 100 for place in range(1, 101)]))
    assert not search.is_wanted((), {"confidence": Decimal("0.01")})


def test_what_a_missing_rule_explains_says_nothing_of_confidence() -> None:
    search = RuleSearch(scores=frozenset({"confidence"}))
    log = _wrong_tool()
    search.take(log)
    assert any(each.kind == MISSING for each in search.likely)
    suspected = search.is_suspected(log)
    assert suspected.tolist() == [facts["tool"] == "close" for facts in log.facts]
    assert not any(each.kind == NEEDLESS for each in search.candidates)


def _wrong_tool() -> ReviewLog:
    """Passed answers of two tools, one of them wrong most of the time whatever its confidence."""
    passed = let_out([0.9] * 60)
    facts = tuple(
        {**one, "tool": "close" if place % 4 == 0 else "look_up"} for place, one in enumerate(passed.facts)
    )
    verdict = np.array([WRONG if place % 4 == 0 and place % 5 else RIGHT for place in range(60)])
    read = {name: getattr(passed, name) for name in ReviewLog.__slots__}
    return ReviewLog(
        **{**read, "facts": facts, "verdict": verdict, "seconds": np.full(60, 60.0), "reviewer": ("p",) * 60}
    )
