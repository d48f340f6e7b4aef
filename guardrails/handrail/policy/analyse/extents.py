"""What one fact may be inside a box: missing, an interval, some values, or a set with and without items."""

from dataclasses import dataclass
from datetime import time, timedelta
from decimal import Decimal
from typing import TypeAlias

from handrail.policy.facts import FactDeclaration, Kind
from handrail.policy.logic import Size
from handrail.records import Money

OTHER = "\0other"
"""Stands for every text that no rule names."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The fact is missing."""


@dataclass(frozen=True, slots=True)
class Among:
    """The fact is one of finitely many values."""

    values: frozenset[str | bool]


@dataclass(frozen=True, slots=True)
class Holding:
    """A set that holds some items and lacks others."""

    inside: frozenset[str] = frozenset()
    outside: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Span:
    """A size between two bounds, None for no bound; money also has the currencies it may be in."""

    low: Decimal | None = None
    high: Decimal | None = None
    is_low_open: bool = False
    is_high_open: bool = False
    currencies: frozenset[str] = frozenset()


Extent: TypeAlias = Gone | Among | Holding | Span

DAY = Decimal(86400)


def size_of(value: Size) -> Decimal:
    """Return a size as a number: seconds for durations and times of day, the amount for money; pure."""
    match value:
        case Money(amount=amount):
            return amount
        case timedelta():
            return Decimal(value.days * 86400 + value.seconds) + Decimal(value.microseconds) / 1_000_000
        case time():
            seconds = value.hour * 3600 + value.minute * 60 + value.second
            return Decimal(seconds) + Decimal(value.microsecond) / 1_000_000
        case _:
            return value


def whole(fact: FactDeclaration, named: frozenset[str]) -> Extent:
    """Return everything a known fact may be; `named` are the texts that rules name, for text facts."""
    match fact.type:
        case Kind.YES_NO:
            return Among(frozenset({True, False}))
        case Kind.ONE_OF | Kind.WEEKDAY:
            return Among(frozenset(fact.values))
        case Kind.TEXT:
            return Among(named | {OTHER})
        case Kind.SET:
            return Holding()
        case Kind.TIME:
            return Span(Decimal(0), DAY, False, True)
        case Kind.MONEY:
            return Span(low=Decimal(0), currencies=frozenset(fact.currencies))
        case _:
            low = None if fact.least is None else size_of(fact.least)
            high = None if fact.most is None else size_of(fact.most)
            return Span(low, high)


def meet(one: Extent, other: Extent, *, is_whole: bool = False) -> Extent | None:
    """Return what two extents share, None if nothing; `is_whole` for whole numbers. Pure."""
    match one, other:
        case Gone(), Gone():
            return one
        case Among(values=a), Among(values=b):
            return Among(a & b) if a & b else None
        case Holding(), Holding():
            inside, outside = one.inside | other.inside, one.outside | other.outside
            return None if inside & outside else Holding(inside, outside)
        case Span(), Span():
            return _meet_spans(one, other, is_whole=is_whole)
        case _:
            return None


def _meet_spans(one: Span, other: Span, *, is_whole: bool) -> Span | None:
    low, is_low_open = one.low, one.is_low_open
    if other.low is not None and (low is None or other.low > low):
        low, is_low_open = other.low, other.is_low_open
    elif other.low == low:
        is_low_open = is_low_open or other.is_low_open
    high, is_high_open = one.high, one.is_high_open
    if other.high is not None and (high is None or other.high < high):
        high, is_high_open = other.high, other.is_high_open
    elif other.high == high:
        is_high_open = is_high_open or other.is_high_open
    currencies = one.currencies & other.currencies
    if bool(one.currencies) and not currencies:
        return None
    found = Span(low, high, is_low_open, is_high_open, currencies)
    if is_whole:
        found = _rounded(found)
    return None if is_empty(found) else found


def is_empty(span: Span) -> bool:
    """True when no size lies in a span."""
    if span.low is None or span.high is None:
        return False
    return span.low > span.high or (span.low == span.high and (span.is_low_open or span.is_high_open))


def _rounded(span: Span) -> Span:
    low, high = span.low, span.high
    if low is not None:
        up = low.to_integral_value(rounding="ROUND_CEILING")
        low = up + 1 if span.is_low_open and up == low else up
    if high is not None:
        down = high.to_integral_value(rounding="ROUND_FLOOR")
        high = down - 1 if span.is_high_open and down == high else down
    return Span(low, high, False, False, span.currencies)
