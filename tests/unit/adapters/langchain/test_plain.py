"""A LangChain message that is one text is read at a glance, and to the same as field by field."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage

from handrail_adapters.langchain import answers, fields, messages
from handrail_adapters.langchain.options import read_options


class Own(AIMessage):
    """A class of somebody's, which may say more than its base."""


KINDS = st.sampled_from([HumanMessage, AIMessage, SystemMessage, AIMessageChunk, Own])
TEXTS = st.one_of(st.text(max_size=20), st.sampled_from(['{"a": "b"}', "[1]", '"x"', " x", "", "\ud83d"]))
MORE: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["run-1", "ann@example.org said so", "4111111111111111", ""]),
        "name": st.sampled_from(["ann", "", None, "who is ann@example.org"]),
        "additional_kwargs": st.sampled_from([{}, {"refusal": None}, {"note": "a text"}]),
        "response_metadata": st.sampled_from([{}, {"model_name": "m", "finish_reason": "stop"}, {"x": 4111}]),
        "extra": st.sampled_from(["", "a text", 0, None]),
    },
)


def read_all(message: BaseMessage) -> tuple[object, ...]:
    return fields.fields_of(message), messages.read_message(message), answers.read_draft(message)


@given(kind=KINDS, text=TEXTS, more=MORE)
def test_a_plain_message_is_read_as_any_other(kind: Any, text: str, more: dict[str, Any]) -> None:
    message = kind(text, **more)
    at_a_glance = read_all(message)
    with pytest.MonkeyPatch.context() as patch:
        for module in (fields, messages, answers):
            patch.setattr(module, "is_plain", lambda message: False)
        assert read_all(message) == at_a_glance


@pytest.mark.parametrize(
    "message",
    [
        Own("a text"),
        AIMessage([{"type": "text", "text": "a text"}]),
        AIMessage("a text", additional_kwargs={"note": "ann@example.org"}),
        AIMessage("a text", name="ann"),
        HumanMessage("a text", note="ann@example.org"),
        HumanMessage('{"card": "4111"}'),
        AIMessage("a text", id="write to ann@example.org"),
        AIMessage("", tool_calls=[{"name": "f", "args": {}, "id": "1"}]),
    ],
)
def test_a_message_that_says_more_than_a_text_is_not_plain(message: BaseMessage) -> None:
    assert not fields.is_plain(message)


def test_what_was_put_into_a_message_later_is_read() -> None:
    message: Any = AIMessage("a text")
    assert fields.is_plain(message)
    message.__dict__["beside"] = "ann@example.org"
    assert not fields.is_plain(message)
    number: Any = AIMessage("a text")
    number.name = 0
    assert not fields.is_plain(number)


def test_no_option_says_nothing() -> None:
    assert read_options({}).leaves == ()
