"""Blocking work that is awaited ends, whatever it raises, and is undone for a caller who was cancelled."""

import asyncio
import threading

import pytest

from handrail.guard.threads import in_thread, in_thread_or_undone


def test_a_stop_iteration_in_a_thread_is_an_error_and_no_wait_without_end() -> None:
    async def told() -> None:
        await asyncio.wait_for(in_thread(next, iter(())), 5)

    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(told())


def test_what_a_cancelled_caller_had_begun_is_undone_before_the_cancellation_goes_on() -> None:
    begun, go_on = threading.Event(), threading.Event()
    undone: list[str] = []

    def work() -> str:
        begun.set()
        go_on.wait(5)
        return "reserved"

    async def told() -> None:
        task = asyncio.ensure_future(in_thread_or_undone(work, undone.append))
        await asyncio.to_thread(begun.wait, 5)
        task.cancel()
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(told())
    assert undone == ["reserved"]


def test_what_failed_for_a_cancelled_caller_is_not_undone() -> None:
    begun, go_on = threading.Event(), threading.Event()
    undone: list[object] = []

    def work() -> None:
        begun.set()
        go_on.wait(5)
        raise OSError("gone")

    async def told() -> None:
        task = asyncio.ensure_future(in_thread_or_undone(work, undone.append))
        await asyncio.to_thread(begun.wait, 5)
        task.cancel()
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(told())
    assert undone == []


def test_what_nobody_cancels_is_kept() -> None:
    undone: list[int] = []
    assert asyncio.run(in_thread_or_undone(lambda: 7, undone.append)) == 7
    assert undone == []
