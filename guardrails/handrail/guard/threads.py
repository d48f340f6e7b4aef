"""Blocking work of a coroutine, in a thread; a program without coroutines imports no event loop."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking work in a thread, in the context of the caller."""
    import asyncio

    return await asyncio.to_thread(work, *args, **kwargs)
