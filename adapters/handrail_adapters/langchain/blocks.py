"""Where text lies in a LangChain message's content and beside it."""

from collections.abc import Mapping

from handrail.wire.shapes import Json, kind_of, mapping_of, text_of
from handrail.wire.slots import Slot, unknown_slots

_TEXTS = {"text": "text", "input_text": "text", "output_text": "text"}
_UNREADABLE = {
    **dict.fromkeys(("image", "image_url", "input_image"), "image"),
    **dict.fromkeys(("audio", "input_audio"), "audio"),
    **dict.fromkeys(("file", "input_file", "document", "media"), "file"),
    "video": "video",
}
# Of a block: what names and places it. Signatures and encrypted parts only the provider can read.
_NAMING = frozenset(
    {"type", "id", "index", "name", "call_id", "tool_call_id", "tool_use_id", "status", "signature", "phase"}
) | {"encrypted_content", "cache_control"}

# Of a response's metadata: what describes the call, not what was said in it.
_ABOUT_CALL = frozenset(
    {
        *("model_name", "model", "model_provider", "model_version", "finish_reason", "stop_reason", "id"),
        *("system_fingerprint", "service_tier", "token_usage", "usage", "logprobs", "headers", "created_at"),
        *("object", "status", "output_version", "ls_provider", "native_finish_reason", "created"),
    }
)
_OF_CALLS = frozenset({"tool_calls", "function_call"})


def view_of(message: object) -> Json:
    """Return the parts of a message that hold text, as plain data; they are not copied."""
    return {
        "content": getattr(message, "content", ""),
        "additional_kwargs": getattr(message, "additional_kwargs", {}),
        "response_metadata": getattr(message, "response_metadata", {}),
    }


def text_slots(view: Json) -> list[Slot]:
    """Return where the text itself lies."""
    content = view["content"]
    if isinstance(content, str):
        return [Slot(("content",))]
    slots = []
    for index, block in enumerate(content if isinstance(content, list) else []):
        if isinstance(block, str):
            slots.append(Slot(("content", index)))
        elif (name := _TEXTS.get(text_of(block.get("type")))) and isinstance(block.get(name), str):
            slots.append(Slot(("content", index, name)))
    return slots


def beside_slots(view: Json) -> list[Slot]:
    """Return where other words lie: reasoning, calls inside the content, annotations and the like."""
    slots: list[Slot] = []
    content = view["content"]
    for index, block in enumerate(content if isinstance(content, list) else []):
        kind = text_of(mapping_of(block).get("type"))
        if isinstance(block, dict) and kind not in _UNREADABLE:
            known = _NAMING | ({_TEXTS[kind]} if kind in _TEXTS else set())
            slots += unknown_slots(block, known, ("content", index))
    extra = mapping_of(view["additional_kwargs"])
    if extra:
        slots += unknown_slots(extra, _OF_CALLS | {"refusal"}, ("additional_kwargs",))
    return slots + unknown_slots(mapping_of(view["response_metadata"]), _ABOUT_CALL, ("response_metadata",))


def unreadable_kinds(view: Json) -> tuple[str, ...]:
    """Return the kinds of content that cannot be read, each once, sorted."""
    content = view["content"]
    blocks = (
        [mapping_of(block) for block in content if not isinstance(block, str)]
        if isinstance(content, list)
        else []
    )
    found = {text_of(block.get("type")) for block in blocks} & set(_UNREADABLE)
    odd = {kind_of(block.get("type")) for block in blocks if not text_of(block.get("type"))}
    return tuple(sorted({_UNREADABLE[kind] for kind in found} | odd))


def refusal_of(view: Json) -> str | None:
    """Return the model's refusal, None if there is none."""
    return text_of(mapping_of(view["additional_kwargs"]).get("refusal")) or None


def changed_fields(view: Json, copy: Json) -> dict[str, object]:
    """Return the fields of a message that differ between two views of it."""
    return {name: copy[name] for name in copy if copy[name] != view[name]}


def without_logprobs(info: Mapping[str, object]) -> dict[str, object]:
    """Return a call's metadata without its log-probabilities."""
    return {name: value for name, value in info.items() if name != "logprobs"}
