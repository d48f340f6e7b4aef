"""Gives a person's resolution back, once: decided → applying → applied, failed or outcome unknown."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select

from handrail.errors import (
    AlreadyDecided,
    AlreadyUsed,
    DecisionExpired,
    DigestMismatch,
    NotAllowed,
)
from handrail.store.audit.chain import records
from handrail.store.ledger import settle, settled, settling
from handrail.store.prepared import Prepared, PreparedResult, Statements, UniqueViolation, run_together
from handrail.store.tables import APPLYING, audit, micros, moment, resolutions, tickets, uses
from handrail.store.tickets.pauses import PAUSES, refuse_on_hold
from handrail.store.tickets.rows import (
    APPLY_LEASE,
    Agreement,
    Move,
    agreements,
    entry_of,
    intact,
    listed,
    load,
    load_with,
    move,
    resolution_text,
)
from handrail.store.tickets.turns import STANDS
from handrail.store.transaction import Transaction
from handrail.tickets.action import action_digest
from handrail.tickets.lifecycle import State, Verb, advance
from handrail.tickets.ports import Approval, Settlement
from handrail.tickets.ticket import Sealed, Ticket, Verdict

USED = "used"
ENDS = {
    Settlement.DONE: (Verb.APPLIED, State.APPLIED),
    Settlement.NO_EFFECT: (Verb.FAILED, State.FAILED),
    Settlement.UNKNOWN: (Verb.LOST, State.OUTCOME_UNKNOWN),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalResolution:
    """The resolution that counts, and the earlier turns that it builds on."""

    row: Mapping[str, Any]
    arguments: str
    body: Mapping[str, Any]


def approved(tx: Transaction, ticket: str, *, now: datetime | None) -> Approval:
    """Return the approval that `begin` would give, without using it.

    Raises:
        TicketError: as `begin`.
    """
    row = load(tx, ticket, for_update=False)
    if row.duplicate_of is not None:
        return approved(tx, row.duplicate_of, now=now)
    advance(ticket, State(row.state), Verb.BEGIN)
    return _checked(tx, row, run_together(tx.conn, _decided(tx, ticket)), now)


def begin(tx: Transaction, ticket: str, *, now: datetime) -> Approval | DecisionExpired:
    """Move a decided ticket to applying; close an expired resolution and return its error to be raised.

    Raises:
        OnHold: a role that approved it is on hold, or everything is.
        TicketError: why not: not decided, used before, forged, another action than decided.
    """
    row, (*decided, pauses) = load_with(tx, ticket, *_decided(tx, ticket), (PAUSES, {"tenant": tx.tenant}))
    if row.duplicate_of is not None:
        return begin(tx, row.duplicate_of, now=now)
    advance(ticket, State(row.state), Verb.BEGIN)
    try:
        approval = _checked(tx, row, decided, now)
    except DecisionExpired as error:
        lapse(tx, row, now=now)
        return error
    refuse_on_hold(tx, ticket, (row.role, *approval.roles), pauses)
    use_up(tx, row, USED, now)
    lease = micros(now + APPLY_LEASE)
    data = {"digest": approval.digest, "key": approval.idempotency_key}
    move(tx, row, Move(verb=Verb.BEGIN, now=now, data=data, changes={"lease_until": lease}))
    return approval


def _checked(
    tx: Transaction, row: Row[Any], decided: Sequence[PreparedResult], now: datetime | None
) -> Approval:
    turns, entries, spent = decided
    if spent.first() is not None:
        raise AlreadyUsed(row.id, "its resolution was used or taken back before")
    held, sealed = intact(tx, row)
    final = final_resolution(tx, row, (turns, entries), sealed)
    resolution = final.row
    if now is not None and micros(now) > resolution["expires_at"]:
        raise DecisionExpired(row.id, "the resolution has run out before it was used")
    if held.action is None:
        raise NotAllowed(row.id, "it proposes no action")
    digest = action_digest(
        held.action.tool, final.arguments, policy_sha256=held.policy.sha256, tenant=held.tenant
    )
    if not digest == resolution["digest"] == row.digest:
        raise DigestMismatch(row.id, "its action is not the one that was decided on")
    return _approval(row, held, sealed, final)


def _approval(row: Row[Any], held: Ticket, sealed: Sealed, final: FinalResolution) -> Approval:
    seats = tuple((agreed.role, agreed.slot) for agreed in agreements(final.row["agreed"]))
    return Approval(
        ticket=row.id,
        entry=entry_of(row),
        tool=held.action.tool if held.action else "",
        arguments=final.arguments,
        digest=final.row["digest"],
        approved_by_role=final.row["role"],
        roles=tuple(dict.fromkeys(name for seat in seats for name in seat)),
        seats=seats,
        decided_at=moment(final.row["decided_at"]),
        idempotency_key=f"{row.id}-{row.round}",
        edited=final.arguments != sealed.arguments,
        tenant=held.tenant,
        customer=sealed.customer,
        conversation=sealed.conversation,
        rules=tuple(rule.rule for rule in held.policy.rules),
        policy_sha256=held.policy.sha256,
        facts={name: fact.fact() for name, fact in held.facts.items()},
    )


_ROUND = select(tickets.c.round).where(
    tickets.c.tenant == bindparam("tenant"), tickets.c.id == bindparam("ticket")
)
_TURNS = Prepared(
    lambda _: (
        select(resolutions)
        .where(
            resolutions.c.tenant == bindparam("tenant"),
            resolutions.c.ticket == bindparam("ticket"),
            resolutions.c.round == _ROUND.scalar_subquery(),
            STANDS,
        )
        .order_by(resolutions.c.turn)
    )
)
_USE = Prepared(lambda _: uses.insert())
_FIRST_TURN = select(func.min(resolutions.c.turn)).where(
    resolutions.c.tenant == bindparam("tenant"),
    resolutions.c.ticket == bindparam("ticket"),
    resolutions.c.round == _ROUND.scalar_subquery(),
)
_ENTRIES = Prepared(
    lambda _: select(audit).where(
        audit.c.tenant == bindparam("tenant"),
        audit.c.ticket == bindparam("ticket"),
        audit.c.version > _FIRST_TURN.scalar_subquery(),
    )
)
_SPENT = Prepared(
    lambda _: select(uses.c.kind).where(
        uses.c.tenant == bindparam("tenant"),
        uses.c.ticket == bindparam("ticket"),
        uses.c.round == _ROUND.scalar_subquery(),
    )
)


def _decided(tx: Transaction, ticket: str) -> Statements:
    """Return the statements that read what was decided of a ticket's present round, to be sent with others.

    They give the resolutions, the entries of the audit chain since the first of them, and its use, if any.
    """
    values = {"tenant": tx.tenant, "ticket": ticket}
    return [(_TURNS, values), (_ENTRIES, values), (_SPENT, values)]


def _as_signed(row: Row[Any]) -> dict[str, Any]:
    # SQLite has no truth values; what was signed had.
    return {**row._mapping, "is_final": bool(row.is_final)}


def final_resolution(
    tx: Transaction, row: Row[Any], found: tuple[PreparedResult, PreparedResult], sealed: Sealed
) -> FinalResolution:
    """Return the resolution that closed this round, after checking that every role in it really decided.

    Raises:
        NotAllowed: none, forged, altered, a role missing, or taken back.
    """
    turns = [_as_signed(turn) for turn in found[0]]
    if not turns or not turns[-1]["is_final"]:
        raise NotAllowed(row.id, "nobody's resolution is on record")
    if turns[-1]["verdict"] not in (Verdict.APPROVE, Verdict.EDIT):
        raise NotAllowed(row.id, f"it was decided otherwise: {turns[-1]['verdict']}")
    if tx.signing.is_required:
        for turn in turns:
            tx.signing.check(turn)
    _on_record(row, turns, found[1])
    bodies = [_body(tx, row, turn) for turn in turns]
    arguments = next((body["arguments"] for body in reversed(bodies) if body["arguments"]), sealed.arguments)
    decided = {Agreement(turn["role"], turn["person"], turn["slot"]) for turn in turns}
    if not decided.issuperset(agreements(turns[-1]["agreed"])):
        raise NotAllowed(row.id, "a role that should have agreed has not")
    return FinalResolution(row=turns[-1], arguments=arguments, body=bodies[-1])


def _on_record(row: Row[Any], turns: Sequence[Mapping[str, Any]], entries: PreparedResult) -> None:
    """Accept resolutions that are on the audit chain as they stand.

    Raises:
        NotAllowed: one is not.
    """
    found = {entry.version: entry for entry in entries}
    for turn in turns:
        # The step that a resolution takes is the one after the version that the person saw.
        entry = found.get(turn["turn"] + 1)
        if entry is None or not records(entry._mapping, turn):
            raise NotAllowed(row.id, "its resolution is not on record as it stands")


def _body(tx: Transaction, row: Row[Any], turn: Mapping[str, Any]) -> Mapping[str, Any]:
    text = resolution_text(tx, row.id, turn)
    if tx.ring.hashed(tx.tenant, row.id, text) != turn["content_sha256"]:
        raise NotAllowed(row.id, "its resolution was altered after it was written")
    body: Mapping[str, Any] = json.loads(text)
    return body


def use_up(tx: Transaction, row: Row[Any], kind: str, now: datetime) -> None:
    """Spend the resolution of a ticket's round: `used` to carry it out, `void` to take it back.

    Raises:
        AlreadyUsed: it was spent before.
    """
    values = {"tenant": tx.tenant, "ticket": row.id, "round": row.round, "kind": kind, "at": micros(now)}
    if tx.is_postgres and kind == USED:
        # It was looked for when the row was locked. Should it be there by now, the step is run again.
        tx.put(_USE, values)
        return
    try:
        _USE(tx.conn, values)
    except UniqueViolation:
        raise AlreadyUsed(row.id, "its resolution was used or taken back before") from None


def lapse(tx: Transaction, row: Row[Any], *, now: datetime) -> None:
    """Close a resolution that was not used in time; what it reserved counts no longer."""
    settle(tx, entry_of(row), Settlement.NO_EFFECT, now=now)
    move(tx, row, Move(verb=Verb.LAPSE, now=now, changes={"lease_until": None}))


def finish(tx: Transaction, ticket: str, settlement: Settlement, *, now: datetime, actor: str = "") -> None:
    """Say how an action ended. Saying the same again changes nothing; a known end replaces an unknown one.

    Raises:
        AlreadyDecided: it ended otherwise.
    """
    row, (done,) = load_with(tx, ticket, settling(tx, ticket, settlement))
    settled(tx, ticket, settlement, done, now=now)
    if row.round > 1:
        # Nearly every action is of the first round, whose entry was settled on the way to the row.
        settle(tx, entry_of(row), settlement, now=now)
    verb, state = ENDS[settlement]
    if State(row.state) is state:
        return
    if State(row.state) in (State.APPLIED, State.FAILED):
        raise AlreadyDecided(ticket, f"it is on record as {row.state}")
    move(tx, row, Move(verb=verb, now=now, actor=actor, changes={"lease_until": None}))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenRequest:
    """Why a decided ticket goes back to people, and which roles must agree now."""

    roles: tuple[str, ...]
    why: str
    now: datetime


def reopen(tx: Transaction, ticket: str, again: ReopenRequest) -> None:
    """Move a decided or failed ticket back to ready for further roles; the old resolution can never be used.

    Raises:
        TicketError: it is neither decided nor failed.
    """
    row = load(tx, ticket)
    state = State(row.state)
    advance(ticket, state, Verb.REOPEN)
    if state is State.DECIDED:
        use_up(tx, row, "void", again.now)
    settle(tx, entry_of(row), Settlement.NO_EFFECT, now=again.now)
    held, _ = intact(tx, row)
    slots = tuple(dict.fromkeys((held.role, *held.co_approvers, *again.roles)))
    first = again.roles[0] if again.roles else held.role
    changes = {
        "role": first,
        "slot": first,
        "waiting_for": listed((first, *(slot for slot in slots if slot != first))),
        "agreed": "[]",
        "round": row.round + 1,
        "digest": held.action.digest if held.action else "",
        "lease_until": None,
        "closed_at": None,
        "decide_by": _deadline(held, again.now),
        "conversation": _free_conversation(tx, row),
    }
    data = {"why": again.why, "roles": list(again.roles)}
    move(tx, row, Move(verb=Verb.REOPEN, now=again.now, data=data, changes=changes))


def _deadline(held: Ticket, now: datetime) -> int | None:
    """Give the same time again, counted from now."""
    return micros(now + (held.decide_by - held.created_at)) if held.decide_by else None


def _free_conversation(tx: Transaction, row: Row[Any]) -> str | None:
    """Keep the conversation unless a newer ticket has it open by now: only one can."""
    query = select(tickets.c.id).where(
        tickets.c.tenant == tx.tenant,
        tickets.c.conversation == row.conversation,
        tickets.c.is_open.is_(True),
    )
    return None if tx.conn.execute(query).first() else row.conversation


def vanished(conn: Connection, *, tenant: str, now: datetime, limit: int) -> list[tuple[str, str]]:
    """Return (tenant, ticket) of actions whose lease ran out; an empty tenant stands for all."""
    query = select(tickets.c.tenant, tickets.c.id).where(APPLYING, tickets.c.next_timer <= micros(now))
    if tenant:
        query = query.where(tickets.c.tenant == tenant)
    return [(row.tenant, row.id) for row in conn.execute(query.limit(limit))]
