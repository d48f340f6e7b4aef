"""Chunks that differ from the one before in their text alone, read without parsing each of them.

A provider writes nearly every chunk of an answer in the same bytes but for the piece of text in it. One is
parsed, and its data cut in two at that text; whatever begins and ends with these halves, and holds the inside
of a JSON text between them, is the same object with another text. Where an escape could hide a name, that is
tried once, by parsing the halves with a text of our own between them.
"""

import re
from itertools import takewhile
from typing import Final

from handrail.wire.chat.table import ANSWER
from handrail.wire.foreign_json import Json, load_object, load_text, mapping_of, whole_of
from handrail.wire.sse import BLANK_LINE, DATA

# The name stands behind a bracket or a comma, so that its quote opens and closes no text.
_CONTENT, _PADDING = (
    re.compile(rf'[{{,]\s*"{name}"\s*:\s*"([^"\\\x00-\x1f]*)"') for name in ("content", "obfuscation")
)
_OWN: Final = "\ue000"
_OWN_PADDING: Final = "\ue001"
# How many characters of a stream are looked at together: cutting costs their number.
_AT_ONCE = 16_384
_OF_DELTA = frozenset({"content", "role"})


class Alike:
    """A chunk that holds one piece of text and nothing else that would be news in the next.

    Args:
        payload: the chunk.
        choice: the number of the one choice in it.
        head: its data up to the text.
        tail: its data behind the text.
        padding: where in the tail random characters stand, which are others in each chunk; None for none.
    """

    __slots__ = ("_begin", "_between", "_end", "_head", "_middle", "_tail", "choice", "payload")

    def __init__(
        self, payload: Json, choice: int, head: str, tail: str, padding: tuple[int, int] | None = None
    ) -> None:
        self.payload, self.choice = payload, choice
        self._middle = None if padding is None else tail[: padding[0]]
        if padding is not None:
            tail = tail[padding[1] :]
        self._head, self._tail = head, tail
        self._begin, self._end = DATA + head, tail + BLANK_LINE
        self._between = self._end + self._begin

    def text_in(self, data: str) -> tuple[str, str] | None:
        """Return text and padding of a chunk that is this one but for these, None for any other chunk."""
        start, stop = len(self._head), len(data) - len(self._tail)
        if start > stop or not data.startswith(self._head) or not data.endswith(self._tail):
            return None
        padding = ""
        if self._middle is not None:
            end = data.find(self._middle, start, stop)
            padding = data[end + len(self._middle) : stop]
            if end < 0 or not ANSWER.is_plain_field("obfuscation", padding):
                return None
            stop = end
        text = _plain(data[start:stop])
        return None if text is None else (text, padding)

    def texts_in(self, events: str, at: int) -> tuple[list[str], int]:
        """Return the texts of all such chunks that follow each other from a place on, and where they end.

        Args:
            events: the events of a stream, without carriage returns.
            at: where an event begins.
        """
        if self._middle is not None or not events.startswith(self._begin, at):
            return [], at
        start = at + len(self._begin)
        *written, last = events[start : start + _AT_ONCE].split(self._between)
        if (end := last.find(self._end)) >= 0:
            written.append(last[:end])
        together = "".join(written)
        if together.isprintable() and '"' not in together and "\\" not in together:
            texts = written
        else:
            texts = [text for text in takewhile(_is_known, map(_plain, written)) if text is not None]
        size = sum(map(len, written[: len(texts)]))
        return texts, at + size + len(texts) * len(self._between)

    def with_text(self, text: str, padding: str = "") -> Json:
        """Return the chunk with another text and padding."""
        return _with_text(self.payload, text, padding)


def _is_known(text: str | None) -> bool:
    return text is not None


def _plain(written: str) -> str | None:
    """Return what the inside of a JSON text says, None if it is none."""
    if written.isprintable() and '"' not in written and "\\" not in written:
        return written
    return load_text(f'"{written}"')


def alike(payload: Json, data: str) -> Alike | None:
    """Return how chunks like this one are told, None for a chunk that says more than a piece of text.

    Args:
        payload: a chunk.
        data: what it was parsed from.
    """
    choice = _choice_of(payload)
    places = list(_CONTENT.finditer(data)) if choice is not None else []
    if choice is None or len(places) != 1:
        return None
    (start, end), text = places[0].span(1), mapping_of(choice["delta"])["content"]
    head, tail, padding = data[:start], data[end:], None
    own = tail
    if "obfuscation" in payload:
        padded = list(_PADDING.finditer(data))
        if len(padded) != 1 or padded[0].start() < end or padded[0][1] != payload["obfuscation"]:
            return None
        padding = (padded[0].start(1) - end, padded[0].end(1) - end)
        own = tail[: padding[0]] + _OWN_PADDING + tail[padding[1] :]
    if places[0][1] != text:
        return None
    # Without an escape every name is written as itself, so these places are the fields'. Else that is tried.
    if "\\" in data and load_object(head + _OWN + own) != _with_text(payload, _OWN, _OWN_PADDING):
        return None
    return Alike(payload, whole_of(choice["index"], 0), head, tail, padding)


def _with_text(payload: Json, text: str, padding: str) -> Json:
    choice = _choice_of(payload)
    assert choice is not None
    delta = {**mapping_of(choice["delta"]), "content": text}
    new = {**payload, "choices": [{**choice, "delta": delta}]}
    return {**new, "obfuscation": padding} if "obfuscation" in payload else new


def _choice_of(payload: Json) -> Json | None:
    """Return the one choice of a chunk that holds a piece of text, and beside it what changes nothing."""
    choices = payload.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        return None
    choice: Json = choices[0]
    delta = choice.get("delta")
    is_text = isinstance(delta, dict) and isinstance(delta.get("content"), str)
    if not is_text or whole_of(choice.get("index"), -1) < 0:
        return None
    beside = [value for name, value in choice.items() if name not in ("index", "delta")]
    beside += [value for name, value in mapping_of(delta).items() if name not in _OF_DELTA]
    beside += [value for name, value in payload.items() if name not in ANSWER.top and name != "choices"]
    if any(value is not None for value in beside) or mapping_of(delta).get("role") not in (None, "assistant"):
        return None
    return choice
