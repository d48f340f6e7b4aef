"""What an answer states that can be looked up: amounts, numbers, dates, times, identifiers, addresses."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from handrail.text.amounts import read_amounts
from handrail.text.numerals import read_digits


class ClaimKind(StrEnum):
    """What was stated."""

    AMOUNT = "amount"
    NUMBER = "number"
    DATE = "date"
    TIME = "time"
    IDENTIFIER = "identifier"
    URL = "url"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One thing that was stated; any of its readings, `keys`, supports it. Spans count characters."""

    kind: ClaimKind
    start: int
    end: int
    keys: frozenset[str]
    number: Decimal | None = None
    currency: str | None = None


_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4})"
_DATES = (
    re.compile(rf"(?<!\d){_YEAR}[-/](?P<month>\d{{1,2}})[-/](?P<day>\d{{1,2}})(?!\d)"),
    re.compile(rf"\b{_MONTH}\s+{_DAY}\b(?:,?\s+{_YEAR}\b)?", re.IGNORECASE),
    re.compile(rf"(?<!\d){_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+{_YEAR}\b)?(?!\w)", re.IGNORECASE),
    re.compile(
        r"(?<![\d./-])(?P<month>\d{1,2})(?P<sep>[./-])(?P<day>\d{1,2})(?P=sep)(?P<year>\d{4}|\d{2})(?!\d)"
    ),
)
_TIME = re.compile(
    r"(?<![\d:.])(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::\d{2})?(?!\d)(?:\s*(?P<half>[ap])\.?m\b\.?)?"
    r"|(?<![\d:.])(?P<bare>\d{1,2})\s*(?P<bare_half>[ap])\.?m\b\.?",
    re.IGNORECASE,
)
_URL = re.compile(
    r"\b(?:https?://|www\.)[^\s<>\"')\]}]+|(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+", re.IGNORECASE
)
_IDENTIFIER = re.compile(
    r"(?<![\w-])#?(?=[\w-]*[^\W\d])(?=[\w-]*\d)\w[\w-]{2,}\w(?![\w-])|(?<![\w-])[A-Z]{5,}(?![\w-])"
)
# Words with a digit that name nothing: 2nd, 24-hour, 3x, 10am, 5kg, COVID-free forms such as 1st-class.
_NO_NAME = re.compile(
    r"\d+(?:st|nd|rd|th|[ap]m|x|k|[kmcg]?g|[km]?m|h|hrs?|min|s)?(?:-[a-z]+)*", re.IGNORECASE
)
_NUMBER = re.compile(r"(?<![\w.,])\d(?:[\d,.']*\d)?(?![\w])")
_MARKER = re.compile(r"^[ \t>*_#-]*\d{1,2}[.)](?=\s)", re.MULTILINE)

_COUNTED = 10
"""Whole numbers below this are counts and numbers of list items; they are not looked up."""


def claims(text: str) -> tuple[Claim, ...]:
    """Find what a text states, in order, none overlapping; whole numbers below ten are left out. Pure."""
    taken: list[Claim] = []
    covered = bytearray(len(text))
    for marker in _MARKER.finditer(text):
        covered[marker.start() : marker.end()] = b"\1" * (marker.end() - marker.start())
    for reader in _READERS:
        for claim in reader(text):
            if not any(covered[claim.start : claim.end]):
                covered[claim.start : claim.end] = b"\1" * (claim.end - claim.start)
                taken.append(claim)
    return tuple(sorted(taken, key=lambda claim: claim.start))


def _urls(text: str) -> Iterator[Claim]:
    for found in _URL.finditer(text):
        value = found.group().rstrip(".,;:!?")
        bare = re.sub(r"^https?://|^www\.", "", value.casefold()).rstrip("/")
        yield Claim(
            kind=ClaimKind.URL,
            start=found.start(),
            end=found.start() + len(value),
            keys=frozenset({f"url:{bare}"}),
        )


def _dates(text: str) -> Iterator[Claim]:
    for pattern in _DATES:
        for found in pattern.finditer(text):
            keys = _date_keys(found)
            # 15.13.99 may be a version; 2024-15-06 and May 50 mean to be dates, and none supports them.
            if keys or not found.groupdict().get("sep"):
                yield Claim(kind=ClaimKind.DATE, start=found.start(), end=found.end(), keys=keys)


def _date_keys(found: re.Match[str]) -> frozenset[str]:
    parts = found.groupdict()
    name, day, year = parts["month"].casefold(), int(parts["day"]), parts.get("year")
    month = int(name) if name.isdigit() else _MONTHS.index(name[:3]) + 1
    orders = {(month, day)}
    if parts.get("sep"):
        orders.add((day, month))
    keys = set()
    for first, second in orders:
        if 1 <= first <= 12 and 1 <= second <= 31:
            full = f"20{year}" if year is not None and len(year) == 2 else year
            keys.add(f"date:{full or '*'}-{first}-{second}")
    return frozenset(keys)


def _times(text: str) -> Iterator[Claim]:
    for found in _TIME.finditer(text):
        hour, minute = int(found["hour"] or found["bare"]), int(found["minute"] or 0)
        half = (found["half"] or found["bare_half"] or "").casefold()
        if half and 1 <= hour <= 12:
            hour = hour % 12 + (12 if half == "p" else 0)
        if hour <= 24 and minute < 60:
            key = f"time:{hour}:{minute}"
            yield Claim(kind=ClaimKind.TIME, start=found.start(), end=found.end(), keys=frozenset({key}))


def _identifiers(text: str) -> Iterator[Claim]:
    for found in _IDENTIFIER.finditer(text):
        word = found.group().lstrip("#")
        if not _NO_NAME.fullmatch(word):
            yield Claim(
                kind=ClaimKind.IDENTIFIER,
                start=found.end() - len(word),
                end=found.end(),
                keys=frozenset({f"word:{word.casefold()}"}),
            )


def _amounts(text: str) -> Iterator[Claim]:
    for found in read_amounts(text):
        yield Claim(
            kind=ClaimKind.AMOUNT,
            start=found.start,
            end=found.end,
            keys=frozenset({number_key(found.amount)}),
            number=found.amount,
            currency=found.currency,
        )


def _numbers(text: str) -> Iterator[Claim]:
    for found in _NUMBER.finditer(text):
        value = read_digits(found.group())
        if value is None or (value < _COUNTED and value == int(value)):
            continue
        yield Claim(
            kind=ClaimKind.NUMBER,
            start=found.start(),
            end=found.end(),
            keys=frozenset({number_key(value)}),
            number=value,
        )


def number_key(value: Decimal) -> str:
    """One spelling for equal numbers: 50, 50.0 and 50.00 are the same. No digit is rounded away."""
    plain = f"{value:f}"
    return f"number:{plain.rstrip('0').rstrip('.') if '.' in plain else plain}"


_READERS: tuple[Callable[[str], Iterator[Claim]], ...] = (
    _urls, _dates, _times, _identifiers, _amounts, _numbers,
)  # fmt: skip
