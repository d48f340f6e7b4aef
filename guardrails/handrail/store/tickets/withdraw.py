"""The customer withdraws: the ticket ends, and an approval that has not begun is taken back on record."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from handrail.errors import NotAllowed, TicketError
from handrail.records import Context
from handrail.store.audit.chain import Event
from handrail.store.ledger import settle
from handrail.store.tickets.actor import Actor, route_role
from handrail.store.tickets.apply import use_up
from handrail.store.tickets.attempts import add_words
from handrail.store.tickets.open import followed
from handrail.store.tickets.parts import decided_with
from handrail.store.tickets.rows import Move, entry_of, intact, load, move
from handrail.store.transaction import Transaction
from handrail.text.identity import identity
from handrail.tickets.lifecycle import BEGUN, TABLE, State, Verb, advance, refusal
from handrail.tickets.ports import Settlement

TOO_LATE = "ticket.withdraw_late"
"""On record in place of a withdrawal that came when the action had begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """Who withdraws a ticket: its customer, or a person of its roles on the customer's word.

    `words` are what the customer said; they are kept sealed, as everything they say is.
    """

    by: Context | Actor
    now: datetime
    words: str = ""


def withdraw(tx: Transaction, ticket: str, said: Withdrawal) -> TicketError | None:
    """End a ticket that nobody has begun to carry out; of a duplicate, the ticket that settles it.

    The calls that were decided with it end too, as far as they have not begun.

    Where its action has begun, the wish goes on record for the people of its roles, and the error that says
    so is returned, to be raised once that is durable. Withdrawing twice changes nothing.

    Raises:
        NotAllowed: neither its customer nor a member of its roles.
        TicketError: it has ended otherwise.
    """
    row = load(tx, followed(tx, ticket).id)
    role = _may_withdraw(tx, row, said)
    state, by = State(row.state), said.by.person if isinstance(said.by, Actor) else "customer"
    with_it = [part for part in decided_with(tx, row) if State(part.state) in TABLE[Verb.WITHDRAW].sources]
    for part in with_it:
        _end(tx, part, said.now, by, role)
    if state is State.WITHDRAWN or (with_it and state not in BEGUN | TABLE[Verb.WITHDRAW].sources):
        return None
    if state in BEGUN:
        if add_words(tx, row, said.words, "withdrawn too late", said.now):
            event = Event(
                tenant=tx.tenant, kind=TOO_LATE, at=said.now, ticket=row.id, actor=by, role=role,
                data={"state": state.value},
            )  # fmt: skip
            tx.events.append(event)
        return refusal(row.id, state, Verb.WITHDRAW)
    advance(row.id, state, Verb.WITHDRAW)
    if said.words:
        add_words(tx, row, said.words, "withdrawn", said.now)
    _end(tx, row, said.now, by, role)
    return None


def _end(tx: Transaction, row: Row[Any], now: datetime, by: str, role: str) -> None:
    state = State(row.state)
    if state is State.DECIDED:
        use_up(tx, row, "void", now)
    settle(tx, entry_of(row), Settlement.NO_EFFECT, now=now)
    step = Move(
        verb=Verb.WITHDRAW,
        now=now,
        actor=by,
        role=role,
        data={"was": state.value},
        changes={"claimed_by": None, "lease_until": None, "is_taken_over": False},
    )
    move(tx, row, step)


def _may_withdraw(tx: Transaction, row: Row[Any], said: Withdrawal) -> str:
    """Accept the ticket's customer, or whoever fills one of its roles; returns their role, if any."""
    if isinstance(said.by, Actor):
        return route_role(row, said.by, may="withdraw it for the customer")
    held, sealed = intact(tx, row)
    theirs = {identity(name) for name in (*held.excluded, sealed.customer) if name}
    mine = {identity(name) for name in said.by.customer_names if name}
    is_theirs = bool(theirs & mine)
    if not theirs and sealed.conversation is not None:
        is_theirs = sealed.conversation == said.by.conversation
    if not is_theirs:
        raise NotAllowed(row.id, "only its own customer may withdraw it")
    return ""
