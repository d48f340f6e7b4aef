"""Masks what was found in an exchange wherever it occurs in a ticket's texts."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from handrail.records import Evidence, Finding, Part, Place

SHORTEST_VALUE = 3
HEARD = "heads"
"""Scanner of topics that are heard in a text as a whole: the words that made one are no values to mask."""
UNMASKED = "grounding"
"""Category of findings that a reader should look at, not be kept from."""
STATED = "stated"
"""Type of a finding for the words in which an answer states a fact; its note is the fact's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """Replaces each found value by `[its type]`, longest first, wherever it occurs.

    A text that is JSON, or holds some, may write the same value with escapes; it is masked all the same.
    """

    labels: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> Self:
        """Return the mask of values, given with their labels; a very short one is no value; pure."""
        known: dict[str, str] = {}
        for value, label in labels.items():
            for written in (value, _unescaped(value)[0]):
                if len(written.strip()) >= SHORTEST_VALUE:
                    known.setdefault(written, label)
        return cls(labels=tuple(sorted(known.items(), key=lambda item: (-len(item[0]), item[0]))))

    def __call__(self, text: str) -> str:
        """Return the text with every value masked; pure."""
        for value, label in self.labels:
            if value in text:
                text = text.replace(value, label)
        return self._in_escaped(text) if "\\" in text else text

    def _in_escaped(self, text: str) -> str:
        read, at = _unescaped(text)
        taken, spans = bytearray(len(read)), list[tuple[int, int, str]]()
        for value, label in self.labels:
            start = read.find(value)
            while start >= 0:
                end = start + len(value)
                if not any(taken[start:end]):
                    taken[start:end] = b"\1" * len(value)
                    spans.append((at[start], at[end], label))
                start = read.find(value, end)
        for first, last, label in sorted(spans, reverse=True):
            text = text[:first] + label + text[last:]
        return text

    def cut(self, text: str) -> str:
        """Return a text that was cut off with every value masked, also one that its end cuts off; pure."""
        text = self(text)
        read, at = _unescaped(_BROKEN.sub("", text))
        length, label = max(((_begun(value, read), label) for value, label in self.labels), default=(0, ""))
        return text[: at[len(read) - length]] + label if length >= SHORTEST_VALUE else text

    def in_json(self, text: str) -> str:
        """Return JSON with every value masked, as JSON: a number that is masked becomes a string; pure."""
        masked = self(text)
        if masked == text or _is_json(masked) or not _is_json(text):
            return masked
        quoted = self(_TOKEN.sub(self._quoted, text))
        return quoted if _is_json(quoted) else masked

    def _quoted(self, token: re.Match[str]) -> str:
        masked = token[0] if token[0].startswith('"') else self(token[0])
        return masked if masked == token[0] else json.dumps(masked)


_ESCAPE = re.compile(
    r'\\++u([dD][89abAB][0-9a-fA-F]{2})\\++u([dD][c-fC-F][0-9a-fA-F]{2})|\\++u([0-9a-fA-F]{4})|\\++(["\\/bfnrt]?)'
)
_BROKEN = re.compile(r"(?<!\\)\\++(?:u[0-9a-fA-F]{0,3})?$")
_MEANS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "": "\\"}


def _unescaped(text: str) -> tuple[str, Sequence[int]]:
    """Return a text with escapes of JSON read, however deep, and where each character and the end stand."""
    if "\\" not in text:
        return text, range(len(text) + 1)
    read: list[str] = []
    at: list[int] = []
    end = 0
    for match in _ESCAPE.finditer(text):
        read += text[end : match.start()]
        at += range(end, match.start() + 1)
        read.append(_meant(match))
        end = match.end()
    return "".join(read) + text[end:], [*at, *range(end, len(text) + 1)]


def _meant(escape: re.Match[str]) -> str:
    high, low, code, mark = escape.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
    return chr(int(code, 16)) if code else _MEANS.get(mark, mark)


def _begun(value: str, text: str) -> int:
    """Return how many characters at the end of a text are the beginning of a value, and not all of it."""
    longest = min(len(value) - 1, len(text))
    return next((length for length in range(longest, 0, -1) if text.endswith(value[:length])), 0)


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"{}\[\],:]+')


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def mask_of(evidence: Evidence) -> Mask:
    """Build the mask of an exchange from its findings; pure."""
    labels: dict[str, str] = {}
    for finding in evidence.findings:
        if finding.category == UNMASKED or finding.scanner == HEARD:
            continue
        for value in (value_of(evidence, finding), *pieces_of(evidence, finding)):
            labels.setdefault(value, f"[{finding.type}]")
    for finding, value in (*found_beside(evidence), *evidence.told):
        if finding.category != UNMASKED:
            labels.setdefault(value, f"[{finding.type}]")
    return Mask.of(labels)


def found_beside(evidence: Evidence) -> tuple[tuple[Finding, str], ...]:
    """Return what was found in the arguments of the other calls, with its text; places count these calls."""
    return tuple(
        (
            replace(finding, place=Place(part=Part.ARGUMENTS, index=number)),
            one.call.arguments[finding.start : finding.end],
        )
        for number, one in enumerate(evidence.beside, start=1)
        for finding in one.findings
        if finding.scanner != HEARD
    )


def value_of(evidence: Evidence, finding: Finding) -> str:
    """Return the text behind a finding, empty where it has none in this exchange; pure."""
    if finding.scanner == HEARD:
        return ""
    text = _text_at(evidence, finding)
    return text[finding.start : finding.end]


def _text_at(evidence: Evidence, finding: Finding) -> str:
    place = finding.place
    if place is None:
        return ""
    if place.part is Part.MESSAGE:
        return evidence.messages[place.index].words if place.index < len(evidence.messages) else ""
    if place.part is Part.ARGUMENTS:
        call = evidence.call or evidence.done
        return call.arguments if call else ""
    return evidence.draft.words if evidence.draft else ""


def pieces_of(evidence: Evidence, finding: Finding) -> tuple[str, ...]:
    """Return the pieces in which a finding stands in the exchange, if it was found in a run of them; pure."""
    place = finding.place
    if place is None or place.part is Part.ARGUMENTS:
        return ()
    if place.part is not Part.MESSAGE:
        return evidence.draft.behind(finding.start, finding.end) if evidence.draft else ()
    if place.index >= len(evidence.messages):
        return ()
    return evidence.messages[place.index].behind(finding.start, finding.end)


def holds_mask(text: str, labels: Sequence[str]) -> bool:
    """True if a text that is to be carried out holds one of these mask labels; pure."""
    return any(label in text for label in labels)
