"""A function's answer, or the `Handoff` of whatever inside it handed off."""

import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import AsyncGeneratorType, GeneratorType
from typing import Any

from handrail.errors import HandoffRequired
from handrail.guard.context import hearing
from handrail.records import Handoff

log = logging.getLogger("handrail")

LONGEST_CHAIN = 64
"""Most errors that are looked through for a hand-off behind the one that was raised."""


def handoff_behind(error: BaseException) -> Handoff | None:
    """Return the hand-off that an error tells of, itself or what it came from; None if there is none.

    Frameworks raise errors of their own in place of `HandoffRequired`, or gather it in a group.
    """
    left, seen = [error], set[int]()
    while left and len(seen) < LONGEST_CHAIN:
        one = left.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, HandoffRequired):
            return one.handoff
        members = one.exceptions if isinstance(one, BaseExceptionGroup) else ()
        left += [other for other in (*members, one.__cause__, one.__context__) if other is not None]
    return None


def returned(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a function and return its answer, or the hand-off of whatever inside it handed off.

    What it returns to be awaited or iterated over does the same when that is done.
    """
    with hearing() as heard:
        try:
            answer = fn(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - raised again unless a hand-off is behind it
            return _instead(error)
    if isinstance(answer, GeneratorType):
        return _each(answer)
    if isinstance(answer, AsyncGeneratorType):
        return _each_async(answer)
    if inspect.isawaitable(answer):
        return areturned(answer)
    return heard[0] if heard else answer


async def areturned(answer: Awaitable[Any]) -> Any:
    """Await an answer and return it, or the hand-off of whatever inside it handed off."""
    with hearing() as heard:
        try:
            given = await answer
        except Exception as error:  # noqa: BLE001 - raised again unless a hand-off is behind it
            return _instead(error)
    return heard[0] if heard else given


def _each(chunks: Iterator[Any]) -> Iterator[Any]:
    try:
        yield from chunks
    except Exception as error:  # noqa: BLE001 - raised again unless a hand-off is behind it
        yield _instead(error)


async def _each_async(chunks: AsyncIterator[Any]) -> AsyncIterator[Any]:
    try:
        async for chunk in chunks:
            yield chunk
    except Exception as error:  # noqa: BLE001 - raised again unless a hand-off is behind it
        yield _instead(error)


def _instead(error: Exception) -> Handoff:
    """Return the hand-off behind an error.

    Raises:
        Exception: the error itself, where there is none.
    """
    handoff = handoff_behind(error)
    if handoff is None:
        raise error
    if not isinstance(error, HandoffRequired):
        log.warning("handed off as %s; what was raised then: %s", handoff.ticket, type(error).__name__)
    return handoff
