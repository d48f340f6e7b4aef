"""Every way through `@guard` and `@guard.tool`: how a value goes in or comes out, and what is seen of it."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from handrail import Guard

Seen = list[object]
Entry = Callable[[Guard | None, Any, Seen], Any]
"""Takes a guard, None for the control; a value; and where to note what reached the model or the tool."""


class Failed(Exception):
    """A guarded function's own error."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.detail = args


def _through(guard: Guard | None) -> Any:
    return (lambda fn: fn) if guard is None else guard


def _tool(guard: Guard | None) -> Any:
    return (lambda fn: fn) if guard is None else guard.tool


def argument(guard: Guard | None, value: Any, seen: Seen) -> Any:
    @_through(guard)
    def ask(question: Any) -> str:
        seen.append(question)
        return "Fine."

    return ask(value)


def argument_async(guard: Guard | None, value: Any, seen: Seen) -> Any:
    @_through(guard)
    async def ask(question: str, *more: Any, **others: Any) -> str:
        seen.extend([*more, *others.values()])
        return "Fine."

    return asyncio.run(ask("Where?", value, other=value))


def argument_of_generator(guard: Guard | None, value: Any, seen: Seen) -> Any:
    @_through(guard)
    def ask(question: str, *, given: Any) -> Iterator[str]:
        seen.append(given)
        yield "Fine."

    return "".join(ask("Where?", given=value))


class Asks:
    """An object whose methods are guarded."""

    def __init__(self, seen: Seen, result: Any = "Fine.") -> None:
        self.seen, self.outcome = seen, result

    def ask(self, question: Any) -> Any:
        self.seen.append(question)
        return self.outcome


def argument_of_method(guard: Guard | None, value: Any, seen: Seen) -> Any:
    return _through(guard)(Asks(seen).ask)(value)


def argument_of_partial(guard: Guard | None, value: Any, seen: Seen) -> Any:
    def ask(prefix: str, question: Any) -> str:
        seen.append(question)
        return "Fine."

    return _through(guard)(functools.partial(ask, "x"))(value)


def result(guard: Guard | None, value: Any, seen: Seen) -> Any:
    return _through(guard)(lambda question: value)("Where?")


def result_async(guard: Guard | None, value: Any, seen: Seen) -> Any:
    @_through(guard)
    async def ask(question: str) -> Any:
        return value

    return asyncio.run(ask("Where?"))


def result_of_method(guard: Guard | None, value: Any, seen: Seen) -> Any:
    return _through(guard)(Asks([], value).ask)("Where?")


def result_of_partial(guard: Guard | None, value: Any, seen: Seen) -> Any:
    return _through(guard)(functools.partial(lambda prefix, question: value, "x"))("Where?")


def result_or_handoff(guard: Guard | None, value: Any, seen: Seen) -> Any:
    def ask(question: str) -> Any:
        return value

    return ask("Where?") if guard is None else guard.result(ask, "Where?")


def chunk_of_generator(guard: Guard | None, value: Any, seen: Seen) -> Any:
    @_through(guard)
    def ask(question: str) -> Iterator[Any]:
        yield value

    return _sole(list(ask("Where?")))


def chunk_of_async_generator(guard: Guard | None, value: Any, seen: Seen) -> Any:
    @_through(guard)
    async def ask(question: str) -> AsyncIterator[Any]:
        yield value

    async def collect() -> list[Any]:
        return [chunk async for chunk in ask("Where?")]

    return _sole(asyncio.run(collect()))


def value_of_generator(guard: Guard | None, value: Any, seen: Seen) -> Any:
    @_through(guard)
    def ask(question: str) -> Any:
        yield "Fine."
        return value

    chunks = ask("Where?")
    while True:
        try:
            seen.append(next(chunks))
        except StopIteration as stop:
            return stop.value


def error(guard: Guard | None, value: Any, seen: Seen) -> Any:
    @_through(guard)
    def ask(question: str) -> str:
        try:
            raise KeyError(value)
        except KeyError as cause:
            raise Failed("no", value) from cause

    try:
        return ask("Where?")
    except Failed as failed:
        seen.append(failed)
        raise


def error_of_tool(guard: Guard | None, value: Any, seen: Seen) -> Any:
    @_tool(guard)
    def look_up(order: str) -> str:
        try:
            raise KeyError(value)
        except KeyError as cause:
            raise Failed("no", value) from cause

    try:
        return look_up("7")
    except Failed as failed:
        seen.append(failed)
        raise


def error_of_async_stream(guard: Guard | None, value: Any, seen: Seen) -> Any:
    @_through(guard)
    async def ask(question: str) -> AsyncIterator[Any]:
        yield "Fine."
        raise Failed(value)

    async def collect() -> list[Any]:
        return [chunk async for chunk in ask("Where?")]

    try:
        return asyncio.run(collect())
    except Failed as failed:
        seen.append(failed)
        raise


def tool_argument(guard: Guard | None, value: Any, seen: Seen) -> Any:
    @_tool(guard)
    def look_up(order: Any, *, more: Any = None) -> str:
        seen.append(order)
        return "Fine."

    return look_up(value, more=7)


def tool_argument_async(guard: Guard | None, value: Any, seen: Seen) -> Any:
    @_tool(guard)
    async def look_up(order: Any) -> str:
        seen.append(order)
        return "Fine."

    return asyncio.run(look_up(value))


def tool_result(guard: Guard | None, value: Any, seen: Seen) -> Any:
    @_tool(guard)
    def look_up(order: str) -> Any:
        return value

    return look_up("7")


def tool_result_async(guard: Guard | None, value: Any, seen: Seen) -> Any:
    @_tool(guard)
    async def look_up(order: str) -> Any:
        return value

    return asyncio.run(look_up("7"))


def stream(guard: Guard | None, value: Any, seen: Seen) -> Any:
    @_through(guard)
    def ask(question: str) -> Iterator[Any]:
        yield from value

    return list(ask("Where?"))


def stream_async(guard: Guard | None, value: Any, seen: Seen) -> Any:
    @_through(guard)
    async def ask(question: str) -> AsyncIterator[Any]:
        for chunk in value:
            yield chunk

    async def collect() -> list[Any]:
        return [chunk async for chunk in ask("Where?")]

    return asyncio.run(collect())


def stream_returned(guard: Guard | None, value: Any, seen: Seen) -> Any:
    return list(_through(guard)(lambda question: iter(value))("Where?"))


def _sole(chunks: list[Any]) -> Any:
    return chunks[0] if len(chunks) == 1 else chunks


ARGUMENTS: dict[str, Entry] = {
    entry.__name__: entry
    for entry in (argument, argument_async, argument_of_generator, argument_of_method, argument_of_partial)
}
RESULTS: dict[str, Entry] = {
    entry.__name__: entry
    for entry in (
        *(result, result_async, result_of_method, result_of_partial, result_or_handoff),
        *(chunk_of_generator, chunk_of_async_generator, value_of_generator),
    )
}
ERRORS: dict[str, Entry] = {entry.__name__: entry for entry in (error, error_of_tool, error_of_async_stream)}
TOOL_ARGUMENTS: dict[str, Entry] = {entry.__name__: entry for entry in (tool_argument, tool_argument_async)}
TOOL_RESULTS: dict[str, Entry] = {entry.__name__: entry for entry in (tool_result, tool_result_async)}
STREAMS: dict[str, Entry] = {entry.__name__: entry for entry in (stream, stream_async, stream_returned)}
