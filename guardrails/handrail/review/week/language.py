"""What a review says, in one language: its texts, and numbers, times and names as people write them there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final

from handrail.review.figures.measure import Share
from handrail.text.phrases import FALLBACK, Words, languages_in, read_words

FOLDER: Final = Path(__file__).parent / "catalogue"
NARROW: Final = "\u00a0"
"""A blank at which no line breaks: between a number and its unit."""
_UNITS: Final = (("d", 86_400.0), ("h", 3600.0), ("min", 60.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """Says what a review's page says. Every method is pure."""

    words: Words

    @property
    def code(self) -> str:
        """The language, as HTML names it."""
        return self.words.language

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its places filled.

        Raises:
            KeyError: the catalogue has no such text, or a place is not filled.
        """
        return self.words(key, **values)

    def counted(self, key: str, count: int, **values: object) -> str:
        """Return the text for one, or the one for several."""
        return self.words(f"{key}.{'one' if count == 1 else 'many'}", count=self.number(count), **values)

    def named(self, group: str, name: str) -> str:
        """Return what a name is called; one that has no text is said as it is, with blanks."""
        key = f"{group}.{name.replace(' ', '_')}"
        return self.words(key) if self.words.has(key) else name.replace("_", " ")

    def number(self, value: float, digits: int = 0) -> str:
        """Return a number with so many places after the point, and its thousands apart."""
        return self._pointed(f"{value:,.{digits}f}")

    def figure(self, value: float) -> str:
        """Return a number with the three digits that matter."""
        return self._pointed(f"{value:.3g}")

    def percent(self, value: float, digits: int = 0) -> str:
        """Return a share in percent, with a blank that never breaks."""
        return f"{self._pointed(f'{value * 100:.{digits}f}')}{NARROW}%"

    def share(self, found: Share) -> str:
        """Return a count, its total and the share with its interval: `3 of 4 (75 %, 30 to 95 %)`."""
        if found.value is None:
            return "–"
        return self.words(
            "share",
            count=self.number(found.count),
            total=self.number(found.total),
            value=self.percent(found.value),
            between=self.between(found.low, found.high),
        )

    def between(self, low: float, high: float, digits: int = 0) -> str:
        """Return an interval in percent."""
        least = self._pointed(f"{low * 100:.{digits}f}")
        return self.words("between", low=least, high=self.percent(high, digits)).replace(" ", NARROW)

    def of(self, count: int, total: int) -> str:
        """Return a count of a total."""
        return self.words("of", count=self.number(count), total=self.number(total))

    def span(self, length: timedelta | None) -> str:
        """Return a span as people write it: `42 s`, `12 min`, `3.5 h`, `2 d`; a dash for none."""
        if length is None:
            return "–"
        seconds = length.total_seconds()
        for unit, size in _UNITS:
            if seconds >= size:
                return f"{self._length(seconds / size)}{NARROW}{self.words(f'unit.{unit}')}"
        return f"{self._length(seconds)}{NARROW}{self.words('unit.s')}"

    def day(self, when: date) -> str:
        """Return a day of some near year: `12 Oct`."""
        return self.words("date.day", day=when.day, month=self._month(when)).replace(" ", NARROW)

    def weekday(self, when: date) -> str:
        """Return the name of a day's weekday."""
        return self.words(f"date.weekday.{when.isoweekday()}")

    def short_day(self, when: date) -> str:
        """Return a day of one week: `Mon 12`."""
        name = self.words(f"date.short.{when.isoweekday()}")
        return self.words("date.in_week", weekday=name, day=when.day)

    def moment(self, when: datetime) -> str:
        """Return a day and its time."""
        return f"{self.day(when)} {when:%H:%M}"

    def period(self, since: datetime, until: datetime) -> str:
        """Return from which to which day a period lasts, both with it."""
        last = (until - timedelta(microseconds=1)).date()
        days = [
            self.words("date.whole", day=one.day, month=self._month(one), year=one.year)
            for one in dict.fromkeys((since.date(), last))
        ]
        return self.words("to", low=days[0], high=days[1]) if len(days) > 1 else days[0]

    def listed(self, names: Sequence[str]) -> str:
        """Return names in a row."""
        return ", ".join(names)

    def _length(self, value: float) -> str:
        """Return a length with a digit after the point below ten, where it says something."""
        return self._pointed(f"{value:.0f}" if value >= 9.95 else f"{value:.1f}".removesuffix(".0"))

    def _month(self, when: date) -> str:
        return self.words(f"date.month.{when.month}")

    def _pointed(self, text: str) -> str:
        marks: Mapping[int, str] = {ord("."): self.words("point"), ord(","): self.words("thousands")}
        return text.translate(marks)


def languages() -> tuple[str, ...]:
    """Return the languages that a review can be written in, the fallback first."""
    return languages_in(FOLDER)


@cache
def language(code: str = FALLBACK) -> Language:
    """Return a language by its code, English where there is none of it."""
    return Language(words=read_words(FOLDER, code))


ENGLISH: Final = language(FALLBACK)
