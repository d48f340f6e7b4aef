"""What blocks or takes long, awaited in a thread; a program without coroutines imports no event loop."""

import os
from collections.abc import Callable, Generator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from handrail.pipeline.needs import Returned, step
from handrail.records import Draft, Message

if TYPE_CHECKING:
    from concurrent.futures import Executor

P = ParamSpec("P")
T = TypeVar("T")
NeedT = TypeVar("NeedT")

LONG = 16_384
"""Characters, or bytes, from which on reading is left to a thread: an event loop would wait noticeably."""

# More would only take turns: what is long is computed, and nothing in it waits.
_AT_ONCE = 2


def are_long(said: Sequence[Message] | Sequence[Draft]) -> bool:
    """True when reading all of this would hold up an event loop."""
    size = 0
    for one in said:
        size += len(one.text) + sum([len(call.arguments) for call in one.tool_calls])
        if isinstance(one, Draft):
            size += len(one.refusal or "") + sum(map(len, one.asides))
    # Every message, however short, is read by itself.
    return size + 64 * len(said) > LONG


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Await what blocks, in a thread that sees the caller's context variables.

    Raises:
        RuntimeError: it raised StopIteration, which no future can carry.
    """
    import asyncio

    def run() -> T:
        try:
            return work(*args, **kwargs)
        except StopIteration as stop:
            raise RuntimeError("StopIteration raised in a thread") from stop

    return await asyncio.to_thread(run)


async def at_length(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Await what computes for long, in one of a few threads that are kept for that.

    So those in which stores and files are waited for stay free, however much there is to compute.
    """
    import asyncio
    import contextvars
    from functools import partial

    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(
        _long_work(), partial(context.run, work, *args, **kwargs)
    )


async def step_at_length(steps: Generator[NeedT, Any, T], reply: object, /) -> NeedT | Returned[T]:
    """Take steps in a thread, for `arun`."""
    return await at_length(step, steps, reply)


@cache
def _long_work() -> "Executor":
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="handrail-long")


if hasattr(os, "register_at_fork"):
    # Threads do not outlive a fork.
    os.register_at_fork(after_in_child=_long_work.cache_clear)


async def in_thread_or_undone(work: Callable[[], T], undo: Callable[[T], object]) -> T:
    """Await what blocks and changes something, so that a caller who is cancelled leaves nothing changed.

    A thread cannot be stopped. When the caller is cancelled, what the thread did is awaited and undone before
    the cancellation goes on; where it failed there is nothing to undo.
    """
    import asyncio

    working = asyncio.ensure_future(in_thread(work))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working})
        if not working.cancelled() and working.exception() is None:
            await in_thread(undo, working.result())
        raise
