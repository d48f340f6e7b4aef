"""Reading signals in a person's newest words, and whether they agree to what was proposed. Pure."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from handrail.records import Message, Part, Place, Signal, SignalKind, Speaker, first_new
from handrail.signals.lexicon import Phrases, Sign, assent_words, compiled, lexicon
from handrail.text.normalise import normalise

_CLAUSE_ENDS = re.compile(r"[.!?;:,()\n]")
_CLAUSE = 60


@dataclass(frozen=True, slots=True)
class _Conversation:
    """What the assistant has done so far: what decides whether some signs can mean anything."""

    has_answered: bool
    has_claimed: bool

    def allows(self, sign: Sign) -> bool:
        """Tell whether signs of this list can mean anything here."""
        return self.has_claimed if sign == "after_claim" else self.has_answered or sign != "after_answer"


def read_signals(messages: Sequence[Message]) -> tuple[Signal, ...]:
    """Return the signals in the user's messages after the assistant's last one, by message, kind and start.

    A sign that is negated ("no need to talk to anyone"), asked about the assistant itself ("are you a real
    person?") or that points back at an answer where there was none is left out. Spans count characters of the
    message; `place.index` is the index in `messages`.
    """
    first = first_new(messages)
    before = reversed(messages[:first])
    answered = next((m for m in before if m.speaker is Speaker.ASSISTANT and m.text), None)
    so_far = _Conversation(
        has_answered=answered is not None,
        has_claimed=answered is not None and not answered.text.rstrip().endswith("?"),
    )
    found: list[Signal] = []
    for index in range(first, len(messages)):
        if messages[index].speaker is Speaker.USER and messages[index].text:
            found += _read(messages[index].text, index, so_far)
    return tuple(found)


def _read(text: str, index: int, so_far: _Conversation) -> Iterator[Signal]:
    seen = normalise(text)
    words = _lowered(seen.text)
    for kind, signs in _signs_in(words).items():
        for start, end in _spans(words, lexicon().phrases[kind], signs, so_far):
            raw_start, raw_end = seen.raw_span(start, end)
            yield Signal(kind=kind, start=raw_start, end=raw_end, place=Place(part=Part.MESSAGE, index=index))


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
    return _lowered(normalise(text).text)


def _lowered(text: str) -> str:
    """Lower case and plain apostrophes; every character keeps its place."""
    lowered = text.lower()
    if len(lowered) != len(text):  # one capital letter has a lower form of two characters
        lowered = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    return lowered.translate(_SAME_WIDTH)


_SAME_WIDTH = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'", "\u00a0": " "})


def _spans(
    text: str, phrases: Phrases, signs: Sequence[Sign], so_far: _Conversation
) -> Iterator[tuple[int, int]]:
    excused = _all(phrases.unless, text)
    kept: set[tuple[int, int]] = set()
    for sign in signs:
        if not so_far.allows(sign):
            continue
        for start, end in _all(phrases.signs[sign], text):
            if sign == "always" or not (_is_inside(start, excused) or _is_negated(text, start, phrases)):
                kept.add((start, end))
    yield from _merged(sorted(kept))


def _all(expression: str, text: str) -> list[tuple[int, int]]:
    return [match.span() for match in compiled(expression).finditer(text)]


def _is_inside(start: int, spans: Sequence[tuple[int, int]]) -> bool:
    at = bisect_right(spans, start, key=lambda span: span[0]) - 1
    return at >= 0 and start < spans[at][1]


def _is_negated(text: str, start: int, phrases: Phrases) -> bool:
    before = text[max(0, start - _CLAUSE) : start]
    clause = _CLAUSE_ENDS.split(before)[-1]
    return compiled(phrases.never_after).search(clause) is not None


def _merged(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    at: tuple[int, int] | None = None
    for start, end in spans:
        if at is not None and start < at[1]:
            at = (at[0], max(at[1], end))
            continue
        if at is not None:
            yield at
        at = (start, end)
    if at is not None:
        yield at


_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n+")


def agrees(text: str) -> bool:
    """Tell whether a reply says a clear yes; in doubt it does not.

    A yes is a word of assent that is neither negated (`I never agreed`, `not sure`) nor asked (`is that
    correct?`) nor made conditional (`yes, but first`), with no sentence beside it that refuses.
    """
    words = assent_words()
    has_assent = False
    for sentence in _SENTENCES.split(plain(text).strip()):
        if compiled(words.refuses).search(sentence):
            return False
        if not compiled(words.unless).search(sentence):
            has_assent = has_assent or _says_yes(sentence)
    return has_assent


def _says_yes(sentence: str) -> bool:
    words = assent_words()
    return any(
        not compiled(words.never_after).search(sentence[: match.span()[0]])
        for match in compiled(words.says).finditer(sentence)
    )
