"""What an application may know of its tickets: their state, and what a person decided."""

import asyncio
from dataclasses import asdict

from handrail.errors import StoreUnavailable, TicketNotFound
from handrail.gateway.callers import KnownCaller
from handrail.gateway.responses import GatewayResponse, error_response, json_response
from handrail.service.overseeing import where_it_stands
from handrail.store import SqlStore
from handrail.tickets.ports import ResolutionView

MAX_WAIT_S = 60.0
_EVERY_S = 0.5
_OF_PARTS = frozenset({"parts", "undecided"})


async def state_of(known: KnownCaller, ticket: str, wait_s: float) -> GatewayResponse:
    """Return the state of a ticket of this caller's tenant, and its resolution once there is one."""
    try:
        with known.guard.context(tenant=known.tenant):
            found = await known.guard.wait(ticket, timeout_s=wait_s, every_s=_EVERY_S)
        standing = await asyncio.to_thread(_standing, known, ticket)
    except TicketNotFound:
        return error_response(404, "no such ticket", code="not_found")
    except StoreUnavailable:
        return error_response(503, "the ticket store is out of reach", code="store", outcome="failed")
    if found is None:
        return json_response({"ticket": ticket, "is_decided": False, **standing})
    return json_response({"ticket": ticket, "is_decided": True, **standing, "resolution": _written(found)})


def _standing(known: KnownCaller, ticket: str) -> dict[str, str | None]:
    store = known.guard.store
    if not isinstance(store, SqlStore):
        return {}
    found = where_it_stands(store, known.tenant, ticket)
    due = found.due
    return {"state": found.state.value, "role": found.role, "due": due.isoformat() if due else None}


def _written(found: ResolutionView) -> dict[str, object]:
    fields = {**asdict(found), "decided_at": found.decided_at.isoformat()}
    own: dict[str, object] = {name: str(value) for name, value in fields.items() if name not in _OF_PARTS}
    return {**own, "parts": [_written(part) for part in found.parts], "undecided": list(found.undecided)}
