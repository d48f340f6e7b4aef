"""A messages response: its draft for the guard, what may be released of it, and a hand-off in its shape."""

from collections.abc import Sequence
from copy import deepcopy

from handrail.errors import CheckFailed
from handrail.records import Draft, FaultKind, Handoff
from handrail.wire.anthropic.blocks import OF_BODY, block_slots, calls_of, with_calls
from handrail.wire.anthropic.request import read_request
from handrail.wire.foreign_json import Json, mapping_of, objects_of, text_of
from handrail.wire.handoff import handoff_body
from handrail.wire.slots import Slot, join, rewritten, unknown_slots


def read_response(body: Json) -> tuple[Draft, ...]:
    """Read a response: one draft. What cannot be read has the fault `unreadable`."""
    content = body.get("content")
    model = text_of(body.get("model")) or None
    if not isinstance(content, list) or len(objects_of(content)) != len(content):
        return (Draft(fault=FaultKind.UNREADABLE, model=model),)
    said, asides, unreadable = _slots(body)
    draft = Draft(
        text=join(body, said),
        asides=tuple(slot.read(body) for slot in asides),
        tool_calls=calls_of(content),
        finish_reason=text_of(body.get("stop_reason")) or None,
        model=model,
        fault=FaultKind.UNREADABLE if unreadable else None,
    )
    return (draft,)


def _slots(body: Json) -> tuple[list[Slot], list[Slot], set[str]]:
    """Return where the answer lies, where all else that is said lies, and what cannot be read."""
    said: list[Slot] = []
    asides: list[Slot] = []
    unreadable: set[str] = set()
    for index, block in enumerate(objects_of(body.get("content"))):
        slots, kinds = block_slots(block, ("content", index))
        unreadable |= kinds
        is_text = block.get("type") == "text"
        said += slots[:1] if is_text else []
        asides += slots[1:] if is_text else slots
    return said, asides + unknown_slots(body, OF_BODY), unreadable


def write_drafts(body: Json, drafts: Sequence[Draft], *, keep_logprobs: bool = True) -> Json:
    """Return the response that may be released; the same object if nothing in it changes."""
    original = read_response(body)[0]
    if len(drafts) != 1:
        raise CheckFailed("wire", why="a response has exactly one draft")
    draft = drafts[0]
    if (draft.text, draft.asides, draft.tool_calls) == (original.text, original.asides, original.tool_calls):
        return body
    said, asides, _ = _slots(body)
    new = deepcopy(body)
    for slot, text, before in zip(asides, draft.asides, original.asides, strict=True):
        if text != before:
            slot.write(new, text)
    if draft.text != original.text:
        if not said:
            raise CheckFailed("wire", why="changed text has no place to go")
        new = rewritten(new, said, draft.text)
        for block in objects_of(new.get("content")):
            # They quote what may have been withheld.
            if block.get("citations"):
                block["citations"] = None
    if draft.tool_calls != original.tool_calls:
        new["content"] = with_calls(objects_of(new.get("content")), draft.tool_calls)
    return new


def write_handoff(
    request: Json, handoff: Handoff | None, notice: str, *, created: int, upstream: Json | None = None
) -> Json:
    """Return a response that hands off; this shape has no place for `created`."""
    asked, upstream = read_request(request), upstream or {}
    reference = handoff.ticket if handoff else "blocked"
    body: Json = {
        "id": text_of(upstream.get("id")) or f"msg_handrail_{reference}",
        "type": "message",
        "role": "assistant",
        "model": text_of(upstream.get("model")) or asked.model or "",
        "content": [{"type": "text", "text": notice, "citations": None}],
        "stop_reason": "refusal" if asked.is_structured else "end_turn",
        "stop_sequence": None,
        "usage": mapping_of(upstream.get("usage")) or {"input_tokens": 0, "output_tokens": 0},
    }
    if handoff is not None:
        body["handoff"] = handoff_body(handoff)
    return body
