"""Live events: a page hears that something changed, and asks for what it may see of it.

The store is asked once for all pages of a tenant in this process, however many are open.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from handrail.errors import StoreUnavailable
from handrail.inbox.settings import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handrail.service.events import Events

_LOOK_EVERY_S, _SHARE = 1.0, 20.0
_BEAT_S = 15.0
_LONGEST_S = 600.0


class TooManyStreams(Exception):
    """One more stream would be beyond the bounds."""


@dataclass(slots=True)
class _Watched:
    """One tenant that pages watch: how it stands, how many watch, and the task that looks."""

    standing: str = ""
    watchers: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    task: asyncio.Task[None] | None = None


class Live:
    """The live streams of one process.

    Args:
        events: says whether something changed.
        limits: how many streams there may be.
    """

    def __init__(self, events: "Events", limits: Limits) -> None:
        self._events, self._limits = events, limits
        self._tenants: dict[str, _Watched] = {}
        self._people: Counter[tuple[str, str]] = Counter()

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return self._people.total()

    def is_full(self, tenant: str, person: str) -> bool:
        """Tell whether all places are taken, or all that one person may have."""
        own = self._people.get((tenant, person), 0)
        return self.streams >= self._limits.streams or own >= self._limits.streams_each

    @contextmanager
    def place(self, tenant: str, person: str) -> "Iterator[None]":
        """Take one of the places for streams.

        Raises:
            TooManyStreams: all are taken, or this person has all of theirs.
        """
        if self.is_full(tenant, person):
            raise TooManyStreams
        who = (tenant, person)
        self._people[who] += 1
        try:
            yield
        finally:
            self._people[who] -= 1
            if not self._people[who]:
                del self._people[who]

    async def stream(self, tenant: str, is_over: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Yield an event at once and after every change, and a sign of life in between.

        Args:
            tenant: whose tickets.
            is_over: asked again and again whether whoever listens may still do so.
        """
        watched, end = self._watch(tenant), monotonic() + _LONGEST_S
        told = ""
        try:
            while monotonic() < end and not await run_in_threadpool(is_over):
                if watched.standing and watched.standing != told:
                    told = watched.standing
                    yield f"event: change\ndata: {json.dumps({'change': told})}\n\n".encode()
                elif told:
                    yield b": still here\n\n"
                await self._change(watched, told)
        finally:
            self._leave(tenant, watched)

    async def _change(self, watched: _Watched, told: str) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_BEAT_S), watched.changed:
                await watched.changed.wait_for(lambda: watched.standing != told)

    def _watch(self, tenant: str) -> _Watched:
        watched = self._tenants.setdefault(tenant, _Watched())
        watched.watchers += 1
        if watched.task is None:
            watched.task = asyncio.create_task(self._look(tenant, watched))
        return watched

    def _leave(self, tenant: str, watched: _Watched) -> None:
        watched.watchers -= 1
        if not watched.watchers and watched.task is not None:
            watched.task.cancel()
            self._tenants.pop(tenant, None)

    async def _look(self, tenant: str, watched: _Watched) -> None:
        while True:
            begun = monotonic()
            with suppress(StoreUnavailable):
                found = await run_in_threadpool(self._events.standing, tenant)
                if found != watched.standing:
                    async with watched.changed:
                        watched.standing = found
                        watched.changed.notify_all()
            # A store that takes long is asked the less often.
            await asyncio.sleep(max(_LOOK_EVERY_S, (monotonic() - begun) * _SHARE))
