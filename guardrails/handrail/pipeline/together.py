"""What goes in and is judged as one text, although it comes as several messages or as none.

A word in one argument of a guarded function tells what the number in the next one is. So the arguments are
scanned as one text, in which each stands behind its name; what is found is traced back to the messages that
it lies over, and is masked there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from handrail.pipeline.decoded import Scans, scan_decoded
from handrail.records import Finding, Message, Part, Place, Speaker
from handrail.scan.spec import TOPICS

BESIDE_NAME = "arguments"
"""Name of a message that holds what is no text: numbers, dates, keys. Nothing in it can be masked."""


class JointPart(NamedTuple):
    """A stretch of a joint text: where it stands (`end` exclusive), and where it comes from.

    `message` is an index, None for a key, which is in no message; `at` is where it begins in that message.
    """

    start: int
    end: int
    message: int | None
    at: int


class JointText(NamedTuple):
    """A text that is judged as one. What lies between its parts is nobody's and counts only as context."""

    text: str
    parts: tuple[JointPart, ...]


Joint: TypeAlias = Callable[[], Sequence[JointText]]
"""Says which messages are judged as one text; asked only where they are scanned."""


@dataclass(frozen=True, slots=True)
class JointFindings:
    """What was found; behind the messages stands one of the keys in which something was."""

    messages: tuple[Message, ...]
    findings: tuple[Finding, ...]


def scan_together(scanner: Scans, messages: Sequence[Message], joint: Sequence[JointText]) -> JointFindings:
    """Scan messages, those that are part of a joint text within it and the others alone; pure.

    Findings are in order, each with its place. Topics do not count in the developer's own text.
    """
    keys = _Keys(len(messages))
    found: dict[Finding, None] = {}
    covered = {part.message for one in joint for part in one.parts}
    for index, message in enumerate(messages):
        if index not in covered or message.runs:
            place = Place(part=Part.MESSAGE, index=index)
            found.update((replace(one, place=place), None) for one in scan_decoded(scanner, message.words))
    for one in joint:
        for finding in scanner.scan(one.text):
            found.update((traced, None) for traced in _traced(finding, one, keys))
    counted = [
        finding
        for finding in found
        if not (finding.type in TOPICS and _speaker_at(messages, finding) is Speaker.SYSTEM)
    ]
    if joint:
        counted.sort(key=lambda one: (one.place.index if one.place else 0, one.start, one.end, one.type))
    return JointFindings((*messages, *keys.messages()), tuple(counted))


class _Keys:
    """The keys in which something was found, as one message behind all others."""

    def __init__(self, index: int) -> None:
        self._index = index
        self._starts: dict[str, int] = {}
        self._length = 0

    def place(self, key: str) -> tuple[int, int]:
        """Return the index of the message and where the key begins in it."""
        if key not in self._starts:
            self._starts[key] = self._length
            self._length += len(key) + 1
        return self._index, self._starts[key]

    def messages(self) -> Iterator[Message]:
        """Yield the message, if it has anything to say."""
        if self._starts:
            text = "\n".join(self._starts)
            yield Message(speaker=Speaker.TOOL, name=BESIDE_NAME, text=text, fixed=((0, len(text)),))


def _traced(finding: Finding, joint: JointText, keys: _Keys) -> Iterator[Finding]:
    for part in joint.parts:
        start, end = max(finding.start, part.start), min(finding.end, part.end)
        if start < end:
            index, at = part.message, part.at
            if index is None:
                index, at = keys.place(joint.text[part.start : part.end])
            yield replace(
                finding,
                start=at + start - part.start,
                end=at + end - part.start,
                place=Place(part=Part.MESSAGE, index=index),
            )


def _speaker_at(messages: Sequence[Message], finding: Finding) -> Speaker:
    index = finding.place.index if finding.place else 0
    return messages[index].speaker if index < len(messages) else Speaker.TOOL
