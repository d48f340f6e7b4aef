"""The signs that the word lists see in a text. Pure."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence

from handrail.records import SignalKind
from handrail.signals.features import AFTER_CLAIM, FIRST
from handrail.signals.lexicon import Phrases, Sign, compiled, lexicon
from handrail.text.normalise import normalise

Span = tuple[int, int]

_CLAUSE_ENDS = re.compile(r"[.!?;:,()\n]")
_CLAUSE = 60


def listed(text: str, opening: str) -> Mapping[SignalKind, tuple[Span, ...]]:
    """Return where the word lists see a sign in a plain text, by kind; see `features` for the opening.

    A sign that is negated, or that points back at an answer where there was none, is left out.
    """
    found: dict[SignalKind, tuple[Span, ...]] = {}
    for kind, signs in _signs_in(text).items():
        meant = [sign for sign in signs if _can_mean(sign, opening)]
        if spans := tuple(_spans(text, lexicon().phrases[kind], meant)):
            found[kind] = spans
    return found


def _can_mean(sign: Sign, opening: str) -> bool:
    """Tell whether signs of this list can mean anything after what the assistant has done so far."""
    return opening == AFTER_CLAIM if sign == "after_claim" else opening != FIRST or sign != "after_answer"


def _signs_in(text: str) -> Mapping[SignalKind, list[Sign]]:
    """Return which lists of which signal match somewhere in a text; all of them if the set failed."""
    words = lexicon()
    matched = words.first.Match(text) or ()
    has_failed = len(words.lists) not in matched
    found: dict[SignalKind, list[Sign]] = {}
    for index, (kind, sign) in enumerate(words.lists):
        if index in matched or has_failed:
            found.setdefault(kind, []).append(sign)
    return found


def plain(text: str) -> str:
    """Return a text as the lexicon's expressions want it: normalised, lower case, plain apostrophes."""
    return lowered(normalise(text).text)


def lowered(text: str) -> str:
    """Lower case, plain apostrophes and no half of a character; every character keeps its place."""
    low_text = text.lower()
    if low_text.isascii():
        return low_text.replace("`", "'")
    if len(low_text) != len(text):  # one capital letter has a lower form of two characters
        low_text = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    return low_text if _CHANGED.search(low_text) is None else low_text.translate(_SAME_WIDTH)


_CHANGED = re.compile("[’‘`´\u00a0\ud800-\udfff]")
_SAME_WIDTH = str.maketrans(
    {"’": "'", "‘": "'", "`": "'", "´": "'", "\u00a0": " "}
    | dict.fromkeys(map(chr, range(0xD800, 0xE000)), "\ufffd")
)


def _spans(text: str, phrases: Phrases, signs: Sequence[Sign]) -> Iterator[Span]:
    excused = _all(phrases.unless, text)
    kept: set[Span] = set()
    for sign in signs:
        for start, end in _all(phrases.signs[sign], text):
            if sign == "always" or not (_is_inside(start, excused) or _is_negated(text, start, phrases)):
                kept.add((start, end))
    yield from joined(sorted(kept))


def _all(expression: str, text: str) -> list[Span]:
    return [match.span() for match in compiled(expression).finditer(text)]


def _is_inside(start: int, spans: Sequence[Span]) -> bool:
    at = bisect_right(spans, start, key=lambda span: span[0]) - 1
    return at >= 0 and start < spans[at][1]


def _is_negated(text: str, start: int, phrases: Phrases) -> bool:
    before = text[max(0, start - _CLAUSE) : start]
    clause = _CLAUSE_ENDS.split(before)[-1]
    return compiled(phrases.never_after).search(clause) is not None


def joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Join spans in order that overlap."""
    at: Span | None = None
    for start, end in spans:
        if at is not None and start < at[1]:
            at = (at[0], max(at[1], end))
            continue
        if at is not None:
            yield at
        at = (start, end)
    if at is not None:
        yield at
