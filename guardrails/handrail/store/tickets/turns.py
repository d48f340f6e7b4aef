"""What people said in one round of a ticket, as rows: written once, taken back only while not in effect."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, select, update

from handrail.errors import ConfigError, NotAllowed
from handrail.ids import new_id
from handrail.records import Money
from handrail.store.crypto.authentic import is_authentic, mac_of
from handrail.store.crypto.signing import Signer
from handrail.store.prepared import Prepared
from handrail.store.tables import micros, resolutions
from handrail.store.tickets.rows import Agreement, agreed_text, agreements, resolution_text
from handrail.store.transaction import Transaction
from handrail.tickets.lifecycle import Verb
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict

STANDS = resolutions.c.undone_at.is_(None)
"""What nobody took back."""


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
class Turn:
    """One person's resolution with its effect, whose agreement it is, what a ledger counts, and when.

    `parts` are the tickets of the calls that were decided with it, by name.
    """

    resolution: Resolution
    outcome: ResolutionEffect
    mine: Agreement
    amounts: Mapping[str, Money | Decimal]
    now: datetime
    parts: Mapping[str, str] = field(default_factory=dict)


def last_edit(tx: Transaction, row: Row[Any]) -> Mapping[str, str]:
    """Return what an earlier approver of this round changed the case to, nothing if nobody did."""
    if not agreements(row.agreed):
        return {}
    query = (
        select(resolutions)
        .where(resolutions.c.tenant == tx.tenant, resolutions.c.ticket == row.id, STANDS)
        .where(resolutions.c.round == row.round, resolutions.c.verdict == Verdict.EDIT.value)
        .order_by(resolutions.c.turn.desc())
        .limit(1)
    )
    found = tx.conn.execute(query).first()
    if found is None:
        return {}
    body: Mapping[str, str] = json.loads(resolution_text(tx, row.id, found._mapping))
    return body


def newest(tx: Transaction, row: Row[Any]) -> Row[Any] | None:
    """Return the newest resolution of a ticket's present round that nobody took back, None for none.

    Raises:
        NotAllowed: it was altered, or nobody trusted signed it where that is needed.
    """
    query = (
        select(resolutions)
        .where(resolutions.c.tenant == tx.tenant, resolutions.c.ticket == row.id, STANDS)
        .where(resolutions.c.round == row.round)
        .order_by(resolutions.c.turn.desc())
        .limit(1)
    )
    found = tx.conn.execute(query).first()
    if found is not None:
        if not is_authentic(tx.ring, "decisions", found._mapping):
            raise NotAllowed(row.id, "its resolution was altered; run `handrail audit verify`")
        if tx.signing.is_required:
            tx.signing.check({**found._mapping, "is_final": bool(found.is_final)})
    return found


def is_known(tx: Transaction, ticket: str, key: str) -> bool:
    """Return whether a resolution with this idempotency key is on record for a ticket."""
    query = select(resolutions.c.id).where(
        resolutions.c.tenant == tx.tenant,
        resolutions.c.ticket == ticket,
        resolutions.c.idempotency_key == key,
    )
    return tx.conn.execute(query).first() is not None


_INSERT = Prepared(lambda _: resolutions.insert())


def write(tx: Transaction, row: Row[Any], said: Turn) -> int:
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
            "amounts": _written(said.amounts),
            **({"parts": dict(said.parts)} if said.parts else {}),
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
        "undone_at": None,
    }
    values["mac"] = tx.mac("decisions", values)
    values["signature"] = signer.sign(values) if signer else None
    tx.put(_INSERT, values)
    tx.said[row.id] = values
    return turn


def take_back(tx: Transaction, turn: Row[Any], now: datetime) -> None:
    """Mark a resolution as undone; its words stay on record and count for nothing."""
    values: dict[str, Any] = {"undone_at": micros(now)}
    if turn.mac is not None:
        values["mac"] = mac_of(tx.ring, "decisions", {**turn._mapping, **values})
    tx.said.pop(turn.ticket, None)
    mine = (resolutions.c.tenant == tx.tenant) & (resolutions.c.id == turn.id)
    tx.conn.execute(update(resolutions).where(mine).values(**values))


def amounts_in(body: Mapping[str, Any]) -> dict[str, Money | Decimal]:
    """Return what a ledger counts of a resolution that is put into effect later; pure."""
    return {
        name: Money(amount=Decimal(number), currency=currency) if currency else Decimal(number)
        for name, (number, currency) in body.get("amounts", {}).items()
    }


def _written(amounts: Mapping[str, Money | Decimal]) -> dict[str, tuple[str, str]]:
    return {
        name: (str(value.amount), value.currency) if isinstance(value, Money) else (str(value), "")
        for name, value in amounts.items()
    }


def _signer(tx: Transaction) -> Signer | None:
    if tx.signing.signer is None and tx.signing.is_required:
        raise ConfigError("this store takes signed resolutions only, and no signing key is given here")
    return tx.signing.signer
