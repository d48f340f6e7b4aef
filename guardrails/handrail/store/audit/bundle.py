"""One case as a file that is checked without the store: ticket, resolutions, policy, chain, views."""

# A bundle is a ZIP archive of JSON files, none compressed, with fixed dates and a fixed order, so that the
# same content is always the same bytes:
#
#   manifest.json     what this is, whose, when it was made, whether the store was intact then, and the
#                     SHA-256 of every other file
#   ticket.json       the ticket as a reviewer sees it, masked
#   resolutions.json  what people decided, in the columns that are on record and signed
#   policy.json       the content of the policy that stopped the exchange; its SHA-256 is the policy's
#   chain.jsonl       entries of the audit chains: of each writer that wrote about the ticket, all from its
#                     first entry about it to its end, so that they can be followed. Of chains of decisions,
#                     and where another tenant's entries lie between, only the ticket's own
#   views.json        who looked at the ticket or had texts of it unmasked, when: from the chain
#   unmasked.json     only if asked for, by a person of its roles, on record; with it the reasons that people
#                     wrote, which are sealed in the chain
#   signature.json    the key's id, and the signature (Ed25519) over the manifest; without a key, its SHA-256
#
# Nothing in it is secret but what the ticket holds: no key, and nobody's words that a role may not see. Who
# can rewrite a whole bundle can make an unsigned one fit again; its SHA-256, kept elsewhere, or a signature
# shows that. `handrail.store.audit.bundle_check` is the other side.

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from handrail.store.audit.chain import DECISIONS
from handrail.store.crypto.signing import SIGNED, Signer
from handrail.store.tables import audit, policy_texts, resolutions

FORMAT: Final = "handrail case 1"
MANIFEST, SIGNATURE = "manifest.json", "signature.json"
TICKET, RESOLUTIONS, POLICY = "ticket.json", "resolutions.json", "policy.json"
CHAIN, VIEWS, UNMASKED = "chain.jsonl", "views.json", "unmasked.json"
VIEW_KINDS: Final = frozenset({"ticket.view", "ticket.unmask", "ticket.bundle"})
"""Kinds of entries that say that somebody saw a ticket."""
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What goes into a bundle: the masked view of a ticket as plain data, and what was asked for."""

    tenant: str
    ticket: str
    view: Mapping[str, Any]
    policy: str
    """SHA-256 of the policy that stopped the exchange, empty once the ticket's subject was erased."""
    problems: Sequence[str]
    """What is wrong in the store, as `verify` says."""
    pruned_before: int = 0
    """Until when the log was pruned, in microseconds."""
    unmasked: Mapping[str, Any] | None = None
    policies: Mapping[str, str] = field(default_factory=dict)
    """Content of policies that the store does not hold, by SHA-256."""


def bundle(conn: Connection, case: Case, *, made_at: datetime, signer: Signer | None) -> bytes:
    """Return the bundle of a case."""
    entries = list(_entries(conn, case.tenant, case.ticket))
    files = {
        TICKET: _json(case.view),
        RESOLUTIONS: _json(list(_resolutions(conn, case.tenant, case.ticket))),
        CHAIN: b"".join(_line(entry) for entry in entries),
        VIEWS: _json(views_of(entries, case.tenant, case.ticket)),
    }
    policy = (
        case.policies.get(case.policy)
        or conn.execute(select(policy_texts.c.content).where(policy_texts.c.sha256 == case.policy)).scalar()
    )
    if policy is not None:
        files[POLICY] = policy.encode()
    if case.unmasked is not None:
        files[UNMASKED] = _json(case.unmasked)
    manifest = {
        "format": FORMAT,
        "tenant": case.tenant,
        "ticket": case.ticket,
        "policy": case.policy,
        "made_at": made_at.isoformat(),
        "problems": list(case.problems),
        "pruned_before": case.pruned_before,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    files[MANIFEST] = _json(manifest)
    files[SIGNATURE] = _json(_signature(files[MANIFEST], signer))
    return packed(files)


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return the archive of some files: always the same bytes for the same files; pure."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system, info.external_attr = 3, 0o600 << 16
            archive.writestr(info, files[name])
    return buffer.getvalue()


def signed_part(manifest: bytes) -> bytes:
    """Return what a bundle's signature is over; pure."""
    return b"handrail case 1\n" + manifest


def views_of(entries: Sequence[Mapping[str, Any]], tenant: str, ticket: str) -> list[dict[str, Any]]:
    """Return who saw a ticket and when, from entries of the chain, oldest first; pure."""
    seen = [
        {
            "kind": entry["kind"],
            "person": entry["actor"],
            "role": entry["role"],
            "at": entry["at"],
            "data": json.loads(entry["data"]),
        }
        for entry in entries
        if entry["kind"] in VIEW_KINDS and (entry["tenant"], entry["ticket"]) == (tenant, ticket)
    ]
    return sorted(seen, key=lambda view: (view["at"], view["kind"], view["person"]))


def _signature(manifest: bytes, signer: Signer | None) -> dict[str, str]:
    if signer is None:
        return {"key_id": "", "sha256": hashlib.sha256(manifest).hexdigest()}
    signature = base64.b64encode(signer.private.sign(signed_part(manifest))).decode()
    return {"key_id": signer.key_id, "signature": signature}


def _resolutions(conn: Connection, tenant: str, ticket: str) -> Iterator[dict[str, Any]]:
    query = (
        select(resolutions)
        .where(resolutions.c.tenant == tenant, resolutions.c.ticket == ticket)
        .order_by(resolutions.c.round, resolutions.c.turn)
    )
    for row in conn.execute(query):
        plain = {name: row._mapping[name] for name in SIGNED}
        signature = base64.b64encode(bytes(row.signature)).decode() if row.signature is not None else None
        yield {**plain, "is_final": bool(row.is_final), "mac": row.mac, "signature": signature}


def _entries(conn: Connection, tenant: str, ticket: str) -> Iterator[dict[str, Any]]:
    """Yield entries writer by writer, in order; see at the top which."""
    own = (audit.c.tenant == tenant) & (audit.c.ticket == ticket)
    first: dict[str, int] = {}
    for row in conn.execute(select(audit.c.writer, audit.c.seq).where(own)):
        first[row.writer] = min(row.seq, first.get(row.writer, row.seq))
    for writer, seq in sorted(first.items()):
        since = (audit.c.writer == writer) & (audit.c.seq >= seq)
        others = select(audit.c.seq).where(since, audit.c.tenant.not_in((tenant, ""))).limit(1)
        is_apart = writer.startswith(DECISIONS) or conn.execute(others).first() is not None
        where = since & own if is_apart else since
        for row in conn.execute(select(audit).where(where).order_by(audit.c.seq)):
            yield dict(row._mapping)


def _json(value: object) -> bytes:
    return (json.dumps(value, sort_keys=True, ensure_ascii=False, indent=1) + "\n").encode()


def _line(entry: Mapping[str, Any]) -> bytes:
    return (json.dumps(entry, sort_keys=True, ensure_ascii=False) + "\n").encode()
