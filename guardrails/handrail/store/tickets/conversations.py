"""Who speaks in a conversation, and what the assistant is told when it takes over again."""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Column, Row, bindparam, literal_column, select

from handrail.store.crypto.sealing import Erased
from handrail.store.prepared import Prepared, PreparedResult
from handrail.store.tables import micros, moment, moment_or_none, resolutions, tickets
from handrail.store.tickets.open import followed
from handrail.store.tickets.parts import parts_in
from handrail.store.tickets.rows import content, load, resolution_text
from handrail.store.tickets.turns import STANDS
from handrail.store.transaction import Transaction
from handrail.tickets.lifecycle import UNDECIDED, WITH_PEOPLE, State
from handrail.tickets.ports import ConversationState, ConversationStatus, ResolutionView
from handrail.tickets.resolution import GIVEN, SettledPart, left_over, resume_note
from handrail.tickets.ticket import Verdict

_ENDED: Mapping[State, Literal["expired", "cancelled", "withdrawn"]] = {
    State.EXPIRED: "expired",
    State.CANCELLED: "cancelled",
    State.WITHDRAWN: "withdrawn",
}
SILENT = frozenset({State.CANCELLED})


def _newest(*columns: Column[Any]) -> Prepared:
    return Prepared(
        lambda _: (
            select(*columns)
            .where(tickets.c.tenant == bindparam("tenant"))
            .where(tickets.c.conversation == bindparam("conversation"))
            .order_by(tickets.c.is_open.desc(), tickets.c.updated_at.desc())
            .limit(literal_column("1"))
        )
    )


_NEWEST = _newest(*tickets.c)
STANDING = _newest(
    *(
        tickets.c[name]
        for name in ("id", "state", "is_taken_over", "role", "decide_by", "duplicate_of", "reference")
    )
)


class HasCome(Exception):
    """The time of a ticket's resolution has come, and nobody has put it into effect."""


NONE_HELD: frozenset[str] = frozenset()


def has_come(row: Row[Any], now: datetime) -> bool:
    """Tell whether a resolution waits for nobody any more; pure."""
    return bool(
        row.state == State.RESOLVED and row.lease_until is not None and row.lease_until <= micros(now)
    )


def standing(answer: PreparedResult) -> ConversationStatus | None:
    """Return what `conversation` does from the answer to `STANDING`; None where it takes more than that.

    Every guarded call with a conversation asks this first.
    """
    row = answer.first()
    if row is None:
        return ConversationStatus()
    if row.duplicate_of is not None or State(row.state) not in WITH_PEOPLE:
        return None
    return _undecided(row)


def _undecided(row: Row[Any]) -> ConversationStatus:
    return ConversationStatus(
        state=ConversationState.HUMAN if row.is_taken_over else ConversationState.PENDING,
        ticket=row.id,
        role=row.role,
        due=moment_or_none(row.decide_by),
        reference=row.reference or "",
    )


def conversation(
    tx: Transaction, name: str, now: datetime, on_hold: Collection[str] = NONE_HELD
) -> ConversationStatus:
    """Tell who is speaking: the state of its open ticket, else of its newest.

    `on_hold` are tickets whose resolution is not put into effect though its time has come.

    Raises:
        HasCome: a resolution must be put into effect first.
    """
    hashed = tx.sealer.ring.hashed(tx.tenant, name)
    row = _NEWEST(tx.conn, {"tenant": tx.tenant, "conversation": hashed}).first()
    if row is not None and row.duplicate_of is not None:
        row = followed(tx, row.id)
    if row is not None and State(row.state) not in UNDECIDED:
        row = _whole(tx, row)
    if row is None or State(row.state) in SILENT:
        return ConversationStatus()
    if State(row.state) in UNDECIDED:
        _must_wait(row, now, on_hold)
        return _undecided(row)
    parts = _parts(tx, row, now, on_hold)
    note = resume_note(State(row.state), content(tx, row), _settled(tx, row), parts)
    return ConversationStatus(
        state=ConversationState.RETURNED, ticket=row.id, role=row.role, due=None, note=note
    )


def _whole(tx: Transaction, row: Row[Any]) -> Row[Any]:
    """Return the ticket that this one was a part of, itself if it was none's."""
    held = content(tx, row)
    return load(tx, held.part_of, for_update=False) if held is not None and held.part_of else row


def _must_wait(row: Row[Any], now: datetime, on_hold: Collection[str]) -> None:
    if has_come(row, now) and row.id not in on_hold:
        raise HasCome(row.id)


def _parts(
    tx: Transaction, row: Row[Any], now: datetime, on_hold: Collection[str]
) -> tuple[SettledPart, ...]:
    """Return the calls that were decided with a ticket, each with where it stands by now."""
    found = []
    for ticket in parts_in(tx, row._mapping).values():
        own = load(tx, ticket, for_update=False)
        _must_wait(own, now, on_hold)
        held, state = content(tx, own), State(own.state)
        settled = None if state in UNDECIDED else _settled(tx, own)
        found.append(
            SettledPart(ticket=ticket, state=state, action=held.action if held else None, resolution=settled)
        )
    return tuple(found)


def _final(tx: Transaction, row: Row[Any]) -> Row[Any] | None:
    query = select(resolutions).where(
        resolutions.c.tenant == tx.tenant,
        resolutions.c.ticket == row.id,
        resolutions.c.round == row.round,
        resolutions.c.is_final.is_(True),
        STANDS,
    )
    return tx.conn.execute(query).first()


def _body(tx: Transaction, row: Row[Any], final: Row[Any]) -> dict[str, Any]:
    if final.content is None:
        return {}
    try:
        body: dict[str, Any] = json.loads(resolution_text(tx, row.id, final._mapping))
    except Erased:
        return {}
    return body


def resolution(
    tx: Transaction, row: Row[Any], now: datetime, on_hold: Collection[str] = NONE_HELD
) -> ResolutionView | None:
    """Return the resolution as caller and customer may see it, None while none is in effect.

    Raises:
        HasCome: one must be put into effect first.
    """
    _must_wait(row, now, on_hold)
    if State(row.state) in UNDECIDED:
        return None
    settled, parts = _settled(tx, row), _parts(tx, row, now, on_hold)
    return replace(
        settled,
        parts=tuple(_named(part, part.resolution) for part in parts if part.resolution is not None),
        undecided=tuple(part.ticket for part in parts if part.resolution is None),
        beside=left_over(settled.beside, parts),
    )


def _named(part: SettledPart, own: ResolutionView) -> ResolutionView:
    """Return a part's resolution with its tool: of several, a rejected one must be told from the others."""
    return replace(own, tool=part.action.tool) if part.action is not None else own


def _settled(tx: Transaction, row: Row[Any]) -> ResolutionView:
    state = State(row.state)
    final = _final(tx, row)
    if final is None or state in _ENDED:
        ended = _ENDED.get(state, "expired")
        return ResolutionView(
            ticket=row.id, verdict=ended, role=row.role, decided_at=moment(row.closed_at or row.updated_at)
        )
    body, held = _body(tx, row, final), content(tx, row)
    verdict = Verdict(final.verdict)
    has_action = held is not None and held.action is not None and verdict in (Verdict.APPROVE, Verdict.EDIT)
    return ResolutionView(
        ticket=row.id,
        verdict=GIVEN[verdict],
        role=final.role,
        decided_at=moment(final.decided_at),
        message_to_user=body.get("message_to_user", ""),
        message_to_agent=body.get("message_to_agent", ""),
        answer=body.get("answer", ""),
        tool=held.action.tool if has_action and held and held.action else "",
        arguments=body.get("arguments", "") if has_action else "",
        changed=tuple(body.get("changes", ())),
        beside=held.beside if held is not None else (),
        reason_code=body.get("reason_code", ""),
    )
