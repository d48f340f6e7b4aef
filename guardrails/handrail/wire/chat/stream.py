"""A chat stream held to its end: chunks in, drafts for the guard, then the chunks that may be released."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from handrail.records import Draft, FaultKind
from handrail.wire.chat.alike import Alike, alike
from handrail.wire.chat.response import read_response, write_drafts
from handrail.wire.chat.table import ANSWER
from handrail.wire.foreign_json import (
    Json,
    json_text_of,
    load_object,
    mapping_of,
    objects_of,
    text_of,
    whole_of,
)
from handrail.wire.grown import Grown
from handrail.wire.sse import DONE_EVENT, write_event
from handrail.wire.words import with_echoes

# Fields whose texts come in many pieces of one.
_GROWING = frozenset(
    {"content", "refusal", "reasoning_content", "reasoning", "arguments", "input", "transcript"}
)
_OBJECT = "chat.completion.chunk"
# After so many chunks like which no other came, no more are looked for.
_IN_VAIN = 8


class TextOnly(NamedTuple):
    """What a chunk says that differs from the one before it in its text alone."""

    choice: int
    text: str


class _Choice:
    """One choice as it grows. The two fields that come with every token are kept as lists."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.content: list[str] = []
        self.tokens: dict[str, list[object]] = {}
        self.ends: list[object] = []
        self.message, self.rest, self.beside_tokens = Grown(_GROWING), Grown(), Grown()

    def take(self, choice: Json, delta: Json) -> None:
        content = delta.get("content")
        if isinstance(content, str):
            self.content.append(content)
            if len(delta) > 1:
                self.message.take({name: value for name, value in delta.items() if name != "content"})
        elif delta:
            self.message.take(delta)
        for name, value in choice.items():
            if value is None or name == "index" or name == "delta":
                continue
            if name == "finish_reason":
                self.ends.append(value)
            elif name == "logprobs" and isinstance(value, dict):
                self._take_logprobs(value)
            else:
                self.rest.take({name: value})

    def _take_logprobs(self, logprobs: Json) -> None:
        for name, value in logprobs.items():
            if isinstance(value, list):
                self.tokens.setdefault(name, []).extend(value)
            elif value is not None:
                self.beside_tokens.take({name: value})

    @property
    def is_plain(self) -> bool:
        return bool(self.content) and not self.message.says("annotations")

    def echoes(self) -> Iterator[str]:
        for grown in (self.message, self.rest, self.beside_tokens):
            yield from grown.echoes()

    def replaced(self) -> list[object]:
        ends = [end for end in self.ends[:-1] if end != self.ends[-1]]
        return [*ends, *self.message.replaced, *self.rest.replaced, *self.beside_tokens.replaced]

    def whole(self) -> Json | None:
        """Return the choice, None if its pieces contradict each other."""
        message, rest, beside = self.message.whole(), self.rest.whole(), self.beside_tokens.whole()
        if message is None or rest is None or beside is None or not self.tokens.keys().isdisjoint(beside):
            return None
        if self.content:
            if "content" in message:
                return None
            message = {**message, "content": "".join(self.content)}
        message = {"role": "assistant", "content": None, **message}
        whole: Json = {"index": self.index, "message": message, **rest}
        if self.ends:
            whole["finish_reason"] = self.ends[-1]
        if self.tokens or beside:
            if "logprobs" in rest:
                return None
            whole["logprobs"] = {**self.tokens, **beside}
        return whole


class ChatStream:
    """Collects the chunks of one stream; `whole` is the response they add up to."""

    def __init__(self, sent: Json | None = None) -> None:
        # Chunks, and runs of chunks that are alike: their texts, and the padding of a run of one.
        self._came: list[Json | tuple[Alike, Sequence[str], str]] = []
        self._alike: Alike | None = None
        self._in_vain = 0
        self._whole: Json | None = None
        self._is_broken = False
        self._top: Json = {}
        self._odd: list[object] = []
        self._beside = Grown()
        self._choices: dict[int, _Choice] = {}

    @property
    def chunks(self) -> list[Json]:
        """The chunks as they came."""
        found: list[Json] = []
        for one in self._came:
            if isinstance(one, tuple):
                known, texts, padding = one
                found += [known.with_text(text, padding) for text in texts]
            else:
                found.append(one)
        return found

    def feed_data(self, data: str) -> Json | TextOnly | None:
        """Take one chunk as it is written.

        Returns:
            The chunk, or what one says that differs from the chunk before in its text alone; None for what
            is no object, with which the stream is broken.
        """
        known = self._alike
        if known is not None and (said := known.text_in(data)) is not None:
            text, padding = said
            self._whole, self._in_vain = None, 0
            self._came.append((known, (text,), padding))
            self._choices[known.choice].content.append(text)
            if padding:
                self._top["obfuscation"] = padding
            return TextOnly(known.choice, text)
        payload = load_object(data)
        if payload is None:
            self.broken()
            return None
        self.feed(payload)
        if not self._is_broken and self._in_vain < _IN_VAIN:
            self._alike = alike(payload, data)
            self._in_vain += self._alike is not None
        return payload

    def feed_run(self, events: str, at: int) -> int:
        """Take the chunks from a place on that differ in their text alone; return where they end."""
        known = self._alike
        if known is None:
            return at
        texts, end = known.texts_in(events, at)
        if texts:
            self._whole, self._in_vain = None, 0
            self._came.append((known, texts, ""))
            self._choices[known.choice].content += texts
        return end

    def feed(self, chunk: Json) -> None:
        """Take one chunk."""
        self._came.append(chunk)
        self._alike = self._whole = None
        top = self._top
        for name, value in chunk.items():
            if name != "choices" and value is not None and (name not in top or top[name] != value):
                self._take_beside(name, value)
        choices = chunk.get("choices", [])
        if not isinstance(choices, list):
            self._is_broken = True
            return
        for choice in choices:
            self._take(mapping_of(choice))

    def _take_beside(self, name: str, value: object) -> None:
        if name not in ANSWER.top:
            self._beside.take({name: value})
            return
        if not ANSWER.is_plain_field(name, value):
            self._odd.append(value)
        self._top[name] = value

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
        if self._whole is None:
            self._whole = self._added_up()
        return self._whole

    def _added_up(self) -> Json:
        choices = [self._choices[index].whole() for index in sorted(self._choices)]
        beside = self._beside.whole()
        if beside is None or None in choices:
            self._is_broken = True
        return {**self._top, **(beside or {}), "object": "chat.completion", "choices": choices}

    def drafts(self) -> tuple[Draft, ...]:
        """Return one draft per choice. A stream that broke or never ended is a fault."""
        return self._read(self.whole)

    def _read(self, whole: Json) -> tuple[Draft, ...]:
        drafts = read_response(whole)
        if self._is_broken:
            drafts = (replace(drafts[0], unreadable=("stream",), fault=FaultKind.UNREADABLE), *drafts[1:])
        drafts = tuple(
            draft if draft.fault or draft.finish_reason else replace(draft, fault=FaultKind.TRUNCATED)
            for draft in drafts
        )
        replaced, echoes = [*self._odd, *self._beside.replaced], [*self._beside.echoes()]
        for choice in self._choices.values():
            replaced += choice.replaced()
            echoes += choice.echoes()
        first = with_echoes(drafts[0], map(json_text_of, replaced), echoes)
        return (first, *drafts[1:])

    def released(self, drafts: Sequence[Draft], *, keep_logprobs: bool = True) -> list[Json] | None:
        """Return the chunks that may be released, None if they are the ones that came.

        A choice whose text was only shortened at its end keeps its chunks up to there; one that was changed
        otherwise comes in one chunk.
        """
        whole = self.whole
        originals = self._read(whole)
        body = write_drafts(whole, drafts, keep_logprobs=keep_logprobs)
        is_told = [_told(draft) for draft in drafts] == [_told(draft) for draft in originals]
        if is_told and body is whole:
            return None
        if is_told:
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


def stream_of(body: Json) -> list[Json]:
    """Return a whole response as a stream: what each choice says, its end, then the usage."""
    head = {name: value for name, value in body.items() if name not in ("choices", "usage", "object")}
    head["object"] = _OBJECT
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
