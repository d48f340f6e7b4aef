"""A model with a batch of its own, guarded: asked together, judged one by one."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.prompts import ChatPromptTemplate
from pydantic import Field

from handrail_adapters.langchain import GuardedChatModel, get_handoff
from support.langchain_entries import Spy
from support.scripted_chat import ScriptedChat
from support.toy_guard import ToyGuard

Batch = Callable[..., list[Any]]


class TogetherChat(ScriptedChat):
    """Answers a batch at once, each input with what `says` makes of it; `batches` records what came."""

    batches: list[tuple[list[list[BaseMessage]], Any, dict[str, Any]]] = Field(default_factory=list)
    gives: Callable[[str], Any] = lambda text: AIMessage(f"You said: {text}")

    def batch(self, inputs: Any, config: Any = None, **kwargs: Any) -> Any:
        self.batches.append((inputs, config, kwargs))
        return [self.gives(messages[-1].text) for messages in inputs]

    async def abatch(self, inputs: Any, config: Any = None, **kwargs: Any) -> Any:
        return self.batch(inputs, config, **kwargs)


def of_sync(model: Any, inputs: list[Any], *args: Any, **kwargs: Any) -> list[Any]:
    return model.batch(inputs, *args, **kwargs)


def of_async(model: Any, inputs: list[Any], *args: Any, **kwargs: Any) -> list[Any]:
    return asyncio.run(model.abatch(inputs, *args, **kwargs))


both = pytest.mark.parametrize("batch", [of_sync, of_async])


def guarded(inner: ScriptedChat, guard: ToyGuard) -> Any:
    return GuardedChatModel(inner=inner, guard=guard)


@both
def test_a_model_with_its_own_batch_is_asked_once_and_answers_keep_their_order(batch: Batch) -> None:
    inner, guard = TogetherChat(), ToyGuard()
    said = batch(guarded(inner, guard), ["one", "two", "three"])
    assert [message.text for message in said] == [f"You said: {word}" for word in ("one", "two", "three")]
    assert len(inner.batches) == 1
    assert inner.seen == []
    assert guard.begun == len(guard.finished) == 3


@both
def test_what_is_held_never_reaches_the_model_and_has_a_ticket_of_its_own(batch: Batch) -> None:
    inner, guard = TogetherChat(), ToyGuard()
    said = batch(guarded(inner, guard), ["one", "STOP a", "HIDE-me", "STOP b"])
    handoffs = [get_handoff(message) for message in said]
    assert [handoff.ticket if handoff else None for handoff in handoffs] == [None, "T1", None, "T2"]
    assert [messages[-1].text for messages in inner.batches[0][0]] == ["one", "[hidden]"]


@both
def test_each_answer_is_judged_before_a_caller_or_a_callback_sees_it(batch: Batch) -> None:
    inner, guard, spy = TogetherChat(), ToyGuard(), Spy()
    inner.gives = lambda text: AIMessage(f"It is {text}.")
    said = batch(guarded(inner, guard), ["SECRET-1", "fine", "MASK-1"], {"callbacks": [spy]})
    assert get_handoff(said[0]) is not None
    assert [message.text for message in said[1:]] == ["It is fine.", "It is [masked]."]
    assert len(spy.told) == 3
    assert not any(word in f"{said}{spy.told}" for word in ("SECRET-1", "MASK-1"))


@both
def test_an_input_that_fails_is_raised_or_returned_in_its_place(batch: Batch) -> None:
    inner, guard = TogetherChat(), ToyGuard()
    inner.gives = lambda text: ValueError("no") if text == "bad" else AIMessage(text)
    said = batch(guarded(inner, guard), ["a", "bad", "c"], return_exceptions=True)
    assert [getattr(one, "content", type(one)) for one in said] == ["a", ValueError, "c"]
    with pytest.raises(ValueError, match="no"):
        batch(guarded(inner, guard), ["a", "bad", "c"])


@both
@pytest.mark.parametrize("given", ["no message", None])
def test_an_answer_that_is_no_message_is_not_released(batch: Batch, given: object) -> None:
    inner = TogetherChat()
    inner.gives = lambda text: given
    with pytest.raises(TypeError, match="no message"):
        batch(guarded(inner, ToyGuard()), ["a", "b"])


@both
def test_how_much_is_asked_at_once_and_the_options_are_the_callers(batch: Batch) -> None:
    inner = TogetherChat()
    batch(guarded(inner, ToyGuard()), ["a", "b"], {"max_concurrency": 2, "tags": ["t"]}, stop=["."], top_k=3)
    _, config, options = inner.batches[0]
    assert config == {"max_concurrency": 2}
    assert options == {"return_exceptions": True, "stop": ["."], "top_k": 3}


@both
def test_a_chain_around_it_asks_together_as_well(batch: Batch) -> None:
    inner, guard = TogetherChat(), ToyGuard()
    chain = ChatPromptTemplate.from_messages([("human", "{word}")]) | guarded(inner, guard)
    said = batch(chain, [{"word": "a"}, {"word": "STOP"}, {"word": "c"}])
    assert [message.text for message in said][::2] == ["You said: a", "You said: c"]
    assert len(inner.batches) == 1


@both
def test_a_model_without_a_batch_of_its_own_is_asked_for_each(batch: Batch) -> None:
    inner, guard = ScriptedChat(), ToyGuard()
    said = batch(guarded(inner, guard), ["a", "STOP", "c"])
    assert [get_handoff(message) is not None for message in said] == [False, True, False]
    assert len(inner.seen) == 2
