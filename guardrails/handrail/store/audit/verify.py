"""Verifies the audit chain: any edit, deletion or truncation is found and named; and exports it."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from handrail.errors import ConfigError
from handrail.store.audit.chain import end_mac, entry_hash, floor_mac, genesis
from handrail.store.audit.standing import Standing
from handrail.store.crypto.keys import KeyRing
from handrail.store.crypto.signing import Signer, Trusted
from handrail.store.tables import audit, audit_heads, micros, moment

CHUNK = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong, and where: a writer and the number of its entry, or a ticket."""

    where: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a verification found; entries before `pruned_before` (microseconds, 0 for none) were pruned.

    `is_whole` says whether every tenant's entries were seen; without them less can be found.
    """

    entries: int
    writers: int
    problems: tuple[Problem, ...] = ()
    pruned_before: int = 0
    is_whole: bool = True

    @property
    def is_intact(self) -> bool:
        """True if nothing was edited, deleted or cut off."""
        return not self.problems


@dataclass(slots=True)
class _Walk:
    """State of the walk along all chains."""

    heads: dict[str, Any]
    known: Mapping[tuple[str, int], str]
    problems: list[Problem] = field(default_factory=list)
    entries: int = 0
    writers: set[str] = field(default_factory=set)
    standing: Standing = field(default_factory=Standing)

    def wrong(self, where: str, what: str) -> None:
        self.problems.append(Problem(where=where, what=what))


def verify(conn: Connection, ring: KeyRing, checkpoint: Mapping[str, Any] | None = None) -> Report:
    """Check every chain, that what authorises stands as the chains say, and that a checkpoint still holds."""
    at_one_moment(conn)
    heads = {row.writer: row for row in conn.execute(select(audit_heads))}
    walk = _Walk(heads, _known(checkpoint))
    _walk_chains(conn, walk)
    for writer, head in heads.items():
        if writer not in walk.writers and head.seq > head.floor_seq:
            walk.wrong(f"{writer}#{head.floor_seq + 1}", "every entry of this writer is gone")
    for writer, seq in walk.known:
        if writer not in heads:
            walk.wrong(f"{writer}#{seq}", "a writer of the checkpoint is gone")
        elif heads[writer].seq < seq:
            walk.wrong(f"{writer}#{seq}", "the chain ends before the checkpoint")
    for where, what in ends_not_written(conn, ring, walk.heads, walk.heads):
        walk.wrong(where, what)
    for where, what in walk.standing.compared(conn, ring):
        walk.wrong(where, what)
    return Report(
        entries=walk.entries,
        writers=len(heads),
        problems=tuple(walk.problems),
        pruned_before=walk.standing.pruned_before,
    )


def _known(checkpoint: Mapping[str, Any] | None) -> dict[tuple[str, int], str]:
    heads = checkpoint["heads"] if checkpoint else {}
    return {(writer, end[0]): end[1] for writer, end in heads.items()}


def _walk_chains(conn: Connection, walk: _Walk) -> None:
    writer, seq, previous = "", 0, ""
    for row in rows_of(conn):
        if row["writer"] != writer:
            _end(walk, writer, seq, previous)
            writer = row["writer"]
            walk.writers.add(writer)
            seq, previous = _start(walk, writer)
        where = f"{writer}#{row['seq']}"
        if row["seq"] != seq + 1:
            walk.wrong(
                f"{writer}#{seq + 1}", "entries are missing here" if row["seq"] > seq else "out of order"
            )
        elif row["prev"] != previous:
            walk.wrong(where, "it does not follow the entry before it")
        if entry_hash(row) != row["hash"]:
            walk.wrong(where, "it was altered")
        if walk.known.get((writer, row["seq"]), row["hash"]) != row["hash"]:
            walk.wrong(where, "it is not the entry of the checkpoint")
        seq, previous = row["seq"], row["hash"]
        walk.entries += 1
        walk.standing.note(row)
    _end(walk, writer, seq, previous)


def _start(walk: _Walk, writer: str) -> tuple[int, str]:
    head = walk.heads.get(writer)
    return (head.floor_seq, head.floor_hash) if head is not None else (0, genesis(writer))


def _end(walk: _Walk, writer: str, seq: int, last: str) -> None:
    head = walk.heads.get(writer)
    if not writer:
        return
    if head is None:
        walk.wrong(f"{writer}#{seq}", "the end of this chain is not on record")
    elif seq < head.seq:
        walk.wrong(f"{writer}#{seq + 1}", f"cut off: {head.seq - seq} entries are gone")
    elif (seq, last) != (head.seq, head.hash):
        walk.wrong(f"{writer}#{seq}", "the end of this chain was altered")


def at_one_moment(conn: Connection) -> None:
    """Let all that a transaction reads be of one moment; nothing was read in it before."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def ends_not_written(
    conn: Connection, ring: KeyRing, heads: Mapping[str, Any], writers: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """Yield the ends and beginnings of these writers' chains that were not written with the key."""
    # On PostgreSQL an older store's ends have none: entries cannot be changed there by whoever appends.
    may_lack = conn.dialect.name == "postgresql"
    for writer in sorted(set(writers) & heads.keys()):
        head = heads[writer]
        end = end_mac(ring, writer, head.seq, head.hash)
        start = floor_mac(ring, writer, head.floor_seq, head.floor_hash)
        if head.mac != end and not (may_lack and head.mac is None):
            yield f"{writer}#{head.seq}", "the end of this chain was not written with the key"
        if head.floor_mac != start and not (may_lack and head.floor_mac is None):
            yield f"{writer}#{head.floor_seq}", "where this chain begins was not written with the key"


def rows_of(conn: Connection, since: datetime | None = None) -> Iterator[dict[str, Any]]:
    """Yield every entry, writer by writer, in order."""
    query = select(audit).order_by(audit.c.writer, audit.c.seq)
    if since is not None:
        query = query.where(audit.c.at >= micros(since))
    for row in conn.execution_options(yield_per=CHUNK).execute(query):
        yield dict(row._mapping)


def exported(conn: Connection, since: datetime | None = None) -> Iterator[dict[str, Any]]:
    """Yield every entry for a file: its data as an object, its time in ISO format, its hashes as they are."""
    for row in rows_of(conn, since):
        yield {**row, "at": moment(row["at"]).isoformat(), "data": json.loads(row["data"])}


def checkpoint(conn: Connection, signer: Signer, *, now: datetime) -> dict[str, Any]:
    """Return the signed ends of all chains; kept elsewhere, it shows what was cut off with its end."""
    heads = {
        row.writer: [row.seq, row.hash]
        for row in conn.execute(select(audit_heads).order_by(audit_heads.c.writer))
    }
    body = {"at": now.isoformat(), "heads": heads, "key_id": signer.key_id}
    return {**body, "signature": base64.b64encode(signer.private.sign(_signed(body))).decode()}


def read_checkpoint(text: str, trusted: Trusted) -> dict[str, Any]:
    """Read a checkpoint and check its signature.

    Raises:
        ConfigError: it is not a checkpoint, or nobody trusted signed it.
    """
    try:
        found: dict[str, Any] = json.loads(text)
        signature = base64.b64decode(found.pop("signature"), validate=True)
    except (ValueError, KeyError, AttributeError):
        raise ConfigError("not a checkpoint") from None
    if not trusted.has_signed(str(found.get("key_id")), signature, _signed(found)):
        raise ConfigError("the checkpoint is not signed by a trusted key")
    return found


def _signed(body: Mapping[str, Any]) -> bytes:
    return b"handrail checkpoint 1\n" + json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
