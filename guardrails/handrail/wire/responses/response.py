"""A response: its draft for the guard, what may be released of it, and a hand-off in its shape."""

from collections.abc import Iterator, Sequence
from copy import deepcopy

from handrail.errors import CheckFailed
from handrail.records import Draft, FaultKind, Handoff, TokenLogprob, ToolCall
from handrail.wire.foreign_json import Json, mapping_of, objects_of, text_of, whole_of
from handrail.wire.handoff import handoff_body
from handrail.wire.logprobs import clip, read_logprobs
from handrail.wire.responses.items import OF_BODY, action_of, item_slots, with_arguments
from handrail.wire.responses.request import read_request
from handrail.wire.slots import Path, Slot, take_call, unknown_slots

_REASONS = {"max_output_tokens": "length", "content_filter": "content_filter"}
_BESIDE_TEXT = frozenset({"type", "text", "refusal", "annotations", "logprobs"})


def read_response(body: Json) -> tuple[Draft, ...]:
    """Read a response as one draft. What cannot be read has the fault `unreadable`.

    The text is that of all its parts, one after the other, as clients show it.
    """
    model = text_of(body.get("model")) or None
    output = body.get("output")
    if not isinstance(output, list) or len(objects_of(output)) != len(output):
        return (Draft(fault=FaultKind.UNREADABLE, model=model),)
    status = text_of(body.get("status"))
    fault = FaultKind.ERROR if status in ("failed", "cancelled") else None
    if status in ("queued", "in_progress") or any(kinds for _, kinds in map(_beside, output)):
        fault = FaultKind.UNREADABLE
    reason = text_of(mapping_of(body.get("incomplete_details")).get("reason"))
    texts = [text_of(part.get("text")) for _, part in _parts(body, "output_text")]
    refusals = [text_of(part.get("refusal")) for _, part in _parts(body, "refusal")]
    return (
        Draft(
            text="".join(texts),
            asides=tuple(slot.read(body) for slot in _asides(body)),
            tool_calls=_actions(body),
            refusal="".join(refusals) or None,
            finish_reason=_REASONS.get(reason, "length") if status == "incomplete" else "stop",
            logprobs=_logprobs(body),
            model=model,
            fault=fault,
        ),
    )


def _parts(body: Json, kind: str) -> Iterator[tuple[Path, Json]]:
    for at, item in enumerate(objects_of(body.get("output"))):
        if item.get("type") != "message":
            continue
        for index, part in enumerate(objects_of(item.get("content"))):
            if part.get("type") == kind:
                yield ("output", at, "content", index), part


def _beside(item: Json) -> tuple[list[Slot], set[str]]:
    """Return where an output item's other words lie, and what of it cannot be read."""
    if item.get("type") != "message":
        return item_slots(item)
    slots, unreadable = item_slots({**item, "content": []})
    content = item.get("content")
    for index, part in enumerate(objects_of(content)):
        if part.get("type") not in ("output_text", "refusal"):
            unreadable.add("unknown")
        slots += unknown_slots(part, _BESIDE_TEXT, ("content", index))
        slots += unknown_slots({"annotations": part.get("annotations")}, frozenset(), ("content", index))
    if not isinstance(content, list) or len(objects_of(content)) != len(content):
        unreadable.add("unknown")
    return slots, unreadable


def _asides(body: Json) -> list[Slot]:
    slots = [
        Slot(("output", at, *slot.path), is_json=slot.is_json)
        for at, item in enumerate(objects_of(body.get("output")))
        for slot in _beside(item)[0]
    ]
    return slots + unknown_slots(body, OF_BODY)


def _actions(body: Json) -> tuple[ToolCall, ...]:
    return tuple(action for item in objects_of(body.get("output")) if (action := action_of(item)))


def _logprobs(body: Json) -> tuple[TokenLogprob, ...] | None:
    read = [read_logprobs(part.get("logprobs")) for _, part in _parts(body, "output_text")]
    if not read or any(tokens is None for tokens in read):
        return None
    return tuple(token for tokens in read for token in tokens or ())


def write_drafts(body: Json, drafts: Sequence[Draft], *, keep_logprobs: bool = True) -> Json:
    """Return the response that may be released; the same object if nothing in it changes."""
    original = read_response(body)[0]
    if len(drafts) != 1:
        raise CheckFailed("wire", why="a response has exactly one draft")
    draft = drafts[0]
    told = (draft.text, draft.asides, draft.tool_calls, draft.refusal)
    is_same = told == (original.text, original.asides, original.tool_calls, original.refusal)
    parts = [part for _, part in _parts(body, "output_text")]
    strips = not keep_logprobs and any(part.get("logprobs") for part in parts)
    if is_same and not strips:
        return body
    new = deepcopy(body)
    for slot, text, before in zip(_asides(body), draft.asides, original.asides, strict=True):
        if text != before:
            slot.write(new, text)
    if draft.text != original.text:
        _write_text(new, draft.text, original)
    if draft.refusal != original.refusal:
        for index, (_, part) in enumerate(_parts(new, "refusal")):
            part["refusal"] = (draft.refusal or "") if index == 0 else ""
    if draft.tool_calls != original.tool_calls:
        _write_actions(new, draft.tool_calls)
    if strips:
        for _, part in _parts(new, "output_text"):
            part["logprobs"] = []
    return new


def _write_text(body: Json, text: str, original: Draft) -> None:
    parts = [part for _, part in _parts(body, "output_text")]
    kept = clip(original.logprobs or (), original.text, text) if len(parts) == 1 else None
    for index, part in enumerate(parts):
        part["text"] = text if index == 0 else ""
        # They point into the text by position, and their titles may say what was withheld.
        part["annotations"] = []
        logprobs = part.get("logprobs")
        if isinstance(logprobs, list):
            part["logprobs"] = logprobs[: kept or 0]


def _write_actions(body: Json, calls: Sequence[ToolCall]) -> None:
    left = list(calls)
    output = []
    for item in objects_of(body.get("output")):
        action = action_of(item)
        if action is None:
            output.append(item)
        elif given := take_call(left, action.id, action.name):
            output.append(with_arguments(item, given))
    body["output"] = output


def write_handoff(
    request: Json, handoff: Handoff | None, notice: str, *, created: int, upstream: Json | None = None
) -> Json:
    """Return a response that hands off; the ticket also stands in `metadata.handoff_ticket`."""
    asked, upstream = read_request(request), upstream or {}
    reference = handoff.ticket if handoff else "blocked"
    part: Json = {"type": "output_text", "text": notice, "annotations": [], "logprobs": []}
    if asked.is_structured:
        part = {"type": "refusal", "refusal": notice}
    item: Json = {
        **{"id": f"msg_handrail_{reference}", "type": "message", "role": "assistant"},
        **{"status": "completed", "content": [part]},
    }
    body: Json = {
        "id": text_of(upstream.get("id")) or f"resp_handrail_{reference}",
        "object": "response",
        "created_at": whole_of(upstream.get("created_at"), created),
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": request.get("instructions"),
        "model": text_of(upstream.get("model")) or asked.model or "",
        "output": [item],
        "parallel_tool_calls": request.get("parallel_tool_calls", True),
        "previous_response_id": request.get("previous_response_id"),
        "tool_choice": request.get("tool_choice", "auto"),
        "tools": request.get("tools", []),
        "text": request.get("text", {"format": {"type": "text"}}),
        "metadata": {**mapping_of(request.get("metadata"))},
        "usage": mapping_of(upstream.get("usage")) or _NO_USAGE,
    }
    if handoff is not None:
        body["metadata"] = {**mapping_of(body["metadata"]), "handoff_ticket": handoff.ticket}
        body["handoff"] = handoff_body(handoff)
    return body


_NO_USAGE: Json = {
    **{"input_tokens": 0, "output_tokens": 0, "total_tokens": 0},
    **{"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}},
}
