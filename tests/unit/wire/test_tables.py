"""The tables: every field that a provider's own package knows is judged, or named there with its reason."""

import inspect
import types
import typing
from collections.abc import Iterator
from typing import Any

import anthropic.types as anthropic_types
import openai.types.chat as chat_types
import openai.types.responses as response_types
import pydantic
import pytest

from handrail.wire import anthropic, chat, responses
from handrail.wire.anthropic import table as anthropic_table
from handrail.wire.chat import table as chat_table
from handrail.wire.responses import table as responses_table
from handrail.wire.structure import Structure, Table, is_structure

NEEDLE = "Nora's words, 4711"
TABLES = [
    *(chat_table.ANSWER, chat_table.REQUEST),
    *(responses_table.ANSWER, responses_table.EVENT, responses_table.REQUEST),
    *(anthropic_table.ANSWER, anthropic_table.EVENT, anthropic_table.REQUEST),
]
ANSWERS = [
    (chat, chat_types.ChatCompletion),
    (responses, response_types.Response),
    (anthropic, anthropic_types.Message),
]


def flat(kind: Any) -> Iterator[Any]:
    inner = typing.get_args(kind)
    if not inner or typing.get_origin(kind) is typing.Literal:
        yield kind
    for one in inner:
        if not isinstance(one, str):
            yield from flat(one)


def is_list(kind: Any) -> bool:
    return any(typing.get_origin(one) is list for one in (kind, *typing.get_args(kind)))


def fields(model: type[pydantic.BaseModel], deep: int = 4) -> Iterator[tuple[str, ...]]:
    """Paths of every field below a model, `[]` for the items of a list."""
    for name, field in model.model_fields.items():
        step = (field.alias or name, *(("[]",) if is_list(field.annotation) else ()))
        yield step
        for kind in flat(field.annotation):
            if deep and inspect.isclass(kind) and issubclass(kind, pydantic.BaseModel):
                yield from ((*step, *path) for path in fields(kind, deep - 1))


def planted(path: tuple[str, ...], words: str) -> Any:
    """An object with some words at a path."""
    value: Any = words
    for step in reversed(path):
        value = [value] if step == "[]" else {step: value}
    return value


def merged(body: Any, value: Any) -> Any:
    if isinstance(body, dict) and isinstance(value, dict):
        return {**body, **{name: merged(body.get(name), part) for name, part in value.items()}}
    if isinstance(body, list) and isinstance(value, list) and body:
        return [merged(body[0], value[0]), *body[1:]]
    return value


PLAIN: dict[Any, dict[str, Any]] = {
    chat: {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}]
    },
    responses: {"status": "completed", "output": []},
    anthropic: {"content": [], "stop_reason": "end_turn"},
}


@pytest.mark.parametrize(("wire", "model"), ANSWERS)
def test_every_field_of_the_providers_own_answer_is_judged_or_named(wire: Any, model: Any) -> None:
    passed = []
    for path in dict.fromkeys(fields(model)):
        drafts = wire.read_response(merged(PLAIN[wire], planted(path, NEEDLE)))
        calls = [call for draft in drafts for call in draft.tool_calls]
        told = [draft.words for draft in drafts] + [call.arguments + call.name for call in calls]
        is_unreadable = any(draft.unreadable for draft in drafts)
        if not is_unreadable and not any(NEEDLE in text for text in told):
            passed.append(path)
    assert passed == []


@pytest.mark.parametrize("module", [chat, responses, anthropic])
def test_a_field_nobody_knows_is_judged_at_any_depth(module: types.ModuleType) -> None:
    wire: Any = module
    for path in [("new",), ("new", "deep", "[]", "id"), ("new", "[]")]:
        (draft,) = wire.read_response(merged(PLAIN[wire], planted(path, NEEDLE)))
        assert NEEDLE in draft.words
        (draft,) = wire.read_response(merged(PLAIN[wire], planted((*path, NEEDLE), "a")))
        start = draft.words.index(NEEDLE)
        assert any(first <= start < last for first, last in draft.fixed)


@pytest.mark.parametrize("table", TABLES)
def test_every_field_of_a_table_has_a_reason_that_holds_only_for_its_form(table: Table) -> None:
    assert table.structure
    for place, reason in table.structure.items():
        assert place.strip(".[]") == place.rstrip("[]")
        assert is_structure(reason, NEEDLE) is (reason is Structure.SETTING)


@pytest.mark.parametrize(
    ("reason", "fits", "does_not"),
    [
        (Structure.NAME, "web_search_20250305", "4539148803436467"),
        (Structure.NAME, "look_up", "card_4539_1488_0343_6467"),
        (Structure.ID, "chatcmpl-9a", "nora@example.org"),
        (Structure.ID, "a1", "4539148803436467"),
        (Structure.NUMBER, 1767225600, 4539148803436467),
        (Structure.NUMBER, 0.5, "0.5 words"),
        (Structure.END, "stop", "because"),
        (Structure.COUNTS, {"total_tokens": 3, "details": {"cached_tokens": 1}}, {"Nora Quill": 1}),
        (Structure.SEALED, "gAAAAB+/=", "words of Nora"),
        (Structure.FLAG, True, "yes"),
    ],
)
def test_a_value_that_has_not_the_form_of_its_reason_is_no_structure(
    reason: Structure, fits: object, does_not: object
) -> None:
    assert is_structure(reason, fits)
    assert not is_structure(reason, does_not)
