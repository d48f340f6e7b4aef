"""The items of a request's input and a response's output: where their words lie, what they ask to do."""

import json

from handrail.records import ToolCall
from handrail.wire.foreign_json import Json, has_text, kind_of, mapping_of, text_of
from handrail.wire.slots import Path, Slot, unknown_slots

# Known fields. Any other field that holds text is read and scanned, so that nothing slips by.
# Settings, and what the program itself says about its tools and its user: no words that must be judged.
SETTINGS = frozenset(
    {
        *("model", "input", "instructions", "store", "user", "metadata", "include", "background"),
        *("conversation", "previous_response_id", "context_management", "background_options"),
        *("temperature", "top_p", "top_logprobs", "max_output_tokens", "max_tool_calls", "truncation"),
        *("stream", "stream_options", "text", "reasoning", "service_tier", "access_programs", "image"),
        *("tools", "tool_choice", "parallel_tool_calls", "moderation", "safety_identifier"),
        *("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"),
    }
)

OF_BODY = SETTINGS | {
    *("id", "object", "created_at", "completed_at", "status", "error", "incomplete_details", "output"),
    *("usage", "tool_usage", "handoff", "prompt", "input_transformations", "prompt_cache_diagnostics"),
}

# Of an item: what names and places it. Reasoning may come encrypted; only the provider can read that.
OF_ITEM = frozenset(
    {
        *("id", "type", "status", "role", "call_id", "name", "server_label", "namespace", "caller"),
        *("execution", "phase", "fingerprint", "approval_request_id", "created_by", "encrypted_content"),
    }
)

# Items that ask the program to act, with the field that says what to do.
ACTIONS = {
    "function_call": "arguments",
    "custom_tool_call": "input",
    "mcp_call": "arguments",
    "mcp_approval_request": "arguments",
    "tool_search_call": "arguments",
    "shell_call": "action",
    "local_shell_call": "action",
    "computer_call": "action",
    "apply_patch_call": "operation",
}


_TEXTS = {
    "input_text": "text",
    "output_text": "text",
    "text": "text",
    "summary_text": "text",
    "reasoning_text": "text",
    "refusal": "refusal",
}
_UNREADABLE = {
    **{"input_image": "image", "computer_screenshot": "image", "input_file": "file", "input_audio": "audio"},
}
_BESIDE_TEXT = frozenset({"type", "text", "refusal", "annotations", "logprobs", "prompt_cache_breakpoint"})


def part_slots(part: object, at: Path) -> tuple[list[Slot], set[str]]:
    """Return where the text of one content part lies, and what of it cannot be read."""
    if isinstance(part, str):
        return [Slot(at)], set()
    fields = mapping_of(part)
    kind = text_of(fields.get("type"))
    name = _TEXTS.get(kind)
    if name is None or not isinstance(fields.get(name), str):
        return [], {_UNREADABLE.get(kind, kind_of(kind))}
    return [Slot((*at, name)), *unknown_slots(fields, _BESIDE_TEXT, at)], set()


def item_slots(item: Json) -> tuple[list[Slot], set[str]]:
    """Return where an item's text lies, and the kinds of content in it that cannot be read.

    What an item asks the program to do is not among it: see `action_of`.
    """
    kind = text_of(item.get("type")) or "message"
    known = OF_ITEM | ({ACTIONS[kind]} if kind in ACTIONS else set())
    slots: list[Slot] = []
    unreadable: set[str] = set()
    for name in sorted(set(item) - known):
        of_field, kinds = _field_slots(item[name], name, kind)
        slots += of_field
        unreadable |= kinds
    return slots, unreadable


def _field_slots(value: object, name: str, kind: str) -> tuple[list[Slot], set[str]]:
    if kind == "image_generation_call" and name == "result" and value:
        return [], {"image"}
    if name in ("content", "output", "summary") and isinstance(value, str):
        return [Slot((name,))] if value else [], set()
    if name in ("content", "output", "summary") and isinstance(value, list):
        slots: list[Slot] = []
        unreadable: set[str] = set()
        for index, part in enumerate(value):
            of_part, kinds = part_slots(part, (name, index))
            if kinds and kind in ("shell_call_output",):
                of_part, kinds = [Slot((name, index), is_json=True)], set()
            slots += of_part
            unreadable |= kinds
        return slots, unreadable
    if name in ("content", "output", "summary") and value is not None and not isinstance(value, dict):
        return [], {"unknown"}
    if text_of(mapping_of(value).get("type")) in _UNREADABLE:
        return [], {_UNREADABLE[text_of(mapping_of(value).get("type"))]}
    return [Slot((name,), is_json=True)] if has_text(value) else [], set()


def action_of(item: Json) -> ToolCall | None:
    """Return what an item asks the program to do, None if it asks nothing."""
    kind = text_of(item.get("type"))
    if kind not in ACTIONS:
        return None
    value = item.get(ACTIONS[kind])
    arguments = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return ToolCall(
        id=text_of(item.get("call_id")) or text_of(item.get("id")),
        name=text_of(item.get("name")) or kind,
        arguments=arguments,
    )


def with_arguments(item: Json, call: ToolCall) -> Json:
    """Return an item with a call's arguments, the same object if they are its own."""
    before = action_of(item)
    if before is None or before.arguments == call.arguments:
        return item
    new = dict(item)
    Slot((ACTIONS[text_of(item.get("type"))],), is_json=True).write(new, call.arguments)
    return new
