"""A person decides: checked, bound to the digest, signed, and the action reserved in the same transaction."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, select

from handrail.errors import (
    CheckFailed,
    ConfigError,
    DecisionExpired,
    DigestMismatch,
    NotAllowed,
)
from handrail.ids import new_id
from handrail.records import Money
from handrail.store.crypto.signing import Signer
from handrail.store.ledger import reserve
from handrail.store.prepared import Prepared
from handrail.store.tables import micros, resolutions
from handrail.store.tickets.actor import Actor, may_act, refuse_own_case, refuse_second_seat
from handrail.store.tickets.apply import finish
from handrail.store.tickets.rows import (
    Agreement,
    Move,
    agreed_text,
    agreements,
    content,
    entry_of,
    intact,
    listed,
    load,
    move,
    names,
    resolution_text,
)
from handrail.store.transaction import Transaction
from handrail.tickets.action import action_digest
from handrail.tickets.edit import edited_arguments
from handrail.tickets.fact_record import amounts_of
from handrail.tickets.lifecycle import State, Verb, refusal
from handrail.tickets.ports import LedgerEntry, Settlement
from handrail.tickets.resolution import ReadEdit, Resolution
from handrail.tickets.ticket import Sealed, Ticket, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionEffect:
    """The effect of a resolution: the step, the text a caller will get, and what will be carried out."""

    verb: Verb
    digest: str
    arguments: str
    answer: str
    agreed: tuple[Agreement, ...]
    waiting_for: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmaskedTicket:
    """A ticket with its unmasked texts."""

    held: Ticket
    sealed: Sealed


def effect_of(
    tx: Transaction, row: Row[Any], case: UnmaskedTicket, resolution: Resolution, mine: Agreement
) -> ResolutionEffect:
    """Return the effect of a resolution, with the agreements that then stand and the roles still to be asked.

    Raises:
        NotAllowed: an action that cannot be read is approved as it is.
        CheckFailed: an edit or an answer lacks its text, or cannot be read.
    """
    before = agreements(row.agreed)
    if resolution.verdict is Verdict.REJECT:
        return _ended(Verb.REJECT, row, (*before, mine))
    if resolution.verdict is Verdict.ANSWER:
        return _ended(Verb.ANSWER, row, (*before, mine), answer=_needed(resolution.answer))
    slots = tuple(dict.fromkeys((*(agreed.slot for agreed in before), *names(row.waiting_for))))
    waiting = tuple(slot for slot in names(row.waiting_for) if slot != row.slot)
    agreed = (*before, mine)
    if resolution.verdict is Verdict.EDIT:
        digest, arguments, answer = _edited(tx, row, case, resolution)
        # Whoever agreed before agreed to something else.
        agreed, waiting = (mine,), tuple(slot for slot in slots if slot != row.slot)
    else:
        digest, arguments, answer = _as_it_stands(tx, row, case)
    last = Verb.APPROVE if case.held.action is not None else Verb.ANSWER
    return ResolutionEffect(
        verb=Verb.AGREE if waiting else last,
        digest=digest,
        arguments=arguments,
        answer=answer,
        agreed=agreed,
        waiting_for=waiting,
    )


def _edited(
    tx: Transaction, row: Row[Any], case: UnmaskedTicket, resolution: Resolution
) -> tuple[str, str, str]:
    """Return digest, arguments and answer of an edited case."""
    held = case.held
    if held.action is None:
        answer = _needed(resolution.answer)
        if answer == (last_edit(tx, row).get("answer") or case.sealed.draft_answer):
            raise NotAllowed(held.id, "the edit changes nothing; approve or reject it")
        return tx.ring.hashed(tx.tenant, held.id, "answer", answer), "", answer
    original = last_edit(tx, row).get("arguments") or case.sealed.arguments
    arguments = edited_arguments(original, resolution, held)
    policy = held.policy.sha256
    return action_digest(held.action.tool, arguments, policy_sha256=policy, tenant=held.tenant), arguments, ""


def _as_it_stands(tx: Transaction, row: Row[Any], case: UnmaskedTicket) -> tuple[str, str, str]:
    """Return digest, arguments and answer of a case that is approved, as the last edit left it."""
    held, edit = case.held, last_edit(tx, row)
    if held.action is None:
        return row.digest, "", edit.get("answer") or case.sealed.draft_answer
    if not row.digest:
        raise NotAllowed(row.id, "its arguments cannot be read; edit or reject it")
    return row.digest, edit.get("arguments") or case.sealed.arguments, ""


def _must_propose(held: Ticket, sealed: Sealed) -> None:
    """Accept a verdict on what is proposed where something is.

    Raises:
        NotAllowed: the ticket holds neither an action nor a draft, so there is nothing to approve or edit.
    """
    if held.action is None and not held.done and not sealed.draft_answer.strip():
        raise NotAllowed(held.id, "it proposes nothing: write the customer an answer, reject or reassign it")


def last_edit(tx: Transaction, row: Row[Any]) -> Mapping[str, str]:
    """Return what an earlier approver of this round changed the case to, nothing if nobody did."""
    if not agreements(row.agreed):
        return {}
    query = (
        select(resolutions)
        .where(resolutions.c.tenant == tx.tenant, resolutions.c.ticket == row.id)
        .where(resolutions.c.round == row.round, resolutions.c.verdict == Verdict.EDIT.value)
        .order_by(resolutions.c.turn.desc())
        .limit(1)
    )
    found = tx.conn.execute(query).first()
    if found is None:
        return {}
    body: Mapping[str, str] = json.loads(resolution_text(tx, row.id, found._mapping))
    return body


def _ended(verb: Verb, row: Row[Any], agreed: tuple[Agreement, ...], answer: str = "") -> ResolutionEffect:
    return ResolutionEffect(
        verb=verb, digest=row.digest, arguments="", answer=answer, agreed=agreed, waiting_for=()
    )


def _needed(answer: str) -> str:
    if not answer.strip():
        raise CheckFailed("decide", why="an answer needs its text")
    return answer


_INSERT = Prepared(lambda _: resolutions.insert())


def resolve(
    tx: Transaction, ticket: str, resolution: Resolution, actor: Actor, read_edit: ReadEdit | None = None
) -> Mapping[str, Any]:
    """Record a person's resolution; returns the ticket's new row.

    `read_edit` reads the amounts of an edited action where the resolution does not state them; without it
    they are taken to be what they were.

    Raises:
        NotAllowed: not a member, not the claimant, excluded, has agreed before, or not an allowed verdict.
        DecisionExpired: too late.
        DigestMismatch: the action is not the one that the person saw.
        TicketError: the ticket's state does not allow it.
    """
    row = load(tx, ticket)
    if resolution.idempotency_key and is_known(tx, ticket, resolution.idempotency_key):
        return dict(row._mapping)
    held, sealed = intact(tx, row)
    role = _check_person(row, held, actor)
    if resolution.verdict in (Verdict.APPROVE, Verdict.EDIT):
        _must_propose(held, sealed)
    if resolution.verdict not in held.allowed:
        raise NotAllowed(ticket, f"{resolution.verdict} is not among the verdicts it allows")
    if resolution.digest and resolution.digest != row.digest:
        raise DigestMismatch(ticket, "its action is not the one that was shown")
    mine = Agreement(role, actor.person, row.slot)
    case = UnmaskedTicket(held=held, sealed=sealed)
    outcome = effect_of(tx, row, case, resolution, mine)
    amounts = _amounts(case, resolution, outcome, read_edit)
    turn = _write(tx, row, _Turn(resolution=resolution, outcome=outcome, mine=mine, now=actor.now))
    changes: dict[str, object] = {
        "claimed_by": None,
        "is_taken_over": False,
        "digest": outcome.digest,
        "agreed": agreed_text(outcome.agreed),
        "waiting_for": listed(outcome.waiting_for),
        "lease_until": micros(actor.now + resolution.valid_for) if outcome.verb is Verb.APPROVE else None,
    }
    if outcome.verb is Verb.AGREE:
        changes |= {"role": outcome.waiting_for[0], "slot": outcome.waiting_for[0]}
    if outcome.verb is Verb.APPROVE:
        reserve(tx, _entry(row, case, amounts, outcome.digest, actor.now), {})
    data = {
        "verdict": resolution.verdict.value,
        "reason": resolution.reason_code,
        "digest": outcome.digest,
        "turn": turn,
        "slot": row.slot,
        "expires": micros(actor.now + resolution.valid_for),
        "edited": resolution.verdict is Verdict.EDIT,
    }
    step = Move(verb=outcome.verb, now=actor.now, actor=actor.person, role=role, data=data, changes=changes)
    return move(tx, row, step)


def reconcile(tx: Transaction, ticket: str, settlement: Settlement, actor: Actor) -> None:
    """Settle an unknown outcome on the word of a member of the ticket's role.

    Raises:
        NotAllowed: not a member, their own case, or nothing is unknown.
    """
    row = load(tx, ticket)
    may_act(row, actor)
    held = content(tx, row)
    refuse_own_case(row, held.excluded if held is not None else (), actor)
    if State(row.state) is not State.OUTCOME_UNKNOWN:
        raise NotAllowed(ticket, f"nothing to reconcile, it is {row.state}")
    finish(tx, ticket, settlement, now=actor.now, actor=actor.person)


def is_known(tx: Transaction, ticket: str, key: str) -> bool:
    """Return whether a resolution with this idempotency key is on record for a ticket."""
    query = select(resolutions.c.id).where(
        resolutions.c.tenant == tx.tenant,
        resolutions.c.ticket == ticket,
        resolutions.c.idempotency_key == key,
    )
    return tx.conn.execute(query).first() is not None


def _check_person(row: Row[Any], held: Ticket, actor: Actor) -> str:
    """Accept who may decide a ticket now; returns the role in which they do."""
    state = State(row.state)
    if state is not State.CLAIMED:
        raise refusal(row.id, state, Verb.APPROVE)
    role = may_act(row, actor)
    if row.claimed_by != actor.person:
        raise NotAllowed(row.id, "somebody else has claimed it")
    refuse_own_case(row, held.excluded, actor)
    refuse_second_seat(row, actor)
    if row.decide_by is not None and micros(actor.now) > row.decide_by:
        raise DecisionExpired(row.id, "the time to decide has run out")
    return role


def _amounts(
    case: UnmaskedTicket, resolution: Resolution, outcome: ResolutionEffect, read_edit: ReadEdit | None
) -> Mapping[str, Money | Decimal]:
    """Return what a ledger counts of the action as it now is.

    Raises:
        NotAllowed: it was edited to what cannot be carried out or read.
    """
    held = case.held
    before = amounts_of(held.action.amounts) if held.action else {}
    is_edited = bool(outcome.arguments) and outcome.arguments != case.sealed.arguments
    if held.action is not None and is_edited and read_edit is not None:
        return read_edit(held.action.tool, outcome.arguments, before)
    return before if resolution.amounts is None else resolution.amounts


def _entry(
    row: Row[Any], case: UnmaskedTicket, amounts: Mapping[str, Money | Decimal], digest: str, now: datetime
) -> LedgerEntry:
    held, sealed = case.held, case.sealed
    return LedgerEntry(
        id=entry_of(row),
        tenant=held.tenant,
        tool=held.action.tool if held.action else "",
        at=now,
        customer=sealed.customer,
        conversation=sealed.conversation,
        digest=digest,
        ticket=held.id,
        amounts=amounts,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """One person's resolution with its effect, whose agreement it is, and when."""

    resolution: Resolution
    outcome: ResolutionEffect
    mine: Agreement
    now: datetime


def _write(tx: Transaction, row: Row[Any], said: _Turn) -> int:
    """Insert the resolution; returns its turn within the ticket's round."""
    resolution, outcome = said.resolution, said.outcome
    # The version counts up with every step, so it orders the turns of a round.
    turn: int = row.version
    resolution_id = new_id()
    body = json.dumps(
        {
            "arguments": outcome.arguments,
            "answer": outcome.answer,
            "message_to_user": resolution.message_to_user,
            "message_to_agent": resolution.message_to_agent,
            "note": resolution.note,
            "reason_code": resolution.reason_code,
            "readback": resolution.readback,
            "opened_at": resolution.opened_at.isoformat() if resolution.opened_at else None,
            "changes": sorted(resolution.changes),
        },
        sort_keys=True,
    )
    signer = _signer(tx)
    values: dict[str, Any] = {
        "tenant": tx.tenant,
        "id": resolution_id,
        "ticket": row.id,
        "round": row.round,
        "turn": turn,
        "verdict": resolution.verdict.value,
        "is_final": outcome.verb is not Verb.AGREE,
        "person": said.mine.person,
        "role": said.mine.role,
        "slot": row.slot,
        "agreed": agreed_text(outcome.agreed),
        "digest": outcome.digest,
        "content_sha256": tx.ring.hashed(tx.tenant, row.id, body),
        "decided_at": micros(said.now),
        "expires_at": micros(said.now + resolution.valid_for),
        "idempotency_key": resolution.idempotency_key or resolution_id,
        "key_id": signer.key_id if signer else "",
        "content": tx.sealed_like(row, tx.part_of_new(f"decision:{resolution_id}"), body),
    }
    values["mac"] = tx.mac("decisions", values)
    values["signature"] = signer.sign(values) if signer else None
    tx.put(_INSERT, values)
    return turn


def _signer(tx: Transaction) -> Signer | None:
    if tx.signing.signer is None and tx.signing.is_required:
        raise ConfigError("this store takes signed resolutions only, and no signing key is given here")
    return tx.signing.signer
