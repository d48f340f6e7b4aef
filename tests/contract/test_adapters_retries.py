"""Retries and fallbacks around the guard: nothing asks again after a hand-off, nothing replaces it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tenacity
from langchain.agents import create_agent
from langchain.agents.middleware import ModelFallbackMiddleware, ModelRetryMiddleware
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import StrOutputParser
from langgraph.checkpoint.memory import InMemorySaver
from openai import BadRequestError, OpenAI
from pydantic import BaseModel

from handrail import Handoff, HandoffRequired, is_final
from handrail_adapters.langchain import GuardedChatModel, GuardedRunnable, get_handoff
from handrail_adapters.langchain_agents import HandoffMiddleware
from handrail_adapters.openai import get_handoff as openai_handoff
from handrail_adapters.openai import guard_openai
from support.langchain_entries import Spy
from support.model_server import Say, model_server
from support.scripted_chat import ScriptedChat
from support.shop_guard import MAIL, shop_guard
from support.toy_guard import NOTICE, ToyGuard

LEAKS = AIMessage("It is SECRET-1.")
FALLBACK = "A fallback's own answer."


class Answer(BaseModel):
    """A structured answer."""

    text: str


def leaking() -> ScriptedChat:
    call = {"name": "Answer", "args": {"text": "SECRET-1"}, "id": "c1", "type": "tool_call"}
    return ScriptedChat(script=[AIMessage("", tool_calls=[call])])


def other() -> ScriptedChat:
    return ScriptedChat(script=[AIMessage(FALLBACK)])


def with_retry(model: Any) -> Any:
    return model.with_retry(stop_after_attempt=3, wait_exponential_jitter=False)


def with_fallbacks(model: Any) -> Any:
    return model.with_fallbacks([other()])


def both(model: Any) -> Any:
    return with_fallbacks(with_retry(model))


WRAPS: list[Callable[[Any], Any]] = [with_retry, with_fallbacks, both]


@pytest.mark.parametrize("wrap", WRAPS)
def test_a_guarded_model_is_asked_once_and_its_hand_off_stays(wrap: Callable[[Any], Any]) -> None:
    inner, guard = ScriptedChat(script=[LEAKS]), ToyGuard()
    answer = wrap(GuardedChatModel(inner=inner, guard=guard)).invoke("Where?")
    assert answer.content == NOTICE
    assert get_handoff(answer) is not None
    assert len(inner.seen) == 1
    assert guard.tickets == ["T1"]


@pytest.mark.parametrize("wrap", WRAPS)
def test_structured_output_raises_its_hand_off_from_inside_retries_and_fallbacks(
    wrap: Callable[[Any], Any],
) -> None:
    inner, guard = leaking(), ToyGuard()
    structured = wrap(GuardedChatModel(inner=inner, guard=guard).with_structured_output(Answer))
    with pytest.raises(HandoffRequired):
        structured.invoke("Where?")
    with pytest.raises(HandoffRequired):
        list(structured.stream("Where?"))
    assert len(inner.seen) == 2
    assert guard.tickets == ["T1", "T2"]


def test_structured_output_is_what_it_is_without_the_guard() -> None:
    call = {"name": "Answer", "args": {"text": "hello"}, "id": "c1", "type": "tool_call"}
    for model in (ScriptedChat(script=[AIMessage("", tool_calls=[call])]),):
        bare = model.with_structured_output(Answer)
        guarded = GuardedChatModel(inner=model, guard=ToyGuard()).with_structured_output(Answer)
        assert guarded.invoke("x") == bare.invoke("x") == Answer(text="hello")
        assert list(guarded.stream("x")) == list(bare.stream("x"))


def test_structured_output_with_the_raw_message_carries_the_hand_off_in_it() -> None:
    model = GuardedChatModel(inner=leaking(), guard=ToyGuard())
    result = model.with_structured_output(Answer, include_raw=True).invoke("Where?")
    assert result["parsed"] is None
    assert get_handoff(result["raw"]) is not None


def test_real_failures_are_still_retried_and_fall_back() -> None:
    inner = ScriptedChat(script=[AIMessage("Fine.")], fails=[ValueError("once")])
    assert with_retry(GuardedChatModel(inner=inner, guard=ToyGuard())).invoke("x").content == "Fine."
    failing = ScriptedChat(script=[AIMessage("never")], fails=[ValueError("always")])
    assert with_fallbacks(GuardedChatModel(inner=failing, guard=ToyGuard())).invoke("x").content == FALLBACK


@pytest.mark.parametrize("outside", [True, False])
def test_middlewares_that_retry_or_fall_back_see_an_answer(outside: bool, tmp_path: Path) -> None:
    call = {"name": "issue_refund", "args": {"amount": "640 USD"}, "id": "c1", "type": "tool_call"}
    inner = ScriptedChat(script=[AIMessage("", tool_calls=[call])])
    with shop_guard(tmp_path) as guard:
        result = agent(inner, HandoffMiddleware(guard), outside=outside).invoke(*ASKS)
    assert "finance lead" in result["messages"][-1].text
    assert len(inner.seen) == 1


@pytest.mark.parametrize("outside", [True, False])
def test_a_fallback_model_is_guarded_too(outside: bool, tmp_path: Path) -> None:
    failing = ScriptedChat(script=[AIMessage("never")], fails=[ValueError("down")] * 3)
    fallback = ScriptedChat(script=[AIMessage(f"Write to {MAIL}.")], cut=1)
    with shop_guard(tmp_path) as guard:
        built = agent(failing, HandoffMiddleware(guard), outside=outside, fallback=fallback)
        seen = list(built.stream(*ASKS, stream_mode="messages"))
    told = "".join(chunk.text for chunk, _ in seen)
    assert "Write to [email]" in told.replace("EMAIL", "email")
    assert MAIL not in told


ASKS: tuple[Any, Any] = ({"messages": "Where?"}, {"configurable": {"thread_id": "1"}})


def agent(model: Any, mine: Any, *, outside: bool, fallback: Any = None) -> Any:
    """An agent with retries and a fallback, outside or inside the guard's middleware."""
    retries = ModelRetryMiddleware(max_retries=2, initial_delay=0, on_failure="error")
    others = [ModelFallbackMiddleware(fallback or other()), retries]
    order = [*others, mine] if outside else [mine, *others]
    return create_agent(model, [], middleware=order, checkpointer=InMemorySaver())


def test_a_runnable_without_a_slot_raises_and_tenacity_can_tell() -> None:
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return "SECRET-1"

    handoff = Handoff(ticket="T1", role="r", triggers=(), notice="n")

    @tenacity.retry(
        stop=tenacity.stop_after_attempt(3),
        retry=tenacity.retry_if_exception(lambda error: not is_final(error)),
        reraise=True,
    )
    def ask() -> str:
        answer("?")
        raise HandoffRequired(handoff)

    with pytest.raises(HandoffRequired):
        ask()
    assert asked == ["?"]


def test_the_openai_client_asks_once_whatever_the_shape() -> None:
    for shape in ("auto", "error"):
        guard = ToyGuard()
        with model_server(Say("It is SECRET-1.")) as server, OpenAI(base_url=server.url, api_key="k") as bare:
            client = guard_openai(bare, guard, shape=shape)
            messages: list[Any] = [{"role": "user", "content": "Where?"}]
            if shape == "auto":
                found = openai_handoff(client.chat.completions.create(model="m", messages=messages))
            else:
                with pytest.raises(BadRequestError) as refused:
                    client.chat.completions.create(model="m", messages=messages)
                found = openai_handoff(refused.value)
            assert found is not None
            assert found.ticket == "T1"
            assert len(server.seen) == 1


def test_a_guarded_runnable_hides_what_runs_inside_it(tmp_path: Path) -> None:
    spy = Spy()
    inner = ScriptedChat(script=[AIMessage(f"Write to {MAIL}.")], cut=1) | StrOutputParser()
    assert MAIL in told_by(inner, spy), "the control must leak"
    spy.told.clear()
    with shop_guard(tmp_path) as guard:
        assert MAIL not in told_by(GuardedRunnable(inner, guard), spy)


def told_by(runnable: Any, spy: Spy) -> str:
    """All that four ways of running show, and what callbacks saw."""

    async def main() -> str:
        streamed = "".join([piece async for piece in runnable.astream("x", {"callbacks": [spy]})])
        return streamed + await runnable.ainvoke("x", {"callbacks": [spy]})

    config: Any = {"callbacks": [spy]}
    plain = runnable.invoke("x", config) + "".join(runnable.stream("x", config))
    return plain + asyncio.run(main()) + "".join(spy.told)
