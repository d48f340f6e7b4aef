"""A chat stream released piece by piece, as far as no rule could take a piece back."""

from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

from handrail.records import Draft
from handrail.wire.chat.response import write_drafts
from handrail.wire.chat.stream import ChatStream, stream_of, write_events
from handrail.wire.shapes import Json, mapping_of, objects_of, text_of, whole_of
from handrail.wire.sse import DONE, Event, EventReader

# Between what was shown already and a notice, so that the two are not read as one sentence.
GAP = "\n\n"
_OF_TEXT = frozenset({"role", "content"})


class CutterLike(Protocol):
    """Says how many of the chunks that were fed may be shown."""

    @property
    def released(self) -> int: ...
    def feed(self, chunk: str, /) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """Get the next bytes of the opened stream. Answer: bytes, None at its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Emit:
    """Give these bytes to the caller now."""

    data: bytes


Early: TypeAlias = Generator[Pull | Emit, Any, None]


@dataclass(frozen=True, slots=True)
class _Held:
    """One event that waits: its bytes, and the text chunks in it by choice; None if it is more than text."""

    event: Event
    chunks: tuple[tuple[int, int], ...] | None


class EarlyRelease:
    """Collects one stream and lets go of its events, in order, as the cutters allow.

    Args:
        new_cutter: makes the cutter of one choice.
        strips_logprobs: the caller had not asked for log-probabilities that come.
    """

    def __init__(self, new_cutter: Any, *, strips_logprobs: bool) -> None:
        self.stream, self.is_closed = ChatStream(), False
        self._new_cutter, self._strips = new_cutter, strips_logprobs
        self._reader = EventReader()
        self._cutters: dict[int, CutterLike] = {}
        self._fed: dict[int, list[str]] = {}
        self._waiting: deque[_Held] = deque()

    def take(self, data: bytes) -> bytes:
        """Take bytes from the provider; return what may be shown by now."""
        for event in self._reader.feed(data):
            self._read(event)
        return self._released()

    def steps(self) -> Early:
        """Pull the stream to its end, emitting what may be shown."""
        while (data := (yield Pull())) is not None:
            if shown := self.take(data):
                yield Emit(data=shown)
        if self._reader.rest.strip():
            self.stream.broken()

    def _read(self, event: Event) -> None:
        if event.data == DONE:
            self.is_closed = True
            self._waiting.append(_Held(event, None))
            return
        payload = event.payload() if event.data else {}
        if payload is None:
            self.stream.broken()
            self._waiting.append(_Held(event, None))
        elif event.data:
            self.stream.feed(payload)
            self._waiting.append(_Held(event, self._chunks_of(payload)))

    def _chunks_of(self, payload: Json) -> tuple[tuple[int, int], ...] | None:
        chunks, choices = [], objects_of(payload.get("choices"))
        is_plain = not mapping_of(payload.get("usage"))
        for choice in choices:
            index, delta = whole_of(choice.get("index"), -1), mapping_of(choice.get("delta"))
            text = text_of(delta.get("content"))
            is_text = delta.keys() <= _OF_TEXT or not any(v for k, v in delta.items() if k not in _OF_TEXT)
            is_plain = is_plain and index >= 0 and is_text and not choice.get("finish_reason")
            if text:
                chunks.append((index, self._feed(index, text)))
        return tuple(chunks) if is_plain and choices else None

    def _feed(self, index: int, text: str) -> int:
        if index not in self._cutters:
            self._cutters[index] = self._new_cutter()
            self._fed[index] = []
        self._fed[index].append(text)
        self._cutters[index].feed(text)
        return len(self._fed[index]) - 1

    def _released(self) -> bytes:
        out = []
        while self._waiting and self._may_go(self._waiting[0]):
            out.append(self._bytes_of(self._waiting.popleft().event))
        return b"".join(out)

    def _may_go(self, held: _Held) -> bool:
        if held.chunks is None:
            return False
        return all(number < self._cutters[index].released for index, number in held.chunks)

    def _bytes_of(self, event: Event) -> bytes:
        payload = event.payload() if self._strips else None
        if payload is None:
            return event.raw
        choices = [
            {name: value for name, value in choice.items() if name != "logprobs"}
            for choice in objects_of(payload.get("choices"))
        ]
        return write_events([{**payload, "choices": choices}], is_closed=False)

    def _shown(self, index: int) -> str:
        waiting = {number for held in self._waiting for at, number in held.chunks or () if at == index}
        first = min(waiting, default=len(self._fed.get(index, ())))
        return "".join(self._fed.get(index, ())[:first])

    def rest(self) -> bytes:
        """Return what is left of the stream, as it came."""
        return b"".join(self._bytes_of(held.event) for held in self._waiting)

    def rest_of(self, drafts: Iterable[Draft], *, keep_logprobs: bool) -> bytes:
        """Return what is left once the drafts are what may be released."""
        whole = self.stream.whole
        indexes = [whole_of(choice.get("index"), 0) for choice in objects_of(whole["choices"])]
        cut = []
        for index, draft in zip(indexes, drafts, strict=True):
            shown = self._shown(index)
            cut.append(replace(draft, text=draft.text[len(shown) :] if draft.text.startswith(shown) else ""))
        body = write_drafts(whole, cut, keep_logprobs=keep_logprobs)
        return write_events(stream_of(body), is_closed=self.is_closed)

    def rest_instead(self, body: Json) -> bytes:
        """Return the closing of a stream whose answer is withheld after all; `body` holds the notice."""
        choices = []
        for choice in objects_of(body.get("choices")):
            message = mapping_of(choice.get("message"))
            if self._shown(whole_of(choice.get("index"), 0)) and text_of(message.get("content")):
                message = {**message, "content": GAP + text_of(message["content"])}
            choices.append({**choice, "message": message})
        return write_events(stream_of({**body, "choices": choices}))
