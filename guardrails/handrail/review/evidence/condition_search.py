"""The conditions of a log under which a rule stops most that nobody changes, and what passes is wrong most.

Each condition is none, one or two tests: what a person would write in a policy. A second test is added to one
that is good by itself, where it gains clearly more. What is found here was chosen by looking, and proves
nothing; see `rule_search`.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from handrail.confidence.calibration.fit.arrays import Floats
from handrail.records import FactValue
from handrail.review.log.conditions import (
    EVERYTHING,
    FactCondition,
    FactTest,
    best_size,
    sized,
    sized_facts,
    value_tests,
)
from handrail.review.log.review_log import WRONG, ReviewLog

FEWEST_CASES, FEWEST_WRONG = 10, 3
EXTENDED = 3
"""Conditions to which a second test is tried."""
MILD = 0.7
"""Share of the bound that what people change may not exceed, or it is not worth a proof."""
CHANCE = 0.2
"""What a narrower condition gains by chance alone, for each square root of the cases."""
JOINS = 1.0
"""Gain from which on a value joins others in one condition; less is chance."""


def needless_condition(
    about: ReviewLog, bound: float, limits: frozenset[str]
) -> tuple[float, FactCondition] | None:
    """Return the condition under which a rule stops most that nobody changes, with its gain."""
    if len(about) < FEWEST_CASES:
        return None
    wrong = about.verdict == WRONG
    gains = bound - wrong.astype(np.float64)
    options = [(float(gains.sum()), EVERYTHING)]
    options += [
        (gain, FactCondition(tests=(test,)))
        for test, gain in _sizes(about, gains, is_up_to=True)
        if test.fact in limits
    ]
    options += _values(about.facts, gains)

    # A condition is only worth its words if it leaves out more wrong cases than chance would.
    def worth(each: tuple[float, FactCondition]) -> float:
        return each[0] - CHANCE * len(each[1].tests) * float(np.sqrt(len(about)))

    best = sorted(options, key=worth, reverse=True)[:EXTENDED]
    options += [pair for each in best for pair in _pairs(about, gains, each)]
    simple = max(options, key=worth)
    inside = simple[1].places(about)
    if inside.sum() < FEWEST_CASES or (wrong[inside].sum() + 0.5) / (inside.sum() + 1) > MILD * bound:
        return None
    return simple


def searched(log: ReviewLog) -> tuple[int, int]:
    """Return how many values a search looks at, and how many sizes it tries as a limit."""
    sizes = {
        (name, found)
        for facts in log.facts
        for name, value in facts.items()
        if (found := sized(value)) is not None
    }
    return max(1, sum(1 for _ in value_tests(log.facts))), max(1, len(sizes))


def missing_conditions(
    passed: ReviewLog, bound: float, scores: frozenset[str], *, fewest: int = FEWEST_WRONG
) -> list[tuple[float, FactCondition]]:
    """Return the conditions under which passed answers are wrong too often, with their gains."""
    wrong = passed.verdict == WRONG
    if wrong.sum() < fewest:
        return []
    gains = wrong.astype(np.float64) - bound
    options = _values(passed.facts, gains)
    sized = [each for each in _sizes(passed, gains, is_up_to=False) if each[0].fact not in scores]
    sized += [each for each in _sizes(passed, gains, is_up_to=True) if each[0].fact in scores]
    options += [(gain, FactCondition(tests=(test,))) for test, gain in sized]
    best = sorted(options, key=lambda each: -each[0])[:EXTENDED]
    options += [pair for each in best for pair in _pairs(passed, gains, each)]
    found = []
    for gain, condition in options:
        inside = condition.places(passed)
        if gain > 0 and wrong[inside].sum() >= fewest:
            found.append((gain, condition))
    return sorted(found, key=lambda each: -each[0])


def _pairs(
    log: ReviewLog, gains: Floats, first: tuple[float, FactCondition]
) -> Iterator[tuple[float, FactCondition]]:
    """Yield a condition with a second test, where the two gain more by `JOINS` than the first alone."""
    gain, condition = first
    if len(condition.tests) != 1:
        return
    inside = condition.places(log)
    facts = [log.facts[place] for place in np.flatnonzero(inside)]
    for more, second in _values(facts, gains[inside]):
        test = second.tests[0]
        if more > gain + JOINS and test.fact != condition.tests[0].fact:
            yield more, FactCondition(tests=(*condition.tests, test))


def _sizes(log: ReviewLog, gains: Floats, *, is_up_to: bool) -> Iterator[tuple[FactTest, float]]:
    for name in sized_facts(log.facts):
        best = best_size(log.facts, gains, name, is_up_to=is_up_to)
        if best is not None:
            yield best


def _values(facts: Sequence[Mapping[str, FactValue]], gains: Floats) -> list[tuple[float, FactCondition]]:
    """Return every test of a value with its gain, and of each text fact those values that gain together."""
    found: list[tuple[float, FactCondition]] = []
    together: dict[str, list[tuple[str, float]]] = {}
    for test in value_tests(facts):
        gain = float(gains[[test.holds(row.get(test.fact)) for row in facts]].sum())
        found.append((gain, FactCondition(tests=(test,))))
        if test.operator == "in" and gain > JOINS:
            together.setdefault(test.fact, []).append((test.values[0], gain))
    for name, values in together.items():
        if len(values) > 1:
            test = FactTest(fact=name, operator="in", values=tuple(sorted(value for value, _ in values)))
            found.append((sum(gain for _, gain in values), FactCondition(tests=(test,))))
    return found
