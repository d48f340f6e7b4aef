"""Tickets of the same rule that have ended, for whoever decides the next one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select

from handrail.store.tables import moment, moment_or_none, resolutions, tickets
from handrail.store.tickets.rows import content_of, load
from handrail.store.tickets.seeded import source_of
from handrail.store.transaction import Transaction
from handrail.tickets.lifecycle import BEGUN, ENDED, State


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedTicket:
    """How one past ticket ended; `tool` is empty where it proposed none or its content was erased."""

    id: str
    reference: str
    role: str
    reason_code: str
    tool: str
    state: State
    verdict: str
    created_at: datetime
    decided_at: datetime | None


def similar(tx: Transaction, ticket: str, *, limit: int = 5) -> tuple[EndedTicket, ...]:
    """Return the newest ended tickets that the same rule stopped, without anything that was said."""
    row = load(tx, ticket, for_update=False)
    # How the original of a seeded case ended would give its answer away.
    source = source_of(tx, ticket) if row.is_seeded else None
    final = and_(
        resolutions.c.tenant == tickets.c.tenant,
        resolutions.c.ticket == tickets.c.id,
        resolutions.c.round == tickets.c.round,
        resolutions.c.is_final.is_(True),
    )
    query = (
        select(tickets, resolutions.c.verdict, resolutions.c.decided_at)
        .outerjoin(resolutions, final)
        .where(
            tickets.c.tenant == tx.tenant,
            tickets.c.reason_code == row.reason_code,
            tickets.c.is_open.is_(False),
            tickets.c.state.in_([state.value for state in ENDED | BEGUN]),
            tickets.c.id.not_in([ticket, *([source] if source else [])]),
            tickets.c.is_seeded.is_(None),
        )
        .order_by(tickets.c.created_at.desc(), tickets.c.id)
        .limit(limit)
    )
    return tuple(_ended(tx, found) for found in tx.conn.execute(query))


def _ended(tx: Transaction, found: Any) -> EndedTicket:
    held = content_of(tx, found._mapping)
    return EndedTicket(
        id=found.id,
        reference=found.reference or "",
        role=found.role,
        reason_code=found.reason_code,
        tool=found.tool or (held.action.tool if held is not None and held.action is not None else ""),
        state=State(found.state),
        verdict=found.verdict or "",
        created_at=moment(found.created_at),
        decided_at=moment_or_none(found.decided_at),
    )
