"""How the queues stand: by role, by person and by conflict, from columns that say nothing of content."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from sqlalchemy import and_, case, func, select

from handrail.records import Trigger
from handrail.store.tables import audit, micros, moment_or_none, resolutions, tickets
from handrail.store.tickets.turns import STANDS
from handrail.store.transaction import Transaction
from handrail.tickets.lifecycle import State

_MINUTE = 60_000_000
CLAIMED_BY = ("ticket.claim", "ticket.view", "ticket.take_over")
DECIDED_BY = (
    "ticket.approve", "ticket.agree", "ticket.reject", "ticket.answer", "ticket.revise", "ticket.resolve",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueHealth:
    """One role's queue: what is open now, and how many minutes people took since a moment."""

    role: str
    open: int
    free: int
    breached: int
    next_due: datetime | None
    decided: int
    median_minutes: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one person has claimed now, and how many tickets they decided since a moment."""

    person: str
    claimed: int
    decided: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two or more rules that disagreed, and in how many tickets."""

    rules: tuple[str, ...]
    tickets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One decision of a person: what it was, and how many seconds after they first looked, if they did."""

    person: str
    verdict: str
    seconds: float | None
    ticket: str


def queues(tx: Transaction, *, now: datetime, since: datetime) -> tuple[QueueHealth, ...]:
    """Return how each role's queue stands."""
    late = case((tickets.c.decide_by <= micros(now), 1), else_=0)
    free = case((and_(tickets.c.state == State.READY.value, tickets.c.claimed_by.is_(None)), 1), else_=0)
    query = (
        select(
            tickets.c.role,
            func.count().label("open"),
            func.sum(free).label("free"),
            func.sum(late).label("late"),
            func.min(tickets.c.decide_by).label("due"),
        )
        .where(tickets.c.tenant == tx.tenant, tickets.c.is_open.is_(True), tickets.c.is_seeded.is_(None))
        .group_by(tickets.c.role)
    )
    found = {row.role: row for row in tx.conn.execute(query)}
    taken = minutes_by_role(tx, since=since)
    return tuple(_queue(role, found.get(role), taken.get(role, [])) for role in sorted({*found, *taken}))


def minutes_by_role(tx: Transaction, *, since: datetime) -> dict[str, list[float]]:
    """Return for each role how many minutes each decision since a moment took from the ticket's opening."""
    taken: dict[str, list[float]] = {}
    for row in tx.conn.execute(_decided(tx, since)):
        taken.setdefault(row.role, []).append((row.decided_at - row.created_at) / _MINUTE)
    return taken


def _decided(tx: Transaction, since: datetime) -> Any:
    mine = and_(tickets.c.tenant == resolutions.c.tenant, tickets.c.id == resolutions.c.ticket)
    return (
        select(resolutions.c.role, resolutions.c.person, resolutions.c.decided_at, tickets.c.created_at)
        .join(tickets, mine)
        .where(resolutions.c.tenant == tx.tenant, resolutions.c.decided_at >= micros(since), STANDS)
    )


def _queue(role: str, row: Any, taken: list[float]) -> QueueHealth:
    return QueueHealth(
        role=role,
        open=int(row.open) if row is not None else 0,
        free=int(row.free) if row is not None else 0,
        breached=int(row.late) if row is not None else 0,
        next_due=moment_or_none(row.due) if row is not None else None,
        decided=len(taken),
        median_minutes=round(median(taken), 1) if taken else None,
    )


def loads(tx: Transaction, *, since: datetime) -> tuple[Load, ...]:
    """Return what each person has claimed and decided."""
    query = (
        select(tickets.c.claimed_by, func.count().label("held"))
        .where(tickets.c.tenant == tx.tenant, tickets.c.is_open.is_(True), tickets.c.claimed_by.is_not(None))
        .where(tickets.c.is_seeded.is_(None))
        .group_by(tickets.c.claimed_by)
    )
    claimed: Mapping[str, int] = {row.claimed_by: row.held for row in tx.conn.execute(query)}
    decided = Counter(row.person for row in tx.conn.execute(_decided(tx, since)))
    return tuple(
        Load(person=person, claimed=claimed.get(person, 0), decided=decided[person])
        for person in sorted({*claimed, *decided})
    )


def conflicts(tx: Transaction, *, since: datetime) -> tuple[Conflict, ...]:
    """Return which rules disagreed, the most frequent first."""
    query = select(audit.c.data).where(
        audit.c.tenant == tx.tenant, audit.c.at >= micros(since), audit.c.kind == "ticket.open"
    )
    found: Counter[tuple[str, ...]] = Counter()
    for text in tx.conn.execute(query).scalars():
        data = json.loads(text)
        if data.get("trigger") == Trigger.POLICY_CONFLICT.value:
            found[tuple(sorted(set(data.get("rules", ()))))] += 1
    return tuple(Conflict(rules=rules, tickets=count) for rules, count in found.most_common())


def looks(tx: Transaction, *, since: datetime) -> tuple[Look, ...]:
    """Return people's decisions, each with the time since they first looked at the ticket."""
    query = (
        select(audit.c.ticket, audit.c.kind, audit.c.actor, audit.c.at, audit.c.data)
        .where(audit.c.tenant == tx.tenant, audit.c.at >= micros(since))
        .where(audit.c.kind.in_((*CLAIMED_BY, *DECIDED_BY)))
        .order_by(audit.c.at, audit.c.version)
    )
    first: dict[tuple[str, str], int] = {}
    found = []
    for row in tx.conn.execute(query):
        key, data = (row.ticket, row.actor), json.loads(row.data)
        if row.kind in CLAIMED_BY:
            # A part was looked at on its whole ticket; its own claim is that of the decision.
            if "part_of" not in data:
                first.setdefault(key, row.at)
            continue
        # What takes effect later was decided when it was resolved.
        if "turn" not in data:
            continue
        began = first.pop(key, None)
        seconds = None if began is None else (row.at - began) / 1_000_000
        found.append(
            Look(person=row.actor, verdict=str(data.get("verdict", "")), seconds=seconds, ticket=row.ticket)
        )
    return tuple(found)
