"""A responses stream held to its end. The same text comes in several events; all of them are judged."""

from collections.abc import Sequence
from dataclasses import replace

from handrail.records import Draft, FaultKind, ToolCall
from handrail.text.json_data import leaves
from handrail.text.values import read
from handrail.wire.foreign_json import Json, load_object, mapping_of, objects_of, text_of, whole_of
from handrail.wire.logprobs import token_words
from handrail.wire.responses.items import ACTIONS, action_of
from handrail.wire.responses.response import read_response, without_logprobs, write_drafts
from handrail.wire.responses.table import EVENT
from handrail.wire.words import with_echoes

_LAST = ("response.completed", "response.incomplete", "response.failed")
_OF_ITEM = ("response.output_item.added", "response.output_item.done")
_TEXT = "response.output_text.delta"
# The deltas that make up a field of an item.
_OF_FIELD = {
    "content": (_TEXT,),
    "arguments": ("response.function_call_arguments.delta", "response.mcp_call_arguments.delta"),
    "input": ("response.custom_tool_call_input.delta",),
}
_PLACES = ("item_id", "output_index", "content_index", "summary_index", "command_index")
_SAID = frozenset({"delta", "logprobs"})
# Sound and pictures, which nothing here reads.
_UNREADABLE = frozenset({"response.audio.delta", "response.image_generation_call.partial_image"})


class ResponseStream:
    """Collects the events of one stream; `whole` is the response they add up to.

    Args:
        sent: the request that it answers.
    """

    def __init__(self, sent: Json | None = None) -> None:
        self.events: list[Json] = []
        self._sent = sent
        self._is_broken = False
        self._last: Json | None = None
        self._items: dict[int, Json] = {}
        self._deltas: dict[tuple[object, ...], list[str]] = {}

    def feed(self, event: Json) -> None:
        """Take one event."""
        self.events.append(event)
        kind = text_of(event.get("type"))
        if kind in _LAST:
            self._last = mapping_of(event.get("response"))
        elif kind in _UNREADABLE:
            self._is_broken = True
        elif kind in _OF_ITEM and isinstance(item := event.get("item"), dict):
            self._items[whole_of(event.get("output_index"), 0)] = item
        elif kind.endswith(".delta") and isinstance(event.get("delta"), str):
            key = (kind, *(str(event.get(place)) for place in _PLACES))
            self._deltas.setdefault(key, []).append(text_of(event["delta"]))

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

    @property
    def whole(self) -> Json:
        """The response that the events add up to.

        The last event holds it, but may leave the output to the events of its items; if the last one never
        came, it is made from the deltas.
        """
        if self._last is None:
            first = next((mapping_of(e.get("response")) for e in self.events if e.get("response")), {})
            return {**first, "status": "incomplete", "output": self._from_deltas()}
        if self._last.get("output") is None:
            return {**self._last, "output": self._told_items() or self._from_deltas()}
        return self._last

    def _told_items(self) -> list[Json]:
        """Return the items as their last events tell them, in the order of their places."""
        return [self._so_far(at, item) for at, item in sorted(self._items.items())]

    def _so_far(self, at: int, item: Json) -> Json:
        """Return an item with what its deltas say, as long as it says nothing by itself."""
        name = ACTIONS.get(text_of(item.get("type")), "content")
        told = [
            "".join(pieces)
            for (kind, _, place, *_), pieces in self._deltas.items()
            if place == str(at) and kind in _OF_FIELD.get(name, ())
        ]
        if item.get(name) or not told:
            return item
        return {**item, name: _texts(told) if name == "content" else "".join(told)}

    def _from_deltas(self) -> list[Json]:
        texts = ["".join(pieces) for key, pieces in self._deltas.items() if key[0] == _TEXT]
        item: Json = {"id": "msg_0", "type": "message", "role": "assistant", "content": _texts(texts)}
        return [item] if texts else []

    def _untold_calls(self, draft: Draft) -> tuple[ToolCall, ...]:
        """Return what items of events ask to do and the whole does not ask; a program may act on these."""
        known = {(call.name, call.arguments) for call in draft.tool_calls}
        items = [
            item
            for event in self.events
            for item in (event.get("item"), *objects_of(mapping_of(event.get("response")).get("output")))
        ]
        # Nobody acts on what is still being written.
        ready = [one for item in items if text_of((one := mapping_of(item)).get("status")) != "in_progress"]
        calls = {(call.name, call.arguments): call for item in ready if (call := action_of(item))}
        return tuple(call for key, call in calls.items() if call.arguments and key not in known)

    def _untold(self) -> tuple[list[str], frozenset[str]]:
        """Return what events say and the whole does not, and why some of them cannot be read.

        A correct stream has nothing of the kind.
        """
        whole = self.whole
        known = {leaf for value in (whole, self._sent) for _, leaf in leaves(value) if isinstance(leaf, str)}
        known |= {leaf.text for value in (whole, self._sent) for leaf in read(value).leaves}
        found = ["".join(pieces) for pieces in self._deltas.values()]
        unreadable: frozenset[str] = frozenset()
        for event in self.events:
            apart = event
            if event.get("response") is whole and whole is self._last:
                if EVENT.is_plain(event, without={"response"}):
                    continue
                apart = {name: value for name, value in event.items() if name != "response"}
            said, codes = _said_in(apart)
            found += said
            unreadable |= codes
        return [text for text in dict.fromkeys(found) if text not in known], unreadable

    def drafts(self) -> tuple[Draft, ...]:
        """Return the draft. A stream that broke or never ended is a fault."""
        said, codes = self._untold()
        draft = with_echoes(read_response(self.whole, sent=self._sent)[0], said)
        if codes:
            draft = replace(draft, unreadable=tuple(sorted({*draft.unreadable, *codes})))
        if untold := self._untold_calls(draft):
            draft = replace(draft, tool_calls=(*draft.tool_calls, *untold))
        if self._is_broken:
            return (replace(draft, unreadable=("stream",), fault=FaultKind.UNREADABLE),)
        if self._last is None:
            return (replace(draft, fault=draft.fault or FaultKind.TRUNCATED),)
        return (draft,)

    def released(self, drafts: Sequence[Draft], *, keep_logprobs: bool = True) -> list[Json] | None:
        """Return the events that may be released, None if they are the ones that came."""
        whole, came = self.whole, self.drafts()[0]
        is_told = (drafts[0].asides, drafts[0].tool_calls) == (came.asides, came.tool_calls)
        if is_told:
            # What only events ask was let pass as well.
            own = read_response(whole, sent=self._sent)[0].tool_calls
            drafts = [replace(drafts[0], tool_calls=own)]
        body = write_drafts(whole, drafts, keep_logprobs=keep_logprobs, sent=self._sent)
        if body is whole and is_told:
            return None
        if is_told and write_drafts(whole, drafts, sent=self._sent) is whole:
            return [_without_logprobs(event) for event in self.events]
        return stream_of(body)


def _texts(texts: Sequence[str]) -> list[Json]:
    return [{"type": "output_text", "text": text, "annotations": []} for text in texts]


def _said_in(event: Json) -> tuple[list[str], frozenset[str]]:
    """Return what an event says that is no structure, and why some of it is unreadable."""
    is_usual = isinstance(event.get("delta"), str) and not event.get("logprobs")
    if is_usual and EVENT.is_plain(event, without=_SAID):
        return [], frozenset()
    judged = EVENT.judged({name: value for name, value in event.items() if name != "logprobs"})
    said = [leaf.text for leaf in judged.leaves if leaf.path != ("delta",)]
    text = text_of(event.get("delta")) or text_of(event.get("text"))
    tokens = token_words(event.get("logprobs"), text, EVENT, "logprobs[]", ())
    said += [*(leaf.text for leaf in tokens.leaves), *sorted(tokens.unreadable)]
    if not tokens.unreadable:
        return said, frozenset(judged.unreadable)
    # A list that is none of tokens is read as whatever it is.
    odd = EVENT.judged({"logprobs": event.get("logprobs")})
    return [*said, *(leaf.text for leaf in odd.leaves)], frozenset({*judged.unreadable, *odd.unreadable})


def _without_logprobs(event: Json) -> Json:
    """Return an event in which no list of tokens says anything."""
    new = {name: [] if name == "logprobs" and value else value for name, value in event.items()}
    if isinstance(response := event.get("response"), dict):
        new["response"] = without_logprobs(response)
    if isinstance(item := event.get("item"), dict):
        new["item"] = objects_of(without_logprobs({"output": [item]})["output"])[0]
    if mapping_of(event.get("part")).get("logprobs"):
        new["part"] = {**mapping_of(event["part"]), "logprobs": []}
    return new


def stream_of(body: Json) -> list[Json]:
    """Return a whole response as stream events, each text in one piece."""
    started = {**body, "status": "in_progress", "output": [], "usage": None}
    events: list[Json] = [
        {"type": "response.created", "response": started},
        {"type": "response.in_progress", "response": started},
    ]
    for at, item in enumerate(objects_of(body.get("output"))):
        events += _item_events(item, at)
    status = text_of(body.get("status"))
    last = f"response.{status}" if f"response.{status}" in _LAST else "response.completed"
    events.append({"type": last, "response": body})
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def _item_events(item: Json, at: int) -> list[Json]:
    kind, place = text_of(item.get("type")), {"item_id": item.get("id"), "output_index": at}
    if kind == "message":
        inside = [e for i, p in enumerate(objects_of(item.get("content"))) for e in _part_events(p, place, i)]
        empty: Json = {**item, "content": [], "status": "in_progress"}
    elif kind in ("function_call", "custom_tool_call"):
        field = ACTIONS[kind]
        step = f"response.{kind}_{field}"
        inside = [
            {"type": f"{step}.delta", **place, "delta": item.get(field)},
            {"type": f"{step}.done", **place, field: item.get(field), "name": item.get("name")},
        ]
        empty = {**item, field: "", "status": "in_progress"}
    else:
        inside, empty = [], item
    added: Json = {"type": "response.output_item.added", "output_index": at, "item": empty}
    done: Json = {"type": "response.output_item.done", "output_index": at, "item": item}
    return [added, *inside, done]


def _part_events(part: Json, place: Json, index: int) -> list[Json]:
    here: Json = {**place, "content_index": index}
    kind = text_of(part.get("type"))
    field = "refusal" if kind == "refusal" else "text"
    more: Json = {} if kind == "refusal" else {"logprobs": part.get("logprobs") or []}
    empty = {**part, field: "", **({"logprobs": []} if "logprobs" in part else {})}
    return [
        {"type": "response.content_part.added", **here, "part": empty},
        {"type": f"response.{kind}.delta", **here, "delta": part.get(field), **more},
        {"type": f"response.{kind}.done", **here, field: part.get(field), **more},
        {"type": "response.content_part.done", **here, "part": part},
    ]
