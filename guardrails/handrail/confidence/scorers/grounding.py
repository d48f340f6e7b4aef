"""What an answer states that can be looked up, and whether it stands anywhere in what the model was given."""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from handrail.records import Confidence
from handrail.text.amounts import read_amounts
from handrail.text.dates import read_dates
from handrail.text.numbers import read_digits


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
    for found in read_dates(text):
        # What means to be a date and is none has no reading: nothing supports it.
        keys = frozenset(f"date:{found.year or '*'}-{month}-{day}" for month, day in found.days)
        yield Claim(kind=ClaimKind.DATE, start=found.start, end=found.end, keys=keys)


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


_WORD = re.compile(r"\w[\w-]*")
_NUMERAL = re.compile(r"\d(?:[\d,.']*\d)?")
_LONGEST_SUM = 12
_ROUNDS = 2
"""A total may be made of amounts, and a difference of that total; further steps are not followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounded:
    """Every claim of an answer, and those that nothing supports, in order of the text."""

    claims: tuple[Claim, ...]
    unsupported: tuple[Claim, ...]

    @property
    def share(self) -> float | None:
        """Share of claims that are supported, None without any claim."""
        return 1 - len(self.unsupported) / len(self.claims) if self.claims else None


def lowered(confidence: Confidence, grounded: Grounded) -> Confidence:
    """Lower a confidence by the share of claims that nothing supports; it is never raised. Pure."""
    if confidence.value is None or not grounded.unsupported or grounded.share is None:
        return confidence
    return replace(
        confidence, value=confidence.value * grounded.share, method=f"{confidence.method}+grounding"
    )


class Sources:
    """What answers may rest on: the context, tool results and the user's own words; a set of readings."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._keys: set[str] = set()
        self._bare: set[str] = set()
        self._years: set[str] = set()
        self._currencies: dict[str, set[str]] = {}
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Take in a text and everything it states."""
        priced: set[str] = set()
        for claim in claims(text):
            self._take(claim)
            if claim.currency:
                priced |= claim.keys
        self._keys.update(f"word:{word.casefold()}" for word in _WORD.findall(text))
        read = (read_digits(numeral) for numeral in _NUMERAL.findall(text))
        numbers = {number_key(value) for value in read if value is not None}
        self._keys |= numbers
        self._bare |= numbers - priced

    def ground(self, answer: str) -> Grounded:
        """Look up what an answer states.

        A number is also supported when the answer's own supported amounts make it, as the sum of several in a
        row or the difference of two. A date without a year is supported by that day in any year, and
        supports that day in a year that is spoken of.
        """
        stated = claims(answer)
        supported = [self._supports(claim) for claim in stated]
        for _ in range(_ROUNDS):
            made = _made_of([claim.number for claim in _supported_amounts(stated, supported)])
            supported = [
                is_known or (claim.number is not None and number_key(claim.number) in made)
                for claim, is_known in zip(stated, supported, strict=True)
            ]
        pairs = zip(stated, supported, strict=True)
        return Grounded(claims=stated, unsupported=tuple(claim for claim, is_known in pairs if not is_known))

    def add_answer(self, answer: str) -> None:
        """Take in an earlier answer: only what was supported in it supports later ones."""
        found = self.ground(answer)
        for claim in found.claims:
            if claim not in found.unsupported:
                self._take(claim)

    def _take(self, claim: Claim) -> None:
        self._keys |= claim.keys
        for key in claim.keys:
            if claim.kind is ClaimKind.DATE:
                year, day = key.removeprefix("date:").split("-", 1)
                self._keys.add(f"any year:{day}" if year == "*" else f"day:{day}")
                if year != "*":
                    self._years.add(year)
            if claim.currency:
                self._currencies.setdefault(key, set()).add(claim.currency)

    def _supports(self, claim: Claim) -> bool:
        return any(self._knows(key, claim) for key in claim.keys)

    def _knows(self, key: str, claim: Claim) -> bool:
        if claim.kind is ClaimKind.DATE and key not in self._keys:
            year, day = key.removeprefix("date:").split("-", 1)
            if year == "*":
                return f"day:{day}" in self._keys
            return f"any year:{day}" in self._keys and year in self._years
        if key not in self._keys:
            return False
        # The same number in another currency only supports nothing; a bare number has no currency.
        seen = self._currencies.get(key)
        return claim.currency is None or seen is None or claim.currency in seen or key in self._bare


def _supported_amounts(stated: Sequence[Claim], supported: Sequence[bool]) -> list[Claim]:
    pairs = zip(stated, supported, strict=True)
    return [claim for claim, is_known in pairs if is_known and claim.kind is ClaimKind.AMOUNT]


def _made_of(numbers: Sequence[Decimal | None]) -> set[str]:
    known = [number for number in numbers if number is not None]
    made: set[str] = set()
    for start in range(len(known)):
        for running in itertools.islice(itertools.accumulate(known[start:]), 1, _LONGEST_SUM):
            made.add(number_key(running))
    made.update(number_key(abs(left - right)) for left, right in itertools.combinations(set(known), 2))
    return made
