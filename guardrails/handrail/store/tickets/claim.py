"""What reviewers do before they decide: claim, release, take over, ask, reassign, look, unmask."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import Row, select

from handrail.errors import NotAllowed
from handrail.store.audit.chain import Event
from handrail.store.ledger import settle
from handrail.store.tables import audit, micros, moment, moment_or_none
from handrail.store.tickets.actor import Actor, may_act, refuse_own_case, refuse_second_seat, route_role
from handrail.store.tickets.attempts import add_words
from handrail.store.tickets.decided import last_resolution
from handrail.store.tickets.reasons import opened_words, sealed_words
from handrail.store.tickets.rows import (
    LEASE,
    Move,
    agreements,
    content,
    content_of,
    entry_of,
    intact,
    listed,
    load,
    move,
    names,
    sealed_part,
)
from handrail.store.transaction import Transaction
from handrail.tickets.lifecycle import State, Verb
from handrail.tickets.ports import Settlement
from handrail.tickets.resolution import TicketEvent
from handrail.tickets.ticket import Sealed, TicketView
from handrail.tickets.unmasking import sealed_for, ticket_for

ANSWER_WAIT = timedelta(days=1)
Values: TypeAlias = Mapping[str, Any]


def claim(tx: Transaction, ticket: str, actor: Actor) -> Values:
    """Give a ticket to a member of its role for a lease; claiming one's own again renews it."""
    row = load(tx, ticket)
    role = may_act(row, actor)
    _refuse_own(tx, row, actor)
    refuse_second_seat(row, actor)
    lease = micros(actor.now + LEASE)
    if State(row.state) is State.CLAIMED and row.claimed_by == actor.person:
        verb = Verb.TAKE_OVER if row.is_taken_over else Verb.RENEW
        return _step(tx, row, verb, actor, {"lease_until": lease}, role=role)
    changes = {"claimed_by": actor.person, "lease_until": lease, "start_by": None, "snoozed_until": None}
    return _step(tx, row, Verb.CLAIM, actor, changes, role=role)


def take_over(tx: Transaction, ticket: str, actor: Actor) -> Values:
    """Speak with the customer oneself: the ticket is claimed and the conversation is a person's."""
    row = load(tx, ticket)
    role = may_act(row, actor)
    _refuse_own(tx, row, actor)
    if row.claimed_by not in (None, actor.person):
        raise NotAllowed(ticket, "somebody else has claimed it")
    lease = micros(actor.now + LEASE)
    changes = {"claimed_by": actor.person, "lease_until": lease, "start_by": None, "is_taken_over": True}
    return _step(tx, row, Verb.TAKE_OVER, actor, changes, role=role)


def release(tx: Transaction, ticket: str, actor: Actor) -> Values:
    """Give a claimed ticket back to its role."""
    row = load(tx, ticket)
    _needs_claim(row, actor)
    changes = {"claimed_by": None, "lease_until": None, "is_taken_over": False, **resumed(row, actor.now)}
    return _step(tx, row, Verb.RELEASE, actor, changes)


def ask(tx: Transaction, ticket: str, question: str, actor: Actor) -> Values:
    """Ask for what is missing; the clock of the ticket pauses until `inform`."""
    row = load(tx, ticket)
    _needs_claim(row, actor)
    add_words(tx, row, question, "asked", actor.now)
    wait = micros(actor.now + ANSWER_WAIT)
    return _step(tx, row, Verb.ASK, actor, {"paused_at": micros(actor.now), "lease_until": wait})


def inform(tx: Transaction, ticket: str, answer: str, actor: Actor) -> Values:
    """Add what was asked for; the clock goes on where it stopped."""
    row = load(tx, ticket)
    add_words(tx, row, answer, "informed", actor.now)
    lease = micros(actor.now + LEASE)
    return _step(tx, row, Verb.INFORM, actor, {**resumed(row, actor.now), "lease_until": lease})


def reassign(tx: Transaction, ticket: str, role: str, why: str, actor: Actor) -> Values:
    """Give a ticket to another role; its deadlines stay. The policy still says whose approval counts."""
    row = load(tx, ticket)
    acting = may_act(row, actor)
    actor.people.members(role)
    waiting = tuple(role if slot == row.slot else slot for slot in names(row.waiting_for))
    changes: dict[str, object] = {
        "role": role,
        "slot": role,
        "waiting_for": listed(tuple(dict.fromkeys(waiting))),
        "claimed_by": None,
        "lease_until": None,
        "is_taken_over": False,
        **resumed(row, actor.now),
    }
    step = Move(
        verb=Verb.REASSIGN,
        now=actor.now,
        actor=actor.person,
        role=acting,
        data={"to": role, **sealed_words(tx, row, "why", why)},
        changes=changes,
    )
    return move(tx, row, step)


def snooze(tx: Transaction, ticket: str, until: datetime, actor: Actor) -> Values:
    """Put a ticket off: nobody has it, and it is not offered before then. Its deadline stays.

    Raises:
        NotAllowed: not a member, claimed by somebody else, or until after it must be decided.
    """
    row = load(tx, ticket)
    role = may_act(row, actor)
    if row.claimed_by not in (None, actor.person):
        raise NotAllowed(ticket, "somebody else has claimed it")
    if until <= actor.now or (row.decide_by is not None and micros(until) >= row.decide_by):
        raise NotAllowed(ticket, "it can be put off until before it must be decided, and no longer")
    free = {"claimed_by": None, "lease_until": None, "is_taken_over": False}
    changes = {**free, "snoozed_until": micros(until)}
    step = Move(
        verb=Verb.SNOOZE,
        now=actor.now,
        actor=actor.person,
        role=role,
        data={"until": micros(until)},
        changes=changes,
    )
    return move(tx, row, step)


def extend(tx: Transaction, ticket: str, by: timedelta, why: str, actor: Actor) -> Values:
    """Give a ticket more time, once, by no more than it had.

    Raises:
        NotAllowed: not a member, it has no deadline, had more time before, or that is too much.
    """
    row = load(tx, ticket)
    role = may_act(row, actor)
    if row.decide_by is None:
        raise NotAllowed(ticket, "it has no deadline")
    if row.extended_at is not None:
        raise NotAllowed(ticket, "it was given more time before")
    more = by // timedelta(microseconds=1)
    if not 0 < more <= row.decide_by - row.leg_at:
        raise NotAllowed(ticket, "it can be given as much time as it had, and no more")
    changes: dict[str, object] = {"extended_at": micros(actor.now)}
    # The next role still gets the time that the first one had.
    changes |= {name: getattr(row, name) + more for name in ("decide_by", "leg_at")}
    if row.warn_at is not None:
        changes["warn_at"] = row.warn_at + more
    step = Move(
        verb=Verb.EXTEND,
        now=actor.now,
        actor=actor.person,
        role=role,
        data={"by": more, **sealed_words(tx, row, "why", why)},
        changes=changes,
    )
    return move(tx, row, step)


def cancel(tx: Transaction, ticket: str, *, by: str, why: str, now: datetime) -> Values:
    """Withdraw a ticket that is no longer needed; `by` is who opened it or an administrator, `why` a code."""
    row = load(tx, ticket)
    settle(tx, entry_of(row), Settlement.NO_EFFECT, now=now)
    changes = {"claimed_by": None, "lease_until": None, "is_taken_over": False}
    return move(tx, row, Move(verb=Verb.CANCEL, now=now, actor=by, data={"why": why}, changes=changes))


def view(tx: Transaction, ticket: str) -> TicketView:
    """Return a ticket as a reviewer may see it: masked, with where it stands.

    Raises:
        TicketNotFound: none of this id.
    """
    return view_of(tx, dict(load(tx, ticket, for_update=False)._mapping))


def view_of(tx: Transaction, row: Values, sees: Collection[str] = ()) -> TicketView:
    """Return the view of a row's values; what a person decided is masked but for what a role `sees`."""
    held = content_of(tx, row)
    return TicketView(
        ticket=held,
        id=row["id"],
        tenant=row["tenant"],
        state=State(row["state"]),
        version=row["version"],
        role=row["role"],
        level=row["level"],
        waiting_for=names(row["waiting_for"]),
        agreed=tuple(agreed.role for agreed in agreements(row["agreed"])),
        digest=row["digest"],
        claimed_by=row["claimed_by"],
        lease_until=moment_or_none(row["lease_until"]),
        start_by=moment_or_none(row["start_by"]),
        warn_at=moment_or_none(row["warn_at"]),
        decide_by=moment_or_none(row["decide_by"]),
        updated_at=moment(row["updated_at"]),
        erased=held is None,
        duplicate_of=row["duplicate_of"],
        reference=row["reference"] or "",
        extended=row["extended_at"] is not None,
        round=row["round"],
        resolution=last_resolution(tx, row, sees),
    )


def view_for(tx: Transaction, ticket: str, sees: Collection[str]) -> TicketView:
    """Return the view of a ticket with what a role may see unmasked."""
    row = load(tx, ticket, for_update=False)
    found = view_of(tx, dict(row._mapping), sees)
    sealed = sealed_part(tx, row)
    if found.ticket is None or sealed is None:
        return found
    return found.model_copy(update={"ticket": ticket_for(found.ticket, sealed, sees)})


def looked(
    tx: Transaction, ticket: str, actor: Actor, kind: str, fields: Sequence[str] = (), why: str = ""
) -> Row[Any]:
    """Put on record that somebody of a role in the ticket's route looks at it; returns its row."""
    row = load(tx, ticket, for_update=False)
    role = route_role(row, actor, may="see it")
    event = Event(
        tenant=tx.tenant,
        kind=kind,
        at=actor.now,
        ticket=ticket,
        actor=actor.person,
        role=role,
        data={"fields": list(fields), **sealed_words(tx, row, "why", why)},
    )
    tx.events.append(event)
    return row


def unmasked(tx: Transaction, ticket: str, fields: Sequence[str], sees: Collection[str] | None) -> Sealed:
    """Return some of the unmasked texts (all of them if none are named); `sees` masks what is not in it."""
    row = load(tx, ticket, for_update=False)
    held, sealed = intact(tx, row)
    if sees is not None:
        sealed = sealed_for(held, sealed, sees)
    wanted = set(fields) or set(Sealed.model_fields)
    return Sealed(**{name: getattr(sealed, name) for name in Sealed.model_fields if name in wanted})


def history(tx: Transaction, ticket: str) -> tuple[TicketEvent, ...]:
    """Return a ticket's recorded events, oldest first, with the words that are sealed in them."""
    query = (
        select(audit)
        .where(audit.c.tenant == tx.tenant, audit.c.ticket == ticket)
        .order_by(audit.c.at, audit.c.version, audit.c.seq)
    )
    return tuple(
        TicketEvent(
            kind=row.kind,
            version=row.version,
            at=moment(row.at),
            actor=row.actor,
            role=row.role,
            data=opened_words(tx, ticket, json.loads(row.data)),
        )
        for row in tx.conn.execute(query)
    )


def _step(
    tx: Transaction,
    row: Row[Any],
    verb: Verb,
    actor: Actor,
    changes: Mapping[str, object],
    *,
    role: str = "",
) -> Values:
    step = Move(verb=verb, now=actor.now, actor=actor.person, role=role or row.role, changes=changes)
    return move(tx, row, step)


def _needs_claim(row: Row[Any], actor: Actor) -> None:
    if row.claimed_by != actor.person:
        raise NotAllowed(row.id, "only who has claimed it may do this")


def _refuse_own(tx: Transaction, row: Row[Any], actor: Actor) -> None:
    held = content(tx, row)
    refuse_own_case(row, held.excluded if held is not None else (), actor)


def resumed(row: Row[Any], now: datetime) -> dict[str, object]:
    """Return the deadlines of a paused ticket, later by the length of the pause."""
    if row.paused_at is None:
        return {}
    pause = max(0, micros(now) - row.paused_at)
    later = {
        name: getattr(row, name) + pause
        for name in ("warn_at", "start_by", "decide_by")
        if getattr(row, name)
    }
    return {**later, "paused_at": None}
