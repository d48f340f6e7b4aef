"""Witnesses: one concrete case from a box, made of values that a reader understands at once."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, time, timedelta
from decimal import Decimal

from handrail.policy.analyse.boxes import (
    DAY,
    OTHER,
    Absent,
    Box,
    Interval,
    Items,
    OneOf,
    Space,
    ValueSet,
)
from handrail.policy.language.facts import OTHER_TEXT, FactDeclaration, Kind
from handrail.records import FactValue, Money

STEPS: Mapping[Kind, tuple[Decimal, ...]] = {
    Kind.DURATION: (DAY, Decimal(3600), Decimal(60), Decimal(1)),
    Kind.TIME: (Decimal(3600), Decimal(60), Decimal(1)),
    Kind.MONEY: (Decimal(1), Decimal("0.01")),
    Kind.DATE: (Decimal(1),),
    Kind.PERCENT: (Decimal(1), Decimal("0.1"), Decimal("0.01")),
    Kind.NUMBER: (Decimal(1), Decimal("0.1"), Decimal("0.01")),
    Kind.WHOLE: (Decimal(1),),
}
"""By how much a value steps away from an open bound: the coarsest step that stays inside is taken."""


def case_in(box: Box, space: Space) -> dict[str, FactValue]:
    """Return one case of a box: a value for every fact it knows; missing facts are left out. Pure."""
    found = {}
    for name, extent in sorted(box.items()):
        if not isinstance(extent, Absent):
            found[name] = value_in(extent, space.facts[name])
    return found


def value_in(extent: ValueSet, fact: FactDeclaration) -> FactValue:
    """Return a readable value of an extent that is not `Absent`; pure."""
    match extent:
        case OneOf(values=values):
            value = min(values, key=lambda value: (value == OTHER, _rank(value, fact)))
            return OTHER_TEXT if value == OTHER else value
        case Items(inside=inside):
            return inside
        case Interval():
            size = _size_in(extent, STEPS[fact.type])
            currency = next((code for code in fact.currencies if code in extent.currencies), "")
            return typed(size, fact, currency)
        case Absent():
            raise ValueError("a missing fact has no value")


def typed(size: Decimal, fact: FactDeclaration, currency: str = "") -> FactValue:
    """Return a size as a value of the fact's type; pure."""
    match fact.type:
        case Kind.MONEY:
            return Money(amount=size, currency=currency)
        case Kind.DURATION:
            return timedelta(seconds=float(size))
        case Kind.DATE:
            return date.fromordinal(int(size))
        case Kind.TIME:
            whole = int(size)
            return time(whole // 3600, whole % 3600 // 60, whole % 60, int((size - whole) * 1_000_000))
        case _:
            return size


def _rank(value: str | bool, fact: FactDeclaration) -> int | str:
    if isinstance(value, bool):
        return int(value)
    return fact.values.index(value) if value in fact.values else value


def _size_in(span: Interval, steps: tuple[Decimal, ...]) -> Decimal:
    low, high = span.low, span.high
    if low is None and high is None:
        return Decimal(0)
    if low is not None and not span.is_low_open:
        return low
    if low is not None:
        for step in steps:
            up = (low // step + 1) * step
            if high is None or up < high or (up == high and not span.is_high_open):
                return up
    assert high is not None or low is not None
    if high is not None and not span.is_high_open:
        return high
    if high is not None and low is None:
        return Decimal(0) if high > 0 else (high // steps[0] - 1) * steps[0]
    assert low is not None
    assert high is not None
    return (low + high) / 2


def simplified(
    case: Mapping[str, FactValue],
    candidates: Mapping[str, list[FactValue]],
    still_holds: Callable[[Mapping[str, FactValue]], bool],
) -> dict[str, FactValue]:
    """Return the case with readable values wherever it still holds; facts that do not matter are dropped.

    Args:
        case: a case that holds.
        candidates: values to try, by fact, the nicest first.
        still_holds: replays a case.
    """
    best = dict(case)
    for name in sorted(case):
        without = {other: value for other, value in best.items() if other != name}
        if still_holds(without):
            best = without
            continue
        for value in candidates.get(name, ()):
            if value == best[name]:
                break
            attempt = {**best, name: value}
            if still_holds(attempt):
                best = attempt
                break
    return best


def candidate_values(space: Space, sizes: Mapping[str, frozenset[Decimal]]) -> dict[str, list[FactValue]]:
    """Return readable values of sized facts: zero, one step, the rules' bounds and their neighbours. Pure."""
    found: dict[str, list[FactValue]] = {}
    for name, fact in space.facts.items():
        if fact.type not in STEPS:
            continue
        candidates = dict.fromkeys(_candidates(fact, sizes.get(name, frozenset())))
        currencies = fact.currencies or ("",)
        values = (typed(size, fact, code) for size in candidates for code in currencies)
        found[name] = [value for value in values if fact.accepts(value)]
    return found


def _candidates(fact: FactDeclaration, bounds: frozenset[Decimal]) -> Iterator[Decimal]:
    step = STEPS[fact.type][0]
    highest = {Kind.TIME: DAY - 1, Kind.DATE: Decimal(date.max.toordinal())}.get(fact.type)
    lowest = 1 if fact.type is Kind.DATE else 0
    near = [bound + by * step for bound in sorted(bounds) for by in (0, 1, -1)]
    for size in (Decimal(0), step, 10 * step, *near):
        if highest is None or lowest <= size <= highest:
            yield size
