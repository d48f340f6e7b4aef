"""A chat request: its messages for the guard, and the request that may go upstream."""

from collections.abc import Sequence
from copy import deepcopy

from handrail.records import Message, Speaker, ToolCall
from handrail.wire.foreign_json import (
    Json,
    json_text_of,
    kind_of,
    mapping_of,
    objects_of,
    text_of,
    whole_of,
)
from handrail.wire.formats import ModelRequest
from handrail.wire.slots import (
    Path,
    Slot,
    changed_request,
    join,
    read_documents,
    rewritten,
    take_call,
    unknown_slots,
)

# Known fields. Any other field that holds text is read and scanned, so that nothing slips by.
# Settings, and what the program itself says about its tools and its user: no words that must be judged.
SETTINGS = frozenset(
    {
        *("messages", "model", "modalities", "audio", "n", "seed", "stop", "store", "user", "metadata"),
        *("temperature", "top_p", "frequency_penalty", "presence_penalty", "logit_bias"),
        *("max_tokens", "max_completion_tokens", "reasoning_effort", "verbosity", "service_tier"),
        *("stream", "stream_options", "logprobs", "top_logprobs", "response_format"),
        *("tools", "tool_choice", "parallel_tool_calls", "functions", "function_call"),
        *("web_search_options", "moderation", "safety_identifier"),
        *("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"),
    }
)
OF_REQUEST_MESSAGE = frozenset(
    {"role", "content", "refusal", "tool_calls", "function_call", "tool_call_id", "name", "audio"}
)

OF_BODY = frozenset(
    {
        *("id", "object", "created", "model", "choices", "usage", "system_fingerprint", "service_tier"),
        *("handoff", "prompt_filter_results", "moderation", "request_id", "provider"),
        # Random padding that hides the length of a streamed token.
        "obfuscation",
    }
)
OF_CHOICE = frozenset(
    {
        *("index", "message", "finish_reason", "native_finish_reason", "logprobs"),
        *("content_filter_results", "stop_reason", "token_ids", "matched_stop"),
    }
)
OF_MESSAGE = frozenset({"role", "content", "refusal", "tool_calls", "function_call", "audio"})


SPEAKERS = {
    "system": Speaker.SYSTEM,
    "developer": Speaker.SYSTEM,
    "user": Speaker.USER,
    "assistant": Speaker.ASSISTANT,
    "tool": Speaker.TOOL,
    "function": Speaker.TOOL,
}

_PLAIN = frozenset({"role", "content"})
_OF_CALL = frozenset({"id", "type", "index", "function", "custom"})
_OF_KIND = {"function": frozenset({"name", "arguments"}), "custom": frozenset({"name", "input"})}
_OF_STREAM = frozenset({"stream", "stream_options"})
_OF_OUTPUT = frozenset({"tools", "tool_choice", "parallel_tool_calls", "response_format"})
_UNREADABLE = {"image_url": "image", "input_image": "image", "input_audio": "audio", "file": "file"}


def read_request(body: Json) -> ModelRequest:
    """Read a chat request. Fields that are not settings come first, as documents (speaker `tool`)."""
    messages = [read_message(message) for message in _raws(body)]
    functions: list[Json] = []
    if "tools" in body or "functions" in body:
        tools = objects_of(body.get("tools"))
        functions = [mapping_of(tool.get("function")) for tool in tools] + objects_of(body.get("functions"))
    wants_json = "response_format" in body and (
        text_of(mapping_of(body["response_format"]).get("type")) in ("json_schema", "json_object")
    )
    return ModelRequest(
        messages=(*read_documents(body, SETTINGS), *messages),
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
    speaker = SPEAKERS.get(text_of(message.get("role")), Speaker.USER)
    if message.keys() <= _PLAIN and isinstance(content := message.get("content"), str):
        return Message(speaker=speaker, text=content)
    slots, unreadable = message_slots(message)
    return Message(
        speaker=speaker,
        text=join(message, slots),
        name=text_of(message.get("name")) or None,
        tool_calls=read_tool_calls(message),
        tool_call_id=text_of(message.get("tool_call_id")) or None,
        unreadable=tuple(sorted(unreadable)),
    )


def message_slots(message: Json) -> tuple[list[Slot], set[str]]:
    """Return where a message's text lies, and the kinds of content in it that cannot be read."""
    slots, unreadable = [], set()
    content = message.get("content")
    if isinstance(content, str):
        slots.append(Slot(("content",)))
    elif isinstance(content, list):
        for index, part in enumerate(content):
            of_part, kind = _part_slots(part, index)
            slots += of_part
            unreadable |= kind
    elif content is not None:
        unreadable.add("unknown")
    if text_of(message.get("refusal")):
        slots.append(Slot(("refusal",)))
    if message.get("audio") is not None:
        unreadable.add("audio")
    if not are_calls_readable(message):
        unreadable.add("tool_call")
    return slots + unknown_slots(message, OF_REQUEST_MESSAGE) + call_slots(message), unreadable


def _part_slots(part: object, index: int) -> tuple[list[Slot], set[str]]:
    if isinstance(part, str):
        return [Slot(("content", index))], set()
    part = mapping_of(part)
    kind = text_of(part.get("type"))
    at = ("content", index)
    if kind in ("text", "refusal") and isinstance(part.get(kind), str):
        return [Slot((*at, kind)), *unknown_slots(part, {"type", kind}, at)], set()
    return [], {_UNREADABLE.get(kind, kind_of(kind))}


def are_calls_readable(message: Json) -> bool:
    """False when calls are no list of objects, or one of them is of two kinds and so may run as either."""
    calls = message.get("tool_calls")
    if calls is None:
        return True
    if not isinstance(calls, list) or len(objects_of(calls)) != len(calls):
        return False
    return not any("function" in call and "custom" in call for call in objects_of(calls))


def call_slots(message: Json, at: Path = ()) -> list[Slot]:
    """Return a slot for every field of a message's calls that is not known and holds text."""
    slots: list[Slot] = []
    for index, call in enumerate(objects_of(message.get("tool_calls"))):
        of_call = (*at, "tool_calls", index)
        slots += unknown_slots(call, _OF_CALL, of_call)
        for kind, known in _OF_KIND.items():
            slots += unknown_slots(mapping_of(call.get(kind)), known, (*of_call, kind))
    return slots + unknown_slots(
        mapping_of(message.get("function_call")), _OF_KIND["function"], (*at, "function_call")
    )


def read_tool_calls(message: Json) -> tuple[ToolCall, ...]:
    """Read the calls a message proposes: functions, custom tools and the old single function."""
    if "tool_calls" not in message and "function_call" not in message:
        return ()
    calls = []
    for call in objects_of(message.get("tool_calls")):
        function, custom = mapping_of(call.get("function")), mapping_of(call.get("custom"))
        calls.append(
            ToolCall(
                id=text_of(call.get("id")),
                name=text_of(function.get("name") or custom.get("name")),
                arguments=json_text_of(function.get("arguments") or custom.get("input")),
            )
        )
    if old := mapping_of(message.get("function_call")):
        arguments = json_text_of(old.get("arguments"))
        calls.append(ToolCall(id="", name=text_of(old.get("name")), arguments=arguments))
    return tuple(calls)


def write_request(
    body: Json, messages: Sequence[Message], *, logprobs: bool = False, instruction: str | None = None
) -> Json:
    """Return the request that may go upstream; the same object if nothing in it changes."""
    raws = _raws(body)
    new, written = changed_request(
        body, read_request(body).messages, messages, settings=SETTINGS, raws=raws, write=write_message
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
        new = rewritten(raw, message_slots(raw)[0], message.text)
    if message.tool_calls != original.tool_calls:
        new = write_tool_calls(new, message.tool_calls)
    return new


def write_tool_calls(message: Json, calls: Sequence[ToolCall]) -> Json:
    """Return a copy of a message that proposes only these calls, each with its arguments as given here."""
    new = deepcopy(message)
    left = list(calls)
    raws = objects_of(new.get("tool_calls"))
    kept = []
    for raw, call in zip(raws, read_tool_calls({"tool_calls": raws}), strict=True):
        given = take_call(left, call.id, call.name)
        if given is None:
            continue
        if given.arguments != call.arguments:
            _set_arguments(raw, given.arguments)
        kept.append(raw)
    if raws:
        new["tool_calls"] = kept
    if old := mapping_of(new.get("function_call")):
        if left:
            _write_arguments(old, "arguments", left[0].arguments)
        else:
            del new["function_call"]
    return new


def _set_arguments(call: Json, arguments: str) -> None:
    if "custom" in call:
        _write_arguments(mapping_of(call["custom"]), "input", arguments)
    else:
        _write_arguments(mapping_of(call["function"]), "arguments", arguments)


def _write_arguments(of: Json, name: str, arguments: str) -> None:
    if of.get(name) != arguments:
        Slot((name,), is_json=True).write(of, arguments)
