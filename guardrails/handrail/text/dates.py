"""Dates in free text, in words and in figures; a date without a year is one of any year. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4})"
_DATES = (
    re.compile(rf"(?<!\d){_YEAR}[-/](?P<month>\d{{1,2}})[-/](?P<day>\d{{1,2}})(?!\d)"),
    re.compile(rf"\b{_MONTH}\s+(?:the\s+)?{_DAY}\b(?:,?\s+{_YEAR}\b)?", re.IGNORECASE),
    re.compile(rf"(?<!\d){_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+{_YEAR}\b)?(?!\w)", re.IGNORECASE),
    re.compile(
        r"(?<![\d./-])(?P<month>\d{1,2})(?P<sep>[./-])(?P<day>\d{1,2})(?P=sep)(?P<year>\d{4}|\d{2})(?!\d)"
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DateSpan:
    """A date in a text; `start` and `end` (exclusive) count characters.

    `days` are the readings (month, day), two of `03/04/2026`, none of what means to be a date and is none.
    """

    start: int
    end: int
    year: int | None
    days: frozenset[tuple[int, int]]

    def on(self, today: date) -> frozenset[date]:
        """Return the days that may be meant; without a year those that lie nearest to `today`."""
        found = set()
        for month, day in self.days:
            years = (self.year,) if self.year is not None else (today.year - 1, today.year, today.year + 1)
            known = [one for year in years if (one := _date(year, month, day)) is not None]
            if known:
                found.add(min(known, key=lambda one: abs(one - today)))
        return frozenset(found)


def read_dates(text: str) -> Iterator[DateSpan]:
    """Yield the dates in a text, by the way they are written; spans of two ways may overlap."""
    for pattern in _DATES:
        for found in pattern.finditer(text):
            span = _span(found)
            # 15.13.99 may be a version; 2024-15-06 and May 50 mean to be dates.
            if span.days or not found.groupdict().get("sep"):
                yield span


def _span(found: re.Match[str]) -> DateSpan:
    parts = found.groupdict()
    name, day, year = parts["month"].casefold(), int(parts["day"]), parts.get("year")
    month = int(name) if name.isdigit() else _MONTHS.index(name[:3]) + 1
    orders = {(month, day)}
    if parts.get("sep"):
        orders.add((day, month))
    days = frozenset((first, second) for first, second in orders if 1 <= first <= 12 and 1 <= second <= 31)
    full = f"20{year}" if year is not None and len(year) == 2 else year
    return DateSpan(start=found.start(), end=found.end(), year=int(full) if full else None, days=days)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
