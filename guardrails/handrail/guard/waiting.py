"""Waiting for a person: what they decided, as the caller and the customer may read it."""

import asyncio
from dataclasses import replace

from handrail.pipeline import Engine
from handrail.tickets.ports import Resolution, TicketStore


def resolution(engine: Engine, store: TicketStore, tenant: str, ticket: str) -> Resolution | None:
    """Return what was decided, None while nobody has; words for the customer pass the scanner."""
    found = store.resolution(tenant, ticket)
    if found is None:
        return None
    return replace(
        found, message_to_user=engine.spoken(found.message_to_user), answer=engine.spoken(found.answer)
    )


async def wait(
    engine: Engine, store: TicketStore, tenant: str, ticket: str, *, timeout_s: float, every_s: float
) -> Resolution | None:
    """Look until somebody has decided or the time is up."""
    clock = asyncio.get_running_loop().time
    give_up = clock() + timeout_s
    while True:
        found = await asyncio.to_thread(resolution, engine, store, tenant, ticket)
        if found is not None or clock() >= give_up:
            return found
        await asyncio.sleep(every_s)
