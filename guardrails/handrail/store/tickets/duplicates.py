"""One wish in two tickets: the second ends as a duplicate of the first, whose decision counts for both."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from handrail.errors import NotAllowed
from handrail.store.audit.chain import Event
from handrail.store.tables import tickets
from handrail.store.tickets.actor import Actor, may_act, refuse_own_case, route_role
from handrail.store.tickets.attempts import add_words
from handrail.store.tickets.claim import Values
from handrail.store.tickets.listing import COLUMNS, row_of
from handrail.store.tickets.open import followed
from handrail.store.tickets.rows import Move, intact, load, move
from handrail.store.transaction import Transaction
from handrail.text.identity import identity
from handrail.tickets.lifecycle import BEGUN, UNDECIDED, State, Verb
from handrail.tickets.resolution import TicketRow

UNSETTLED = frozenset({State.WITHDRAWN, State.CANCELLED, State.EXPIRED})
"""Ends without a decision, which can settle nothing else."""


def link(tx: Transaction, ticket: str, of: str, actor: Actor) -> Values:
    """End a ticket as the duplicate of another one; returns its new row.

    What is decided of the other ticket, before or after, is what the callers of both are told. Its action
    alone can be carried out, once.

    Raises:
        NotAllowed: not a member of both tickets' roles, their own case, another customer, claimed by somebody
            else, the same ticket, or one that ended without a decision.
        TicketError: the duplicate is not open any more.
    """
    first = followed(tx, of).id
    if first == ticket:
        raise NotAllowed(ticket, "it is that ticket itself")
    # In one order, so that two people who link the same two tickets do not wait for each other.
    rows = {name: load(tx, name) for name in sorted((ticket, first))}
    row, other = rows[ticket], rows[first]
    role = may_act(row, actor)
    route_role(other, actor, may="link to it")
    if row.claimed_by not in (None, actor.person):
        raise NotAllowed(ticket, "somebody else has claimed it")
    if other.duplicate_of is not None or State(other.state) in UNSETTLED:
        raise NotAllowed(first, f"it is {other.state}, so no decision of it can settle another ticket")
    wanted = _same_customer(tx, row, other, actor)
    step = Move(
        verb=Verb.LINK,
        now=actor.now,
        actor=actor.person,
        role=role,
        data={"of": first},
        changes={"duplicate_of": first, "claimed_by": None, "lease_until": None, "is_taken_over": False},
    )
    values = move(tx, row, step)
    _tell(tx, other, ticket, wanted, actor.now)
    return values


def _same_customer(tx: Transaction, row: Row[Any], other: Row[Any], actor: Actor) -> str:
    """Accept two tickets of one customer whose case is not the actor's own; returns what they wanted."""
    (held, sealed), (held_first, sealed_first) = intact(tx, row), intact(tx, other)
    refuse_own_case(row, (*held.excluded, *held_first.excluded), actor)
    names = {identity(name) for name in (*held.excluded, sealed.customer) if name}
    first = {identity(name) for name in (*held_first.excluded, sealed_first.customer) if name}
    if row.subject != other.subject and names.isdisjoint(first):
        # A decision tells the customer about the case; it must not tell another one.
        raise NotAllowed(row.id, "the two tickets are of different customers")
    return held.wanted


def _tell(tx: Transaction, first: Row[Any], duplicate: str, wanted: str, now: datetime) -> None:
    add_words(tx, first, wanted, "duplicate", now, name=f"duplicate-{duplicate}"[:64])
    data = {"exchange": f"duplicate-{duplicate}", "duplicate": duplicate}
    tx.events.append(Event(tenant=tx.tenant, kind="ticket.join", at=now, ticket=first.id, data=data))


def of_same_customer(tx: Transaction, ticket: str, *, limit: int = 20) -> tuple[TicketRow, ...]:
    """Return the customer's other tickets that are open or about to be carried out, those of the same action
    first.
    """
    row = load(tx, ticket, for_update=False)
    standing = [state.value for state in (*UNDECIDED, State.DECIDED, *BEGUN - {State.APPLIED, State.FAILED})]
    query = (
        select(*(tickets.c[name] for name in COLUMNS), tickets.c.digest)
        .where(tickets.c.tenant == tx.tenant, tickets.c.subject == row.subject, tickets.c.id != ticket)
        .where(tickets.c.state.in_(standing))
        .order_by(tickets.c.created_at, tickets.c.id)
        .limit(limit)
    )
    found = tx.conn.execute(query).all()
    alike = [one for one in found if row.digest and one.digest == row.digest]
    return tuple(row_of(one) for one in (*alike, *(one for one in found if one not in alike)))
