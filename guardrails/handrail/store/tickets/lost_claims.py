"""Claims of people who may not act any more, because they left or are away: given back to the role."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from handrail.store.tables import tickets
from handrail.store.tickets.actor import Actor, may_act
from handrail.store.tickets.claim import resumed
from handrail.store.tickets.rows import Move, load, move
from handrail.store.transaction import Transaction
from handrail.tickets.lifecycle import State, Verb
from handrail.tickets.resolution import People

HELD = (State.CLAIMED, State.WAITING_INFO)
LEFT, AWAY = "left", "away"


def claims(conn: Connection) -> list[tuple[str, str]]:
    """Return (tenant, ticket) of everything that somebody has claimed."""
    held = [state.value for state in HELD]
    query = select(tickets.c.tenant, tickets.c.id).where(
        tickets.c.state.in_(held), tickets.c.claimed_by.is_not(None)
    )
    return [(row.tenant, row.id) for row in conn.execute(query)]


def drop_for(tx: Transaction, ticket: str, actor: Actor) -> bool:
    """Free a ticket for a member of its role where who has claimed it may not act any more.

    Raises:
        NotAllowed: the actor may not act on it either.
    """
    may_act(load(tx, ticket), actor)
    return drop(tx, ticket, actor.people, actor.now, by=actor.person)


def drop(tx: Transaction, ticket: str, people: People, now: datetime, *, by: str) -> bool:
    """Give a ticket back to its role if who has claimed it left or is away; returns whether it was."""
    row = load(tx, ticket)
    why = _why(row, people, now)
    if why is None:
        return False
    changes = {"claimed_by": None, "lease_until": None, "is_taken_over": False, **resumed(row, now)}
    data = {"why": why, "person": row.claimed_by}
    move(tx, row, Move(verb=Verb.RELEASE, now=now, actor=by, role=row.role, data=data, changes=changes))
    return True


def _why(row: Row[Any], people: People, now: datetime) -> str | None:
    if State(row.state) not in HELD or row.claimed_by is None:
        return None
    holder = Actor(person=row.claimed_by, people=people, now=now)
    if holder.acting_role(row.role) is None:
        return LEFT
    return AWAY if holder.away_until() is not None else None
