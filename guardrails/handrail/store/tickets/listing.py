"""Lists of tickets by role, state and due time, a page at a time, without reading their content."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from handrail.errors import ConfigError
from handrail.store.tables import micros, moment, moment_or_none, tickets
from handrail.store.transaction import Transaction
from handrail.tickets.lifecycle import State
from handrail.tickets.resolution import Page, TicketRow

COLUMNS = (
    "id", "tenant", "state", "version", "role", "level", "severity", "trigger", "reason_code", "created_at",
    "decide_by", "claimed_by",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which tickets; without a state the open ones, soonest due first."""

    role: str | None = None
    state: State | None = None
    due_before: datetime | None = None
    limit: int = 50
    cursor: str | None = None


def page(tx: Transaction, wanted: Filter) -> Page:
    """Return one page of rows."""
    where: list[ColumnElement[bool]] = [tickets.c.tenant == tx.tenant]
    due: ColumnElement[int] = tickets.c.decide_by
    if wanted.state is None:
        where.append(tickets.c.is_open.is_(True))
    else:
        where.append(tickets.c.state == wanted.state.value)
        due = tickets.c.created_at
    if wanted.role is not None:
        where.append(tickets.c.role == wanted.role)
    if wanted.due_before is not None:
        where.append(tickets.c.decide_by <= micros(wanted.due_before))
    if wanted.cursor is not None:
        where.append(_after(due, *_parse(wanted.cursor)))
    columns = [tickets.c[name] for name in COLUMNS]
    # NULL sorts first in SQLite and last in PostgreSQL; a ticket without a deadline comes last in both.
    query = (
        select(*columns, due.label("due")).where(*where).order_by(due.asc().nulls_last(), tickets.c.id)
    ).limit(wanted.limit + 1)
    found = tx.conn.execute(query).all()
    shown = found[: wanted.limit]
    more = len(found) > wanted.limit and shown
    return Page(rows=tuple(row_of(row) for row in shown), cursor=_cursor(shown[-1]) if more else None)


def row_of(row: Any) -> TicketRow:
    """Return a list line of a row."""
    return TicketRow(
        id=row.id,
        tenant=row.tenant,
        state=State(row.state),
        version=row.version,
        role=row.role,
        level=row.level,
        severity=row.severity,
        trigger=row.trigger,
        reason_code=row.reason_code,
        created_at=moment(row.created_at),
        decide_by=moment_or_none(row.decide_by),
        claimed_by=row.claimed_by,
    )


def counts(tx: Transaction) -> dict[State, int]:
    """Return how many tickets are in each state."""
    query = (
        select(tickets.c.state, func.count()).where(tickets.c.tenant == tx.tenant).group_by(tickets.c.state)
    )
    return {State(state): count for state, count in tx.conn.execute(query)}


def _after(due: ColumnElement[int], value: int | None, last: str) -> ColumnElement[bool]:
    if value is None:
        return and_(due.is_(None), tickets.c.id > last)
    return or_(due > value, and_(due == value, tickets.c.id > last), due.is_(None))


def _cursor(row: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps([row.due, row.id]).encode()).decode()


def _parse(cursor: str) -> tuple[int | None, str]:
    try:
        due, last = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        return (None if due is None else int(due)), str(last)
    except (ValueError, TypeError):
        raise ConfigError("the cursor cannot be read") from None
