"""LangChain messages of a conversation as the guard reads them, and back; notices in place of answers."""

import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, TypeVar

from langchain_core.messages import AIMessageChunk, BaseMessage, SystemMessage, ToolMessage

from handrail.http.handed_off import find_handoff
from handrail.records import (
    Decision,
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
from handrail.wire.foreign_json import mapping_of, objects_of, text_of
from handrail.wire.handoff import handoff_body, read_handoff
from handrail.wire.objects import rewritten
from handrail_adapters.langchain.fields import Json, fields_of, is_plain, repeated_arguments, without_logprobs

_SPEAKERS = {
    "system": Speaker.SYSTEM,
    "developer": Speaker.SYSTEM,
    "ai": Speaker.ASSISTANT,
    "assistant": Speaker.ASSISTANT,
    "tool": Speaker.TOOL,
    "function": Speaker.TOOL,
}
MessageT = TypeVar("MessageT", bound=BaseMessage)


def read_message(message: BaseMessage, *, trusted: Sequence[str] = ()) -> Message:
    """Read one message of a conversation; kinds of content in `trusted` count as readable."""
    if is_plain(message):
        return Message(speaker=_SPEAKERS.get(message.type, Speaker.USER), text=str(message.content))
    role = message.type if message.type != "chat" else text_of(getattr(message, "role", ""))
    said = fields_of(message, trusted=trusted).said
    return Message(
        speaker=_SPEAKERS.get(role.removesuffix("MessageChunk").lower(), Speaker.USER),
        text=said.text,
        name=message.name,
        tool_calls=calls_of(message),
        tool_call_id=getattr(message, "tool_call_id", None),
        unreadable=said.unreadable,
        fixed=said.fixed,
        runs=said.runs,
    )


def calls_of(message: BaseMessage) -> tuple[ToolCall, ...]:
    """Return the calls that a message proposes, those that cannot be parsed too."""
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


def write_messages(
    originals: Sequence[BaseMessage], sent: Sequence[Message], *, trusted: Sequence[str] = ()
) -> list[BaseMessage]:
    """Return the messages that may go to the model; those in which nothing changed are the same objects.

    An artifact of a tool stays with the program: no model is given it.

    Args:
        originals: the caller's messages.
        sent: what the guard made of their readings; readings that are the guard's own are put in anew.
        trusted: kinds of content that counted as readable.
    """
    read = [replace(read_message(message, trusted=trusted), unreadable=()) for message in originals]
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
    return [without_artifact(message) for message in written]


def without_artifact(message: BaseMessage) -> BaseMessage:
    """Return a message as a model may be given it; the same object if it has no artifact."""
    has_artifact = isinstance(message, ToolMessage) and message.artifact is not None
    return message.model_copy(update={"artifact": None}) if has_artifact else message


def _written(original: BaseMessage, read: Message, sent: Message) -> BaseMessage:
    message = original
    if sent.text != read.text:
        fields = fields_of(original)
        found = rewritten(original, fields.said, sent.text)
        message = _only(original, sent.text) if found is None else found
        about = without_logprobs(mapping_of(message.response_metadata))
        message = message.model_copy(update={"response_metadata": about})
    if sent.tool_calls != read.tool_calls:
        message = message.model_copy(update=call_fields(message, sent.tool_calls))
    return message


def _only(message: BaseMessage, text: str) -> BaseMessage:
    """Return a message that says this and nothing else: what was withheld whole stays withheld."""
    return message.model_copy(
        update={"content": text, "additional_kwargs": {}, "response_metadata": {}, "name": None}
    )


def call_fields(message: BaseMessage, calls: Sequence[ToolCall]) -> dict[str, Any]:
    """Return the fields of a message that proposes only these calls, in every place that repeats them."""
    good, bad = [], []
    for call in calls:
        args = _loaded(call.arguments)
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
    extra = mapping_of(message.additional_kwargs)
    if "tool_calls" in extra or "function_call" in extra:
        fields["additional_kwargs"] = _raw_calls(extra, calls)
    if isinstance(message.content, list):
        fields["content"] = _call_blocks(message, calls)
    return fields


def _loaded(arguments: str) -> object:
    try:
        return json.loads(arguments)
    except ValueError:
        return None


def _raw_calls(extra: Json, calls: Sequence[ToolCall]) -> Json:
    by_id = {call.id: call for call in calls}
    new = deepcopy(extra)
    new.pop("function_call", None)
    raws = [raw for raw in objects_of(new.get("tool_calls")) if raw.get("id") in by_id]
    for raw in raws:
        mapping_of(raw.get("function"))["arguments"] = by_id[text_of(raw.get("id"))].arguments
    return {**new, "tool_calls": raws} if "tool_calls" in new else new


def _call_blocks(message: BaseMessage, calls: Sequence[ToolCall]) -> list[Any]:
    """Return the content with the calls in it as they are now; a call that is gone leaves no block."""
    by_id = {call.id: call for call in calls}
    owned = {call.get("id") for call in getattr(message, "tool_calls", ())}
    blocks: dict[int, Any] = dict(enumerate(message.content))
    for path, owner in repeated_arguments(message):
        if path[0] != "content" or owner not in owned:
            continue
        _, index, name = path
        call = by_id.get(text_of(owner))
        if not isinstance(index, int):
            continue
        if call is None:
            blocks.pop(index, None)
        else:
            is_text = isinstance(blocks[index][name], str)
            blocks[index] = {
                **blocks[index],
                str(name): call.arguments if is_text else _loaded(call.arguments),
            }
    return list(blocks.values())


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


def get_handoff(result: object) -> Handoff | None:
    """Return the hand-off of the last turn in a message, chunk, event, agent's result, state or error.

    None means an answer.

    Raises:
        ConfigError: no hand-off could stand in this, and what to pass instead.
    """
    if isinstance(result, BaseMessage):
        return read_handoff(result.additional_kwargs.get("handoff")) or read_handoff(
            result.response_metadata.get("handoff")
        )
    return find_handoff(result)


def get_block(message: object) -> Decision | None:
    """Return the decision behind the notice of a blocked answer; None for any other message."""
    found = (getattr(message, "additional_kwargs", None) or {}).get("blocked")
    if not isinstance(found, dict):
        return None
    policy = PolicyRef(name=found["policy"], version=found["version"], sha256=found["sha256"])
    reasons = [Reason(rule=rule, effect=Effect.BLOCK, trigger=Trigger.NEVER_AI) for rule in found["rules"]]
    return Decision(stage=Stage.ANSWER, effect=Effect.BLOCK, policy=policy, reasons=tuple(reasons))
