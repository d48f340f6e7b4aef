"""Seeded cases: copies of decided tickets with a known verdict, put into a queue to see how people decide.

A seeded case looks like any ticket and has no effect: nothing of it is announced, reserved or carried out,
and no figure but that of the seeded cases themselves counts it. Who decides it is told afterwards.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, Row, String, Table, select, update

from handrail.errors import NotAllowed
from handrail.ids import new_id
from handrail.store.audit.chain import Event
from handrail.store.crypto.authentic import authentic, mac_of
from handrail.store.tables import metadata, micros, moment_or_none, tickets
from handrail.store.tickets.actor import Actor
from handrail.store.tickets.decided import last_resolution
from handrail.store.tickets.open import row_values
from handrail.store.tickets.rows import Move, intact, load, move, record
from handrail.store.transaction import Transaction
from handrail.tickets.lifecycle import UNDECIDED, State, Verb
from handrail.tickets.reference import reference_of
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import RouteStep, Sealed, Ticket, Verdict

seeded_cases = Table(
    "seeded_cases",
    metadata,
    Column("tenant", String(64), nullable=False),
    Column("ticket", String(64), nullable=False),
    Column("source", String(64), nullable=False),
    Column("expected", String(16), nullable=False),
    Column("placed_by", String(128), nullable=False),
    Column("placed_at", BigInteger, nullable=False),
    Column("person", String(128)),
    Column("verdict", String(16)),
    Column("decided_at", BigInteger),
    Column("mac", String(64)),
    PrimaryKeyConstraint("tenant", "ticket"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededOutcome:
    """How a person decided a seeded case, and how it had been decided before."""

    ticket: str
    person: str
    expected: Verdict
    verdict: Verdict
    decided_at: datetime | None = None

    @property
    def is_right(self) -> bool:
        """True if they decided as it had been decided."""
        return self.verdict is self.expected


def place(tx: Transaction, source: str, actor: Actor) -> str:
    """Put a copy of a ticket that a person decided into the queue of its role; returns the copy's id.

    Raises:
        NotAllowed: nobody's final decision on it is on record, or it is a seeded case itself.
    """
    row = load(tx, source, for_update=False)
    said = last_resolution(tx, dict(row._mapping))
    if row.is_seeded or State(row.state) in UNDECIDED or said is None or not said.is_final:
        raise NotAllowed(source, "only a case that people have decided can be seeded")
    held, sealed = intact(tx, row)
    copy = _copy(held, sealed, actor.now)
    key = tx.sealer.key_of(tx.conn, row.content)
    about = {"reference": reference_of(tx.tenant, copy.id, 0), "is_seeded": True}
    values = row_values(tx, copy, row.subject, key, **about)
    tx.conn.execute(tickets.insert().values(**values))
    # As of any ticket of this version; without it a reader of the log takes it for a hand-off of 0.1.
    opened = {"digest": values["digest"], "v": 2}
    record(tx, values, Move(verb=Verb.OPEN, now=actor.now, role=copy.role, data=opened))
    case = {
        "tenant": tx.tenant,
        "ticket": copy.id,
        "source": source,
        "expected": said.verdict.value,
        "placed_by": actor.person,
        "placed_at": micros(actor.now),
        "person": None,
        "verdict": None,
        "decided_at": None,
    }
    tx.conn.execute(seeded_cases.insert().values(**case, mac=tx.mac("seeded_cases", case)))
    data = {"seeded": copy.id, "source": source}
    tx.events.append(Event(tenant=tx.tenant, kind="seed.place", at=actor.now, actor=actor.person, data=data))
    return copy.id


def decided(
    tx: Transaction, row: Row[Any], resolution: Resolution, actor: Actor, role: str
) -> dict[str, Any]:
    """Keep how a person decided a seeded case, and end it; returns its new row.

    That takes no time to be undone: nothing has happened.
    """
    case = _case(tx, row.id)
    given = {
        "person": actor.person,
        "verdict": resolution.verdict.value,
        "decided_at": micros(actor.now),
    }
    if case["mac"] is not None:
        given["mac"] = mac_of(tx.ring, "seeded_cases", {**case, **given})
    mine = (seeded_cases.c.tenant == tx.tenant) & (seeded_cases.c.ticket == row.id)
    tx.conn.execute(update(seeded_cases).where(mine).values(**given))
    step = Move(
        verb=Verb.CANCEL,
        now=actor.now,
        actor=actor.person,
        role=role,
        data={"seeded": True, "verdict": resolution.verdict.value, "expected": case["expected"]},
        changes={"claimed_by": None, "lease_until": None, "is_taken_over": False},
    )
    return move(tx, row, step)


def outcome(tx: Transaction, ticket: str) -> SeededOutcome | None:
    """Return how a seeded case was decided; None while nobody has, and for a real ticket."""
    query = select(seeded_cases).where(seeded_cases.c.tenant == tx.tenant, seeded_cases.c.ticket == ticket)
    row = tx.conn.execute(query).first()
    return _outcome(tx, row) if row is not None and row.verdict is not None else None


def outcomes(tx: Transaction, *, since: datetime) -> tuple[SeededOutcome, ...]:
    """Return how seeded cases were decided since a moment, oldest first."""
    query = (
        select(seeded_cases)
        .where(seeded_cases.c.tenant == tx.tenant, seeded_cases.c.decided_at >= micros(since))
        .order_by(seeded_cases.c.decided_at, seeded_cases.c.ticket)
    )
    return tuple(_outcome(tx, row) for row in tx.conn.execute(query))


def source_of(tx: Transaction, ticket: str) -> str | None:
    """Return the ticket that a seeded case was copied from, None for a real one."""
    query = select(seeded_cases.c.source).where(
        seeded_cases.c.tenant == tx.tenant, seeded_cases.c.ticket == ticket
    )
    found: str | None = tx.conn.execute(query).scalar()
    return found


def _case(tx: Transaction, ticket: str) -> dict[str, Any]:
    query = select(seeded_cases).where(seeded_cases.c.tenant == tx.tenant, seeded_cases.c.ticket == ticket)
    row = tx.conn.execute(query).first()
    if row is None or row.verdict is not None:
        raise NotAllowed(ticket, "how it was decided before is not on record")
    authentic(tx.ring, "seeded_cases", row._mapping)
    return dict(row._mapping)


def _outcome(tx: Transaction, row: Row[Any]) -> SeededOutcome:
    authentic(tx.ring, "seeded_cases", row._mapping)
    return SeededOutcome(
        ticket=row.ticket,
        person=row.person,
        expected=Verdict(row.expected),
        verdict=Verdict(row.verdict),
        decided_at=moment_or_none(row.decided_at),
    )


def _copy(held: Ticket, sealed: Sealed, now: datetime) -> Ticket:
    """Return a ticket like this one that was opened now, in no conversation and for one role alone."""
    ticket, later = new_id(), now - held.created_at
    before, after = (reference_of(held.tenant, name, 0) for name in (held.id, ticket))
    times = {
        name: moment + later
        for name in ("start_by", "warn_at", "decide_by")
        if (moment := getattr(held, name)) is not None
    }
    promise = held.promise.model_copy(
        update={
            "text": held.promise.text.replace(held.id, ticket).replace(before, after),
            "by": held.promise.by + later if held.promise.by is not None else None,
        }
    )
    return held.model_copy(
        update={
            "id": ticket,
            "dedupe_key": hashlib.sha256(ticket.encode()).hexdigest(),
            "exchange": ticket,
            "created_at": now,
            **times,
            "route": (RouteStep(role=held.role, why=held.reason_code, at=now),),
            "co_approvers": (),
            "approvals_needed": 1,
            "parts": (),
            "part_of": "",
            "promise": promise,
            "sealed": sealed.model_copy(update={"conversation": None, "parts": ()}),
        }
    )
