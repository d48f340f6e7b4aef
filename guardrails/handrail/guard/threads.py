"""What blocks, awaited in a thread; a program without coroutines imports no event loop."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


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
