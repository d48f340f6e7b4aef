"""A person decides: checked, bound to the digest, signed, and the action reserved in the same transaction."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from handrail.errors import (
    ConfigError,
    DecisionExpired,
    DigestMismatch,
    NotAllowed,
)
from handrail.store.applying import finish
from handrail.store.ids import new_id
from handrail.store.ledger import reserve
from handrail.store.outcome import Case, Outcome, outcome_of
from handrail.store.prepared import Prepared
from handrail.store.rows import Move, Tx, agreed_text, agreements, intact, listed, load, move
from handrail.store.schema import decisions, micros
from handrail.store.signing import Signer
from handrail.tickets.lifecycle import State, Verb, refusal
from handrail.tickets.ports import LedgerEntry, Settlement
from handrail.tickets.rulings import People, Ruling
from handrail.tickets.ticket import Sealed, Ticket, Verdict
from handrail.tickets.values import amounts_of

_INSERT = Prepared(lambda _: decisions.insert())


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Who acts on a ticket, and when; `people` says which roles they fill."""

    person: str
    people: People
    now: datetime


def may_act(row: Row[Any], hand: Hand) -> None:
    """Accept a member of the ticket's present role.

    Raises:
        NotAllowed: somebody else.
    """
    if hand.person not in hand.people.members(row.role):
        raise NotAllowed(row.id, f"only a member of {row.role} may do this")


def decide(tx: Tx, ticket: str, ruling: Ruling, hand: Hand) -> Mapping[str, Any]:
    """Record a person's decision; returns the ticket's new row.

    Raises:
        NotAllowed: not a member, not the claimant, excluded, has agreed before, or not an allowed verdict.
        DecisionExpired: too late.
        DigestMismatch: the action is not the one that the person saw.
        TicketError: the ticket's state does not allow it.
    """
    row = load(tx, ticket)
    if ruling.idempotency_key and _is_known(tx, ticket, ruling.idempotency_key):
        return dict(row._mapping)
    held, sealed = intact(tx, row)
    _check_person(row, held, hand)
    if ruling.verdict not in held.allowed:
        raise NotAllowed(ticket, f"{ruling.verdict} is not among its decisions")
    if ruling.digest and ruling.digest != row.digest:
        raise DigestMismatch(ticket, "its action is not the one that was shown")
    outcome = outcome_of(tx, row, Case(held=held, sealed=sealed), ruling, hand.person)
    turn = _write(tx, row, ruling, hand, outcome)
    changes: dict[str, object] = {
        "claimed_by": None,
        "is_taken_over": False,
        "digest": outcome.digest,
        "agreed": agreed_text(outcome.agreed),
        "waiting_for": listed(outcome.waiting_for),
        "lease_until": micros(hand.now + ruling.valid_for) if outcome.verb is Verb.APPROVE else None,
    }
    if outcome.verb is Verb.AGREE:
        changes |= {"role": outcome.waiting_for[0], "slot": outcome.waiting_for[0]}
    if outcome.verb is Verb.APPROVE:
        reserve(tx, _entry(held, sealed, ruling, outcome.digest, hand.now), {})
    data = {
        "verdict": ruling.verdict.value,
        "reason": ruling.reason_code,
        "digest": outcome.digest,
        "turn": turn,
        "edited": ruling.verdict is Verdict.EDIT,
    }
    step = Move(verb=outcome.verb, now=hand.now, actor=hand.person, role=row.role, data=data, changes=changes)
    return move(tx, row, step)


def reconcile(tx: Tx, ticket: str, settlement: Settlement, hand: Hand) -> None:
    """Settle an unknown outcome on the word of a member of the ticket's role.

    Raises:
        NotAllowed: not a member, or nothing is unknown.
    """
    row = load(tx, ticket)
    may_act(row, hand)
    if State(row.state) is not State.OUTCOME_UNKNOWN:
        raise NotAllowed(ticket, f"nothing to reconcile, it is {row.state}")
    finish(tx, ticket, settlement, now=hand.now, actor=hand.person)


def _is_known(tx: Tx, ticket: str, key: str) -> bool:
    query = select(decisions.c.id).where(
        decisions.c.tenant == tx.tenant, decisions.c.ticket == ticket, decisions.c.idempotency_key == key
    )
    return tx.conn.execute(query).first() is not None


def _check_person(row: Row[Any], held: Ticket, hand: Hand) -> None:
    state = State(row.state)
    if state is not State.CLAIMED:
        raise refusal(row.id, state, Verb.APPROVE)
    may_act(row, hand)
    if row.claimed_by != hand.person:
        raise NotAllowed(row.id, "somebody else has claimed it")
    if hand.person in held.excluded:
        raise NotAllowed(row.id, "nobody decides their own case")
    if hand.person in (agreed.person for agreed in agreements(row.agreed)):
        raise NotAllowed(row.id, "this person has agreed already; a second one is needed")
    if row.decide_by is not None and micros(hand.now) > row.decide_by:
        raise DecisionExpired(row.id, "the time to decide has run out")


def _entry(held: Ticket, sealed: Sealed, ruling: Ruling, digest: str, now: datetime) -> LedgerEntry:
    amounts = ruling.amounts
    if amounts is None:
        amounts = amounts_of(held.action.amounts) if held.action else {}
    return LedgerEntry(
        id=held.id,
        tenant=held.tenant,
        tool=held.action.tool if held.action else "",
        at=now,
        customer=sealed.customer,
        conversation=sealed.conversation,
        digest=digest,
        ticket=held.id,
        amounts=amounts,
    )


def _write(tx: Tx, row: Row[Any], ruling: Ruling, hand: Hand, outcome: Outcome) -> int:
    """Insert the decision; returns its turn within the ticket's round."""
    # The version counts up with every step, so it orders the turns of a round.
    turn: int = row.version
    decision_id = new_id()
    body = json.dumps(
        {
            "arguments": outcome.arguments,
            "answer": outcome.answer,
            "message_to_user": ruling.message_to_user,
            "message_to_agent": ruling.message_to_agent,
            "note": ruling.note,
            "reason_code": ruling.reason_code,
            "readback": ruling.readback,
            "opened_at": ruling.opened_at.isoformat() if ruling.opened_at else None,
            "changes": sorted(ruling.changes),
        },
        sort_keys=True,
    )
    signer = _signer(tx)
    values: dict[str, Any] = {
        "tenant": tx.tenant,
        "id": decision_id,
        "ticket": row.id,
        "round": row.round,
        "turn": turn,
        "verdict": ruling.verdict.value,
        "is_final": outcome.verb is not Verb.AGREE,
        "person": hand.person,
        "role": row.role,
        "slot": row.slot,
        "agreed": agreed_text(outcome.agreed),
        "digest": outcome.digest,
        "content_sha256": tx.ring.hashed(tx.tenant, row.id, body),
        "decided_at": micros(hand.now),
        "expires_at": micros(hand.now + ruling.valid_for),
        "idempotency_key": ruling.idempotency_key or decision_id,
        "key_id": signer.key_id if signer else "",
        "content": tx.sealed_like(row, f"decision:{decision_id}", body),
    }
    values["signature"] = signer.sign(values) if signer else None
    tx.put(_INSERT, values)
    return turn


def _signer(tx: Tx) -> Signer | None:
    signing = tx.signing
    if signing.signer is None and signing.is_required:
        raise ConfigError("this store takes signed decisions only, and no signing key is given here")
    signer: Signer | None = signing.signer
    return signer
