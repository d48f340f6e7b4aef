"""Calls that were proposed together are decided together, and from then on each is a ticket of its own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from handrail.errors import AlreadyDecided, CheckFailed, DigestMismatch, NotAllowed
from handrail.ids import new_id
from handrail.store.crypto.sealing import Erased
from handrail.store.prepared import Prepared
from handrail.store.tables import micros, resolutions, tickets
from handrail.store.tickets.actor import Actor
from handrail.store.tickets.open import LONGEST_TOOL
from handrail.store.tickets.rows import (
    LEASE,
    Move,
    agreements,
    content,
    content_of,
    load,
    move,
    next_timer,
    record,
    resolution_text,
)
from handrail.store.tickets.turns import STANDS, newest, take_back
from handrail.store.transaction import Transaction
from handrail.tickets.lifecycle import State, Verb
from handrail.tickets.proposed import ANSWER, as_ticket
from handrail.tickets.reference import reference_of
from handrail.tickets.resolution import PartResolution, Resolution
from handrail.tickets.ticket import ProposedPart, Sealed, Ticket, Verdict

VERDICTS = frozenset({Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT})
"""What a person may say of one part."""
_INSERT = Prepared(lambda _: tickets.insert())


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidOfPart:
    """One part of a ticket with its unmasked arguments, and what a person settles about it."""

    part: ProposedPart
    arguments: str
    said: PartResolution

    def resolution(self, whole: Resolution) -> Resolution:
        """Return the resolution of the part's own ticket; what is common comes from that of the whole."""
        return replace(
            whole,
            verdict=self.said.verdict,
            changes=self.said.changes,
            arguments=self.said.arguments,
            reason_code=self.said.reason_code,
            message_to_agent=self.said.message_to_agent,
            digest=self.said.digest,
            amounts=self.said.amounts,
            message_to_user="",
            answer="",
            idempotency_key="",
            parts=(),
        )


def undivided(row: Row[Any], held: Ticket) -> tuple[ProposedPart, ...]:
    """Return the parts of a ticket that can be decided with it: as long as nobody has agreed to it."""
    return held.parts if row.round == 1 and not agreements(row.agreed) else ()


def of_parts(row: Row[Any], held: Ticket, sealed: Sealed, whole: Resolution) -> tuple[SaidOfPart, ...]:
    """Return what a resolution says of each part of its ticket; nothing where it speaks of none.

    Raises:
        CheckFailed: a part is named twice, is none, or is left out.
        NotAllowed: a verdict that is none for a part, or nothing that came with the calls.
        DigestMismatch: a call is not the one that was shown.
    """
    if not whole.parts:
        return ()
    said = {one.part: one for one in whole.parts}
    there = {part.part: part for part in undivided(row, held)}
    if len(said) != len(whole.parts) or said.keys() - {ANSWER} != there.keys():
        raise CheckFailed("decide", why="every call that came with the action is decided once, and no other")
    if not VERDICTS.issuperset({whole.verdict, *(one.verdict for one in whole.parts)}):
        raise NotAllowed(held.id, "each of several calls is approved, edited or rejected")
    if ANSWER in said and not sealed.draft_answer.strip():
        raise NotAllowed(held.id, "no words came with its calls")
    found = []
    for part, arguments in zip(held.parts, sealed.parts, strict=True):
        if part.part not in there:
            continue
        one = said[part.part]
        if one.digest and one.digest != part.action.digest:
            raise DigestMismatch(held.id, f"{part.part} is not the call that was shown")
        found.append(SaidOfPart(part=part, arguments=arguments, said=one))
    return tuple(found)


def released_words(tx: Transaction, row: Row[Any], sealed: Sealed, resolution: Resolution) -> str:
    """Return the words beside an action that the customer gets, empty if nobody let them through.

    What a role let through stays so while the others approve the same without a word about it.

    Raises:
        CheckFailed: an edit of them lacks its text.
    """
    said = next((one for one in resolution.parts if one.part == ANSWER), None)
    if said is None and resolution.verdict is Verdict.APPROVE and agreements(row.agreed):
        before = newest(tx, row)
        return json.loads(resolution_text(tx, row.id, before._mapping))["answer"] if before else ""
    if said is None or said.verdict is Verdict.REJECT:
        return ""
    if said.verdict is Verdict.EDIT and not said.answer.strip():
        raise CheckFailed("decide", why="an answer needs its text")
    return said.answer if said.verdict is Verdict.EDIT else sealed.draft_answer


def divide(
    tx: Transaction, row: Row[Any], case: tuple[Ticket, Sealed], part: ProposedPart, actor: Actor
) -> str:
    """Make a part a ticket of its own, claimed by who decides it; returns its id.

    Nobody outside is told that it was opened: they were told of the one that it was a part of.
    """
    held, sealed = case
    ticket = as_ticket(held, sealed, part, id=new_id())
    assert ticket.sealed is not None
    key = tx.sealer.key_of(tx.conn, row.content)
    masked = ticket.model_copy(update={"sealed": None})
    opened: dict[str, Any] = {
        **row._mapping,
        "id": ticket.id,
        "dedupe_key": ticket.dedupe_key,
        "conversation": None,
        "state": State.READY.value,
        "version": 1,
        "digest": part.action.digest,
        "tool": part.action.tool[:LONGEST_TOOL],
        "reference": reference_of(tx.tenant, ticket.id, 0),
        "claimed_by": None,
        "is_taken_over": False,
        "lease_until": None,
        "updated_at": micros(actor.now),
        "content": tx.seal(key, ticket.id, tx.part_of_new("content"), masked.model_dump_json()),
        "sealed": tx.seal(key, ticket.id, tx.part_of_new("sealed"), ticket.sealed.model_dump_json()),
    }
    claimed = {
        **opened,
        "state": State.CLAIMED.value,
        "version": 2,
        "claimed_by": actor.person,
        "lease_until": micros(actor.now + LEASE),
    }
    claimed["next_timer"] = next_timer(claimed)
    _INSERT(tx.conn, {**claimed, "mac": tx.mac("tickets", claimed)})
    about = {"part_of": held.id, "part": part.part, "digest": part.action.digest}
    for verb, values in ((Verb.OPEN, opened), (Verb.CLAIM, claimed)):
        by = actor.person if verb is Verb.CLAIM else ""
        step = Move(verb=verb, now=actor.now, actor=by, role=row.role, data=about, is_announced=False)
        record(tx, values, step)
    return ticket.id


def parts_in(tx: Transaction, row: Mapping[Any, Any]) -> Mapping[str, str]:
    """Return the tickets of the calls that were decided with a ticket, by the names of these parts.

    They come from its first resolution, whoever has agreed to it since and wherever it went from there.
    """
    held = content_of(tx, row)
    if held is None or not held.parts:
        return {}
    query = (
        select(resolutions)
        .where(resolutions.c.tenant == tx.tenant, resolutions.c.ticket == row["id"], STANDS)
        .where(resolutions.c.round == 1)
        .order_by(resolutions.c.turn)
        .limit(1)
    )
    first = tx.conn.execute(query).first()
    return _named_in(tx, row["id"], first) if first is not None and first.content is not None else {}


def _named_in(tx: Transaction, ticket: str, turn: Row[Any]) -> Mapping[str, str]:
    try:
        body: Mapping[str, Any] = json.loads(resolution_text(tx, ticket, turn._mapping))
    except Erased:
        return {}
    found: Mapping[str, str] = body.get("parts", {})
    return found


def decided_with(tx: Transaction, row: Row[Any]) -> tuple[Row[Any], ...]:
    """Return the rows of the calls that were decided with a ticket, none if it has or had no parts."""
    return tuple(load(tx, part) for part in parts_in(tx, row._mapping).values())


def decided_as(tx: Transaction, ticket: str) -> str:
    """Return the ticket whose resolution this one waits on: of a part, that of all it was proposed with."""
    row = load(tx, ticket, for_update=False)
    held = content(tx, row) if State(row.state) is State.RESOLVED else None
    is_part = held is not None and held.part_of and row.round == 1 and not agreements(row.agreed)
    return held.part_of if held is not None and is_part else ticket


def take_back_parts(tx: Transaction, ticket: str, turn: Row[Any], now: datetime) -> None:
    """End the tickets of the parts of a resolution that is taken back; deciding anew makes new ones.

    Raises:
        AlreadyDecided: one of them has gone on already, by the clock of another machine perhaps.
    """
    rows = [load(tx, part) for part in _named_in(tx, ticket, turn).values()]
    if any(State(row.state) is not State.RESOLVED for row in rows):
        raise AlreadyDecided(ticket, "a part of its resolution is in effect")
    for row in rows:
        own = newest(tx, row)
        if own is not None:
            take_back(tx, own, now)
        step = Move(
            verb=Verb.CANCEL,
            now=now,
            actor=turn.person,
            role=turn.role,
            data={"why": "undone with the ticket it was a part of"},
            changes={"claimed_by": None, "lease_until": None},
            is_announced=False,
        )
        move(tx, row, step)
