"""Live streams: a page hears that something changed, nothing of what, and only while it may."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from handrail.inbox.live import Live, TooManyStreams
from handrail.inbox.settings import Limits
from handrail.service.events import Events
from support.inbox import Scene, inbox_of_tickets

WITHIN_S = 5.0


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with inbox_of_tickets(tmp_path) as found:
        yield found


async def heard(stream: AsyncIterator[bytes]) -> dict[str, Any]:
    """The next change that a stream tells."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            told = await anext(stream)
            if told.startswith(b"event: change\n"):
                found: dict[str, Any] = json.loads(told.partition(b"data: ")[2])
                return found


def test_every_step_of_a_ticket_is_another_standing(scene: Scene) -> None:
    events, browser = Events(scene.store), scene.signed_in("fay")
    seen = [events.standing("default")]
    ticket = scene.ticket()
    seen.append(events.standing("default"))
    for step in ("claim", "release", "claim", "withdraw"):
        assert browser.api("POST", f"/tickets/{ticket.id}/{step}", {}).status_code == 200
        seen.append(events.standing("default"))
    scene.clock.move(seconds=1)
    scene.ticket()
    seen.append(events.standing("default"))
    assert all(before != after for before, after in pairwise(seen))


def test_another_tenants_tickets_are_nothing_one_hears_of(scene: Scene) -> None:
    events = Events(scene.store)
    before = events.standing("default")
    scene.ticket(tenant="other")
    assert events.standing("default") == before
    assert events.standing("other") != before


def test_a_stream_tells_of_a_change_and_nothing_of_what_changed(scene: Scene) -> None:
    async def listen() -> tuple[dict[str, Any], dict[str, Any], str]:
        live = Live(Events(scene.store), Limits())
        stream = live.stream("default", lambda: False)
        first = await heard(stream)
        ticket = await asyncio.to_thread(scene.ticket)
        second = await heard(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        return first, second, ticket.id

    first, second, ticket = asyncio.run(listen())
    assert first != second
    assert set(second) == {"change"}
    assert ticket not in json.dumps(second)


def test_a_stream_ends_when_whoever_listens_may_no_more(scene: Scene) -> None:
    async def listen() -> int:
        live, is_over = Live(Events(scene.store), Limits()), False
        stream = live.stream("default", lambda: is_over)
        await heard(stream)
        is_over = True
        await asyncio.to_thread(scene.ticket)
        async with asyncio.timeout(WITHIN_S):
            return len([told async for told in stream])

    assert asyncio.run(listen()) == 0


def test_all_pages_of_a_tenant_ask_the_store_once(scene: Scene) -> None:
    class Counted(Events):
        asked = 0

        def standing(self, tenant: str) -> str:
            self.asked += 1
            return super().standing(tenant)

    async def listen() -> int:
        events = Counted(scene.store)
        live = Live(events, Limits())
        streams = [live.stream("default", lambda: False) for _ in range(20)]
        await asyncio.gather(*(heard(stream) for stream in streams))
        asked = events.asked
        for stream in streams:
            await stream.aclose()  # type: ignore[attr-defined]
        return asked

    assert asyncio.run(listen()) <= 2


def test_places_are_bounded_and_given_back() -> None:
    live = Live(None, Limits(streams=3, streams_each=2))  # type: ignore[arg-type]
    with live.place("t", "fay"), live.place("t", "fay"):
        assert live.is_full("t", "fay")
        with pytest.raises(TooManyStreams), live.place("t", "fay"):
            pass
        with live.place("t", "finn"):
            assert live.is_full("t", "quin")
    assert live.streams == 0
    assert not live.is_full("t", "fay")


def test_a_stranger_gets_no_stream(scene: Scene) -> None:
    assert scene.browser().get("/live").status_code == 401
