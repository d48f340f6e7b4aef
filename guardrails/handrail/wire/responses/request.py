"""A responses request: its messages for the guard, and the request that may go upstream."""

from collections.abc import Sequence

from handrail.errors import ConfigError
from handrail.records import Message, Speaker
from handrail.wire.foreign_json import Json, mapping_of, objects_of, text_of
from handrail.wire.formats import ModelRequest
from handrail.wire.requests import Fields, changed_request, read_documents
from handrail.wire.responses.items import action_of, item_words, with_arguments
from handrail.wire.responses.table import BY_PROGRAM, REQUEST
from handrail.wire.words import message_of, with_words

LOGPROBS = "message.output_text.logprobs"

_SPEAKERS = {"system": Speaker.SYSTEM, "developer": Speaker.SYSTEM, "assistant": Speaker.ASSISTANT}
_BY_MODEL = frozenset(
    {"reasoning", "compaction", "image_generation_call", "web_search_call", "file_search_call"}
)
_OF_STREAM = frozenset({"stream", "stream_options"})
_OF_OUTPUT = frozenset({"tools", "tool_choice", "parallel_tool_calls", "text"})
# The two fields that are no items stand in the list of items under their own names.
_MESSAGES = ("instructions", "input")
_FIELDS = Fields(table=REQUEST, messages=frozenset(_MESSAGES), by_program=BY_PROGRAM)


def read_request(body: Json) -> ModelRequest:
    """Read a responses request. Fields that are no messages come first, as documents.

    Raises:
        ConfigError: it is to run in the background, where its answer would be fetched past the guard.
    """
    if body.get("background") is True:
        raise ConfigError("background responses are fetched past the guard and cannot be guarded")
    wanted = text_of(mapping_of(mapping_of(body.get("text")).get("format")).get("type"))
    wants_json = wanted in ("json_schema", "json_object")
    tools = objects_of(body.get("tools"))
    include = body.get("include")
    return ModelRequest(
        messages=(*read_documents(body, _FIELDS), *map(_read_raw, _raws(body))),
        model=text_of(body.get("model")) or None,
        stream=body.get("stream") is True,
        wants_logprobs=isinstance(include, list) and LOGPROBS in include,
        wants_json=wants_json,
        is_structured=wants_json or any(tool.get("strict") is True for tool in tools),
        tools=tuple(text_of(tool.get("name")) or text_of(tool.get("type")) for tool in tools),
    )


def _raws(body: Json) -> list[Json]:
    given = body.get("input")
    raws: list[Json] = []
    if text_of(body.get("instructions")):
        raws.append({"instructions": body["instructions"]})
    elif body.get("instructions") is not None:
        raws.append({"role": "developer", "content": body["instructions"]})
    if isinstance(given, str):
        return [*raws, {"input": given}]
    if given is None:
        return raws
    if not isinstance(given, list):
        given = [given]
    return raws + [item if isinstance(item, dict) else {"role": "user", "content": item} for item in given]


def _read_raw(raw: Json) -> Message:
    if len(raw) == 1 and (name := next(iter(raw))) in _MESSAGES:
        speaker = Speaker.SYSTEM if name == "instructions" else Speaker.USER
        return Message(speaker=speaker, text=text_of(raw[name]))
    action = action_of(raw)
    return message_of(
        item_words(raw, REQUEST, "input[]"),
        _speaker(raw),
        calls=(action,) if action else (),
        call_id=text_of(raw.get("call_id")) or None,
    )


def _speaker(item: Json) -> Speaker:
    kind = text_of(item.get("type")) or "message"
    if kind == "message":
        return _SPEAKERS.get(text_of(item.get("role")), Speaker.USER)
    if action_of(item) is not None or kind in _BY_MODEL:
        return Speaker.ASSISTANT
    return Speaker.TOOL


def write_request(
    body: Json, messages: Sequence[Message], *, logprobs: bool = False, instruction: str | None = None
) -> Json:
    """Return the request that may go upstream; the same object if nothing in it changes."""
    raws = _raws(body)
    new, written = changed_request(
        body, _FIELDS, list(map(_read_raw, raws)), messages, raws=raws, write=_write_raw
    )
    changes: Json = {}
    if written is not None or instruction is not None:
        told: list[Json] = [{"role": "developer", "content": instruction}] if instruction else []
        changes |= _placed(body, (raws if written is None else written) + told)
    include = body.get("include")
    if logprobs and not (isinstance(include, list) and LOGPROBS in include):
        changes["include"] = [*(include if isinstance(include, list) else []), LOGPROBS]
    return {**new, **changes} if changes else new


def _placed(body: Json, raws: Sequence[Json]) -> Json:
    """Return the fields of a request that hold these items."""
    instructions = [raw for raw in raws if list(raw) == ["instructions"]]
    items = [raw for raw in raws if list(raw) != ["instructions"]]
    fields: Json = {}
    if "instructions" in body:
        fields["instructions"] = instructions[0]["instructions"] if instructions else None
    if len(items) == 1 and list(items[0]) == ["input"]:
        return {**fields, "input": items[0]["input"]}
    given = [
        {"role": "user", "content": item["input"]} if list(item) == ["input"] else item for item in items
    ]
    return {**fields, "input": given}


def _write_raw(message: Message, raw: Json | None, original: Message | None) -> Json:
    if raw is None or original is None:
        role = {Speaker.SYSTEM: "developer", Speaker.ASSISTANT: "assistant"}.get(message.speaker, "user")
        return {"role": role, "content": message.text}
    new = raw
    if message.text != original.text:
        is_field = len(raw) == 1 and next(iter(raw)) in _MESSAGES
        new = dict.fromkeys(raw, message.text) if is_field else _with_text(raw, message.text)
    if message.tool_calls and message.tool_calls != original.tool_calls:
        new = with_arguments(new, message.tool_calls[0])
    return new


def _with_text(raw: Json, text: str) -> Json:
    new: Json = with_words(raw, item_words(raw, REQUEST, "input[]"), text)
    return new


def write_sample(
    body: Json, messages: Sequence[Message], *, temperature: float, question: str | None, logprobs: bool
) -> Json:
    """Return a request that asks the model again, in one piece; nothing of it is stored."""
    new = write_request(body, messages, logprobs=logprobs, instruction=question)
    new = {**new, "temperature": temperature, "store": False}
    left_out = _OF_STREAM if question is None else _OF_STREAM | _OF_OUTPUT
    return {name: value for name, value in new.items() if name not in left_out}
