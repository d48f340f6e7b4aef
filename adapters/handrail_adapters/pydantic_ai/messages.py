"""Pydantic AI's messages as plain dicts, part by part: what the guard reads, and how it is put back."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelResponse

from handrail.errors import CheckFailed
from handrail.records import NOTE_NAME, Draft, Message, Speaker, ToolCall
from handrail.wire.logprobs import read_logprobs
from handrail.wire.slots import Slot, join, rewritten, unknown_slots

Json = dict[str, Any]

# Of a part: what names and places it. Anything else that holds text is read.
_NAMING = frozenset(
    {
        *("part_kind", "kind", "timestamp", "id", "tool_call_id", "tool_name", "tool_kind", "outcome"),
        *(
            "provider_name",
            "signature",
            "dynamic_ref",
            "context_id",
            "scope",
            "args",
            "media_type",
            "identifier",
        ),
    }
)
_UNREADABLE = {
    **{"image-url": "image", "audio-url": "audio", "video-url": "video", "document-url": "file"},
    **{"binary": "file", "uploaded-file": "file"},
}
_SPEAKERS = {
    **{"system-prompt": Speaker.SYSTEM, "user-prompt": Speaker.USER, "tool-return": Speaker.TOOL},
    **{"text": Speaker.ASSISTANT, "thinking": Speaker.ASSISTANT, "tool-call": Speaker.ASSISTANT},
}


def dumped(messages: Sequence[ModelMessage]) -> list[Json]:
    """Return messages as plain dicts."""
    plain: list[Json] = ModelMessagesTypeAdapter.dump_python(list(messages), mode="json")
    return plain


def read_messages(plain: Sequence[Json]) -> list[Message]:
    """Return one message per part, and one for each request's instructions."""
    return [_read(unit) for message in plain for unit in _units(message)]


def _units(message: Json) -> list[Json]:
    told = message.get("instructions")
    first = [{"part_kind": "system-prompt", "content": told}] if told else []
    return [*first, *message["parts"]]


def _read(part: Json) -> Message:
    slots, unreadable = _slots(part)
    return Message(
        speaker=_SPEAKERS.get(part["part_kind"], Speaker.TOOL),
        text=join(part, slots),
        name=part.get("tool_name"),
        tool_calls=(_call(part),) if part["part_kind"] == "tool-call" else (),
        tool_call_id=part.get("tool_call_id") if part["part_kind"] != "tool-call" else None,
        unreadable=tuple(sorted(unreadable)),
    )


def _call(part: Json) -> ToolCall:
    args = part.get("args")
    arguments = args if isinstance(args, str) else json.dumps(args or {})
    return ToolCall(id=part["tool_call_id"], name=part["tool_name"], arguments=arguments)


def _slots(part: Json) -> tuple[list[Slot], set[str]]:
    known = _NAMING if part["part_kind"] == "tool-call" else _NAMING - {"args"}
    content = part.get("content")
    if part["part_kind"] == "file":
        return [], {"file"}
    if not isinstance(content, list) or part["part_kind"] != "user-prompt":
        return unknown_slots(part, known), set()
    slots, unreadable = unknown_slots(part, known | {"content"}), set()
    for index, item in enumerate(content):
        kind = item.get("kind") if isinstance(item, dict) else None
        if kind in _UNREADABLE:
            unreadable.add(_UNREADABLE[kind])
        elif isinstance(item, str):
            slots.append(Slot(("content", index)))
        else:
            slots += unknown_slots(item, _NAMING, ("content", index))
    return slots, unreadable


def write_messages(
    messages: Sequence[ModelMessage], plain: Sequence[Json], sent: Sequence[Message]
) -> list[ModelMessage]:
    """Return the messages that may go to the model; those in which nothing changed are the same objects.

    What the guard adds goes before everything else, as a system prompt.
    """
    written = list[Any]()
    added = [message for message in sent if message.name == NOTE_NAME]
    left = [message for message in sent if message.name != NOTE_NAME]
    if len(left) != sum(len(_units(message)) for message in plain):
        raise CheckFailed("wire", why="as many messages as parts are needed")
    for original, message in zip(messages, plain, strict=True):
        units = _units(message)
        now, left = left[: len(units)], left[len(units) :]
        new = [_rewritten(unit, said) for unit, said in zip(units, now, strict=True)]
        written.append(original if new == units else _rebuilt(message, new))
    if added:
        part = {"part_kind": "system-prompt", "content": "\n\n".join(message.text for message in added)}
        written[0] = replace(
            written[0], parts=[*_rebuilt({"kind": "request"}, [part]).parts, *written[0].parts]
        )
    return written


def _rewritten(part: Json, said: Message) -> Json:
    was = _read(part)
    new = part if said.text == was.text else rewritten(part, _slots(part)[0], said.text)
    if said.tool_calls != was.tool_calls:
        new = {**new, "args": said.tool_calls[0].arguments if said.tool_calls else "{}"}
    return new


def _rebuilt(message: Json, units: Sequence[Json]) -> Any:
    parts = list(units)
    told = parts.pop(0)["content"] if message.get("instructions") else message.get("instructions")
    plain = {**message, "parts": parts, **({"instructions": told} if told else {})}
    return ModelMessagesTypeAdapter.validate_python([plain])[0]


def read_response(response: ModelResponse, answers: frozenset[str]) -> Draft:
    """Return a response as a draft. A call of an output tool (`answers`) is the answer itself."""
    said: list[str] = []
    asides: list[str] = []
    calls: list[ToolCall] = []
    for part in dumped([response])[0]["parts"]:
        if part["part_kind"] == "tool-call" and part["tool_name"] not in answers:
            calls.append(_call(part))
        (said if _is_answer(part, answers) else asides).append(_words(part, answers))
    return Draft(
        text="\n".join(filter(None, said)),
        asides=tuple(filter(None, asides)),
        tool_calls=tuple(calls),
        finish_reason=response.finish_reason,
        logprobs=read_logprobs((response.provider_details or {}).get("logprobs")),
        model=response.model_name,
    )


def _is_answer(part: Json, answers: frozenset[str]) -> bool:
    return part["part_kind"] == "text" or part.get("tool_name") in answers


def _words(part: Json, answers: frozenset[str]) -> str:
    if part["part_kind"] == "tool-call" and part["tool_name"] in answers:
        return _call(part).arguments
    return join(part, _slots(part)[0])
