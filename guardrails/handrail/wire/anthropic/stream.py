"""A messages stream held to its end: events in, a draft for the guard, then what may be released of them."""

import json
from collections.abc import Sequence
from dataclasses import replace

from handrail.records import Draft, FaultKind
from handrail.text.json_data import leaves
from handrail.text.values import read
from handrail.wire.anthropic.response import read_response, write_drafts
from handrail.wire.anthropic.table import EVENT
from handrail.wire.foreign_json import Json, load_object, mapping_of, objects_of, text_of, whole_of
from handrail.wire.words import with_echoes

_PIECES = {"text": "text", "thinking": "thinking"}
_KNOWN = frozenset({"text", "thinking", "signature", "partial_json"})
_USUAL = frozenset({"type", "index", "delta"})


class MessageStream:
    """Collects the events of one stream; `whole` is the response they add up to."""

    def __init__(self, sent: Json | None = None) -> None:
        self._message: Json = {}
        self._blocks: dict[int, Json] = {}
        self._pieces: dict[int, dict[str, list[str]]] = {}
        self._said: list[Json] = []
        self._is_broken = self._is_failed = self._is_ended = False

    def feed(self, event: Json) -> None:
        """Take one event."""
        index = whole_of(event.get("index"), -1)
        kind, delta = text_of(event.get("type")), event.get("delta")
        if not (kind == "content_block_delta" and isinstance(delta, dict) and event.keys() <= _USUAL):
            # Pieces are judged as what they add up to; whatever else is said, as it is.
            self._said.append(event)
        match kind:
            case "message_start":
                self._message = dict(mapping_of(event.get("message")))
                self._blocks = dict(enumerate(map(dict, objects_of(self._message.get("content")))))
            case "content_block_start" if index >= 0:
                self._blocks[index] = dict(mapping_of(event.get("content_block")))
                self._pieces.pop(index, None)
            case "content_block_delta" if index in self._blocks:
                self._take(index, mapping_of(delta))
            case "message_delta":
                usage = {**mapping_of(self._message.get("usage")), **mapping_of(event.get("usage"))}
                self._message.update(mapping_of(delta), usage=usage)
            case "message_stop":
                self._is_ended = True
            case "error":
                self._is_failed = True
            case "ping" | "content_block_stop":
                return
            case _:
                self._is_broken = True

    def feed_data(self, data: str) -> None:
        """Take one event as it is written; what is no object breaks the stream."""
        event = load_object(data)
        if event is None:
            self.broken()
        else:
            self.feed(event)

    def feed_run(self, events: str, at: int) -> int:
        """Take nothing: every event is read by itself."""
        return at

    def broken(self) -> None:
        """Say that something came which is no event; the stream can no longer be judged."""
        self._is_broken = True

    def _take(self, index: int, delta: Json) -> None:
        for name, value in delta.items():
            if name == "type":
                self._said.append({"delta": {"type": value}})
            elif isinstance(value, str):
                self._pieces.setdefault(index, {}).setdefault(name, []).append(value)
            elif name == "citation":
                block = self._blocks[index]
                block["citations"] = [*objects_of(block.get("citations")), value]
            else:
                self._is_broken = True

    @property
    def whole(self) -> Json:
        """The response that the events add up to, as if it had not been streamed."""
        return {**self._message, "content": [self._block(index) for index in sorted(self._blocks)]}

    def _block(self, index: int) -> Json:
        block = dict(self._blocks[index])
        for name, pieces in self._pieces.get(index, {}).items():
            text = "".join(pieces)
            if name == "partial_json":
                block["input"] = _loaded(text)
            else:
                block[name] = text_of(block.get(name)) + text
        return block

    def _untold(self) -> tuple[list[str], frozenset[str]]:
        """Return what events say and the whole does not, and why some of them cannot be read.

        A correct stream has nothing of the kind.
        """
        whole = self.whole
        known = {leaf for _, leaf in leaves(whole) if isinstance(leaf, str)}
        known |= {leaf.text for leaf in read(whole).leaves}
        judged = [EVENT.judged(event) for event in self._said]
        found = [leaf.text for event in judged for leaf in event.leaves]
        unreadable = frozenset(code for event in judged for code in event.unreadable)
        return [text for text in dict.fromkeys(found) if text not in known], unreadable

    def _echoes(self) -> list[str]:
        fields = [field for block in self._pieces.values() for field in block.items()]
        return ["\n".join(pieces) for name, pieces in fields if name not in _KNOWN and len(pieces) > 1]

    def drafts(self) -> tuple[Draft, ...]:
        """Return the draft. A stream that broke, failed or never ended is a fault."""
        said, codes = self._untold()
        draft = with_echoes(read_response(self.whole)[0], said, self._echoes())
        if codes:
            draft = replace(draft, unreadable=tuple(sorted({*draft.unreadable, *codes})))
        if self._is_broken:
            return (replace(draft, unreadable=("stream",), fault=FaultKind.UNREADABLE),)
        if self._is_failed:
            return (replace(draft, fault=draft.fault or FaultKind.ERROR),)
        if not self._is_ended:
            return (replace(draft, fault=draft.fault or FaultKind.TRUNCATED),)
        return (draft,)

    def released(self, drafts: Sequence[Draft], *, keep_logprobs: bool = True) -> list[Json] | None:
        """Return the events that may be released, None if they are the ones that came."""
        whole = self.whole
        body = write_drafts(whole, drafts)
        is_told = drafts[0].asides == self.drafts()[0].asides
        return None if body is whole and is_told else stream_of(body)


def _loaded(text: str) -> object:
    """Return a call's arguments; what is no JSON object stays text, which the guard refuses."""
    loaded = load_object(text) if text else {}
    return text if loaded is None else loaded


def stream_of(body: Json) -> list[Json]:
    """Return a whole response as stream events, each text in one piece."""
    started = {**body, "content": [], "stop_reason": None, "stop_sequence": None}
    events: list[Json] = [{"type": "message_start", "message": started}]
    for index, block in enumerate(objects_of(body.get("content"))):
        start, deltas = _pieces(block)
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    ending: Json = {"stop_reason": body.get("stop_reason"), "stop_sequence": body.get("stop_sequence")}
    usage = {"output_tokens": mapping_of(body.get("usage")).get("output_tokens", 0)}
    return [*events, {"type": "message_delta", "delta": ending, "usage": usage}, {"type": "message_stop"}]


def _pieces(block: Json) -> tuple[Json, list[Json]]:
    kind = text_of(block.get("type"))
    if kind in _PIECES:
        field = _PIECES[kind]
        empty: Json = {**block, field: ""}
        deltas: list[Json] = [{"type": f"{kind}_delta", field: block.get(field)}]
        if kind == "thinking":
            empty["signature"] = ""
            deltas.append({"type": "signature_delta", "signature": block.get("signature") or ""})
        return empty, deltas
    if kind == "tool_use":
        given = json.dumps(block.get("input"), ensure_ascii=False)
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": given}]
    return block, []
