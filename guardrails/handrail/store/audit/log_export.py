"""The decision log for other programs: its rows by time, and what was exported where."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, select

from handrail.policy.runtime.log_row import LogRow, UnreadableRow, read_row
from handrail.store.audit.entry import SOURCES, Hashed
from handrail.store.tables import audit, erasures, micros, moment

EXPORTED: Final = "log.export"
CHUNK: Final = 1000
HASH_DIGITS: Final = 32


def rows(
    conn: Connection, hashed: Hashed, since: datetime | None, until: datetime | None
) -> Iterator[LogRow]:
    """Yield the log's rows by time, exchanges and tickets as keyed hashes; erased customers are left out.

    Args:
        conn: reads every tenant.
        hashed: gives the keyed hash of a tenant and an id.
        since: leaves out what is older.
        until: leaves out what is not.
    """
    erased = {row.subject[:HASH_DIGITS] for row in conn.execute(select(erasures.c.subject))}
    sources = _sources(conn)
    whose = (audit.c.tenant, audit.c.ticket, audit.c.role, audit.c.actor)
    query = select(*whose, audit.c.kind, audit.c.at, audit.c.data)
    if since is not None:
        query = query.where(audit.c.at >= micros(since))
    if until is not None:
        query = query.where(audit.c.at < micros(until))
    query = query.order_by(audit.c.at, audit.c.writer, audit.c.seq)
    for entry in conn.execution_options(yield_per=CHUNK).execute(query):
        row = _row(dict(entry._mapping))
        if row is not None and row.customer not in erased:
            yield _outward(row, hashed, sources.get(row.policy, {}))


def _row(entry: Mapping[str, Any]) -> LogRow | None:
    record = {**entry, "at": moment(entry["at"]).isoformat(), "data": json.loads(entry["data"])}
    try:
        return read_row(record)
    except UnreadableRow:
        return None


def _outward(row: LogRow, hashed: Hashed, sources: Mapping[str, str]) -> LogRow:
    def hidden(value: str) -> str:
        return hashed(row.tenant, "exchange", value)[:HASH_DIGITS] if value else ""

    known = {name: sources[name] for name in row.facts or () if name in sources}
    return replace(
        row,
        exchange=hidden(row.exchange),
        ticket=hidden(row.ticket),
        grant=hidden(row.grant),
        reviewer=hashed(row.tenant, "person", row.reviewer)[:HASH_DIGITS] if row.reviewer else "",
        sources=known,
    )


def _sources(conn: Connection) -> dict[str, Mapping[str, str]]:
    found = (
        json.loads(row.data) for row in conn.execute(select(audit.c.data).where(audit.c.kind == SOURCES))
    )
    return {data["policy"]: data["sources"] for data in found}


def exports(conn: Connection) -> list[dict[str, Any]]:
    """Return what is on record of exports, oldest first."""
    query = select(audit.c.data).where(audit.c.kind == EXPORTED).order_by(audit.c.at, audit.c.seq)
    return [json.loads(row.data) for row in conn.execute(query)]


def covered_until(found: list[dict[str, Any]]) -> int:
    """Return up to which moment, in microseconds, exports hold everything from the beginning; pure."""
    end = 0
    for one in sorted(found, key=lambda one: int(one["since"])):
        if int(one["since"]) <= end:
            end = max(end, int(one["until"]))
    return end


def stats(conn: Connection) -> list[dict[str, Any]]:
    """Count entries by kind, the most frequent first."""
    size = func.sum(func.length(audit.c.data))
    columns = (func.count().label("entries"), size.label("bytes"), func.min(audit.c.at).label("first"))
    query = select(audit.c.kind, *columns, func.max(audit.c.at).label("last")).group_by(audit.c.kind)
    return [
        {
            "kind": row.kind,
            "entries": row.entries,
            "bytes": int(row.bytes),
            "first": moment(row.first).isoformat(),
            "last": moment(row.last).isoformat(),
        }
        for row in conn.execute(query.order_by(func.count().desc(), audit.c.kind))
    ]
