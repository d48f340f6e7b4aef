"""Words and phrases: found whole, in one pass, whatever their number."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from handrail.scan.expressions import encode
from handrail.scan.rule import Candidate
from handrail.scan.spec import EntitySpec
from handrail.text.edges import is_apart
from handrail.text.normalise import normalise
from handrail.text.references import heads_reference

if TYPE_CHECKING:
    import ahocorasick_rs

REACH = 80
"""A weak term counts when another term of its type begins within this many characters of it."""

WEAK_SCORE = 0.55


class Term(NamedTuple):
    """One word or phrase, lower case, and whether it needs company."""

    phrase: str
    spec: EntitySpec
    is_weak: bool


class TermHit(NamedTuple):
    """Where a term stands."""

    start: int
    end: int
    term: Term


class Terms:
    """All words and phrases of some specifications, compiled once and shared by all threads."""

    def __init__(self, specs: Iterable[EntitySpec]) -> None:
        self.terms = tuple(
            Term(written, spec, is_weak)
            for spec in specs
            for phrases, is_weak in ((spec.terms, False), (spec.weak_terms, True))
            for phrase in phrases
            for written in _written(phrase)
        )

    @cached_property
    def _automaton(self) -> "ahocorasick_rs.BytesAhoCorasick":
        import ahocorasick_rs

        return ahocorasick_rs.BytesAhoCorasick([encode(term.phrase) for term in self.terms])

    def hits(self, text: str, data: bytes, first: int = 0) -> list[TermHit]:
        """Return where each term stands whole, from `first` on; `data` is `expressions.encode(text)`."""
        if not self.terms:
            return []
        found = []
        low = data[first:].lower() if first else data.lower()
        for index, begins, ends in self._automaton.find_matches_as_indexes(low, overlapping=True):
            start, end = begins + first, ends + first
            if is_apart(text, start, end) and not heads_reference(text, start, end):
                term = self.terms[index]
                if term.phrase.isascii() or text[start:end].lower() == term.phrase:
                    found.append(TermHit(start, end, term))
        return found

    def candidates(self, text: str, data: bytes) -> list[Candidate]:
        """Return every term that counts: strong ones, and weak ones in company."""
        return counted(self.hits(text, data))


def _written(phrase: str) -> set[str]:
    """Return the forms a phrase takes in a normalised text: its look-alikes depend on the case."""
    if phrase.isascii():
        return {phrase.lower()}
    cases = (phrase.lower(), phrase.upper(), phrase.title(), phrase.capitalize())
    return {normalise(case).text.lower() for case in cases}


def counted(hits: list[TermHit]) -> list[Candidate]:
    """Return the hits that count: strong ones, and weak ones in company."""
    found = [
        Candidate(hit.start, hit.end, hit.term.spec.score, hit.term.spec)
        for hit in hits
        if not hit.term.is_weak
    ]
    return found + _in_company(hits) if len(found) < len(hits) else found


def _in_company(hits: list[TermHit]) -> list[Candidate]:
    """Keep the weak hits that have a different, separate term of their type within reach."""
    seen: dict[str, list[TermHit]] = defaultdict(list)
    for hit in hits:
        seen[hit.term.spec.type].append(hit)
    kept = []
    for group in seen.values():
        group.sort(key=_position)
        kept += [
            Candidate(hit.start, hit.end, WEAK_SCORE, hit.term.spec)
            for hit in group
            if hit.term.is_weak and any(_is_company(other, hit) for other in _within_reach(group, hit))
        ]
    return kept


def is_in_company(hit: TermHit, others: Iterable[TermHit]) -> bool:
    """Tell whether a different, separate term of a hit's type is among others within reach."""
    return any(
        other.term.spec.type == hit.term.spec.type
        and _is_company(other, hit)
        and hit.start - REACH <= other.start <= hit.end + REACH
        for other in others
    )


def _is_company(other: TermHit, hit: TermHit) -> bool:
    apart = other.end <= hit.start or other.start >= hit.end
    return apart and other.term.phrase != hit.term.phrase


def _within_reach(group: list[TermHit], hit: TermHit) -> Iterator[TermHit]:
    at = bisect_left(group, hit.start - REACH, key=_position)
    while at < len(group) and group[at].start <= hit.end + REACH:
        yield group[at]
        at += 1


def _position(hit: TermHit) -> int:
    return hit.start
