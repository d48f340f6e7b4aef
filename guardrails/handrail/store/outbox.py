"""The outbox: what was recorded and must still be told, taken in order, delivered at least once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from handrail.store.tables import micros, moment, moment_or_none, outbox

PENDING, DELIVERED, DEAD = "pending", "delivered", "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMessage:
    """One message to deliver: what happened to which ticket. It never holds content.

    `id` stays the same over every attempt, so that a receiver can tell a repetition.
    """

    id: str
    tenant: str
    ticket: str
    version: int
    kind: str
    role: str
    severity: int
    trigger: str
    decide_by: datetime | None
    at: datetime
    attempts: int
    error: str = ""


def take(
    conn: Connection, *, now: datetime, limit: int, lease: timedelta, is_postgres: bool
) -> list[OutboxMessage]:
    """Take pending messages for the length of a lease; what is not settled by then comes again."""
    query = (
        select(outbox)
        .where(outbox.c.state == PENDING, outbox.c.available_at <= micros(now))
        .order_by(outbox.c.available_at, outbox.c.id)
        .limit(limit)
    )
    if is_postgres:
        query = query.with_for_update(skip_locked=True)
    rows = conn.execute(query).all()
    if rows:
        conn.execute(
            update(outbox)
            .where(outbox.c.id.in_([row.id for row in rows]))
            .values(available_at=micros(now + lease), attempts=outbox.c.attempts + 1)
        )
    return [message_of(row, attempts=row.attempts + 1) for row in rows]


def delivered(conn: Connection, ids: Sequence[str]) -> None:
    """Settle messages that arrived."""
    conn.execute(
        update(outbox).where(outbox.c.id.in_(ids), outbox.c.state == PENDING).values(state=DELIVERED)
    )


def failed(conn: Connection, message: str, *, again_at: datetime | None, error: str) -> None:
    """Put a message off, or among the dead letters if `again_at` is None; `error` is a code."""
    values: dict[str, Any] = {"error": error[:64]}
    if again_at is None:
        values["state"] = DEAD
    else:
        values["available_at"] = micros(again_at)
    conn.execute(update(outbox).where(outbox.c.id == message, outbox.c.state == PENDING).values(**values))


def dead(conn: Connection, *, tenant: str = "", limit: int) -> list[OutboxMessage]:
    """Return dead letters, oldest first; an empty tenant stands for all."""
    query = select(outbox).where(outbox.c.state == DEAD).order_by(outbox.c.at, outbox.c.id).limit(limit)
    if tenant:
        query = query.where(outbox.c.tenant == tenant)
    return [message_of(row, attempts=row.attempts) for row in conn.execute(query)]


def replay(conn: Connection, ids: Sequence[str], *, now: datetime) -> int:
    """Make dead letters pending again; returns how many."""
    done = conn.execute(
        update(outbox)
        .where(outbox.c.id.in_(ids), outbox.c.state == DEAD)
        .values(state=PENDING, available_at=micros(now), attempts=0)
    )
    return int(done.rowcount)


def prune(conn: Connection, *, before: datetime) -> int:
    """Delete what was delivered before a moment; returns how many."""
    done = conn.execute(delete(outbox).where(outbox.c.state == DELIVERED, outbox.c.at < micros(before)))
    return int(done.rowcount)


def message_of(row: Row[Any], *, attempts: int) -> OutboxMessage:
    """Return a message of a row."""
    return OutboxMessage(
        id=row.id,
        tenant=row.tenant,
        ticket=row.ticket,
        version=row.version,
        kind=row.kind,
        role=row.role,
        severity=row.severity,
        trigger=row.trigger,
        decide_by=moment_or_none(row.decide_by),
        at=moment(row.at),
        attempts=attempts,
        error=row.error,
    )
