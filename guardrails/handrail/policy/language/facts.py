"""Declared facts: their types, and the strict reading of raw values into them."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeAlias

from handrail.policy.language.sources import (
    FINDINGS,
    Caller,
    InputTopics,
    Source,
    StatedBy,
)
from handrail.records import AMBIGUOUS, NOT_SAID, FactValue, Money, Stage, Unknown
from handrail.text.money import parse_money


class Kind(StrEnum):
    """The types a fact can have, as a policy writes them."""

    YES_NO = "yes/no"
    NUMBER = "number"
    WHOLE = "whole number"
    MONEY = "money"
    DURATION = "duration"
    TIME = "time of day"
    DATE = "date"
    PERCENT = "percent"
    WEEKDAY = "weekday"
    ONE_OF = "one of"
    TEXT = "text"
    SET = "set"


CALLER = Caller()

ORDERED = frozenset({Kind.NUMBER, Kind.WHOLE, Kind.MONEY, Kind.DURATION, Kind.TIME, Kind.DATE, Kind.PERCENT})
"""Types that can be compared by size."""

OTHER_TEXT = "something_else"
"""Stands for any text that no rule names, in witnesses and in logs."""
_STAND_IN = re.compile(rf"{OTHER_TEXT}(-\d+)?")

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

UNITS: Mapping[str, timedelta] = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}

Reader: TypeAlias = Callable[["FactDeclaration", object], FactValue]

_NOTHING: frozenset[str] = frozenset()
_UNSTATED = {"ambiguous": AMBIGUOUS, "not said": NOT_SAID}

_PLAIN_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?")
_DURATION = re.compile(r"([+-]?\d{1,12}(?:\.\d{1,6})?)\s*([a-z]+?)s?")
_MONEY = re.compile(r"(-?\d{1,20}(?:\.\d{1,6})?)\s*([A-Z]{3})")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_PERCENT = re.compile(r"([+-]?\d{1,12}(?:\.\d{1,10})?)\s*(?:%|percent)")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class FactDeclaration:
    """A fact as a policy declares it.

    `values` are those of a one-of, weekday or set; `currencies` those a money fact may have. `currency_from`
    is where the currency stands when the amount is a bare number, `unit` the unit of a duration given as a
    bare number. `optional` tells the analyser that the fact may be missing; at run time any fact may be.
    """

    name: str
    type: Kind
    source: Source = CALLER
    optional: bool = False
    values: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    currency_from: Source | None = None
    unit: str | None = None
    least: Decimal | timedelta | None = None
    most: Decimal | timedelta | None = None
    line: int = 0

    @property
    def stage(self) -> Stage:
        """The earliest stage at which the fact exists."""
        return self.source.stage

    def read(self, raw: object, *, currency: object = None) -> FactValue:
        """Coerce a raw value strictly; what does not fit is `Unknown` with a code, never a guess. Pure.

        Args:
            raw: as it came: a JSON value, or a value of the right type already.
            currency: for money whose currency stands elsewhere (`currency_from`), the raw currency.
        """
        if raw is None:
            return Unknown(why="missing")
        if isinstance(raw, Unknown):
            return raw
        if self.type is Kind.MONEY:
            return self._money(raw, currency)
        value = _READERS[self.type](self, raw)
        return value if self.least is None and self.most is None else self._in_range(value)

    def stated(self, raw: object) -> FactValue:
        """Read a value as a test states it, e.g. `250 USD` or `3 days`; `null` is unknown. Pure.

        What an answer states may also be `ambiguous` or `not said`.
        """
        if isinstance(self.source, StatedBy) and raw in _UNSTATED and raw not in self.values:
            return Unknown(why=_UNSTATED[str(raw)])
        if self.type is Kind.MONEY and isinstance(raw, str):
            value = read_money(raw)
            return value if value is not None and self.accepts(value) else self.read(raw)
        return self.read(raw)

    def accepts(self, value: object) -> bool:
        """Tell whether a typed value fits the declaration; an `Unknown` never does."""
        return acceptor(self)(value)

    def _money(self, raw: object, currency: object) -> FactValue:
        if isinstance(raw, Mapping):
            fields = dict(raw)
            if fields.keys() != {"amount", "currency"}:
                return Unknown(why="not_an_amount")
            raw, currency = fields["amount"], fields["currency"]
        elif self.currency_from is not None and currency is None and not isinstance(raw, Money):
            return Unknown(why="currency_missing")
        if isinstance(raw, Money):
            if not raw.amount.is_finite() or raw.amount < 0:
                return Unknown(why="not_an_amount")
            return raw if self.accepts(raw) else Unknown(why="other_currency")
        if currency is None:
            currency = self.currencies[0] if len(self.currencies) == 1 else None
        elif not isinstance(currency, str) or currency.strip().upper() not in self.currencies:
            return Unknown(why="other_currency")
        value = parse_money(raw, currency=currency.strip().upper() if isinstance(currency, str) else None)
        if isinstance(value, Unknown) or self.accepts(value):
            return value
        return Unknown(why="other_currency")

    def _in_range(self, value: FactValue) -> FactValue:
        if isinstance(value, Decimal | timedelta) and not _is_within(value, self.least, self.most):
            return Unknown(why="out_of_range")
        return value


def is_stand_in(text: str) -> bool:
    """Tell whether a text of a log stands for one that no rule names; it means nothing outside of its row."""
    return _STAND_IN.fullmatch(text) is not None


def read_all(
    declared: Iterable[FactDeclaration], raw: Mapping[str, object], currencies: Mapping[str, object]
) -> dict[str, FactValue]:
    """Coerce the raw values of some facts, by name; facts without one in `raw` are left out. Pure.

    Args:
        declared: the declarations.
        raw: raw values by fact name.
        currencies: raw currencies of money facts whose currency stands elsewhere, by fact name.
    """
    return {
        fact.name: fact.read(raw[fact.name], currency=currencies.get(fact.name))
        for fact in declared
        if fact.name in raw
    }


def acceptor(fact: FactDeclaration) -> Callable[[object], bool]:
    """Return a function that tells whether a typed value fits a declaration; it is fast and never raises."""
    currencies, values = frozenset(fact.currencies), frozenset(fact.values)
    low, high = fact.least, fact.most
    match fact.type:
        case Kind.YES_NO:
            return lambda value: value is True or value is False
        case Kind.NUMBER | Kind.WHOLE | Kind.DURATION if low is not None or high is not None:
            return lambda value: _is_sized(fact, value) and _is_within(value, low, high)
        case Kind.NUMBER | Kind.PERCENT:
            return lambda value: type(value) is Decimal and value.is_finite()
        case Kind.WHOLE:
            return lambda value: _is_sized(fact, value)
        case Kind.DURATION:
            return lambda value: type(value) is timedelta
        case Kind.MONEY:
            return lambda value: (
                type(value) is Money
                and type(value.amount) is Decimal
                and value.currency in currencies
                and value.amount.is_finite()
                and value.amount >= 0
            )
        case Kind.TIME:
            return lambda value: type(value) is time
        case Kind.DATE:
            return lambda value: type(value) is date
        case Kind.TEXT:
            return lambda value: type(value) is str
        case Kind.ONE_OF | Kind.WEEKDAY:
            return lambda value: type(value) is str and value in values
        case Kind.SET:
            return lambda value: type(value) is frozenset


def _is_sized(fact: FactDeclaration, value: object) -> bool:
    if fact.type is Kind.DURATION:
        return type(value) is timedelta
    if type(value) is not Decimal or not value.is_finite():
        return False
    return fact.type is Kind.NUMBER or value == value.to_integral_value()


def _is_within(value: Any, low: Any, high: Any) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def read_duration(text: str) -> timedelta | None:
    """Read `30 days`, `1 hour`, `1.5 hours`; None if it is not a duration. Pure."""
    match = _DURATION.fullmatch(text.strip().lower())
    unit = UNITS.get(match[2]) if match else None
    if match is None or unit is None:
        return None
    try:
        return float(match[1]) * unit if "." in match[1] else int(match[1]) * unit
    except OverflowError:
        return None


def read_money(text: str) -> Money | None:
    """Read `250 USD`; None if it is not an amount with its currency. Pure."""
    match = _MONEY.fullmatch(text.strip())
    return Money(amount=Decimal(match[1]), currency=match[2]) if match else None


def read_time(text: str) -> time | None:
    """Read `22:00` or `22:00:30`; None if it is not a time of day. Pure."""
    match = _TIME.fullmatch(text.strip())
    return time(int(match[1]), int(match[2]), int(match[3] or 0)) if match else None


def read_date(text: str) -> date | None:
    """Read `2026-12-31`; None if it is no day of the calendar. Pure."""
    match = _DATE.fullmatch(text.strip())
    try:
        return date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        return None


def read_number(raw: object) -> Decimal | None:
    """Read a plain finite number; None for a bool, NaN, an infinity, an exponent or anything else. Pure."""
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int):
        return Decimal(raw)
    if isinstance(raw, float | Decimal):
        try:
            value = Decimal(str(raw))
        except InvalidOperation:
            return None
        return value if value.is_finite() else None
    if isinstance(raw, str) and _PLAIN_NUMBER.fullmatch(raw.strip()):
        return Decimal(raw.strip())
    return None


def _yes_no(_: FactDeclaration, raw: object) -> FactValue:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and raw.strip().lower() in {"yes", "no", "true", "false"}:
        return raw.strip().lower() in {"yes", "true"}
    return Unknown(why="not_yes_or_no")


def _number(_: FactDeclaration, raw: object) -> FactValue:
    value = read_number(raw)
    return Unknown(why="not_a_number") if value is None else value


def _whole(_: FactDeclaration, raw: object) -> FactValue:
    value = read_number(raw)
    if value is None or value != value.to_integral_value():
        return Unknown(why="not_a_whole_number")
    return value


def _duration(declaration: FactDeclaration, raw: object) -> FactValue:
    if isinstance(raw, timedelta):
        return raw
    if isinstance(raw, str) and (value := read_duration(raw)) is not None:
        return value
    number = read_number(raw)
    if number is None or declaration.unit is None:
        return Unknown(why="not_a_duration")
    try:
        return float(number) * UNITS[declaration.unit]
    except OverflowError:
        return Unknown(why="out_of_range")


def _time(_: FactDeclaration, raw: object) -> FactValue:
    if isinstance(raw, time):
        return raw
    value = read_time(raw) if isinstance(raw, str) else None
    return Unknown(why="not_a_time_of_day") if value is None else value


def _date(_: FactDeclaration, raw: object) -> FactValue:
    # A moment is no day: which day it is depends on the time zone.
    if isinstance(raw, date) and not isinstance(raw, datetime):
        return raw
    value = read_date(raw) if isinstance(raw, str) else None
    return Unknown(why="not_a_date") if value is None else value


def _percent(_: FactDeclaration, raw: object) -> FactValue:
    text = _PERCENT.fullmatch(raw.strip().lower()) if isinstance(raw, str) else None
    value = read_number(text[1] if text else raw)
    return Unknown(why="not_a_percentage") if value is None else value


def _one_of(declaration: FactDeclaration, raw: object) -> FactValue:
    if isinstance(raw, str) and str(raw) in declaration.values:
        return str(raw)
    return Unknown(why="not_one_of_the_declared_values")


def _text(_: FactDeclaration, raw: object) -> FactValue:
    return str(raw) if isinstance(raw, str) else Unknown(why="not_text")


def _set(declaration: FactDeclaration, raw: object) -> FactValue:
    if type(raw) is frozenset and not raw:
        return _NOTHING
    if isinstance(raw, str) or not isinstance(raw, list | tuple | set | frozenset):
        return Unknown(why="not_a_set")
    if not all(isinstance(item, str) for item in raw):
        return Unknown(why="not_a_set_of_text")
    items = frozenset(str(item) for item in raw)
    if isinstance(declaration.source, (*FINDINGS, InputTopics)):
        # Scanners report more types than a policy names; those it cannot ask for are left out.
        return items & frozenset(declaration.values)
    return items if items <= frozenset(declaration.values) else Unknown(why="not_among_the_declared_values")


_READERS: Mapping[Kind, Reader] = {
    Kind.YES_NO: _yes_no,
    Kind.NUMBER: _number,
    Kind.WHOLE: _whole,
    Kind.DURATION: _duration,
    Kind.TIME: _time,
    Kind.DATE: _date,
    Kind.PERCENT: _percent,
    Kind.WEEKDAY: _one_of,
    Kind.ONE_OF: _one_of,
    Kind.TEXT: _text,
    Kind.SET: _set,
}
