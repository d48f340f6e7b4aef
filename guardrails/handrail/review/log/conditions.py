"""Short conditions over a log's facts, written as a policy writes them, and where in a log they hold."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np

from handrail.confidence.calibration.fit.arrays import Flags
from handrail.policy.language.facts import is_stand_in
from handrail.records import FactValue, Money
from handrail.review.log.review_log import ReviewLog

MOST_VALUES = 40
"""A text fact with more values than this is no code, and is not searched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactTest:
    """One test of a fact: `yes`, `no`, `has` an item, `in` some values, `<=` or `>` a size of some unit."""

    fact: str
    operator: str
    values: tuple[str, ...] = ()
    size: float = 0.0
    unit: str = ""

    def __str__(self) -> str:
        """Write the test in the language of policies."""
        match self.operator:
            case "yes":
                return self.fact
            case "no":
                return f"not {self.fact}"
            case "has":
                return f'{self.fact} has "{self.values[0]}"'
            case "in" if len(self.values) == 1:
                return f'{self.fact} == "{self.values[0]}"'
            case "in":
                return f"{self.fact} in [{', '.join(f'{chr(34)}{v}{chr(34)}' for v in self.values)}]"
            case _:
                return f"{self.fact} {self.operator} {written_size(self.size, self.unit)}"

    def holds(self, value: FactValue | None) -> bool:
        """Tell whether a value passes; a value that is unknown or of another kind does not."""
        match self.operator:
            case "yes" | "no":
                return value is (self.operator == "yes")
            case "has":
                return isinstance(value, frozenset) and self.values[0] in value
            case "in":
                return isinstance(value, str) and value in self.values
            case _:
                found = sized(value)
                if found is None or found[1] != self.unit:
                    return False
                return found[0] <= self.size if self.operator == "<=" else found[0] > self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class FactCondition:
    """All of some tests; none of them is always true. `str` writes it in the language of policies."""

    tests: tuple[FactTest, ...] = ()

    def __str__(self) -> str:
        return " and ".join(str(test) for test in self.tests)

    def holds(self, facts: Mapping[str, FactValue]) -> bool:
        """Tell whether it holds of some facts."""
        return all(test.holds(facts.get(test.fact)) for test in self.tests)

    def places(self, log: ReviewLog) -> Flags:
        """Return where in a log it holds."""
        return np.array([self.holds(facts) for facts in log.facts], dtype=np.bool_)


EVERYTHING = FactCondition()


def sized(value: FactValue | None) -> tuple[float, str] | None:
    """Return a size and its unit (a currency, `s` for durations, empty for numbers), None without one."""
    match value:
        case Money(amount=amount, currency=currency):
            return float(amount), currency
        case bool():
            return None
        case Decimal():
            return float(value), ""
        case timedelta():
            return value.total_seconds(), "s"
        case _:
            return None


def written_size(size: float, unit: str) -> str:
    """Return a size as a policy writes it; pure."""
    if unit == "s":
        return f"{size / 86_400:.10g} days" if size >= 86_400 else f"{size:.10g} seconds"
    return f"{size:.10g} {unit}".strip()


def plain_size(size: float, unit: str = "") -> float:
    """Return a size with two figures, rounded down: the limit a person would write; pure."""
    if size <= 0:
        return 0.0
    if unit == "s":
        whole = 86_400.0 if size >= 86_400 else 3600.0 if size >= 3600 else 1.0
        return plain_size(np.floor(size / whole)) * whole
    step = 10.0 ** (np.floor(np.log10(size)) - 1)
    return float(f"{np.floor(size / step + 1e-9) * step:.6g}")


def value_tests(facts: Sequence[Mapping[str, FactValue]]) -> Iterator[FactTest]:
    """Yield the tests of a single value that hold of at least two of some facts; no sizes, no stand-ins."""
    seen: dict[FactTest, int] = defaultdict(int)
    texts: dict[str, set[str]] = defaultdict(set)
    for row in facts:
        for name, value in row.items():
            if isinstance(value, bool):
                seen[FactTest(fact=name, operator="yes" if value else "no")] += 1
            elif isinstance(value, frozenset):
                for item in value:
                    seen[FactTest(fact=name, operator="has", values=(item,))] += 1
            elif isinstance(value, str) and len(texts[name]) <= MOST_VALUES and not is_stand_in(value):
                texts[name].add(value)
                seen[FactTest(fact=name, operator="in", values=(value,))] += 1
    for test, count in seen.items():
        if count >= 2 and not (test.operator == "in" and len(texts[test.fact]) > MOST_VALUES):
            yield test


def best_size(
    facts: Sequence[Mapping[str, FactValue]], gains: np.ndarray, name: str, *, is_up_to: bool
) -> tuple[FactTest, float] | None:
    """Return the size of a fact up to which (or above which) the gains add up to most, and that sum; pure.

    The size is one that a person would write, so the sum is taken again with it.
    """
    found = [(sized(row.get(name)), place) for place, row in enumerate(facts)]
    units = [each[0][1] for each in found if each[0] is not None]
    if not units:
        return None
    unit = max(set(units), key=units.count)
    sizes = np.array([each[0][0] for each in found if each[0] is not None and each[0][1] == unit])
    gain = gains[[each[1] for each in found if each[0] is not None and each[0][1] == unit]]
    order = np.argsort(sizes if is_up_to else -sizes, kind="stable")
    total = np.cumsum(gain[order])
    best = int(np.argmax(total))
    if total[best] <= 0:
        return None
    size = plain_size(float(sizes[order][best]), unit)
    inside = sizes <= size if is_up_to else sizes > size
    test = FactTest(fact=name, operator="<=" if is_up_to else ">", size=size, unit=unit)
    return test, float(gain[inside].sum())


def sized_facts(facts: Sequence[Mapping[str, FactValue]]) -> tuple[str, ...]:
    """Return the names of the facts that have sizes."""
    return tuple(sorted({name for row in facts for name, value in row.items() if sized(value) is not None}))
