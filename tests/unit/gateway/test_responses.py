"""An answer that is held: given whole, given after signs of life, or given to nobody."""

import asyncio
from typing import Any

import pytest

from handrail.gateway.responses import GatewayResponse, Refusal, deliver, error_response

EVENTS = GatewayResponse(status=200, body=b"data: {}\n\n", media_type="text/event-stream")


class Wire:
    """The server's side of a request: what was sent, and a caller who may hang up."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.gone = asyncio.Event()

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


def given(work: Any, *, every: float | None = 0.01) -> tuple[Wire, GatewayResponse | None]:
    async def main() -> tuple[Wire, GatewayResponse | None]:
        wire = Wire()
        return wire, await deliver(work, wire.receive, wire.send, keep_alive_s=every)

    return asyncio.run(main())


async def soon(answered: GatewayResponse) -> GatewayResponse:
    return answered


async def later(answered: GatewayResponse) -> GatewayResponse:
    await asyncio.sleep(0.05)
    return answered


def test_an_answer_that_is_there_is_given_whole() -> None:
    wire, answered = given(soon(EVENTS))
    assert answered is EVENTS
    assert wire.sent[0]["status"] == 200
    assert (b"content-length", b"10") in wire.sent[0]["headers"]
    assert wire.body == EVENTS.body


def test_a_stream_that_is_held_begins_with_comments() -> None:
    wire, _ = given(later(EVENTS))
    assert wire.body.startswith(b": waiting\n\n")
    assert wire.body.endswith(EVENTS.body)


def test_what_is_no_stream_is_not_begun_before_it_is_judged() -> None:
    wire, _ = given(later(error_response(400, "no", code="no")), every=None)
    assert len(wire.sent) == 2
    assert wire.sent[0]["status"] == 400


def test_a_refusal_inside_the_work_is_given() -> None:
    async def refusing() -> GatewayResponse:
        raise Refusal(error_response(413, "large", code="too_large"))

    assert given(refusing())[0].sent[0]["status"] == 413


def test_an_error_is_told_by_its_kind_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def breaking() -> GatewayResponse:
        raise ValueError("scanned words")

    wire, _ = given(breaking())
    assert wire.sent[0]["status"] == 502
    assert b"scanned words" not in wire.body
    assert "scanned words" not in caplog.text


def test_the_work_is_cancelled_when_the_caller_hangs_up() -> None:
    async def main() -> None:
        wire, was_cancelled = Wire(), asyncio.Event()

        async def working() -> GatewayResponse:
            try:
                await asyncio.Event().wait()
            finally:
                was_cancelled.set()
            return EVENTS

        giving = asyncio.create_task(deliver(working(), wire.receive, wire.send, keep_alive_s=None))
        await asyncio.sleep(0.01)
        wire.gone.set()
        assert await giving is None
        assert was_cancelled.is_set()
        assert wire.sent == []

    asyncio.run(main())


def test_an_error_inside_a_stream_stays_one_event() -> None:
    error = GatewayResponse(status=400, body=b'{\n "error":\r\n {}\n}')
    assert error.as_event() == b'data: {  "error":   {} }\n\n'
