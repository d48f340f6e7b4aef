"""A stream that is shown in pieces, as far as no rule could take a piece back.

With `stream: release` in the policy the caller sees an answer while the model still writes it. What is shown
cannot be withheld afterwards. So a piece goes only if the decision on the whole can no longer concern it.

What may go when:

1. Only text goes early. The text of each choice is fed, chunk by chunk, to a `StreamRelease` of its own
   (`pipeline/stream.py`). It releases a chunk once the scanner knows, whatever may follow, that no finding
   named by a rule touches it (`scan/stream_horizon.py`). From the first such finding on it releases nothing.
   Where a rule reads confidence, or findings of any type, it never releases anything.
2. An item that holds more than text (a tool call, a refusal, a finish reason, usage, a field nobody knows,
   bytes that are no event) waits for the judgement, and everything behind it waits too.
3. Items leave whole, as they came, and in the order in which they came. One that may go waits for those
   before it. So log-probabilities, roles and several choices keep their places.

Why nothing has to be taken back: the whole is judged at its end on the same text, by the same scanner. Any
finding that a rule names lies in what still waits, so masking and withholding change only what nobody has
seen. A rule on something else (a fault, a tool call) may still end the stream with a hand-off; it is not
about words. Then follows, on `pass`, the rest as it came; on `redact`, the rewritten answer without the part
that was shown; on `hand_off` and `block`, the notice, after an empty line if something was shown. What was
shown is in the ticket.

Where it is tested: `tests/property/test_scan_stream.py` (what the scanner lets go is a beginning of the
redacted whole, for any text however it is cut), `tests/unit/http/test_incremental.py` (what waits, and what
follows it) and `tests/contract/test_adapters_release.py` (the OpenAI client and LangChain, with a secret cut
at any place).
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from types import NoneType
from typing import TYPE_CHECKING, Generic, TypeVar

from handrail.records import Draft
from handrail.wire.chat.response import says_more, write_drafts
from handrail.wire.chat.stream import ChatStream, TextOnly, stream_of, without_logprobs, write_events
from handrail.wire.chat.table import ANSWER
from handrail.wire.foreign_json import Json, mapping_of, objects_of, text_of, whole_of
from handrail.wire.sse import DONE, Event, EventReader, write_event
from handrail.wire.structure import structure_of

if TYPE_CHECKING:
    from handrail.pipeline.stream import StreamRelease

# Between what was shown already and a notice, so that the two are not read as one sentence.
GAP = "\n\n"

_OF_TEXT = frozenset({"role", "content"})
_CHOICES = frozenset({"choices"})
_OF_CHOICE = frozenset({"delta", "logprobs"})

ItemT = TypeVar("ItemT")


class ReleaseQueue(Generic[ItemT]):
    """Items of a stream in order, each with the text in it; gives back those that may be shown.

    Args:
        new_release: makes the release of one choice.
    """

    def __init__(self, new_release: "Callable[[], StreamRelease]") -> None:
        self._new_release = new_release
        self._releases: dict[int, StreamRelease] = {}
        self._fed: dict[int, int] = {}
        self._shown: dict[int, list[str]] = {}
        self._waiting: deque[tuple[ItemT, Sequence[tuple[int, str, int]]]] = deque()
        self._held: list[ItemT] = []
        self._unfed: dict[int, list[str]] = {}

    def put(self, item: ItemT, texts: Iterable[tuple[int, str]] | None) -> None:
        """Take the next item.

        Args:
            item: what came.
            texts: the number of each choice and its text; None if the item holds more than text.
        """
        if texts is None or self._held:
            self._held.append(item)
        else:
            self._waiting.append((item, [(choice, text, self._feed(choice, text)) for choice, text in texts]))

    def _feed(self, choice: int, text: str) -> int:
        """Note a text for a choice's release; return how many chunks it must release for this one to go."""
        if choice not in self._releases:
            self._releases[choice], self._fed[choice] = self._new_release(), 0
        self._unfed.setdefault(choice, []).append(text)
        self._fed[choice] += 1
        return self._fed[choice]

    def ready(self) -> Iterator[ItemT]:
        """Give the items that may be shown by now, in order.

        What has come since the last look is judged together: one event for a reader who keeps up, many at
        once where a provider, or this program, is behind.
        """
        for choice, unfed in self._unfed.items():
            self._releases[choice].feed_all(unfed)
        self._unfed.clear()
        while self._waiting and all(
            number <= self._releases[choice].released for choice, _, number in self._waiting[0][1]
        ):
            item, texts = self._waiting.popleft()
            for choice, text, _ in texts:
                self._shown.setdefault(choice, []).append(text)
            yield item

    def rest(self) -> list[ItemT]:
        """Return the items that have not been given."""
        return [*(item for item, _ in self._waiting), *self._held]

    def shown(self, choice: int = 0) -> str:
        """Return the text of one choice that was given."""
        return "".join(self._shown.get(choice, ()))


class IncrementalRelease:
    """A stream of chat completions: collected for the judgement, and given as far as that is safe.

    Args:
        new_release: makes the release of one choice.
        strips_logprobs: log-probabilities come that the caller had not asked for.
        most_bytes: how large the stream may be; a larger one cannot be judged, and its rest is not kept.
    """

    def __init__(
        self, new_release: "Callable[[], StreamRelease]", *, strips_logprobs: bool, most_bytes: int = 1 << 26
    ) -> None:
        self.stream, self._is_closed = ChatStream(), False
        self._strips, self._left = strips_logprobs, most_bytes
        self._reader = EventReader()
        self._queue = ReleaseQueue[Event](new_release)

    def take(self, data: bytes) -> bytes:
        """Take bytes from the provider; return what may be shown by now."""
        self._left -= len(data)
        if self._left < 0:
            self.stream.broken()
            return b""
        for event in self._reader.feed(data):
            self._read(event)
        return b"".join(map(self._bytes_of, self._queue.ready()))

    def end(self) -> None:
        """Say that no more bytes come."""
        if self._reader.rest.strip():
            self.stream.broken()

    def _read(self, event: Event) -> None:
        if not event.data:
            return
        if event.data == DONE:
            self._is_closed = True
            self._queue.put(event, None)
            return
        said = self.stream.feed_data(event.data)
        if isinstance(said, TextOnly):
            self._queue.put(event, [said] if said.text else [])
        else:
            self._queue.put(event, None if said is None else _texts_of(said))

    def _bytes_of(self, event: Event) -> bytes:
        payload = event.payload() if self._strips else None
        return event.shown if payload is None else write_event(without_logprobs(payload))

    def rest(self) -> bytes:
        """Return what is left of the stream, as it came."""
        return b"".join(map(self._bytes_of, self._queue.rest()))

    def rest_of(self, before: Sequence[Draft], after: Sequence[Draft], *, keep_logprobs: bool) -> bytes:
        """Return what is left once other drafts may be released than those that were read."""
        if list(map(_told, after)) == list(map(_told, before)):
            return self.rest()
        whole = self.stream.whole
        indexes = [whole_of(choice.get("index"), 0) for choice in objects_of(whole["choices"])]
        left = []
        for index, draft in zip(indexes, after, strict=True):
            shown = self._queue.shown(index)
            left.append(replace(draft, text=draft.text[len(shown) :] if draft.text.startswith(shown) else ""))
        body = write_drafts(whole, left, keep_logprobs=keep_logprobs)
        return write_events(stream_of(body), is_closed=self._is_closed)

    def rest_instead(self, body: Json) -> bytes:
        """Return the end of a stream whose answer is withheld after all; `body` holds the notice."""
        choices = []
        # What was shown already came under the provider's own id.
        answer = text_of(structure_of(ANSWER, self.stream.whole).get("id")) or body["id"]
        for choice in objects_of(body.get("choices")):
            message = mapping_of(choice.get("message"))
            if self._queue.shown(whole_of(choice.get("index"), 0)) and text_of(message.get("content")):
                message = {**message, "content": GAP + text_of(message["content"])}
            choices.append({**choice, "message": message})
        return write_events(stream_of({**body, "id": answer, "choices": choices}))


def _told(draft: Draft) -> tuple[object, ...]:
    return (draft.text, draft.refusal, draft.asides, draft.tool_calls)


def _texts_of(chunk: Json) -> list[tuple[int, str]] | None:
    """Return the text of each choice in a chunk, None if the chunk holds more than text."""
    choices = chunk.get("choices")
    if not isinstance(choices, list) or not choices or not ANSWER.is_plain(chunk, without=_CHOICES):
        return None
    if mapping_of(chunk.get("usage")):
        return None
    read = [_text_of(mapping_of(choice)) for choice in choices]
    if None in read:
        return None
    return [(index, text) for index, text in filter(None, read) if text]


def _text_of(choice: Json) -> tuple[int, str] | None:
    """Return the number and the text of a choice, None if it holds more than text."""
    index, delta = whole_of(choice.get("index"), -1), choice.get("delta", {})
    if not isinstance(delta, dict):
        return None
    content = delta.get("content")
    if index < 0 or choice.get("finish_reason") or not ANSWER.is_plain(choice, "choices[]", _OF_CHOICE):
        return None
    if any(value for name, value in delta.items() if name not in _OF_TEXT):
        return None
    if delta.get("role") not in (None, "assistant") or not isinstance(content, (str, NoneType)):
        return None
    logprobs = choice.get("logprobs")
    if logprobs is not None and says_more(logprobs, content or ""):
        return None
    return index, content or ""
