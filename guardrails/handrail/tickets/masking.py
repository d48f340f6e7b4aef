"""Masks what was found in an exchange wherever it occurs in a ticket's texts."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    """Replaces each found value by `[its type]`, longest first, wherever it occurs."""

    labels: tuple[tuple[str, str], ...] = ()

    def __call__(self, text: str) -> str:
        """Return the text with every value masked; pure."""
        for value, label in self.labels:
            if value in text:
                text = text.replace(value, label)
        return text

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
        for value in (value_of(evidence, finding), *_pieces_of(evidence, finding)):
            if len(value.strip()) >= SHORTEST_VALUE:
                labels.setdefault(value, f"[{finding.type}]")
    for finding, value in found_beside(evidence):
        if finding.category != UNMASKED and len(value.strip()) >= SHORTEST_VALUE:
            labels.setdefault(value, f"[{finding.type}]")
    return Mask(labels=tuple(sorted(labels.items(), key=lambda item: (-len(item[0]), item[0]))))


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


def _pieces_of(evidence: Evidence, finding: Finding) -> tuple[str, ...]:
    """Return the pieces in which a finding stands in the exchange, if it was found in a run of them."""
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
