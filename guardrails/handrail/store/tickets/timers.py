"""Fires timers, one transaction each; desks beside each other never take the same ticket."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, select

from handrail.store.crypto.authentic import is_authentic, mac_of
from handrail.store.ledger import settle
from handrail.store.tables import micros, micros_or_none, moment, moment_or_none, tickets
from handrail.store.tickets.apply import lapse
from handrail.store.tickets.claim import resumed
from handrail.store.tickets.effect import take_effect
from handrail.store.tickets.rows import Move, entry_of, move, names
from handrail.store.transaction import Transaction
from handrail.tickets.lifecycle import State, Verb
from handrail.tickets.ports import Settlement
from handrail.tickets.timers import ALLOWED, DueTicket, TimerStep

NextStep: TypeAlias = Callable[[DueTicket, datetime], TimerStep | None]
QUIET_FOR = timedelta(minutes=1)


def due_ids(conn: Connection, *, now: datetime, limit: int) -> list[tuple[str, str]]:
    """Return (tenant, ticket) whose timer has come, the longest overdue first."""
    query = (
        select(tickets.c.tenant, tickets.c.id)
        .where(tickets.c.next_timer <= micros(now))
        .order_by(tickets.c.next_timer)
        .limit(limit)
    )
    return [(row.tenant, row.id) for row in conn.execute(query)]


def fire(tx: Transaction, ticket: str, choose: NextStep, *, now: datetime) -> Verb | None:
    """Let one due ticket take its step; None if another desk has it or nothing is due any more."""
    query = select(tickets).where(
        tickets.c.tenant == tx.tenant, tickets.c.id == ticket, tickets.c.next_timer <= micros(now)
    )
    if tx.is_postgres:
        query = query.with_for_update(skip_locked=True)
    row = tx.conn.execute(query).first()
    if row is None:
        return None
    if row.state == State.RESOLVED:
        # One that was altered is left to whoever verifies the store; the others go on.
        verb = take_effect(tx, row, now) if is_authentic(tx.ring, "tickets", row._mapping) else None
        if verb is None:
            _postpone(tx, row, now)
        return verb
    choice = choose(due_of(row), now)
    if choice is None:
        _postpone(tx, row, now)
        return None
    if choice.verb not in ALLOWED:
        raise ValueError(f"a timer cannot {choice.verb}")
    _take(tx, row, choice, now)
    return choice.verb


def _take(tx: Transaction, row: Row[Any], choice: TimerStep, now: datetime) -> None:
    if choice.verb is Verb.LAPSE:
        lapse(tx, row, now=now)
        return
    if choice.verb is Verb.LOST:
        settle(tx, entry_of(row), Settlement.UNKNOWN, now=now)
    if choice.verb is Verb.EXPIRE:
        settle(tx, entry_of(row), Settlement.NO_EFFECT, now=now)
    step = Move(
        verb=choice.verb,
        now=now,
        actor="desk",
        role=row.role,
        data={"to": choice.role} if choice.role else {},
        changes=_changes(row, choice, now),
    )
    move(tx, row, step)


def _changes(row: Row[Any], choice: TimerStep, now: datetime) -> dict[str, object]:
    free: dict[str, object] = {"claimed_by": None, "lease_until": None, "is_taken_over": False}
    match choice.verb:
        case Verb.WARN:
            return {"warn_at": None}
        case Verb.LEASE_LAPSED:
            return {**free, **resumed(row, now)}
        case Verb.ESCALATE:
            return {
                **free,
                "role": choice.role,
                "leg_at": micros(now),
                "level": row.level + 1,
                "start_by": micros_or_none(choice.start_by),
                "warn_at": micros_or_none(choice.warn_at),
                "decide_by": micros_or_none(choice.decide_by),
                "paused_at": None,
            }
        case Verb.EXPIRE:
            return free
        case _:
            return {"lease_until": None}


def _postpone(tx: Transaction, row: Row[Any], now: datetime) -> None:
    """Look again a little later: nothing was to be done, so nothing is recorded."""
    changes: dict[str, object] = {"next_timer": micros(now + QUIET_FOR)}
    if row.start_by is not None and row.start_by <= micros(now):
        changes["start_by"] = None
    if row.mac is not None:
        changes["mac"] = mac_of(tx.ring, "tickets", {**row._mapping, **changes})
    tx.conn.execute(
        tickets.update()
        .where(tickets.c.tenant == tx.tenant, tickets.c.id == row.id, tickets.c.version == row.version)
        .values(**changes)
    )


def due_of(row: Row[Any]) -> DueTicket:
    """Return what a timer must know of a row."""
    within = None
    if row.decide_by is not None:
        within = timedelta(microseconds=row.decide_by - row.leg_at)
    return DueTicket(
        id=row.id,
        tenant=row.tenant,
        state=State(row.state),
        role=row.role,
        chain=names(row.chain),
        level=row.level,
        severity=row.severity,
        on_expiry=row.on_expiry,
        created_at=moment(row.created_at),
        start_by=moment_or_none(row.start_by),
        warn_at=moment_or_none(row.warn_at),
        decide_by=moment_or_none(row.decide_by),
        lease_until=moment_or_none(row.lease_until),
        answer_within=within,
    )
