"""The audit chain: each writer's entries hold the hash of the one before, so that no byte changes unseen."""

# Every step of a ticket, every block and every reserved action is an entry of the table `audit`, written in
# the transaction that it describes: there is no step without its entry and no entry without its step.
#
# One chain for all would make every writer wait for every other. So each database connection is a writer
# with a chain of its own: a random name, numbers without a gap, and in each entry (`prev`) the hash of the
# entry before. The hash covers every column in the order of `FIELDS`, as compact JSON; the first entry
# follows `genesis`, which is the hash of the writer's name. The table `audit_heads` holds the number and
# hash of each chain's last entry.
#
#     genesis(w) ◀── w#1 ◀── w#2 ◀── w#3        audit_heads: w, 3, hash of w#3
#
# Invariant: a chain in the database has no gap and no fork. A connection remembers the end of its chain
# between transactions (`HEAD`). What it appends counts only once the commit is known to have happened: until
# then the new end is `PENDING`, `keep` makes it the end after the commit, and after any failure `forget`
# drops both. Whether a commit that broke down has happened cannot be known, so the connection then starts a
# new chain under a new name. It never continues one whose end it is not sure of.
#
# `verify` walks all chains. An altered entry no longer fits its hash, a deleted one leaves a gap, a chain
# that was cut ends before its head, a writer that was removed has a head without entries; and every version
# of every ticket must be on some chain. Heads carry a keyed hash, so who can rewrite the whole table and has
# no key cannot make all of this fit again. Who has an older copy of it can put that back: a checkpoint, the
# signed heads kept on another machine, shows that too. Retention cuts chains from their start: `floor_seq`
# and `floor_hash` say from where a chain is still whole.
#
# Decisions are many and are kept for a shorter time than what was done to tickets, and a chain can be cut
# from its start only. So each connection has two chains, one of decisions alone (its writer's name begins
# with `log-`) and one of everything else; each is continued and verified by itself.
#
# The names of kinds and columns are part of what is hashed. They are never rewritten.
#
# Proofs: `tests/contract/test_stores_upkeep.py` (each column altered, entries deleted, ends and writers cut,
# a checkpoint kept elsewhere), `tests/contract/test_store_0_1.py` (chains that an earlier version wrote) and
# `tests/prove/test_chaos.py` (processes killed between append and commit).

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, literal_column, select

from handrail.store.crypto.authentic import mac_of
from handrail.store.crypto.keys import KeyRing
from handrail.store.prepared import Prepared, PreparedRows, Statements, commit_together
from handrail.store.tables import audit, audit_heads, insert_into, micros, outbox

HEAD = "handrail_head"
PENDING = "handrail_pending_head"
DECISIONS = "log-"
"""How the names of writers begin whose chains hold decisions alone."""
FIELDS = ("writer", "seq", "tenant", "ticket", "version", "kind", "actor", "role", "at", "data", "prev")


_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_sorted = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode

# On PostgreSQL nobody who appends may write the keyed hash; see `Transaction.mac`.
END = {"sqlite": ("seq", "hash", "mac"), "postgresql": ("seq", "hash")}


# Made once: every entry is written with them, and every reader's check.
_row_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_data_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that must be on record. `data` holds codes, ids and counts, never scanned text."""

    tenant: str
    kind: str
    at: datetime
    ticket: str = ""
    version: int = 0
    actor: str = ""
    role: str = ""
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Head:
    """End of one writer's chain."""

    writer: str
    seq: int
    hash: str


def genesis(writer: str) -> str:
    """Return the hash before a writer's first entry; pure."""
    return hashlib.sha256(f"handrail|{writer}".encode()).hexdigest()


def entry_hash(row: Mapping[str, object]) -> str:
    """Return the hash of one entry over all its columns; pure."""
    text = _compact([row[name] for name in FIELDS])
    return hashlib.sha256(text.encode()).hexdigest()


def entry_row(event: Event, *, writer: str, seq: int, prev: str) -> dict[str, object]:
    """Return the columns of one entry with its hash; pure.

    Raises:
        ValueError, TypeError: something in it is neither JSON nor text that can be encoded.
    """
    row: dict[str, object] = {
        "writer": writer,
        "seq": seq,
        "tenant": event.tenant,
        "ticket": event.ticket,
        "version": event.version,
        "kind": event.kind,
        "actor": event.actor,
        "role": event.role,
        "at": micros(event.at),
        "data": _sorted(dict(event.data)),
        "prev": prev,
    }
    row["hash"] = entry_hash(row)
    return row


def records(entry: Mapping[str, Any], resolution: Mapping[str, Any]) -> bool:
    """Return whether an entry is unaltered and records this resolution as its row stands; pure."""
    try:
        data = json.loads(entry["data"])
    except ValueError:
        return False
    said = {name: data.get(name) for name in ("verdict", "digest", "turn")}
    said |= {"person": entry["actor"], "role": entry["role"]}
    # Earlier versions did not write these.
    said |= {name: data[key] for name, key in (("slot", "slot"), ("expires_at", "expires")) if key in data}
    is_complete = resolution["mac"] is None or "expires" in data
    return (
        is_complete
        and entry_hash(entry) == entry["hash"]
        and all(resolution[name] == value for name, value in said.items())
    )


def end_mac(ring: KeyRing, writer: str, seq: int, end: str) -> str:
    """Return the keyed hash of a chain's end; pure."""
    return mac_of(ring, "audit_heads", {"writer": writer, "seq": seq, "hash": end})


def floor_mac(ring: KeyRing, writer: str, seq: int, floor: str) -> str:
    """Return the keyed hash of where a chain begins; pure."""
    return mac_of(ring, "audit_heads.floor", {"writer": writer, "seq": seq, "hash": floor})


def append(
    conn: Connection,
    events: Sequence[Event],
    letters: Sequence[Mapping[str, Any]] = (),
    later: Statements = (),
    *,
    ring: KeyRing | None = None,
) -> None:
    """Append events to this connection's chain, as the last thing in its transaction.

    `keep` makes the new end count once the transaction was committed. `letters` are rows for the outbox that
    go with them; `later` are statements whose answer nobody waits for. PostgreSQL gets all of it, with the
    commit, on one way. `ring` authenticates the new end.
    """
    heads = {**conn.info.get(HEAD, {}), **conn.info.get(PENDING, {})}
    rows, ends = [], {}
    for event in events:
        prefix = DECISIONS if event.kind.startswith("decision.") else ""
        head = heads.get(prefix) or _new_head(prefix)
        row = entry_row(event, writer=head.writer, seq=head.seq + 1, prev=head.hash)
        rows.append(row)
        heads[prefix] = ends[prefix] = Head(head.writer, head.seq + 1, str(row["hash"]))
    conn.info[PENDING] = heads
    is_postgres = conn.dialect.name == "postgresql"
    statements = [*later, *((_LETTER, item) for item in letters), *_entries(rows, is_postgres=is_postgres)]
    statements += [(_END, _new_end(head, ring)) for head in ends.values()]
    if is_postgres:
        commit_together(conn, statements)
        return
    for prepared, values in statements:
        prepared(conn, values)


def _new_end(head: Head, ring: KeyRing | None) -> dict[str, Any]:
    start = genesis(head.writer)
    return {
        "end_writer": head.writer,
        "end_seq": head.seq,
        "end_hash": head.hash,
        "end_mac": ring and end_mac(ring, head.writer, head.seq, head.hash),
        "start_hash": start,
        "start_mac": ring and floor_mac(ring, head.writer, 0, start),
    }


def _entries(rows: Sequence[Mapping[str, Any]], *, is_postgres: bool) -> Statements:
    tenants = list(dict.fromkeys(row["tenant"] for row in rows))
    if not is_postgres or len(tenants) == 1:
        return _ENTRIES.statements(rows, is_postgres=is_postgres)
    found: list[tuple[Prepared, Mapping[str, Any]]] = []
    for tenant in tenants:
        # Row-level security lets a connection write entries of the tenant that it names.
        found.append((_NAME_TENANT, {"tenant": tenant}))
        own = [row for row in rows if row["tenant"] == tenant]
        found += _ENTRIES.statements(own, is_postgres=True)
    return found


def _end(dialect: str) -> Any:
    statement = insert_into(audit_heads, dialect).values(
        writer=bindparam("end_writer"),
        seq=bindparam("end_seq"),
        hash=bindparam("end_hash"),
        floor_seq=literal_column("0"),
        floor_hash=bindparam("start_hash"),
        mac=bindparam("end_mac"),
        floor_mac=bindparam("start_mac"),
    )
    new = {name: statement.excluded[name] for name in END[dialect]}
    return statement.on_conflict_do_update(index_elements=["writer"], set_=new)


_ENTRIES = PreparedRows(audit)
_NAME_TENANT = Prepared(
    lambda _: select(func.set_config("handrail.tenant", bindparam("tenant"), literal_column("true")))
)
_LETTER = Prepared(lambda _: outbox.insert())
_END = Prepared(_end)


def _new_head(prefix: str) -> Head:
    writer = prefix + secrets.token_hex(8)
    return Head(writer, 0, genesis(writer))


def keep(conn: Connection) -> None:
    """Let the chain go on from here: the transaction was committed."""
    head = conn.info.pop(PENDING, None)
    if head is not None:
        conn.info[HEAD] = head


def forget(conn: Connection) -> None:
    """Start a new chain next time if one was appended to: whether that was committed is not known."""
    if conn.info.pop(PENDING, None) is not None:
        conn.info.pop(HEAD, None)
