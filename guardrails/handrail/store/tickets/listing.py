"""Lists of tickets by role, state and due time, a page at a time, without reading their content."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, tuple_

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
    """Return one page of rows; a ticket without a deadline comes last.

    Those with a due time and those without are asked for one after the other, each in the order of an index,
    so that no page costs more than the first.
    """
    after = _parse(wanted.cursor) if wanted.cursor is not None else None
    due = tickets.c.decide_by if wanted.state is None else tickets.c.created_at
    found: list[Any] = []
    if after is None or after[0] is not None:
        known: ColumnElement[bool] = due.is_not(None)
        if after is not None:
            known = tuple_(due, tickets.c.id) > tuple_(*after)
        found = _rows(tx, wanted, due, [known], wanted.limit + 1)
        after = None
    if len(found) <= wanted.limit and wanted.state is None:
        unknown: list[ColumnElement[bool]] = [due.is_(None)]
        if after is not None:
            unknown.append(tickets.c.id > after[1])
        found += _rows(tx, wanted, due, unknown, wanted.limit + 1 - len(found))
    shown = found[: wanted.limit]
    more = len(found) > wanted.limit and shown
    return Page(rows=tuple(row_of(row) for row in shown), cursor=_cursor(shown[-1]) if more else None)


def _rows(
    tx: Transaction, wanted: Filter, due: ColumnElement[int], part: list[ColumnElement[bool]], most: int
) -> list[Any]:
    where: list[ColumnElement[bool]] = [tickets.c.tenant == tx.tenant, *part]
    where.append(
        tickets.c.is_open.is_(True) if wanted.state is None else tickets.c.state == wanted.state.value
    )
    if wanted.role is not None:
        where.append(tickets.c.role == wanted.role)
    if wanted.due_before is not None:
        where.append(tickets.c.decide_by <= micros(wanted.due_before))
    columns = [tickets.c[name] for name in COLUMNS]
    query = select(*columns, due.label("due")).where(*where).order_by(due, tickets.c.id).limit(most)
    return list(tx.conn.execute(query))


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


def _cursor(row: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps([row.due, row.id]).encode()).decode()


def _parse(cursor: str) -> tuple[int | None, str]:
    try:
        due, last = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        return (None if due is None else int(due)), str(last)
    except (ValueError, TypeError):
        raise ConfigError("the cursor cannot be read") from None
