"""A chat stream held to its end: chunks in, drafts for the guard, then the chunks that may be released."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from handrail.records import Draft, FaultKind
from handrail.wire.chat.request import OF_BODY, OF_CHOICE
from handrail.wire.chat.response import read_response, write_drafts
from handrail.wire.foreign_json import Json, mapping_of, objects_of, text_of, whole_of
from handrail.wire.sse import DONE_EVENT, write_event

_REPLACED = frozenset({"id", "name", "type", "role", "index", "format", "expires_at"})


class _Choice:
    """One choice as it grows. The two fields that come with every token are kept as lists."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.content: list[str] = []
        self.logprobs: Json | None = None
        self.message: Json = {"role": "assistant", "content": None}
        self.rest: Json = {}

    def take(self, choice: Json, delta: Json) -> None:
        for name, value in delta.items():
            if name == "content" and isinstance(value, str):
                self.content.append(value)
            elif value is not None:
                self.message[name] = _merged(self.message.get(name), value, name)
        for name, value in choice.items():
            if value is None or name in ("index", "delta"):
                continue
            if name == "logprobs":
                self._take_logprobs(mapping_of(value))
            elif name in OF_CHOICE:
                self.rest[name] = value
            else:
                self.rest[name] = _merged(self.rest.get(name), value, name)

    def _take_logprobs(self, logprobs: Json) -> None:
        if self.logprobs is None:
            self.logprobs = {}
        for name, value in logprobs.items():
            if isinstance(value, list):
                known = self.logprobs.get(name)
                self.logprobs[name] = [*known, *value] if isinstance(known, list) else list(value)
            else:
                self.logprobs.setdefault(name, value)

    @property
    def is_plain(self) -> bool:
        return self.message["content"] is None and not self.message.get("annotations")

    def whole(self) -> Json:
        message = dict(self.message)
        if self.content:
            text = "".join(self.content)
            parts = message["content"]
            message["content"] = [{"type": "text", "text": text}, *parts] if isinstance(parts, list) else text
        whole: Json = {"index": self.index, "message": message, **self.rest}
        if self.logprobs is not None:
            whole["logprobs"] = self.logprobs
        return whole


class ChatStream:
    """Collects the chunks of one stream; `whole` is the response they add up to."""

    def __init__(self) -> None:
        self.chunks: list[Json] = []
        self._is_broken = False
        self._top: Json = {}
        self._choices: dict[int, _Choice] = {}

    def feed(self, chunk: Json) -> None:
        """Take one chunk."""
        self.chunks.append(chunk)
        for name, value in chunk.items():
            if name in OF_BODY:
                if value is not None and name not in ("choices", "object"):
                    self._top[name] = value
            else:
                self._top[name] = _merged(self._top.get(name), value, name)
        choices = chunk.get("choices", [])
        if not isinstance(choices, list):
            self._is_broken = True
            return
        for choice in choices:
            self._take(mapping_of(choice))

    def broken(self) -> None:
        """Say that something came which is no chunk; the stream can no longer be judged."""
        self._is_broken = True

    def _take(self, choice: Json) -> None:
        index, delta = whole_of(choice.get("index"), -1), choice.get("delta", {})
        # A chunk with a whole message would stand in place of the deltas that were collected.
        if index < 0 or not isinstance(delta, dict) or "message" in choice:
            self._is_broken = True
            return
        if index not in self._choices:
            self._choices[index] = _Choice(index)
        self._choices[index].take(choice, delta)

    @property
    def whole(self) -> Json:
        """The response that the chunks add up to, as if it had not been streamed."""
        choices = [self._choices[index].whole() for index in sorted(self._choices)]
        return {**self._top, "object": "chat.completion", "choices": choices}

    def drafts(self) -> tuple[Draft, ...]:
        """Return one draft per choice. A stream that broke or never ended is a fault."""
        drafts = read_response(self.whole)
        if self._is_broken:
            return tuple(replace(draft, fault=FaultKind.UNREADABLE) for draft in drafts)
        return tuple(
            draft if draft.fault or draft.finish_reason else replace(draft, fault=FaultKind.TRUNCATED)
            for draft in drafts
        )

    def released(self, drafts: Sequence[Draft], *, keep_logprobs: bool = True) -> list[Json] | None:
        """Return the chunks that may be released, None if they are the ones that came.

        A choice whose text was only shortened at its end keeps its chunks up to there; one that was changed
        otherwise comes in one chunk.
        """
        whole = self.whole
        originals = read_response(whole)
        body = write_drafts(whole, drafts, keep_logprobs=keep_logprobs)
        if body is whole:
            return None
        if [_told(draft) for draft in drafts] == [_told(draft) for draft in originals]:
            return [without_logprobs(chunk) for chunk in self.chunks]
        is_shortened = all(
            _told(replace(draft, text=original.text)) == _told(original)
            and original.text.startswith(draft.text)
            for draft, original in zip(drafts, originals, strict=True)
        )
        if is_shortened and all(choice.is_plain for choice in self._choices.values()):
            return list(self._shortened([len(draft.text) for draft in drafts], keep_logprobs=keep_logprobs))
        return stream_of(body)

    def _shortened(self, rooms: Sequence[int], *, keep_logprobs: bool) -> Iterator[Json]:
        left = dict(zip(sorted(self._choices), rooms, strict=True))
        for chunk in self.chunks:
            choices = []
            for choice in objects_of(chunk.get("choices")):
                index, delta = whole_of(choice.get("index"), -1), mapping_of(choice.get("delta"))
                text = text_of(delta.get("content"))
                kept = text[: left[index]]
                left[index] -= len(kept)
                if text and not kept and len(delta) == 1 and not choice.get("finish_reason"):
                    continue
                new = {**choice, "delta": {**delta, "content": kept}} if kept != text else choice
                cut = kept != text or not keep_logprobs
                choices.append(_drop_logprobs(new) if cut else new)
            if choices or not chunk.get("choices"):
                yield {**chunk, "choices": choices}


def _told(draft: Draft) -> tuple[object, ...]:
    return (draft.text, draft.asides, draft.tool_calls, draft.refusal)


def without_logprobs(chunk: Json) -> Json:
    """Return a chunk without log-probabilities; the same object if it has none."""
    choices = objects_of(chunk.get("choices"))
    if not any("logprobs" in choice for choice in choices):
        return chunk
    return {**chunk, "choices": [_drop_logprobs(choice) for choice in choices]}


def _drop_logprobs(choice: Json) -> Json:
    return {name: value for name, value in choice.items() if name != "logprobs"}


def _merged(before: object, after: object, name: str) -> object:
    if before is None or after is None:
        return before if after is None else _grown(after, name)
    if isinstance(before, dict) and isinstance(after, dict):
        return {
            key: _merged(before.get(key), after.get(key), key) for key in dict.fromkeys((*before, *after))
        }
    if isinstance(before, list) and isinstance(after, list):
        return _grown([*before, *after], name)
    if isinstance(before, str) and isinstance(after, str) and name not in _REPLACED:
        return before + after
    return after or before


def _grown(value: object, name: str) -> object:
    """Gather list entries that carry an index, as calls do, into one entry per index."""
    if not isinstance(value, list) or name != "tool_calls":
        return value
    by_index: dict[int, object] = {}
    for entry in objects_of(value):
        index = whole_of(entry.get("index"), 0)
        by_index[index] = _merged(by_index.get(index), entry, "tool_call")
    return [by_index[index] for index in sorted(by_index)]


def stream_of(body: Json) -> list[Json]:
    """Return a whole response as a stream: what each choice says, its end, then the usage."""
    head = {name: value for name, value in body.items() if name not in ("choices", "usage", "object")}
    head["object"] = "chat.completion.chunk"
    chunks: list[Json] = []
    for choice in objects_of(body.get("choices")):
        message = mapping_of(choice.get("message"))
        delta = {name: value for name, value in message.items() if value is not None}
        if "tool_calls" in delta:
            delta["tool_calls"] = [
                {"index": index, **call} for index, call in enumerate(objects_of(delta["tool_calls"]))
            ]
        index = choice.get("index")
        first = {**choice, "delta": delta, "finish_reason": None}
        del first["message"]
        end = {"index": index, "delta": {}, "finish_reason": choice.get("finish_reason")}
        chunks += [{**head, "choices": [first]}, {**head, "choices": [end]}]
    if mapping_of(body.get("usage")):
        chunks.append({**head, "choices": [], "usage": body["usage"]})
    return chunks


def write_events(payloads: Iterable[Json], *, is_closed: bool = True) -> bytes:
    """Return chunks as bytes, with the closing mark if the stream has one."""
    return b"".join(map(write_event, payloads)) + (DONE_EVENT if is_closed else b"")
