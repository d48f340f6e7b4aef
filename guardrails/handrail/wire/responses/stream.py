"""A responses stream held to its end. The same text comes in several events; all of them are judged."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from handrail.records import Draft, FaultKind
from handrail.text.json_data import leaves
from handrail.wire.foreign_json import Json, mapping_of, objects_of, text_of
from handrail.wire.responses.items import ACTIONS
from handrail.wire.responses.response import read_response, write_drafts

_LAST = ("response.completed", "response.incomplete", "response.failed")
# Fields that name or place something; everything else an event says must also be in the final response.
_NAMING = frozenset(
    {
        *("type", "id", "item_id", "call_id", "name", "role", "status", "object", "model", "obfuscation"),
        *("server_label", "namespace", "phase", "encrypted_content", "logprobs"),
    }
)


class ResponseStream:
    """Collects the events of one stream; `whole` is the response they add up to."""

    def __init__(self) -> None:
        self.events: list[Json] = []
        self._is_broken = False
        self._last: Json | None = None
        self._deltas: dict[tuple[object, ...], list[str]] = {}
        self._told: list[str] = []

    def feed(self, event: Json) -> None:
        """Take one event."""
        self.events.append(event)
        kind = text_of(event.get("type"))
        if kind in _LAST:
            self._last = mapping_of(event.get("response"))
        elif kind.endswith(".delta") and isinstance(event.get("delta"), str):
            places = ("output_index", "content_index", "summary_index")
            key = (kind, *(event.get(place) for place in places))
            self._deltas.setdefault(key, []).append(text_of(event["delta"]))
        elif kind in ("response.created", "response.in_progress", "response.queued"):
            self._told += _words(mapping_of(event.get("response")).get("output"))
        else:
            self._told += _words({name: value for name, value in event.items() if name != "type"})

    def broken(self) -> None:
        """Say that something came which is no event; the stream can no longer be judged."""
        self._is_broken = True

    @property
    def whole(self) -> Json:
        """The response that the events add up to; made from the deltas if the last one never came."""
        return self._last if self._last is not None else self._from_deltas()

    def _from_deltas(self) -> Json:
        first = next((mapping_of(e.get("response")) for e in self.events if e.get("response")), {})
        texts = [
            "".join(pieces) for key, pieces in self._deltas.items() if key[0] == "response.output_text.delta"
        ]
        content = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
        item = {"id": "msg_0", "type": "message", "role": "assistant", "content": content}
        return {**first, "status": "incomplete", "output": [item] if texts else []}

    def _untold(self) -> tuple[str, ...]:
        """Return texts of events that are not in the whole; a correct stream has none."""
        whole = "\x00".join(_words(self.whole.get("output")))
        deltas = ["".join(pieces) for pieces in self._deltas.values()]
        return tuple(text for text in dict.fromkeys([*deltas, *self._told]) if text not in whole)

    def drafts(self) -> tuple[Draft, ...]:
        """Return the draft. A stream that broke or never ended is a fault."""
        draft = read_response(self.whole)[0]
        draft = replace(draft, asides=draft.asides + self._untold())
        if self._is_broken:
            return (replace(draft, fault=FaultKind.UNREADABLE),)
        if self._last is None:
            return (replace(draft, fault=draft.fault or FaultKind.TRUNCATED),)
        return (draft,)

    def released(self, drafts: Sequence[Draft], *, keep_logprobs: bool = True) -> list[Json] | None:
        """Return the events that may be released, None if they are the ones that came."""
        whole, untold = self.whole, self._untold()
        kept = len(drafts[0].asides) - len(untold)
        of_whole = replace(drafts[0], asides=drafts[0].asides[:kept])
        body = write_drafts(whole, [of_whole], keep_logprobs=keep_logprobs)
        is_same = body is whole and drafts[0].asides[kept:] == untold
        if is_same:
            return None
        if write_drafts(whole, [of_whole]) is whole and drafts[0].asides[kept:] == untold:
            return [mapping_of(_without_logprobs(event)) for event in self.events]
        return stream_of(body)


def _words(value: object) -> Iterator[str]:
    """Every text in an event, but for those in fields that name things."""
    for path, leaf in leaves(value):
        if isinstance(leaf, str) and leaf and _NAMING.isdisjoint(path):
            yield leaf


def _without_logprobs(value: object) -> object:
    if isinstance(value, dict):
        return {k: [] if k == "logprobs" and v else _without_logprobs(v) for k, v in value.items()}
    return [_without_logprobs(inner) for inner in value] if isinstance(value, list) else value


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
