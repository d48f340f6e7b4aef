"""A messages request: its messages for the guard, and the request that may go upstream."""

from collections.abc import Sequence

from handrail.records import Message, Speaker
from handrail.wire.anthropic.blocks import blocks_of, calls_of, message_words, with_calls
from handrail.wire.anthropic.table import BY_PROGRAM, REQUEST
from handrail.wire.foreign_json import Json, mapping_of, objects_of, text_of
from handrail.wire.formats import ModelRequest
from handrail.wire.requests import Fields, changed_request, read_documents
from handrail.wire.structure import Words
from handrail.wire.words import message_of, with_words

_SPEAKERS = {"user": Speaker.USER, "assistant": Speaker.ASSISTANT, "system": Speaker.SYSTEM}
# A model that thinks first takes no temperature.
_NOT_SAMPLED = frozenset({"stream", "thinking"})
_OF_OUTPUT = frozenset({"tools", "tool_choice", "output_config", "output_format"})
# Which message of the request a unit is a part of; no field of the provider's has such a name.
_OF = "\x00message"
_FIELDS = Fields(table=REQUEST, messages=frozenset({"messages", "system"}), by_program=BY_PROGRAM)


def read_request(body: Json) -> ModelRequest:
    """Read a messages request. Fields that are no messages come first, as documents.

    The results of tools are messages of their own, though they travel inside the user's.
    """
    tools = objects_of(body.get("tools"))
    wanted = mapping_of(body.get("output_format")) or mapping_of(
        mapping_of(body.get("output_config")).get("format")
    )
    wants_json = text_of(wanted.get("type")) == "json_schema"
    return ModelRequest(
        messages=(*read_documents(body, _FIELDS), *map(_read_unit, _units(body))),
        model=text_of(body.get("model")) or None,
        stream=body.get("stream") is True,
        wants_json=wants_json,
        is_structured=wants_json,
        tools=tuple(text_of(tool.get("name")) for tool in tools),
    )


def _units(body: Json) -> list[Json]:
    """Return the parts of a request that are one message each: the system text, results, and what is said."""
    units: list[Json] = [{"role": "system", "content": body["system"]}] if body.get("system") else []
    given = body.get("messages")
    items = given if isinstance(given, list) else [] if given is None else [given]
    for index, item in enumerate(items):
        # What is no message is the content of a user's.
        message: Json = item if isinstance(item, dict) else {"role": "user", "content": item}
        content = message.get("content")
        results = [block for block in objects_of(content) if block.get("type") == "tool_result"]
        if not results:
            units.append({**message, _OF: index})
            continue
        assert isinstance(content, list)
        units += [{**message, "content": [block], _OF: index} for block in results]
        if others := [block for block in content if block not in results]:
            units.append({**message, "content": others, _OF: index})
    return units


def _read_unit(unit: Json) -> Message:
    content = unit.get("content")
    first = next(iter(blocks_of(content)), {})
    is_result = first.get("type") == "tool_result"
    return message_of(
        _words(unit),
        Speaker.TOOL if is_result else _SPEAKERS.get(text_of(unit.get("role")), Speaker.USER),
        calls=calls_of(content),
        call_id=text_of(first.get("tool_use_id")) or None if is_result else None,
    )


def _words(unit: Json) -> Words:
    words = message_words(unit.get("content"), REQUEST)
    rest = {name: value for name, value in unit.items() if name not in ("content", _OF)}
    if rest and not REQUEST.is_plain(rest, "messages[]"):
        words.add(REQUEST.judged(rest, "messages[]"))
    return words


def write_request(
    body: Json, messages: Sequence[Message], *, logprobs: bool = False, instruction: str | None = None
) -> Json:
    """Return the request that may go upstream; the same object if nothing in it changes.

    The instruction is added to the system text. This provider gives no log-probabilities.
    """
    units = _units(body)
    new, written = changed_request(
        body, _FIELDS, list(map(_read_unit, units)), messages, raws=units, write=_write_unit
    )
    if written is None and not instruction:
        return new
    new = dict(new)
    if written is not None:
        _put_back(new, written)
    if instruction:
        _add_system(new, instruction)
    return new


def _put_back(body: Json, written: Sequence[Json]) -> None:
    """Put the units back where they came from; what the guard added speaks through the system text."""
    had_system = bool(body.pop("system", None))
    messages: list[Json] = []
    last: object = None
    for position, unit in enumerate(written):
        of = unit.get(_OF)
        if of is None and unit.get("role") == "system":
            if had_system and position == 0:
                body["system"] = unit["content"]
            else:
                _add_system(body, text_of(unit["content"]))
            continue
        said = {name: value for name, value in unit.items() if name != _OF}
        if of is not None and of == last:
            parts = [*blocks_of(messages[-1]["content"]), *blocks_of(said["content"])]
            messages[-1] = {**messages[-1], "content": parts}
        else:
            messages.append(said)
        last = of
    body["messages"] = messages


def _add_system(body: Json, text: str) -> None:
    system = body.get("system")
    if isinstance(system, list):
        body["system"] = [*system, {"type": "text", "text": text}]
    else:
        body["system"] = f"{system}\n\n{text}" if system else text


def _write_unit(message: Message, raw: Json | None, original: Message | None) -> Json:
    if raw is None or original is None:
        role = next(role for role, speaker in _SPEAKERS.items() if speaker is message.speaker)
        return {"role": role, "content": message.text}
    new = raw
    if message.text != original.text:
        new = with_words(raw, _words(raw), message.text)
    if message.tool_calls != original.tool_calls:
        new = {**new, "content": with_calls(blocks_of(new.get("content")), message.tool_calls)}
    return new


def write_sample(
    body: Json, messages: Sequence[Message], *, temperature: float, question: str | None, logprobs: bool
) -> Json:
    """Return a request that asks the model again, in one piece."""
    new = {**write_request(body, messages), "temperature": min(1.0, temperature)}
    left_out = _NOT_SAMPLED
    if question is not None:
        new["messages"] = [*objects_of(new.get("messages")), {"role": "user", "content": question}]
        left_out |= _OF_OUTPUT
    return {name: value for name, value in new.items() if name not in left_out}
