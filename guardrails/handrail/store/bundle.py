"""Reads a case out of a store for its bundle: masked unless a person of its roles asked for more."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from handrail.store.audit.bundle import Case, bundle
from handrail.store.audit.verify import Report
from handrail.store.crypto.sealing import Erased
from handrail.store.crypto.signing import Signer
from handrail.store.tables import resolutions
from handrail.store.tickets.actor import Actor
from handrail.store.tickets.attempts import attempts_of
from handrail.store.tickets.claim import history, view
from handrail.store.tickets.rows import load, resolution_text, sealed_part
from handrail.store.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleRequest:
    """What a bundle shall hold, and who makes it.

    `reader` is the person of the ticket's roles for whom texts are unmasked, None to leave them masked.
    `policies` are contents of policies by SHA-256, for a ticket whose policy the store does not hold.
    """

    by: str
    reader: Actor | None = None
    signer: Signer | None = None
    policies: Mapping[str, str] = field(default_factory=dict)


def case_bundle(
    tx: Transaction, ticket: str, wanted: BundleRequest, report: Report, *, made_at: datetime
) -> bytes:
    """Return the bundle of a case as it stands."""
    row, view_ = load(tx, ticket, for_update=False), _view(tx, ticket)
    case = Case(
        tenant=tx.tenant,
        ticket=ticket,
        view=view_,
        policy=view_["ticket"]["policy"]["sha256"] if view_["ticket"] else row.policy_sha256,
        problems=[f"{problem.where}: {problem.what}" for problem in report.problems],
        pruned_before=report.pruned_before,
        unmasked=_unmasked(tx, ticket) if wanted.reader is not None else None,
        policies=wanted.policies,
    )
    return bundle(tx.conn, case, made_at=made_at, signer=wanted.signer)


def _view(tx: Transaction, ticket: str) -> dict[str, Any]:
    """Return the masked view as plain data, with what came in later but its words."""
    plain = view(tx, ticket).model_dump(mode="json")
    plain["attempts"] = [
        {"exchange": one.exchange, "at": one.at.isoformat(), "rules": list(one.rules), "note": one.note}
        for one in attempts_of(tx, ticket)
    ]
    return plain


def _unmasked(tx: Transaction, ticket: str) -> dict[str, Any]:
    sealed = sealed_part(tx, load(tx, ticket, for_update=False))
    query = (
        select(resolutions)
        .where(resolutions.c.tenant == tx.tenant, resolutions.c.ticket == ticket)
        .order_by(resolutions.c.round, resolutions.c.turn)
    )
    said = {}
    for row in tx.conn.execute(query):
        try:
            said[row.id] = resolution_text(tx, ticket, row._mapping) if row.content is not None else ""
        except Erased:
            said[row.id] = ""
    return {
        "texts": sealed.model_dump(mode="json") if sealed is not None else None,
        "attempts": {one.exchange: one.text for one in attempts_of(tx, ticket)},
        "resolutions": said,
        "reasons": [
            {"kind": one.kind, "person": one.actor, "at": one.at.isoformat(), "why": one.data["why"]}
            for one in history(tx, ticket)
            if one.data.get("why")
        ],
    }
