"""What a resolution does to its ticket: at once, or a moment later if nobody takes it back before."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from handrail.errors import AlreadyDecided, NotAllowed, NotInEffect
from handrail.records import Money
from handrail.store.ledger import reserve
from handrail.store.tables import micros, moment
from handrail.store.tickets.actor import Actor
from handrail.store.tickets.parts import decided_as, take_back_parts
from handrail.store.tickets.pauses import pause_of
from handrail.store.tickets.rows import (
    LEASE,
    Agreement,
    Move,
    agreed_text,
    agreements,
    entry_of,
    intact,
    listed,
    load,
    move,
    names,
    resolution_text,
)
from handrail.store.tickets.turns import amounts_in, newest, take_back
from handrail.store.transaction import Transaction
from handrail.tickets.lifecycle import State, Verb, refusal
from handrail.tickets.ports import LedgerEntry
from handrail.tickets.ticket import Sealed, Ticket, Verdict

_AT_ONCE = {Verdict.REJECT: Verb.REJECT, Verdict.ANSWER: Verb.ANSWER, Verdict.REVISE: Verb.REVISE}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmaskedTicket:
    """A ticket with its unmasked texts."""

    held: Ticket
    sealed: Sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a resolution does: the step, in whose name, who has agreed by then, and what a ledger counts."""

    verb: Verb
    digest: str
    agreed: tuple[Agreement, ...]
    waiting_for: tuple[str, ...]
    person: str
    role: str
    amounts: Mapping[str, Money | Decimal]
    expires_at: int
    data: Mapping[str, object]


def enact(
    tx: Transaction, row: Row[Any], case: UnmaskedTicket, what: Effect, now: datetime
) -> dict[str, Any]:
    """Take the step of a resolution, and reserve what it approves; returns the ticket's new row."""
    changes: dict[str, object] = {
        "claimed_by": None,
        "is_taken_over": False,
        "digest": what.digest,
        "agreed": agreed_text(what.agreed),
        "waiting_for": listed(what.waiting_for),
        "lease_until": what.expires_at if what.verb is Verb.APPROVE else None,
    }
    if what.verb is Verb.AGREE:
        changes |= {"role": what.waiting_for[0], "slot": what.waiting_for[0]}
    if what.verb is Verb.APPROVE:
        reserve(tx, _entry(row, case, what, now), {})
        if case.held.part_of:
            # While its ticket was open, that one had the conversation; the same call again finds this one.
            changes["conversation"] = tx.hashed(case.sealed.conversation)
    step = Move(verb=what.verb, now=now, actor=what.person, role=what.role, data=what.data, changes=changes)
    return move(tx, row, step)


def _entry(row: Row[Any], case: UnmaskedTicket, what: Effect, now: datetime) -> LedgerEntry:
    held, sealed = case.held, case.sealed
    return LedgerEntry(
        id=entry_of(row),
        tenant=held.tenant,
        tool=held.action.tool if held.action else "",
        at=now,
        customer=sealed.customer,
        conversation=sealed.conversation,
        digest=what.digest,
        ticket=held.id,
        amounts=what.amounts,
    )


def still_waiting(row: Row[Any], verdict: Verdict) -> tuple[str, ...]:
    """Return the roles that must agree after whoever resolves a ticket now; pure.

    Whoever agreed before an edit agreed to something else, and is asked again.
    """
    waiting = names(row.waiting_for)
    if verdict is Verdict.EDIT:
        waiting = tuple(dict.fromkeys((*(agreed.slot for agreed in agreements(row.agreed)), *waiting)))
    return tuple(slot for slot in waiting if slot != row.slot)


def take_effect(tx: Transaction, row: Row[Any], now: datetime) -> Verb | None:
    """Put the resolution of a ticket into effect whose time has come; None while its role is on hold.

    Raises:
        NotInEffect: its time has not come.
        NotAllowed: the resolution is not on record as it stands.
    """
    if row.lease_until is not None and row.lease_until > micros(now):
        raise NotInEffect(row.id, moment(row.lease_until).timestamp())
    turn = newest(tx, row)
    if turn is None:
        raise NotAllowed(row.id, "nobody's resolution is on record")
    held, sealed = intact(tx, row)
    verdict = Verdict(turn.verdict)
    if verdict in (Verdict.APPROVE, Verdict.EDIT) and pause_of(tx, (row.role, turn.role)) is not None:
        return None
    body = json.loads(resolution_text(tx, row.id, turn._mapping))
    verb = _AT_ONCE.get(verdict)
    if verb is None:
        last = Verb.APPROVE if held.action is not None else Verb.ANSWER
        verb = last if turn.is_final else Verb.AGREE
    what = Effect(
        verb=verb,
        digest=turn.digest,
        agreed=agreements(turn.agreed),
        waiting_for=still_waiting(row, verdict) if verb is Verb.AGREE else (),
        person=turn.person,
        role=turn.role,
        amounts=amounts_in(body),
        expires_at=turn.expires_at,
        data={"verdict": turn.verdict, "digest": turn.digest, "resolution": turn.turn},
    )
    enact(tx, row, UnmaskedTicket(held=held, sealed=sealed), what, now)
    return verb


def in_effect(tx: Transaction, ticket: str, now: datetime) -> bool:
    """Put a ticket's resolution into effect if one waits for it; returns whether it did.

    Raises:
        NotInEffect: its time has not come.
        TicketNotFound: none of this id.
    """
    row = load(tx, ticket)
    return State(row.state) is State.RESOLVED and take_effect(tx, row, now) is not None


def undo(tx: Transaction, ticket: str, actor: Actor) -> dict[str, Any]:
    """Take back one's own resolution before it takes effect; the ticket is claimed again.

    Calls that were decided together are taken back together, whichever of their tickets is named.

    Raises:
        NotAllowed: somebody else's resolution.
        AlreadyDecided: it is in effect, or nobody has resolved it.
    """
    ticket = decided_as(tx, ticket)
    row = load(tx, ticket)
    if State(row.state) is not State.RESOLVED:
        raise refusal(ticket, State(row.state), Verb.UNDO)
    turn = newest(tx, row)
    if turn is None or turn.person != actor.person:
        raise NotAllowed(ticket, "only who resolved it may take that back")
    if row.lease_until is None or row.lease_until <= micros(actor.now):
        raise AlreadyDecided(ticket, "its resolution is in effect")
    take_back_parts(tx, ticket, turn, actor.now)
    take_back(tx, turn, actor.now)
    changes = {"claimed_by": actor.person, "lease_until": micros(actor.now + LEASE)}
    data = {"undone": turn.turn, "verdict": turn.verdict}
    step = Move(verb=Verb.UNDO, now=actor.now, actor=actor.person, role=turn.role, data=data, changes=changes)
    return move(tx, row, step)
