"""What a caller gets, and how it is sent: at once, or with signs of life while the answer is held.

Answers and errors have the shapes that OpenAI clients read. Work for a caller who hangs up is cancelled.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from starlette.types import Receive, Send

from handrail.wire.foreign_json import dump_object, mapping_of
from handrail.wire.handoff import error_body

EVENT_STREAM = "text/event-stream"
KEEP_ALIVE = b": waiting\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What went wrong, for the log.

    Args:
        code: as the caller is told it.
        kind: what failed: a kind of fault, of error or of header.
        upstream_status: status of the provider's response.
        exchange: id of the guarded exchange.
        ticket: the ticket that was opened for it.
    """

    code: str
    kind: str = ""
    upstream_status: int | None = None
    exchange: str = ""
    ticket: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayResponse:
    """What the caller gets. `outcome` is for the metrics, `fault` for the log.

    The outcome is an effect of the policy (`pass`, `redact`, `hand_off`, `block`), `open` for what is not
    guarded, `refused` for what the gateway did not take and `failed` for what went wrong behind it.
    """

    status: int
    body: bytes
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    outcome: str = "pass"
    fault: Fault | None = None

    def as_event(self) -> bytes:
        """The answer inside an event stream that has begun: its own events, or one that holds the error."""
        if self.media_type.startswith(EVENT_STREAM):
            return self.body
        # Line breaks between the tokens of a JSON text would end the event.
        return b"data: " + self.body.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n\n"


class Refusal(Exception):
    """A request that is not taken; `response` tells the caller why."""

    def __init__(self, response: GatewayResponse) -> None:
        super().__init__(f"refused with status {response.status}")
        self.response = response


def error_response(
    status: int,
    message: str,
    *,
    code: str,
    param: str = "",
    outcome: str = "refused",
    fault: Fault | None = None,
) -> GatewayResponse:
    """Return an error in the shape that both OpenAI's and Anthropic's clients read.

    Clients are told to try again only where that may help.
    """
    again = {"retry-after": "1"} if status in (429, 503) else {"x-should-retry": "false"}
    told = error_body(message, code=code)["error"]
    body = dump_object({"type": "error", "error": {**mapping_of(told), "param": param or None}})
    return GatewayResponse(
        status=status, body=body, headers=again, outcome=outcome, fault=fault or Fault(code=code)
    )


def json_response(content: Mapping[str, Any], status: int = 200) -> GatewayResponse:
    """Return plain data as JSON."""
    return GatewayResponse(status=status, body=dump_object(content), outcome="open")


class Pieces:
    """An answer that is given in pieces: it begins with the first of them.

    Args:
        send: where they go.
    """

    def __init__(self, send: Send) -> None:
        self._send, self._turn = send, asyncio.Lock()
        self.is_begun = self._is_live = False

    async def give(self, data: bytes, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        """Give some events; the headers go before the first."""
        async with self._turn:
            if not self.is_begun:
                own = {"content-type": EVENT_STREAM, "cache-control": "no-cache"}
                await _begin(self._send, 200, {**headers, **own})
                self.is_begun = True
            self._is_live = True
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def keep_alive(self) -> None:
        """Give a sign of life, unless something was given since the last one was due."""
        if not self._is_live:
            await self.give(KEEP_ALIVE)
        self._is_live = False

    async def end(self, data: bytes) -> None:
        """Give the last events."""
        await self._send({"type": "http.response.body", "body": data})


async def deliver(
    work: Coroutine[Any, Any, GatewayResponse],
    receive: Receive,
    send: Send,
    *,
    keep_alive_s: float | None,
    pieces: Pieces | None = None,
) -> GatewayResponse | None:
    """Give a caller the result of some work.

    Args:
        work: makes the answer; cancelled when the caller hangs up.
        receive: where a hang-up is heard of; the request's body must have been read.
        send: where the answer goes.
        keep_alive_s: how often a comment is sent meanwhile, None for an answer that is no event stream.
        pieces: through which the work gives what may go before its end.

    Returns:
        The answer as it was given, None if the caller was gone.
    """
    pieces = pieces or Pieces(send)
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_hang_up(receive))
    try:
        while not task.done():
            await asyncio.wait({task, gone}, timeout=keep_alive_s, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                return None
            if not task.done():
                await pieces.keep_alive()
        response = result_of(task)
        if pieces.is_begun:
            await pieces.end(response.as_event())
        else:
            await send_whole(response, send)
        return response
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


def result_of(task: "asyncio.Future[GatewayResponse]") -> GatewayResponse:
    """Return the result of a finished task; of an error the caller learns only that there was one.

    This is the gateway's boundary. Only the kind of an error is kept: its message may hold scanned text.
    """
    if task.cancelled():
        return error_response(503, "shutting down", code="draining", outcome="failed")
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, Refusal):
        return error.response
    fault = Fault(code="check_failed", kind=type(error).__name__)
    return error_response(
        502, "the request could not be judged", code="check_failed", outcome="failed", fault=fault
    )


async def send_whole(response: GatewayResponse, send: Send) -> None:
    """Send an answer in one piece."""
    headers = {**response.headers, "content-type": response.media_type}
    headers["content-length"] = str(len(response.body))
    await _begin(send, response.status, headers)
    await send({"type": "http.response.body", "body": response.body})


async def _begin(send: Send, status: int, headers: dict[str, str]) -> None:
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def _hang_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
