"""Finds which of many boxes may overlap without comparing all pairs: by value, or by a sweep over sizes."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TypeAlias

from handrail.policy.analyse.boxes import Absent, Box, Interval, OneOf

Entry: TypeAlias = tuple[int, Box]
"""A box and the number of the rule it belongs to."""

FEW = 24


def overlaps(entries: Sequence[Entry]) -> Iterator[tuple[int, int]]:
    """Yield pairs of rule numbers (smaller first) whose boxes may overlap, each once; a superset. Pure."""
    seen: set[tuple[int, int]] = set()
    for pair in _pairs(entries, frozenset()):
        if pair not in seen:
            seen.add(pair)
            yield pair


def _pairs(entries: Sequence[Entry], used: frozenset[str]) -> Iterator[tuple[int, int]]:
    fact = _best(entries, used) if len(entries) > FEW else None
    if fact is None:
        for position, (one, _) in enumerate(entries):
            for other, _ in entries[position + 1 :]:
                if one != other:
                    yield (one, other) if one < other else (other, one)
        return
    if any(isinstance(box.get(fact), Interval) for _, box in entries):
        yield from _sweep(entries, fact)
        return
    for bucket in _buckets(entries, fact):
        yield from _pairs(bucket, used | {fact})


def _best(entries: Sequence[Entry], used: frozenset[str]) -> str | None:
    counts: dict[str, int] = {}
    kinds: dict[str, set[type]] = {}
    for _, box in entries:
        for fact, extent in box.items():
            if fact not in used and isinstance(extent, OneOf | Interval):
                counts[fact] = counts.get(fact, 0) + 1
                kinds.setdefault(fact, set()).add(type(extent))
    # Values split into buckets that can be split again, so they go first.
    ranked = sorted(counts, key=lambda fact: (kinds[fact] != {OneOf}, -counts[fact], fact))
    return next((fact for fact in ranked if counts[fact] * 2 >= len(entries)), None)


def _buckets(entries: Sequence[Entry], fact: str) -> Iterator[list[Entry]]:
    values = {
        value for _, box in entries if isinstance(extent := box.get(fact), OneOf) for value in extent.values
    }
    for value in values:
        yield [
            (number, box)
            for number, box in entries
            if (extent := box.get(fact)) is None or (isinstance(extent, OneOf) and value in extent.values)
        ]
    # What does not ask for a value overlaps apart from all of them, too.
    yield [(number, box) for number, box in entries if box.get(fact) is None or isinstance(box[fact], Absent)]


def _sweep(entries: Sequence[Entry], fact: str) -> Iterator[tuple[int, int]]:
    def low(entry: Entry) -> tuple[int, Decimal]:
        extent = entry[1].get(fact)
        return (1, extent.low) if isinstance(extent, Interval) and extent.low is not None else (0, Decimal(0))

    active: list[tuple[int, Decimal | None]] = []
    for entry in sorted(entries, key=low):
        extent = entry[1].get(fact)
        start = low(entry)
        active = [
            (number, high) for number, high in active if high is None or start[0] == 0 or high >= start[1]
        ]
        for number, _ in active:
            if number != entry[0]:
                yield (number, entry[0]) if number < entry[0] else (entry[0], number)
        active.append((entry[0], extent.high if isinstance(extent, Interval) else None))
