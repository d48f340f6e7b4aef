"""Whatever stands in or beside a model's message is judged, masked where it lies, or handed off."""

from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.globals import set_llm_cache
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tracers._streaming import _V2StreamingCallbackHandler
from pydantic import Field

from handrail_adapters.langchain import GuardedChatModel, get_handoff
from handrail_adapters.langchain.answers import read_draft
from handrail_adapters.langchain.structure import MESSAGE
from support.langchain_entries import Spy
from support.scripted_chat import ScriptedChat
from support.toy_guard import ToyGuard

BLOCKS: list[Any] = [{"type": "text", "text": "It is MASK-1."}, {"type": "text", "text": "Bye."}]


class Beside(BaseChatModel):
    """Says one thing, with whatever stands beside it."""

    message: AIMessage
    info: dict[str, Any] | None = None
    output: dict[str, Any] | None = None
    text: str | None = None

    @property
    def _llm_type(self) -> str:
        return "beside"

    def _combine_llm_outputs(self, llm_outputs: list[dict[str, Any] | None]) -> dict[str, Any]:
        return llm_outputs[0] or {}

    def _generate(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        generation = ChatGeneration(message=self.message, generation_info=self.info)
        result = ChatResult(generations=[generation], llm_output=self.output)
        if self.text is not None:
            result.generations[0].text = self.text
        return result


def told(guard: ToyGuard, **beside: Any) -> str:
    """All that a caller and its callbacks see."""
    spy = Spy()
    answer = GuardedChatModel(inner=Beside(**beside), guard=guard).invoke("Where?", {"callbacks": [spy]})
    return repr(answer) + "".join(spy.told)


def test_the_text_of_a_generation_is_that_of_its_message() -> None:
    seen = told(ToyGuard(), message=AIMessage(BLOCKS))
    assert "[masked]" in seen
    assert "MASK-1" not in seen


@pytest.mark.parametrize(
    "beside",
    [
        {"info": {"note": "MASK-1"}},
        {"info": {"deep": [{"words": "MASK-1"}]}},
        {"output": {"note": "MASK-1"}},
        {"text": "MASK-1"},
    ],
)
def test_what_stands_beside_a_message_is_masked(beside: dict[str, Any]) -> None:
    bare = Spy()
    Beside(message=AIMessage("Fine."), **beside).invoke("Where?", {"callbacks": [bare]})
    assert "MASK-1" in "".join(bare.told), "the control must leak"
    assert "MASK-1" not in told(ToyGuard(), message=AIMessage("Fine."), **beside)


def test_the_output_of_a_whole_call_reaches_callbacks_as_without_a_guard() -> None:
    assert "gpt-x" in told(ToyGuard(), message=AIMessage("Fine."), output={"model_name": "gpt-x"})


def test_log_probabilities_go_with_the_text_they_are_of() -> None:
    message = AIMessage("It is MASK-1")
    info = {"logprobs": {"content": [{"token": "It is MASK-1", "logprob": -0.1, "bytes": None}]}}
    assert "logprobs" not in told(ToyGuard(), message=message, info=info)


def test_log_probabilities_that_tell_more_than_the_text_are_judged() -> None:
    message = AIMessage("Fine.")
    tokens = [{"token": token, "logprob": -0.1} for token in ("MA", "SK-", "1")]
    draft = read_draft(message, {"info": {"logprobs": {"content": tokens}}})
    assert [draft.told[start:end] for run in draft.runs for start, end in run] == ["MA", "SK-", "1"]


def test_a_kind_of_block_that_nobody_knows_is_unreadable() -> None:
    known = AIMessage([{"type": "reasoning", "reasoning": "Hm."}, {"type": "text", "text": "Fine."}])
    assert read_draft(known).unreadable == ()
    novel = AIMessage([{"type": "novel", "words": "Fine."}])
    assert read_draft(novel).unreadable == ("novel",)
    assert read_draft(novel, trusted=("novel",)).unreadable == ()


def test_the_arguments_of_a_call_are_judged_once_wherever_they_are_repeated() -> None:
    call = {"name": "f", "args": {"a": "Ann"}, "id": "c1", "type": "tool_call"}
    block = {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": "Ann"}}
    assert read_draft(AIMessage([block], tool_calls=[call])).asides == ()
    other = {**block, "input": {"a": "Bob"}}
    assert "Bob" in read_draft(AIMessage([other], tool_calls=[call])).asides


def test_every_row_of_the_table_says_why() -> None:
    assert all(row.why for row in MESSAGE.rows)


def test_a_model_is_never_given_the_artifact_of_a_tool() -> None:
    result = ToolMessage("found", tool_call_id="c1", artifact=object())
    model = ScriptedChat(script=[AIMessage("Fine.")])
    asked = [
        HumanMessage("Where?"),
        AIMessage("", tool_calls=[{"name": "f", "args": {}, "id": "c1"}]),
        result,
    ]
    assert get_handoff(GuardedChatModel(inner=model, guard=ToyGuard()).invoke(asked)) is None
    assert isinstance(model.seen[0][2], ToolMessage)
    assert model.seen[0][2].artifact is None
    assert result.artifact is not None


class Options(ScriptedChat):
    """Keeps what it was called with."""

    got: list[dict[str, Any]] = Field(default_factory=list)

    def _next(self, messages: Any, options: dict[str, Any]) -> AIMessage:
        self.got.append(options)
        return AIMessage("Fine.")


TOOL = {
    "type": "function",
    "function": {
        "name": "f",
        "description": "Mail HIDE-1.",
        "parameters": {"type": "object", "properties": {}},
    },
}


def test_what_a_model_is_bound_with_is_judged() -> None:
    model = Options()
    guarded = GuardedChatModel(inner=model, guard=ToyGuard())
    guarded.bind(tools=[TOOL], extra_body={"user": "HIDE-2"}, temperature=0.5).invoke("Where?")
    (got,) = model.got
    assert got["tools"][0]["function"]["description"] == "Mail [hidden]."
    assert got["tools"][0]["function"]["parameters"] == TOOL["function"]["parameters"]  # type: ignore[index]
    assert got["extra_body"] == {"user": "[hidden]"}
    assert got["temperature"] == 0.5
    guarded.bind(stop=["STOP"]).invoke("Where?")
    assert len(model.got) == 1


def test_options_in_which_nothing_is_withheld_are_given_as_they_are() -> None:
    model = Options()
    extra = {"user": "u1"}
    GuardedChatModel(inner=model, guard=ToyGuard()).bind(extra_body=extra).invoke("Where?")
    assert model.got[0]["extra_body"] is extra


@pytest.fixture
def cache() -> Any:
    made = InMemoryCache()
    set_llm_cache(made)
    yield made
    set_llm_cache(None)


def test_no_answer_reaches_langchains_cache_unless_it_is_asked_to(cache: InMemoryCache) -> None:
    def ask(**options: Any) -> AIMessage:
        model = ScriptedChat(script=[AIMessage("It is MASK-1.")])
        return GuardedChatModel(inner=model, guard=ToyGuard(), **options).invoke("Where?")

    assert ask().content == "It is [masked]."
    assert cache._cache == {}
    assert ask(inner_cache=True).content == "It is [masked]."
    assert "MASK-1" in repr(cache._cache), "the answer as the model wrote it"
    guard = ToyGuard()
    model = ScriptedChat(script=[AIMessage("Another.")])
    again = GuardedChatModel(inner=model, guard=guard, inner_cache=True)
    assert again.invoke("Where?").content == "It is [masked]."
    assert model.seen == []
    assert len(guard.finished) == 1, "an answer from the cache is judged again"


def test_an_inner_models_own_cache_is_not_used_unless_it_is_asked_to(cache: InMemoryCache) -> None:
    own = InMemoryCache()
    model = ScriptedChat(script=[AIMessage("Fine.")], cache=own)
    GuardedChatModel(inner=model, guard=ToyGuard()).invoke("Where?")
    assert own._cache == {}
    assert model.cache is own


class StreamEvents(BaseCallbackHandler, _V2StreamingCallbackHandler):
    """Asks for the events of a stream."""


def test_a_model_that_cannot_stream_answers_whole_whoever_asks_for_events() -> None:
    model = GuardedChatModel(inner=Beside(message=AIMessage("Fine.")), guard=ToyGuard())
    assert model.invoke("Where?", {"callbacks": [StreamEvents()]}).content == "Fine."
