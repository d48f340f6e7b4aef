"""A chat request: its messages for the guard, and the request that may go upstream."""

from collections.abc import Sequence

from handrail.records import Message, Speaker
from handrail.text.values import Path
from handrail.wire.chat.calls import (
    are_calls_readable,
    read_tool_calls,
    without_arguments,
    write_tool_calls,
)
from handrail.wire.chat.table import BY_PROGRAM, REQUEST
from handrail.wire.foreign_json import Json, kind_of, mapping_of, objects_of, text_of, whole_of
from handrail.wire.formats import ModelRequest
from handrail.wire.requests import Fields, changed_request, read_documents
from handrail.wire.structure import Words
from handrail.wire.words import message_of, with_words

_FIELDS = Fields(table=REQUEST, messages=frozenset({"messages"}), by_program=BY_PROGRAM)

SPEAKERS = {
    "system": Speaker.SYSTEM,
    "developer": Speaker.SYSTEM,
    "user": Speaker.USER,
    "assistant": Speaker.ASSISTANT,
    "tool": Speaker.TOOL,
    "function": Speaker.TOOL,
}

_PLAIN = frozenset({"role", "content"})
_OF_STREAM = frozenset({"stream", "stream_options"})
_OF_OUTPUT = frozenset({"tools", "tool_choice", "parallel_tool_calls", "response_format"})
_TEXTS = ("text", "refusal")
_UNREADABLE = {"image_url": "image", "input_image": "image", "input_audio": "audio", "file": "file"}


def read_request(body: Json) -> ModelRequest:
    """Read a chat request. Fields that are no messages come first, as documents."""
    messages = [read_message(message) for message in _raws(body)]
    functions: list[Json] = []
    if "tools" in body or "functions" in body:
        tools = objects_of(body.get("tools"))
        functions = [mapping_of(tool.get("function")) for tool in tools] + objects_of(body.get("functions"))
    wants_json = "response_format" in body and (
        text_of(mapping_of(body["response_format"]).get("type")) in ("json_schema", "json_object")
    )
    return ModelRequest(
        messages=(*read_documents(body, _FIELDS), *messages),
        model=text_of(body.get("model")) or None,
        stream=body.get("stream") is True,
        n=max(1, whole_of(body.get("n"), 1)),
        wants_logprobs=body.get("logprobs") is True,
        wants_json=wants_json,
        is_structured=wants_json or any(function.get("strict") is True for function in functions),
        tools=tuple(name for function in functions if (name := text_of(function.get("name")))),
    )


def _raws(body: Json) -> list[Json]:
    """Return the messages of a request as objects; what is none is the content of a user's message."""
    given = body.get("messages")
    if given is None:
        return []
    items = given if isinstance(given, list) else [given]
    return [item if isinstance(item, dict) else {"role": "user", "content": item} for item in items]


def read_message(message: Json) -> Message:
    """Read one message of a chat request or history."""
    role = message.get("role")
    known = SPEAKERS.get(role) if isinstance(role, str) else None
    speaker = known or Speaker.USER
    if message.keys() <= _PLAIN and known and isinstance(content := message.get("content"), str):
        return Message(speaker=speaker, text=content)
    return message_of(
        message_words(message),
        speaker,
        name=text_of(message.get("name")) or None,
        calls=read_tool_calls(message),
        call_id=text_of(message.get("tool_call_id")) or None,
    )


def message_words(message: Json) -> Words:
    """Return what a message says; the arguments of its calls are not among it."""
    words, rest = Words(), dict(message)
    _take_content(words, rest)
    if rest.get("audio") is not None:
        words.unreadable.add("audio")
        del rest["audio"]
    if are_calls_readable(rest):
        rest = without_arguments(rest)
    else:
        words.unreadable.add("tool_call")
        rest = {name: value for name, value in rest.items() if name not in ("tool_calls", "function_call")}
    words.add(REQUEST.judged(rest, "messages[]"))
    return words


def _take_content(words: Words, message: Json) -> None:
    """Take the content, and then the refusal, out of a message, in place."""
    content = message.pop("content", None)
    if isinstance(content, str):
        words.say(("content",), content)
    elif isinstance(content, list):
        for index, part in enumerate(content):
            _take_part(words, part, ("content", index))
    elif content is not None:
        words.unreadable.add("unknown")
    if isinstance(message.get("refusal"), str):
        words.say(("refusal",), text_of(message.pop("refusal")))


def _take_part(words: Words, part: object, at: Path) -> None:
    if isinstance(part, str):
        words.say(at, part)
        return
    fields = mapping_of(part)
    kind = text_of(fields.get("type"))
    if part is None or (kind in _TEXTS and fields.get(kind) is None):
        # No text, or none yet; what may stand beside it is judged.
        words.add(REQUEST.judged(part, "messages[].content[]", at))
        return
    if kind not in _TEXTS or not isinstance(fields[kind], str):
        words.unreadable.add(_UNREADABLE.get(kind, kind_of(kind)))
        return
    words.say((*at, kind), text_of(fields[kind]))
    rest = {name: value for name, value in fields.items() if name != kind}
    words.add(REQUEST.judged(rest, "messages[].content[]", at))


def write_request(
    body: Json, messages: Sequence[Message], *, logprobs: bool = False, instruction: str | None = None
) -> Json:
    """Return the request that may go upstream; the same object if nothing in it changes."""
    raws = _raws(body)
    new, written = changed_request(
        body,
        _FIELDS,
        [read_message(raw) for raw in raws],
        messages,
        raws=raws,
        write=write_message,
    )
    changes: Json = {}
    if written is not None or instruction is not None:
        told: list[Json] = [{"role": "system", "content": instruction}] if instruction else []
        changes["messages"] = (raws if written is None else written) + told
    if logprobs and body.get("logprobs") is not True:
        changes["logprobs"] = True
    return {**new, **changes} if changes else new


def write_sample(
    body: Json, messages: Sequence[Message], *, temperature: float, question: str | None, logprobs: bool
) -> Json:
    """Return a request that asks the model again, once and in one piece."""
    new = {**write_request(body, messages, logprobs=logprobs), "temperature": temperature, "n": 1}
    left_out = _OF_STREAM
    if question is not None:
        new["messages"] = [*objects_of(new.get("messages")), {"role": "user", "content": question}]
        left_out |= _OF_OUTPUT
    return {name: value for name, value in new.items() if name not in left_out}


def write_message(message: Message, raw: Json | None, original: Message | None) -> Json:
    """Return a message as a dict: its own dict with the changes, or a new one if it had none."""
    if raw is None or original is None:
        role = next(role for role, speaker in SPEAKERS.items() if speaker is message.speaker)
        return {"role": role, "content": message.text}
    new = raw
    if message.text != original.text:
        new = with_words(raw, message_words(raw), message.text)
    if message.tool_calls != original.tool_calls:
        new = write_tool_calls(new, message.tool_calls)
    return new
