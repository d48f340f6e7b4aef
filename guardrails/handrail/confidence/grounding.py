"""Is what an answer states to be found anywhere: its amounts, numbers, dates, identifiers and addresses?

A value that stands somewhere in the sources counts as supported, wherever that is: this finds what was made
up or miscopied, not what was mixed up.
"""

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from handrail.confidence.claims import Claim, ClaimKind, claims, number_key
from handrail.records import Confidence
from handrail.text.numerals import read_digits

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
            made = _made_of([claim.number for claim in _amounts(stated, supported)])
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


def _amounts(stated: Sequence[Claim], supported: Sequence[bool]) -> list[Claim]:
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
