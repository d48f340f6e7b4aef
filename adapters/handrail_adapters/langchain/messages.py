"""LangChain messages as the guard reads them, and back."""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, TypeVar

from langchain_core.messages import AIMessageChunk, BaseMessage, SystemMessage

from handrail.records import (
    Decision,
    Draft,
    Effect,
    Handoff,
    Message,
    PolicyRef,
    Reason,
    Speaker,
    Stage,
    ToolCall,
    Trigger,
)
from handrail.wire.foreign_json import Json, kind_of, mapping_of, objects_of, text_of
from handrail.wire.handoff import handoff_body, read_handoff
from handrail.wire.logprobs import read_logprobs
from handrail.wire.slots import Slot, join, rewritten, unknown_slots

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


_SPEAKERS = {
    "system": Speaker.SYSTEM,
    "developer": Speaker.SYSTEM,
    "ai": Speaker.ASSISTANT,
    "assistant": Speaker.ASSISTANT,
    "tool": Speaker.TOOL,
    "function": Speaker.TOOL,
}
# Kinds of message that hold nothing but their text.
_PLAIN = {"system": Speaker.SYSTEM, "human": Speaker.USER}
MessageT = TypeVar("MessageT", bound=BaseMessage)


def read_message(message: BaseMessage, *, trusted: Sequence[str] = ()) -> Message:
    """Read one message of a conversation; kinds of content in `trusted` count as readable."""
    name = message.type if message.type != "chat" else text_of(getattr(message, "role", ""))
    if type(message.content) is str and not message.additional_kwargs and name in _PLAIN:
        return Message(speaker=_PLAIN[name], text=message.content, name=message.name)
    view = view_of(message)
    return Message(
        speaker=_SPEAKERS.get(name.removesuffix("MessageChunk").lower(), Speaker.USER),
        text=join(view, _input_slots(view)),
        name=message.name,
        tool_calls=_calls(message),
        tool_call_id=getattr(message, "tool_call_id", None),
        unreadable=tuple(kind for kind in unreadable_kinds(view) if kind not in trusted),
    )


def _input_slots(view: Json) -> list[Any]:
    # What a provider said about its own call stays here; providers do not read it back.
    return text_slots(view) + [slot for slot in beside_slots(view) if slot.path[0] != "response_metadata"]


def _calls(message: BaseMessage) -> tuple[ToolCall, ...]:
    if not getattr(message, "tool_calls", None) and not getattr(message, "invalid_tool_calls", None):
        return ()
    calls = [
        ToolCall(
            id=call.get("id") or "", name=call["name"], arguments=json.dumps(call["args"], ensure_ascii=False)
        )
        for call in getattr(message, "tool_calls", ())
    ]
    calls += [
        ToolCall(id=call.get("id") or "", name=call.get("name") or "", arguments=call.get("args") or "")
        for call in getattr(message, "invalid_tool_calls", ())
    ]
    return tuple(calls)


def write_messages(originals: Sequence[BaseMessage], sent: Sequence[Message]) -> list[BaseMessage]:
    """Return the messages that may go upstream; what did not change is the caller's own object.

    Args:
        originals: the caller's messages.
        sent: what the guard made of their readings; readings that are the guard's own are put in anew.
    """
    read = [replace(read_message(message), unreadable=()) for message in originals]
    written: list[BaseMessage] = []
    at, added = 0, len(sent) - len(originals)
    for message in (replace(message, unreadable=()) for message in sent):
        here = at < len(originals)
        if here and (message == read[at] or added <= 0 or message.speaker is read[at].speaker):
            is_same = message == read[at]
            written.append(originals[at] if is_same else _written(originals[at], read[at], message))
            at += 1
        else:
            written.append(SystemMessage(message.text))
            added -= 1
    return written


def _written(original: BaseMessage, read: Message, sent: Message) -> BaseMessage:
    update: dict[str, Any] = {}
    if sent.text != read.text:
        view = view_of(original)
        update |= changed_fields(view, rewritten(view, _input_slots(view), sent.text))
    if sent.tool_calls != read.tool_calls:
        extra = update.get("additional_kwargs", original.additional_kwargs)
        update |= _call_fields(original, sent.tool_calls, extra)
    return original.model_copy(update=update)


def _call_fields(message: BaseMessage, calls: Sequence[ToolCall], extra: Json) -> dict[str, Any]:
    """Return the fields of a message that proposes only these calls, in every place that repeats them."""
    good, bad = [], []
    for call in calls:
        try:
            args = json.loads(call.arguments)
        except ValueError:
            args = None
        if isinstance(args, dict):
            good.append({"name": call.name, "args": args, "id": call.id, "type": "tool_call"})
        else:
            about = {"error": None, "type": "invalid_tool_call"}
            bad.append({"name": call.name, "args": call.arguments, "id": call.id, **about})
    fields: dict[str, Any] = {"tool_calls": good, "invalid_tool_calls": bad}
    if isinstance(message, AIMessageChunk):
        fields["tool_call_chunks"] = [
            {"name": c.name, "args": c.arguments, "id": c.id, "index": i, "type": "tool_call_chunk"}
            for i, c in enumerate(calls)
        ]
    if any(name in extra for name in ("tool_calls", "function_call")):
        return {**fields, "additional_kwargs": _raw_calls(extra, calls)}
    return fields


def _raw_calls(extra: Json, calls: Sequence[ToolCall]) -> Json:
    by_id = {call.id: call for call in calls}
    new = deepcopy(extra)
    new.pop("function_call", None)
    raws = [raw for raw in objects_of(new.get("tool_calls")) if raw.get("id") in by_id]
    for raw in raws:
        mapping_of(raw.get("function"))["arguments"] = by_id[text_of(raw.get("id"))].arguments
    return {**new, "tool_calls": raws} if "tool_calls" in new else new


def read_draft(message: BaseMessage, info: Json | None = None) -> Draft:
    """Read what a model produced; `info` is what LangChain keeps beside the message."""
    content = message.content
    if type(content) is str and not (info or message.response_metadata or message.additional_kwargs):
        return Draft(text=content, tool_calls=_calls(message))
    about = {**info, **message.response_metadata} if info else message.response_metadata
    tokens = mapping_of(about["logprobs"]).get("content") if "logprobs" in about else None
    view = view_of(message)
    return Draft(
        text=content if isinstance(content, str) else "".join(slot.read(view) for slot in text_slots(view)),
        asides=tuple(slot.read(view) for slot in beside_slots(view)),
        tool_calls=_calls(message),
        refusal=refusal_of(view),
        finish_reason=text_of(about.get("finish_reason") or about.get("stop_reason")) or None,
        logprobs=read_logprobs(tokens),
        model=text_of(about.get("model_name")) or None,
    )


def write_draft(message: MessageT, original: Draft, draft: Draft) -> MessageT:
    """Return the message that may be released; the same object if nothing in it changes."""
    if draft == original:
        return message
    view = view_of(message)
    copy = view
    for slot, before, after in zip(beside_slots(view), original.asides, draft.asides, strict=True):
        if before != after:
            copy = deepcopy(view) if copy is view else copy
            slot.write(copy, after)
    if draft.text != original.text:
        copy = deepcopy(view) if copy is view else copy
        for index, slot in enumerate(text_slots(copy)):
            slot.write(copy, draft.text if index == 0 else "")
        copy["response_metadata"] = without_logprobs(mapping_of(copy["response_metadata"]))
    if draft.refusal != original.refusal:
        copy = deepcopy(view) if copy is view else copy
        copy["additional_kwargs"] = {**mapping_of(copy["additional_kwargs"]), "refusal": draft.refusal}
    update: dict[str, Any] = changed_fields(view, copy)
    if draft.tool_calls != original.tool_calls:
        extra = update.get("additional_kwargs", message.additional_kwargs)
        update |= _call_fields(message, draft.tool_calls, extra)
    return message.model_copy(update=update) if update else message


def notice_fields(
    notice: str, handoff: Handoff | None, decision: Decision, *, is_structured: bool
) -> dict[str, Any]:
    """Return the fields of a message that stands in place of an answer that is withheld."""
    marked: dict[str, Any] = {"handoff": handoff_body(handoff)} if handoff else {"blocked": _block(decision)}
    extra = {"refusal": notice, **marked} if is_structured else marked
    about = {"finish_reason": "stop", **marked}
    return {"content": notice, "additional_kwargs": extra, "response_metadata": about}


def _block(decision: Decision) -> dict[str, Any]:
    policy = decision.policy
    rules = [reason.rule for reason in decision.reasons if reason.effect is Effect.BLOCK]
    return {"policy": policy.name, "version": policy.version, "sha256": policy.sha256, "rules": rules}


def get_handoff(message: object) -> Handoff | None:
    """Return the hand-off in a message or chunk; None if it is an answer."""
    extra = getattr(message, "additional_kwargs", None) or {}
    about = getattr(message, "response_metadata", None) or {}
    return read_handoff(extra.get("handoff")) or read_handoff(about.get("handoff"))


def get_block(message: object) -> Decision | None:
    """Return the decision behind the notice of a blocked answer; None for any other message."""
    found = (getattr(message, "additional_kwargs", None) or {}).get("blocked")
    if not isinstance(found, dict):
        return None
    policy = PolicyRef(name=found["policy"], version=found["version"], sha256=found["sha256"])
    reasons = [Reason(rule=rule, effect=Effect.BLOCK, trigger=Trigger.NEVER_AI) for rule in found["rules"]]
    return Decision(stage=Stage.ANSWER, effect=Effect.BLOCK, policy=policy, reasons=tuple(reasons))
