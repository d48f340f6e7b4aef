"""What a type checker must see: guarding a function changes nothing about its type."""

import functools
from collections.abc import AsyncIterator, Iterator
from typing import assert_type

from handrail import Guard, Handoff


async def checked(guard: Guard) -> None:
    @guard
    def plain(question: str, *, tries: int = 1) -> int:
        return tries

    @guard(input="question")
    async def coroutine(question: str) -> bytes:
        return question.encode()

    @guard
    def generator(question: str) -> Iterator[str]:
        yield question

    @guard
    async def async_generator(question: str) -> AsyncIterator[str]:
        yield question

    @guard.tool
    def act(order: str, amount: float) -> bool:
        return bool(order) and amount > 0

    @guard.tool(name="other")
    async def act_later(order: str) -> str:
        return order

    assert_type(plain("a", tries=2), int)
    assert_type(await coroutine("a"), bytes)
    assert_type(generator("a"), Iterator[str])
    assert_type(async_generator("a"), AsyncIterator[str])
    assert_type(act("a", 1.0), bool)
    assert_type(await act_later("a"), str)
    assert_type(guard.result(plain, "a", tries=3), int | Handoff)
    assert_type(guard(functools.partial(len, "abc"))(), int)
    plain("a", tries="b")  # type: ignore[arg-type]
    act("a")  # type: ignore[call-arg]
