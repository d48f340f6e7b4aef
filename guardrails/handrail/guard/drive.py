"""The two drivers of a session: the same questions, answered by plain calls or by awaiting."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from handrail.confidence.cascade import Replies
from handrail.pipeline import Need, NeedConversation, NeedFacts, NeedHistory, NeedSamples, Steps
from handrail.records import Draft, Evidence
from handrail.tickets.ports import TicketStore

T = TypeVar("T")

Ask = Callable[[NeedSamples], Sequence[Draft]]
AsyncAsk = Callable[[NeedSamples], Awaitable[Sequence[Draft]]]


class FactSource(Protocol):
    """Where a caller's own facts come from. A name it leaves out is unknown."""

    def __call__(self, names: Sequence[str], evidence: Evidence, now: datetime) -> Mapping[str, object]:
        """Return raw values for some of the declared facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What answers a session's needs, apart from the model itself."""

    store: TicketStore
    facts: FactSource | None
    now: Callable[[], datetime]

    def answer(self, need: Need) -> object:
        """Answer a need that the store or the caller's facts can meet."""
        match need:
            case NeedConversation(tenant=tenant, conversation=conversation):
                return self.store.conversation(tenant, conversation)
            case NeedHistory(queries=queries):
                return self.store.totals(queries)
            case NeedFacts(names=names, evidence=evidence):
                return self.facts(names, evidence, self.now()) if self.facts else {}
            case NeedSamples():
                return Replies()


def drive(steps: Steps[T], sources: Sources, ask: Ask | None = None) -> T:
    """Run a session's steps to their result."""
    try:
        need = next(steps)
        while True:
            if isinstance(need, NeedSamples) and ask is not None:
                start = time.monotonic()
                drafts = tuple(ask(need))
                need = steps.send(Replies(drafts=drafts, seconds=time.monotonic() - start))
            else:
                need = steps.send(sources.answer(need))
    except StopIteration as stop:
        result: T = stop.value
        return result


async def adrive(steps: Steps[T], sources: Sources, ask: AsyncAsk | None = None) -> T:
    """Run a session's steps to their result; the store and the caller's facts are asked in a thread."""
    try:
        need = next(steps)
        while True:
            if isinstance(need, NeedSamples) and ask is not None:
                start = time.monotonic()
                drafts = tuple(await ask(need))
                need = steps.send(Replies(drafts=drafts, seconds=time.monotonic() - start))
            else:
                need = steps.send(await asyncio.to_thread(sources.answer, need))
    except StopIteration as stop:
        result: T = stop.value
        return result
