"""The decorator on every kind of function."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any

import pytest

from handrail import ConfigError, Guard, Handoff, HandoffRequired
from handrail.testing import ScriptedModel, assert_handed_off
from support.scenes import KEY


def plain(answer: str) -> Callable[[str], str]:
    return lambda question: answer


def kinds(answer: str) -> dict[str, Callable[[str], Any]]:
    """Every kind of function that gives `answer`, in pieces where it can."""

    def generator(question: str) -> Iterator[str]:
        yield from answer

    async def coroutine(question: str) -> str:
        return answer

    async def async_generator(question: str) -> AsyncIterator[str]:
        for piece in answer:
            yield piece

    class Answering:
        def __call__(self, question: str) -> str:
            return answer

    class AsyncCallable:
        async def __call__(self, question: str) -> str:
            return answer

    class Holder:
        def method(self, question: str) -> str:
            return answer

    return {
        "plain": plain(answer),
        "generator": generator,
        "coroutine": coroutine,
        "async_generator": async_generator,
        "callable": Answering(),
        "async_callable": AsyncCallable(),
        "partial": functools.partial(lambda prefix, question: answer, "x"),
        "partial_coroutine": functools.partial(coroutine),
        "method": Holder().method,
        "returns_iterator": lambda question: iter(answer),
        "returns_awaitable": lambda question: coroutine(f"{question}"),
        "returns_async_iterator": lambda question: async_generator(f"{question}"),
    }


def run(fn: Callable[[str], Any], question: str) -> str:
    """Call a function of any kind and collect its whole answer."""

    async def arun() -> str:
        result = fn(question)
        if hasattr(result, "__aiter__"):
            return "".join([piece async for piece in result])
        if hasattr(result, "__await__"):
            result = await result
            if hasattr(result, "__aiter__"):
                return "".join([piece async for piece in result])
        return result if isinstance(result, str) else "".join(result)

    return asyncio.run(arun())


@pytest.mark.parametrize("kind", kinds(""))
def test_a_clean_answer_comes_back_unchanged(guard: Guard, kind: str) -> None:
    assert (
        run(guard(kinds("Your order is on its way.")[kind]), "Where is my order?")
        == "Your order is on its way."
    )


@pytest.mark.parametrize("kind", kinds(""))
def test_a_secret_in_the_answer_never_reaches_the_caller(guard: Guard, kind: str) -> None:
    answer = f"The key is {KEY}."
    assert KEY in run(kinds(answer)[kind], "What is the key?"), "the control must leak"
    with pytest.raises(HandoffRequired) as raised:
        run(guard(kinds(answer)[kind]), "What is the key?")
    assert raised.value.handoff.role == "supervisor"
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("kind", kinds(""))
def test_what_is_redacted_in_an_answer_is_masked_in_every_kind(guard: Guard, kind: str) -> None:
    answer = "Write to jane.doe@example.com please."
    got = run(guard(kinds(answer)[kind]), "Whom do I write to?")
    assert "jane.doe@example.com" not in got
    assert got.startswith("Write to ")


def test_what_the_policy_withholds_never_reaches_the_function(guard: Guard) -> None:
    model = ScriptedModel(["Thanks."])
    ask = guard(model)
    ask("My address is jane.doe@example.com, please note it.")
    assert "jane.doe@example.com" not in model.asked[0]
    assert_handed_off(lambda: ask("My card is 4111 1111 1111 1111."), to="billing", trigger="sensitive_data")
    assert len(model.asked) == 1


def test_only_the_named_arguments_are_read(guard: Guard) -> None:
    seen: list[tuple[str, str]] = []

    @guard(input="question")
    def ask(template: str, question: str) -> str:
        seen.append((template, question))
        return "ok"

    ask("from me@example.com", "hello bob@example.com")
    template, question = seen[0]
    assert template == "from me@example.com"
    assert "bob@example.com" not in question


def test_messages_in_a_list_are_masked_one_by_one(guard: Guard) -> None:
    seen: list[Any] = []

    @guard
    def ask(messages: list[dict[str, str]]) -> str:
        seen.append(messages)
        return "ok"

    ask([{"role": "system", "content": "Be kind."}, {"role": "user", "content": "I am a@example.com"}])
    assert seen[0][0] == {"role": "system", "content": "Be kind."}
    assert "a@example.com" not in seen[0][1]["content"]


def test_on_handoff_maps_the_handoff(guard: Guard) -> None:
    ask = guard(on_handoff=lambda handoff: f"ask {handoff.role}")(plain(f"key {KEY}"))
    assert ask("?") == "ask supervisor"


def test_result_gives_the_answer_or_the_handoff(guard: Guard) -> None:
    assert guard.result(plain("fine"), "?") == "fine"
    got = guard.result(guard(plain(f"key {KEY}")), "?")
    assert isinstance(got, Handoff)
    assert got.role == "supervisor"


def test_an_exception_of_the_function_is_the_callers_own(guard: Guard) -> None:
    def broken(question: str) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        guard(broken)("?")


def test_the_source_generator_is_closed(guard: Guard) -> None:
    closed: list[bool] = []

    @guard
    def ask(question: str) -> Iterator[str]:
        try:
            yield "a "
            yield f"{KEY}"
        finally:
            closed.append(True)

    with pytest.raises(HandoffRequired):
        list(ask("?"))
    assert closed == [True]


def test_a_held_stream_is_a_generator_that_can_be_sent_to(guard: Guard) -> None:
    @guard
    def ask(question: str) -> Generator[str, str, str]:
        yield "a "
        yield "b"
        return "done"

    stream = ask("?")
    assert [next(stream), stream.send("and then?")] == ["a ", "b"]
    with pytest.raises(StopIteration) as ended:
        stream.send("more")
    assert ended.value.value == "done"


def test_an_unknown_option_is_named(guard: Guard) -> None:
    with pytest.raises(TypeError, match="nonsense"):
        guard(nonsense=1)  # type: ignore[call-overload]
    with pytest.raises(ConfigError, match="prompt"):
        guard(input="prompt")(plain("x"))


def test_an_option_that_names_no_parameter_is_an_error_before_any_call(guard: Guard) -> None:
    async def ask(question: str) -> str:
        return question

    for option in ("input", "opaque"):
        for fn in (ask, plain("x")):
            with pytest.raises(ConfigError, match=f"{option}= names nope"):
                guard(**{option: "nope"})(fn)  # type: ignore[call-overload]


def test_the_result_of_an_async_function_is_had_by_awaiting_it(guard: Guard) -> None:
    async def ask(question: str) -> str:
        return "fine"

    for fn in (ask, guard(ask)):
        with pytest.raises(ConfigError, match=r"ask is async: write await guard\.aresult\(ask"):
            guard.result(fn, "?")
        assert asyncio.run(guard.aresult(fn, "?")) == "fine"
