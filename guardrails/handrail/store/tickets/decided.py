"""What people decided about a ticket, as its reviewers see it."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import bindparam, literal_column, select

from handrail.store.crypto.sealing import Erased
from handrail.store.prepared import Prepared
from handrail.store.tables import moment, resolutions
from handrail.store.tickets.parts import parts_in
from handrail.store.tickets.rows import agreements, content_of, resolution_text, sealed_values
from handrail.store.tickets.turns import STANDS
from handrail.store.transaction import Transaction
from handrail.tickets.edit import differences
from handrail.tickets.lifecycle import WITH_PEOPLE, State
from handrail.tickets.masking import Mask
from handrail.tickets.ticket import ResolutionRecord, Verdict
from handrail.tickets.unmasking import mask_for


def last_resolution(
    tx: Transaction, row: Mapping[str, Any], sees: Collection[str] = ()
) -> ResolutionRecord | None:
    """Return what a person last decided in the ticket's present round, masked, None while nobody has."""
    if State(row["state"]) in WITH_PEOPLE and not agreements(row["agreed"]):
        return None
    found = tx.said.get(row["id"]) or _written_before(tx, row)
    if found is None:
        return None
    try:
        body = json.loads(resolution_text(tx, row["id"], found)) if found["content"] else {}
    except Erased:
        body = {}
    verdict = Verdict(found["verdict"])
    mask = _mask(tx, row, sees)
    words = {name: mask(body.get(name) or "") for name in _WORDS}
    return ResolutionRecord(
        verdict=verdict,
        person=found["person"],
        role=found["role"],
        decided_at=moment(found["decided_at"]),
        is_final=bool(found["is_final"]),
        changes=_changes(tx, row, body, mask) if verdict is Verdict.EDIT else (),
        parts=parts_in(tx, row),
        **words,
    )


def _written_before(tx: Transaction, row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found = tx.ask(_LAST, {"tenant": tx.tenant, "ticket": row["id"], "round": row["round"]}).first()
    return None if found is None else found._mapping


_LAST = Prepared(
    lambda _: (
        select(resolutions)
        .where(resolutions.c.tenant == bindparam("tenant"), resolutions.c.ticket == bindparam("ticket"))
        .where(resolutions.c.round == bindparam("round"), STANDS)
        .order_by(resolutions.c.turn.desc())
        .limit(literal_column("1"))
    )
)
_WORDS = ("answer", "message_to_user", "message_to_agent", "note", "reason_code")


def _mask(tx: Transaction, row: Mapping[str, Any], sees: Collection[str]) -> Mask:
    held, sealed = content_of(tx, row), sealed_values(tx, row)
    return mask_for(held, sealed, sees) if held is not None and sealed is not None else Mask()


def _changes(tx: Transaction, row: Mapping[str, Any], body: Mapping[str, Any], mask: Mask) -> tuple[str, ...]:
    held, sealed = content_of(tx, row), sealed_values(tx, row)
    if held is None or sealed is None:
        return ()
    if held.action is None:
        return (f"answer {mask(sealed.draft_answer)} → {mask(body.get('answer', ''))}",)
    return differences(sealed.arguments, body.get("arguments", ""), mask)
