"""What is told of Pydantic AI's objects field by field is what a walk through them tells."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pydantic_ai")

from pydantic_ai.messages import ModelRequest, ModelResponse, SystemPromptPart, TextPart, UserPromptPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.usage import RequestUsage

from handrail.text.values import read
from handrail.wire.objects import Said, said_in
from handrail_adapters.pydantic_ai.plain import is_silent, only_text
from handrail_adapters.pydantic_ai.structure import MESSAGE, OPTIONS, PARTS

TEXT = st.sampled_from(
    ["", "hello", '{"a": "b"}', " x", "a@b.com", "4111 1111 1111 1111", "gpt-5", "stop", "é\n"]
)
MOMENT = st.sampled_from(
    [
        datetime(2026, 1, 5, tzinfo=UTC),
        datetime(2026, 1, 5),
        datetime(2026, 1, 5, tzinfo=timezone(timedelta(hours=1))),
    ]
)
ODD = st.one_of(
    st.none(), TEXT, MOMENT, st.just({}), st.just({"note": "a@b.com"}), st.just(7), st.just(["a@b.com"])
)


class Louder(TextPart):
    pass


def held(value: Any, changes: dict[str, Any]) -> Any:
    for name, one in changes.items():
        setattr(value, name, one)
    return value


PART = st.builds(
    held,
    st.one_of(
        TEXT.map(TextPart),
        TEXT.map(Louder),
        TEXT.map(UserPromptPart),
        TEXT.map(SystemPromptPart),
        st.just(UserPromptPart(["a", "b"])),
    ),
    st.dictionaries(
        st.sampled_from(["id", "timestamp", "provider_name", "part_kind", "beside"]), ODD, max_size=2
    ),
)
USAGE = st.builds(
    held,
    st.builds(RequestUsage),
    st.dictionaries(st.sampled_from(["input_tokens", "details", "note"]), ODD, max_size=1),
)
MESSAGES = st.builds(
    held,
    st.one_of(
        st.builds(ModelRequest, parts=st.just([])), st.builds(ModelResponse, parts=st.just([]), usage=USAGE)
    ),
    st.dictionaries(
        st.sampled_from(
            [
                "model_name",
                "timestamp",
                "metadata",
                "finish_reason",
                "instructions",
                "provider_details",
                "beside",
            ]
        ),
        ODD,
        max_size=2,
    ),
)
PARAMETERS = st.builds(
    held,
    st.builds(ModelRequestParameters),
    st.dictionaries(
        st.sampled_from(["output_mode", "function_tools", "prompted_output_template", "thinking"]),
        ODD,
        max_size=2,
    ),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PART, max_size=2))
def test_one_part_that_holds_a_text_says_what_a_walk_finds(parts: list[Any]) -> None:
    told = only_text(parts)
    assert told is None or Said(told) == said_in(read(parts), PARTS)


@settings(max_examples=400, deadline=None)
@given(MESSAGES)
def test_a_message_that_is_silent_beside_its_parts_is_silent_to_a_walk(message: Any) -> None:
    if is_silent(message, MESSAGE, but="parts"):
        assert said_in(read(message), MESSAGE, without=[("parts",)]) == Said(())


@settings(max_examples=200, deadline=None)
@given(PARAMETERS)
def test_parameters_that_are_silent_are_silent_to_a_walk(parameters: Any) -> None:
    if is_silent(parameters, OPTIONS, ("parameters",)):
        said = said_in(read({"settings": None, "parameters": parameters}), OPTIONS)
        assert not said.leaves
        assert set(said.unreadable) <= {"callable", "unregistered"}


def test_the_commonest_objects_take_no_walk() -> None:
    assert only_text([TextPart("hello")]) is not None
    assert only_text(ModelRequest.user_text_prompt("Where is it?").parts) is not None
    assert is_silent(ModelResponse(parts=[], model_name="gpt-5"), MESSAGE, but="parts")
    assert is_silent(ModelRequestParameters(), OPTIONS, ("parameters",))
    assert not is_silent(ModelResponse(parts=[], model_name="a@b.com"), MESSAGE, but="parts")
