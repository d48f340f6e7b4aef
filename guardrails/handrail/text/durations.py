"""Lengths of time in free text: `six weeks`, `a 30-day window`, `half a year`, `30 to 60 days`. Pure.

A month counts as 30 days and a year as 365; a week of business days has five of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from handrail.text.numbers import Token, number_at, tokens_of

_DAY = timedelta(days=1)
_UNITS = {
    "second": timedelta(seconds=1),
    "sec": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "hr": timedelta(hours=1),
    "h": timedelta(hours=1),
    "day": _DAY,
    "d": _DAY,
    "night": _DAY,
    "week": 7 * _DAY,
    "wk": 7 * _DAY,
    "fortnight": 14 * _DAY,
    "month": 30 * _DAY,
    "year": 365 * _DAY,
    "yr": 365 * _DAY,
    "decade": 3650 * _DAY,
}
_SHORT = frozenset({"h", "d", "min", "sec"})
_MONTHS_A_YEAR = 12
_FILLERS = frozenset(
    {"full", "whole", "calendar", "more", "entire", "consecutive", "additional", "extra", "solid"}
)
_BUSINESS = frozenset({"business", "working", "work"})
_VAGUE = frozenset({"few", "several", "some", "many", "number"})
_ONE = frozenset({"a", "an", "one", "per"})
_PARTS = {"half": Decimal("0.5"), "quarter": Decimal("0.25")}
_JOINTS = frozenset({"to", "-", "–", "or", "and"})
_LONGEST_DAYS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationSpan:
    """A length of time in a text; `start` and `end` (exclusive) count characters.

    `value` is None where the words leave it open: `a few weeks`, `30 to 60 days`.
    """

    start: int
    end: int
    value: timedelta | None


def read_durations(text: str) -> tuple[DurationSpan, ...]:
    """Return the lengths of time in a text, from left to right."""
    tokens = tokens_of(text)
    found: list[DurationSpan] = []
    at = 0
    while at < len(tokens):
        read = _duration(tokens, at)
        if read is None:
            at += 1
            continue
        value, after = read
        found.append(DurationSpan(start=tokens[at].start, end=tokens[after - 1].end, value=value))
        at = after
    return tuple(found)


def _duration(tokens: Sequence[Token], at: int) -> tuple[timedelta | None, int] | None:
    if tokens[at].low == "fortnight":
        return 14 * _DAY, at + 1
    counted = _count(tokens, at)
    if counted is None:
        return None
    count, after = counted
    ranged = _range_end(tokens, after)
    if ranged is not None:
        other, after = ranged
        count = count if other == count else None
    unit = _unit(tokens, after)
    if unit is None:
        return None
    size, after, is_business = unit
    if after + 2 < len(tokens) and [token.low for token in tokens[after : after + 3]] == ["and", "a", "half"]:
        count, after = None if count is None else count + _PARTS["half"], after + 3
    return (None if count is None else _times(count, size, is_business=is_business)), after


def _count(tokens: Sequence[Token], at: int) -> tuple[Decimal | None, int] | None:
    """Read how many: a number, `a`, `half a`, `a couple of`; None for a count that is left open."""
    words = [token.low for token in tokens[at : at + 5]]
    if words[0] in _PARTS:
        skip = 1 + (words[1:2] in (["a"], ["an"], ["of"])) + (words[1:3] in (["of", "a"], ["of", "the"]))
        return _PARTS[words[0]], at + skip
    if words[0] in ("a", "the", "another", "next", "last") and words[1:2] in (["couple"], ["pair"]):
        return Decimal(2), at + 2 + (words[2:3] == ["of"])
    if words[0] == "couple":
        return Decimal(2), at + 1 + (words[1:2] == ["of"])
    if words[0] in _VAGUE or (words[0] in _ONE and words[1:2] and words[1] in _VAGUE):
        skip = 1 if words[0] in _VAGUE else 2
        return None, at + skip + (words[skip : skip + 1] == ["of"])
    if words[0] in _ONE and words[1:2] and words[1] in _PARTS:
        return None if words[1] == "quarter" and words[2:3] != ["of"] else _PARTS[words[1]], at + 2
    number = number_at(tokens, at)
    if number is not None:
        after, amount = number.after, number.amount
        if [token.low for token in tokens[after : after + 3]] == ["and", "a", "half"]:
            return amount + _PARTS["half"], after + 3
        return amount, _after_again(tokens, after, amount)
    return (Decimal(1), at + 1) if words[0] in _ONE else None


def _after_again(tokens: Sequence[Token], at: int, amount: Decimal) -> int:
    """Skip the same number in brackets: `30 (thirty) days`."""
    again = number_at(tokens, at + 1) if at < len(tokens) and tokens[at].text == "(" else None
    is_closed = again is not None and again.after < len(tokens) and tokens[again.after].text == ")"
    return again.after + 1 if again is not None and is_closed and again.amount == amount else at


def _range_end(tokens: Sequence[Token], at: int) -> tuple[Decimal, int] | None:
    """Read the second number of `30 to 60 days`, `5-7 days`, `between 30 and 60 days`."""
    unit = _unit(tokens, at)
    joint = unit[1] if unit is not None and at < len(tokens) else at
    if joint >= len(tokens) or tokens[joint].low not in _JOINTS:
        return None
    number = number_at(tokens, joint + 1)
    if number is None or _unit(tokens, number.after) is None:
        return None
    # `30 days and 14 days` are two lengths; `30 or 60 days`, `30 days to 60 days` are one that is left open.
    if unit is not None and tokens[joint].low not in ("to", "-", "–"):
        return None
    return number.amount, number.after


def _unit(tokens: Sequence[Token], at: int) -> tuple[timedelta, int, bool] | None:
    is_business = False
    steps = 0
    while (
        at < len(tokens) and steps < 4 and (tokens[at].low in _FILLERS | _BUSINESS or tokens[at].text == "-")
    ):
        is_business = is_business or tokens[at].low in _BUSINESS
        at += 1
        steps += 1
    if at >= len(tokens):
        return None
    word = tokens[at].low
    is_plural = len(word) > 1 and word.endswith("s")
    name = word[:-1] if is_plural and word[:-1] in _UNITS else word
    if name not in _UNITS or (name in _SHORT and tokens[at - 1].end != tokens[at].start):
        return None
    return _UNITS[name], at + 1, is_business


def _times(count: Decimal, size: timedelta, *, is_business: bool) -> timedelta | None:
    if size == _UNITS["month"] and count % _MONTHS_A_YEAR == 0:
        count, size = count / _MONTHS_A_YEAR, _UNITS["year"]
    if is_business and size == _DAY:
        count = count * 7 / 5
    if count * Decimal(size.total_seconds()) > _LONGEST_DAYS * Decimal(_DAY.total_seconds()):
        return None
    return float(count) * size
