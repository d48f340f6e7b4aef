"""A chat response: its drafts for the guard, what may be released of it, and a hand-off in its shape."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace

from handrail.errors import CheckFailed
from handrail.records import Draft, FaultKind, Handoff, TokenLogprob
from handrail.wire.chat.request import (
    OF_BODY,
    OF_CHOICE,
    OF_MESSAGE,
    are_calls_readable,
    call_slots,
    read_request,
    read_tool_calls,
    write_tool_calls,
)
from handrail.wire.foreign_json import Json, mapping_of, objects_of, text_of, whole_of
from handrail.wire.handoff import handoff_body
from handrail.wire.logprobs import clip, read_logprobs
from handrail.wire.slots import Slot, join, rewritten, unknown_slots

# Fields of a message that is its text.
_PLAIN = frozenset({"role", "content", "refusal"})


def read_response(body: Json) -> tuple[Draft, ...]:
    """Read a chat response, one draft per choice. What cannot be read has the fault `unreadable`."""
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or len(objects_of(choices)) != len(choices):
        return (Draft(fault=FaultKind.UNREADABLE, model=text_of(body.get("model")) or None),)
    model = text_of(body.get("model")) or None
    drafts = [_read_choice(choice, model) for choice in choices]
    if beside := unknown_slots(body, OF_BODY):
        read = tuple(slot.read(body) for slot in beside)
        drafts[0] = replace(drafts[0], asides=drafts[0].asides + read)
    return tuple(drafts)


def _read_choice(choice: Json, model: str | None) -> Draft:
    message = choice.get("message")
    if not isinstance(message, dict):
        return Draft(fault=FaultKind.UNREADABLE, model=model)
    content = message.get("content")
    if isinstance(content, str) and message.keys() <= _PLAIN and choice.keys() <= OF_CHOICE:
        # The most usual answer: a text and nothing beside it.
        return Draft(
            text=content,
            refusal=text_of(message.get("refusal")) or None,
            finish_reason=text_of(choice.get("finish_reason")) or None,
            logprobs=_logprobs(choice),
            model=model,
        )
    slots, is_readable = _content_slots(message)
    is_readable = is_readable and are_calls_readable(message) and not _has_sound(message)
    return Draft(
        text=content if isinstance(content, str) else join(message, slots),
        asides=tuple(slot.read(choice) for slot in _aside_slots(choice)),
        tool_calls=read_tool_calls(message),
        refusal=text_of(message.get("refusal")) or None,
        finish_reason=text_of(choice.get("finish_reason")) or None,
        logprobs=_logprobs(choice),
        model=model,
        fault=None if is_readable else FaultKind.UNREADABLE,
    )


def _logprobs(choice: Json) -> tuple[TokenLogprob, ...] | None:
    logprobs = choice.get("logprobs")
    return read_logprobs(logprobs.get("content")) if isinstance(logprobs, dict) else None


def _has_sound(message: Json) -> bool:
    return bool(mapping_of(message.get("audio")).get("data"))


def _content_slots(message: Json) -> tuple[list[Slot], bool]:
    content = message.get("content")
    if content is None or isinstance(content, str):
        return [Slot(("content",))], True
    if not isinstance(content, list):
        return [], False
    slots = []
    for index, item in enumerate(content):
        part = mapping_of(item)
        if text_of(part.get("type")) != "text" or not isinstance(part.get("text"), str):
            return [], False
        slots.append(Slot(("content", index, "text")))
    return slots, True


def _aside_slots(choice: Json) -> list[Slot]:
    message = mapping_of(choice.get("message"))
    slots = unknown_slots(message, OF_MESSAGE, ("message",)) + call_slots(message, ("message",))
    if text_of(mapping_of(message.get("audio")).get("transcript")):
        slots.append(Slot(("message", "audio", "transcript")))
    content = message.get("content")
    for index, part in enumerate(objects_of(content) if isinstance(content, list) else ()):
        slots += unknown_slots(part, {"type", "text"}, ("message", "content", index))
    return slots + unknown_slots(choice, OF_CHOICE)


def write_drafts(body: Json, drafts: Sequence[Draft], *, keep_logprobs: bool = True) -> Json:
    """Return the response that may be released; the same object if nothing in it changes."""
    originals = read_response(body)
    choices = objects_of(body.get("choices"))
    if len(drafts) != len(originals) or len(choices) != len(originals):
        raise CheckFailed("wire", why="as many drafts as choices are needed")
    beside = unknown_slots(body, OF_BODY)
    new = body
    if beside and drafts[0].asides != originals[0].asides:
        new = deepcopy(body)
        for slot, text in zip(beside, drafts[0].asides[-len(beside) :], strict=True):
            slot.write(new, text)
    written = [
        _write_choice(choice, draft, original, keep_logprobs=keep_logprobs)
        for choice, draft, original in zip(choices, drafts, originals, strict=True)
    ]
    if all(after is before for after, before in zip(written, choices, strict=True)):
        return new
    return {**new, "choices": written}


def _write_choice(choice: Json, draft: Draft, original: Draft, *, keep_logprobs: bool) -> Json:
    new = choice
    aside_slots = _aside_slots(choice)
    if draft.asides[: len(aside_slots)] != original.asides[: len(aside_slots)]:
        new = deepcopy(new)
        for slot, text in zip(aside_slots, draft.asides, strict=False):
            slot.write(new, text)
    message = mapping_of(new.get("message"))
    if draft.text != original.text:
        message = rewritten(message, _content_slots(message)[0], draft.text)
        if "annotations" in message:
            # They point into the text by position, and their titles may say what was withheld.
            message["annotations"] = []
    if draft.refusal != original.refusal:
        message = {**message, "refusal": draft.refusal}
    if draft.tool_calls != original.tool_calls:
        message = write_tool_calls(message, draft.tool_calls)
    if message is not new.get("message"):
        new = {**new, "message": message}
    return _write_logprobs(new, draft, original, keep=keep_logprobs)


def _write_logprobs(choice: Json, draft: Draft, original: Draft, *, keep: bool) -> Json:
    logprobs = choice.get("logprobs")
    if not mapping_of(logprobs):
        return choice
    if not keep:
        return {name: value for name, value in choice.items() if name != "logprobs"}
    if draft.text != original.text:
        kept = clip(original.logprobs or (), original.text, draft.text)
        return {**choice, "logprobs": _first(mapping_of(logprobs), kept)}
    if draft.refusal != original.refusal:
        return {**choice, "logprobs": {**mapping_of(logprobs), "refusal": None}}
    return choice


def _first(logprobs: Json, count: int | None) -> Json | None:
    content = logprobs.get("content")
    if count is None or not isinstance(content, list):
        return None
    return {**logprobs, "content": content[:count]}


def write_handoff(
    request: Json, handoff: Handoff | None, notice: str, *, created: int, upstream: Json | None = None
) -> Json:
    """Return a chat response that hands off, with as many choices as were asked for."""
    asked, upstream = read_request(request), upstream or {}
    message: Json = {"role": "assistant", "content": notice, "refusal": None}
    if asked.is_structured:
        message = {"role": "assistant", "content": None, "refusal": notice}
    reference = handoff.ticket if handoff else "blocked"
    body: Json = {
        "id": text_of(upstream.get("id")) or f"chatcmpl-handrail-{reference}",
        "object": "chat.completion",
        "created": whole_of(upstream.get("created"), created),
        "model": text_of(upstream.get("model")) or asked.model or "",
        "choices": [
            {"index": index, "message": dict(message), "logprobs": None, "finish_reason": "stop"}
            for index in range(asked.n)
        ],
    }
    if not asked.stream or mapping_of(request.get("stream_options")).get("include_usage") is True:
        usage = mapping_of(upstream.get("usage"))
        body["usage"] = usage or {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    if handoff is not None:
        body["handoff"] = handoff_body(handoff)
    return body
