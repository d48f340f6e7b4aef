"""Checks what one tenant sees of the audit log, where row-level security shows no other tenant's entries.

Chains are each connection's and hold entries of every tenant (see decision record 0010), so between two
entries of one tenant there may be entries that nobody here may read. This check finds less than `verify`:

* An own entry that was altered, or that lies outside its chain or does not follow the own entry right before
  it, is found. So is an end of a chain that the key did not write, or that differs from an own entry there.
* Whatever authorises is compared with the own entries: a ticket's step, a resolution, a use, an entry of the
  ledger or a hold that was added, changed or taken away on one of the two sides is found.
* An own entry of another kind (who looked, who unmasked) that was taken out between others' entries is not
  found, and neither are totals of the ledger that were altered. `handrail audit verify` finds both.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, select

from handrail.store.audit.chain import DECISIONS, entry_hash
from handrail.store.audit.standing import Standing
from handrail.store.audit.verify import CHUNK, Problem, Report, at_one_moment, ends_not_written
from handrail.store.crypto.keys import KeyRing
from handrail.store.tables import audit, audit_heads


def verify_tenant(conn: Connection, ring: KeyRing, tenant: str) -> Report:
    """Check a tenant's own entries, and that what authorises stands as they say; see above."""
    at_one_moment(conn)
    heads: dict[str, Any] = {row.writer: row for row in conn.execute(select(audit_heads))}
    standing, problems, entries, writers = Standing(), list[Problem](), 0, set[str]()
    before: Mapping[str, Any] | None = None
    query = select(audit).where(audit.c.tenant == tenant).order_by(audit.c.writer, audit.c.seq)
    for found in conn.execute(query.execution_options(yield_per=CHUNK)):
        row = dict(found._mapping)
        where = f"{row['writer']}#{row['seq']}"
        problems += [Problem(where=where, what=what) for what in _wrong(row, before, heads)]
        standing.note(row)
        entries, before = entries + 1, row
        writers.add(row["writer"])
    problems += [
        Problem(where=where, what=what) for where, what in ends_not_written(conn, ring, heads, writers)
    ]
    is_cut = any(head.floor_seq and not name.startswith(DECISIONS) for name, head in heads.items())
    if is_cut and not standing.pruned_before:
        what = "the log was pruned before its tenants were told; the store cannot be compared with it here"
        problems.append(Problem(where="store", what=what))
    else:
        compared = standing.compared_own(conn, ring, tenant)
        problems += [Problem(where=where, what=what) for where, what in compared]
    return Report(
        entries=entries,
        writers=len(writers),
        problems=tuple(problems),
        pruned_before=standing.pruned_before,
        is_whole=False,
    )


def _wrong(
    row: Mapping[str, Any], before: Mapping[str, Any] | None, heads: Mapping[str, Any]
) -> Iterator[str]:
    if entry_hash(row) != row["hash"]:
        yield "it was altered"
    head = heads.get(row["writer"])
    if head is None:
        yield "the end of this chain is not on record"
        return
    if not head.floor_seq < row["seq"] <= head.seq:
        yield "it lies outside its chain"
    if row["seq"] == head.seq and row["hash"] != head.hash:
        yield "the end of this chain was altered"
    previous = None
    if row["seq"] == head.floor_seq + 1:
        previous = head.floor_hash
    elif before is not None and (before["writer"], before["seq"]) == (row["writer"], row["seq"] - 1):
        previous = before["hash"]
    if previous not in (None, row["prev"]):
        yield "it does not follow the entry before it"
