"""Every field of a provider's request types and stream events is judged, or named in a table as a setting."""

import types
import typing
from collections.abc import Iterator
from typing import Any

import anthropic.types as anthropic_types
import openai.types.chat as chat_types
import openai.types.responses as response_types
import pydantic
import pytest
import typing_extensions

from handrail.wire import anthropic, chat, responses
from handrail.wire.anthropic import table as anthropic_table
from handrail.wire.chat import table as chat_table
from handrail.wire.responses import table as responses_table
from handrail.wire.structure import Structure, Table

NEEDLE = "Nora's words, 4711"
DEEP = 3
REQUESTS = [
    (chat, chat_table.REQUEST, chat_types.completion_create_params.CompletionCreateParamsNonStreaming),
    (
        responses,
        responses_table.REQUEST,
        response_types.response_create_params.ResponseCreateParamsNonStreaming,
    ),
    (
        anthropic,
        anthropic_table.REQUEST,
        anthropic_types.message_create_params.MessageCreateParamsNonStreaming,
    ),
]


def inner(kind: Any) -> Iterator[Any]:
    """The classes that a type is made of."""
    parts = typing.get_args(kind)
    if not parts or typing.get_origin(kind) is typing.Literal:
        yield kind
    for part in parts:
        if not isinstance(part, str):
            yield from inner(part)


def is_list(kind: Any) -> bool:
    """True for a list of something, whatever else it may be."""
    origin = typing.get_origin(kind)
    if isinstance(origin, type) and issubclass(origin, typing.Iterable) and not issubclass(origin, dict):
        return True
    return any(is_list(part) for part in typing.get_args(kind) if not isinstance(part, str))


def fields(kind: Any, deep: int = DEEP) -> Iterator[tuple[str, ...]]:
    """Paths of every field below a typed dictionary or a model, `[]` for the items of a list."""
    hints: dict[str, Any] = {}
    if typing_extensions.is_typeddict(kind):
        hints = typing_extensions.get_type_hints(kind)
    elif isinstance(kind, type) and issubclass(kind, pydantic.BaseModel):
        hints = {field.alias or name: field.annotation for name, field in kind.model_fields.items()}
    for name, hint in hints.items():
        step = (name, "[]") if is_list(hint) else (name,)
        yield step
        if deep:
            for part in inner(hint):
                yield from ((*step, *path) for path in fields(part, deep - 1))


def planted(path: tuple[str, ...]) -> Any:
    value: Any = NEEDLE
    for step in reversed(path):
        value = [value] if step == "[]" else {step: value}
    return value


def place(path: tuple[str, ...]) -> str:
    return ".".join(path).replace(".[]", "[]")


def is_setting(path: tuple[str, ...], table: Table) -> bool:
    places = [place(path[:length]) for length in range(1, len(path) + 1)]
    return any(table.structure.get(one) is Structure.SETTING for one in places)


@pytest.mark.parametrize(("module", "table", "kind"), REQUESTS)
def test_every_field_of_the_providers_own_request_is_judged_or_named(
    module: types.ModuleType, table: Table, kind: Any
) -> None:
    wire: Any = module
    passed = []
    paths = list(dict.fromkeys(fields(kind)))
    assert len(paths) > 100
    for path in paths:
        asked = wire.read_request({"model": "m", **planted(path)})
        told = [message.words for message in asked.messages]
        told += [call.arguments + call.name for message in asked.messages for call in message.tool_calls]
        is_unreadable = any(message.unreadable for message in asked.messages)
        if not is_unreadable and not any(NEEDLE in text for text in told) and not is_setting(path, table):
            passed.append(place(path))
    assert passed == []


def merged(body: Any, value: Any) -> Any:
    if isinstance(body, dict) and isinstance(value, dict):
        return {**body, **{name: merged(body.get(name), part) for name, part in value.items()}}
    if isinstance(body, list) and isinstance(value, list) and body:
        return [merged(body[0], value[0]), *body[1:]]
    return value


def kind_of(event: type[pydantic.BaseModel]) -> Any:
    (kind,) = typing.get_args(event.model_fields["type"].annotation)
    return kind


CHUNK = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "a"}}]}
END = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
DONE = {"type": "response.completed", "response": {"status": "completed", "output": []}}
BEGUN = {"type": "message_start", "message": {"role": "assistant", "content": []}}
EVENTS: list[tuple[Any, Any, dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]] = [
    (chat, chat_types.ChatCompletionChunk, CHUNK, [], [END]),
    *(
        (responses, event, {"type": kind_of(event)}, [], [DONE])
        for event in inner(response_types.ResponseStreamEvent)
        if isinstance(event, type) and issubclass(event, pydantic.BaseModel)
    ),
    *(
        (anthropic, event, {"type": kind_of(event), "index": 0}, [BEGUN], [{"type": "message_stop"}])
        for event in inner(anthropic_types.RawMessageStreamEvent)
        if isinstance(event, type) and issubclass(event, pydantic.BaseModel)
    ),
]


@pytest.mark.parametrize(("wire", "event", "plain", "before", "behind"), EVENTS)
def test_every_field_of_the_providers_own_events_is_judged(
    wire: Any, event: Any, plain: dict[str, Any], before: list[Any], behind: list[Any]
) -> None:
    passed = []
    for path in dict.fromkeys(fields(event)):
        stream = wire.Stream({})
        for one in [*before, merged(plain, planted(path)), *behind]:
            stream.feed(one)
        drafts = stream.drafts()
        told = [draft.words for draft in drafts]
        told += [call.arguments + call.name for draft in drafts for call in draft.tool_calls]
        if not any(draft.unreadable for draft in drafts) and not any(NEEDLE in text for text in told):
            passed.append(place(path))
    assert passed == []
