"""What is on hold: a role, or everything. Nothing that people approve takes effect or begins meanwhile."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, select

from handrail.errors import OnHold
from handrail.store.audit.chain import Event
from handrail.store.crypto.authentic import authentic
from handrail.store.prepared import Prepared
from handrail.store.tables import insert_into, micros, moment, pauses
from handrail.store.tickets.actor import Actor
from handrail.store.transaction import Transaction

EVERYTHING = ""
"""Stands in place of a role for all of them."""
PAUSES = Prepared(lambda _: select(pauses).where(pauses.c.tenant == bindparam("tenant")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """One role on hold, or everything where `role` is empty; `why` is a code."""

    role: str
    person: str
    at: datetime
    why: str


def pauses_of(tx: Transaction, found: Iterable[Any] | None = None) -> tuple[Pause, ...]:
    """Return what is on hold; `found` are the rows where a statement has read them already.

    Raises:
        StoreUnavailable: a row was altered.
    """
    rows: list[Row[Any]] = list(PAUSES(tx.conn, {"tenant": tx.tenant}) if found is None else found)
    for row in rows:
        authentic(tx.ring, "pauses", row._mapping)
    kept = (Pause(role=row.role, person=row.person, at=moment(row.at), why=row.why) for row in rows)
    return tuple(sorted(kept, key=lambda pause: pause.role))


def pause_of(tx: Transaction, roles: Iterable[str], found: Iterable[Any] | None = None) -> Pause | None:
    """Return what holds one of these roles, None if nothing does."""
    named = {EVERYTHING, *roles}
    return next((pause for pause in pauses_of(tx, found) if pause.role in named), None)


def refuse_on_hold(
    tx: Transaction, ticket: str, roles: Iterable[str], found: Iterable[Any] | None = None
) -> None:
    """Accept a step of roles that are not on hold.

    Raises:
        OnHold: one of them is.
    """
    pause = pause_of(tx, roles, found)
    if pause is not None:
        raise OnHold(ticket, pause.role)


def pause(tx: Transaction, role: str, why: str, actor: Actor) -> None:
    """Put a role on hold, or everything for an empty role; saying it again changes nothing."""
    values = {
        "tenant": tx.tenant,
        "role": role,
        "person": actor.person,
        "at": micros(actor.now),
        "why": why[:128],
    }
    statement = insert_into(pauses, tx.conn.dialect.name).values(**values, mac=tx.mac("pauses", values))
    done = tx.conn.execute(statement.on_conflict_do_nothing(), execution_options={"preserve_rowcount": True})
    if done.rowcount:
        tx.events.append(_event(tx, "pause.on", role, why, actor))


def resume(tx: Transaction, role: str, why: str, actor: Actor) -> None:
    """End a hold; saying it again changes nothing."""
    done = tx.conn.execute(
        delete(pauses).where(pauses.c.tenant == tx.tenant, pauses.c.role == role),
        execution_options={"preserve_rowcount": True},
    )
    if done.rowcount:
        tx.events.append(_event(tx, "pause.off", role, why, actor))


def _event(tx: Transaction, kind: str, role: str, why: str, actor: Actor) -> Event:
    data = {"of": role, "why": why}
    return Event(tenant=tx.tenant, kind=kind, at=actor.now, actor=actor.person, data=data)
