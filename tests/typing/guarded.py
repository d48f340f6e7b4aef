"""What a type checker must see: guarding a function changes nothing about its type."""

import functools
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from typing import assert_type

from handrail import Guard, Handoff
from handrail.guard import Action, Call, Outcome, Permit
from handrail.records import Draft, Message, ToolCall


def guarded(guard: Guard) -> None:
    @guard
    def plain(question: str, *, tries: int = 1) -> int:
        return tries

    @guard(input="question", on_handoff=lambda handoff: handoff.ticket)
    def with_options(question: str) -> str:
        return question

    @guard
    def iterator(question: str) -> Iterator[str]:
        yield question

    @guard
    def generator(question: str) -> Generator[str, int, bool]:
        return (yield question) > 0

    @guard.tool
    def act(order: str, amount: float) -> bool:
        return bool(order) and amount > 0

    assert_type(plain("a", tries=2), int)
    assert_type(with_options("a"), str)
    assert_type(iterator("a"), Iterator[str])
    assert_type(generator("a"), Generator[str, int, bool])
    assert_type(act("a", 1.0), bool)
    assert_type(guard.result(plain, "a", tries=3), int | Handoff)
    assert_type(guard(functools.partial(len, "abc"))(), int)
    plain("a", tries="b")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    act("a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def awaited(guard: Guard) -> None:
    @guard(input="question")
    async def coroutine(question: str) -> bytes:
        return question.encode()

    @guard
    async def async_iterator(question: str) -> AsyncIterator[str]:
        yield question

    @guard(resample=True)
    async def async_generator(question: str) -> AsyncGenerator[str, int]:
        yield question

    @guard.tool(name="other")
    async def act_later(order: str) -> str:
        return order

    assert_type(await coroutine("a"), bytes)
    assert_type(async_iterator("a"), AsyncIterator[str])
    assert_type(async_generator("a"), AsyncGenerator[str, int])
    assert_type(await act_later("a"), str)
    assert_type(await guard.aresult(coroutine, "a"), bytes | Handoff)


def step_by_step(guard: Guard, messages: list[Message], call: ToolCall) -> None:
    begun = guard.begin(messages)
    assert_type(begun, Call)
    assert_type(begun.finish([Draft(text="a")]), Outcome)
    permit = guard.gate(call)
    assert_type(permit, Permit | Outcome)
    if isinstance(permit, Permit):
        with permit:
            pass


async def decided(guard: Guard, ticket: str) -> None:
    with guard.authorised(ticket) as action:
        assert_type(action, Action)
    async with guard.aauthorised(ticket) as action:
        assert_type(await action.arun(), object)
    guard.resolve(ticket, "fay", "edit", changes={"amount": 5}, note="less")
    await guard.aresolve(ticket, "fay", "approve")
    guard.resolve(ticket, "fay", "approve", nope=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    guard.resolve(ticket, "fay", "edit", note=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
