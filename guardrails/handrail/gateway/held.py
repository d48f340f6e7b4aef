"""An answer that is held until it is judged: signs of life meanwhile, and nothing goes on for who is gone."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Send

from handrail.gateway.answers import EVENT_STREAM, Answered, Refusal, refused

KEEP_ALIVE = b": waiting\n\n"

log = logging.getLogger("handrail.gateway")


async def give(
    work: Coroutine[Any, Any, Answered], receive: Receive, send: Send, *, keep_alive_s: float | None
) -> Answered | None:
    """Give a caller what some work comes to.

    Args:
        work: makes the answer; cancelled when the caller hangs up.
        receive: where a hang-up is heard of; the request's body must have been read.
        send: where the answer goes.
        keep_alive_s: how often a comment is sent meanwhile, None for an answer that is no event stream.

    Returns:
        The answer as it was given, None if the caller was gone.
    """
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_hang_up(receive))
    is_begun = False
    try:
        while not task.done():
            await asyncio.wait({task, gone}, timeout=keep_alive_s, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                return None
            if not task.done():
                if not is_begun:
                    await _begin(send, 200, {"content-type": EVENT_STREAM, "cache-control": "no-cache"})
                    is_begun = True
                await send({"type": "http.response.body", "body": KEEP_ALIVE, "more_body": True})
        answered = outcome_of(task)
        if is_begun:
            await send({"type": "http.response.body", "body": answered.as_event()})
        else:
            await whole(answered, send)
        return answered
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


def outcome_of(task: "asyncio.Future[Answered]") -> Answered:
    """Return what a finished task came to; whatever went wrong in it, the caller is told only that.

    This is the gateway's boundary: an error is known by its kind alone, because its message may hold words.
    """
    if task.cancelled():
        return refused(503, "shutting down", code="draining", outcome="failed")
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, Refusal):
        return error.answered
    log.error("a request could not be judged: %s", type(error).__name__)
    return refused(502, "the request could not be judged", code="check_failed", outcome="failed")


async def whole(answered: Answered, send: Send) -> None:
    """Send an answer in one piece."""
    headers = {**answered.headers, "content-type": answered.media_type}
    headers["content-length"] = str(len(answered.body))
    await _begin(send, answered.status, headers)
    await send({"type": "http.response.body", "body": answered.body})


async def _begin(send: Send, status: int, headers: dict[str, str]) -> None:
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def _hang_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


__all__ = ["ClientDisconnect", "give", "outcome_of", "whole"]
