"""The blocks of a message's content: where their words lie, and which tools they call."""

import json
from collections.abc import Sequence
from copy import deepcopy

from handrail.records import ToolCall
from handrail.wire.foreign_json import Json, kind_of, mapping_of, objects_of, text_of
from handrail.wire.slots import Path, Slot, take_call, unknown_slots

# Known fields. Any other field that holds text is read and scanned, so that nothing slips by.
# Settings, and what the program itself says about its tools and its user: no words that must be judged.
SETTINGS = frozenset(
    {
        *("messages", "system", "model", "max_tokens", "stop_sequences", "stream", "metadata"),
        *("temperature", "top_k", "top_p", "thinking", "output_config", "output_format", "service_tier"),
        *("tools", "tool_choice", "cache_control", "container", "context_management", "mcp_servers"),
        *("betas", "inference_geo", "speed", "user_profile_id", "workspace_id", "diagnostics"),
    }
)
OF_BODY = frozenset(
    {
        *("id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage", "handoff"),
        *("container", "context_management", "diagnostics"),
    }
)
# Of a block: what names and places it, and what only the provider can read.
NAMING = frozenset(
    {
        *("type", "id", "name", "tool_use_id", "server_name", "cache_control", "caller", "toolset_name"),
        *("signature", "is_error", "encrypted_content", "encrypted_index", "index"),
    }
)
UNREADABLE = {"image": "image", "container_upload": "file", "audio": "audio", "video": "video"}
# Encrypted by the provider; there are no words to read.
SEALED = frozenset({"redacted_thinking"})


_TEXT = frozenset({*NAMING, "text"})
_THINKING = frozenset({*NAMING, "thinking"})
_CALL = frozenset({*NAMING, "input"})
_RESULT = frozenset({*NAMING, "content"})
_DOCUMENT = frozenset({*NAMING, "source"})


def blocks_of(content: object) -> list[Json]:
    """Return the content of a message as blocks; a plain text is one."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else objects_of(content)


def block_slots(block: Json, at: Path) -> tuple[list[Slot], set[str]]:
    """Return where a block's text lies, and the kinds of content in it that cannot be read."""
    kind = text_of(block.get("type"))
    if kind in UNREADABLE:
        return [], {UNREADABLE[kind]}
    if kind in SEALED:
        return [], set()
    match kind:
        case "text" if isinstance(block.get("text"), str):
            return [Slot((*at, "text")), *unknown_slots(block, _TEXT, at)], set()
        case "thinking" if isinstance(block.get("thinking"), str):
            return [Slot((*at, "thinking")), *unknown_slots(block, _THINKING, at)], set()
        case "tool_use":
            return unknown_slots(block, _CALL, at), set()
        case "tool_result":
            slots, unreadable = content_slots(block.get("content"), (*at, "content"))
            return slots + unknown_slots(block, _RESULT, at), unreadable
        case "document":
            return _document_slots(block, at)
        case _:
            return unknown_slots(block, NAMING, at), set() if kind else {kind_of(kind)}


def content_slots(content: object, at: Path) -> tuple[list[Slot], set[str]]:
    """Return where the text of a message's or a result's content lies, and what in it cannot be read."""
    if content is None:
        return [], set()
    if isinstance(content, str):
        return [Slot(at)], set()
    if not isinstance(content, list):
        return [], {"unknown"}
    slots: list[Slot] = []
    unreadable: set[str] = set()
    for index, block in enumerate(content):
        if not isinstance(block, dict):
            unreadable.add("unknown")
            continue
        of_block, kinds = block_slots(block, (*at, index))
        slots += of_block
        unreadable |= kinds
    return slots, unreadable


def _document_slots(block: Json, at: Path) -> tuple[list[Slot], set[str]]:
    source = mapping_of(block.get("source"))
    beside = unknown_slots(block, _DOCUMENT, at)
    match text_of(source.get("type")):
        case "text":
            return [Slot((*at, "source", "data")), *beside], set()
        case "content":
            slots, unreadable = content_slots(source.get("content"), (*at, "source", "content"))
            return slots + beside, unreadable
        case _:
            return beside, {"file"}


def calls_of(content: object) -> tuple[ToolCall, ...]:
    """Return the calls of the program's own tools that a message proposes."""
    return tuple(
        ToolCall(id=text_of(block.get("id")), name=text_of(block.get("name")), arguments=_arguments(block))
        for block in objects_of(content)
        if block.get("type") == "tool_use"
    )


def _arguments(block: Json) -> str:
    given = block.get("input")
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)


def with_calls(content: Sequence[Json], calls: Sequence[ToolCall]) -> list[Json]:
    """Return blocks that propose only these calls, each with its arguments as given here."""
    left, kept = list(calls), []
    for block in content:
        if block.get("type") != "tool_use":
            kept.append(block)
            continue
        given = take_call(left, block.get("id"), block.get("name"))
        if given is None:
            continue
        new = deepcopy(block)
        if given.arguments != _arguments(block):
            new["input"] = json.loads(given.arguments)
        kept.append(new)
    return kept
