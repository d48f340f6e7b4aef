"""Counts over an exported log, by DuckDB; it is told to fetch no extension."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from handrail.bulk.chunks import chunks_of, is_parquet, records_in
from handrail.bulk.tombstones import erased_in
from handrail.errors import ConfigError, MissingExtra
from handrail.policy.runtime.log_row import OUTCOMES, UnreadableRow, read_row

OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
UNREADABLE: Final = "unreadable"
_NO_EXPORT: Final = "{}: damaged, or no decision log"
_QUERY = """
SELECT outcome, count(*) AS rows, count(DISTINCT exchange) AS exchanges, min("at") AS first, max("at") AS last
FROM {reader} WHERE NOT list_contains(?::VARCHAR[], coalesce(customer, ''))
GROUP BY outcome ORDER BY rows DESC, outcome
"""
_COLUMNS = "{'outcome': 'VARCHAR', 'exchange': 'VARCHAR', 'at': 'VARCHAR', 'customer': 'VARCHAR'}"
_READERS = {
    True: "read_parquet(?)",
    False: f"read_json(?, format = 'newline_delimited', columns = {_COLUMNS})",
}


def stats(export: Path) -> list[dict[str, Any]]:
    """Count a log's rows by outcome: how many, of how many exchanges, the first and the last.

    What is no row, in a log that is not of `handrail log export`, is counted as `unreadable`.

    Raises:
        ConfigError: it is no export of the decision log.
        MissingExtra: duckdb is not installed.
    """
    try:
        import duckdb
    except ImportError:
        raise MissingExtra("bulk", "duckdb") from None
    if not export.is_file():
        raise ConfigError(f"{export}: there is no such file")
    reader = _READERS[is_parquet(export)]
    with duckdb.connect(config=OFFLINE) as db:
        try:
            found = db.execute(_QUERY.format(reader=reader), [str(export), sorted(erased_in(export))])
            names, rows = [column[0] for column in found.description], found.fetchall()
        except duckdb.Error:
            raise ConfigError(_NO_EXPORT.format(export)) from None
    lines = [dict(zip(names, map(_plain, row), strict=True)) for row in rows]
    if all(line["outcome"] in OUTCOMES for line in lines):
        return lines
    return _counted(export)


def _counted(export: Path) -> list[dict[str, Any]]:
    """Count a log whose rows do not name their outcome: entries of an audit log, or single decisions.

    Raises:
        ConfigError: nothing in it is a row.
    """
    found: dict[str, _Outcome] = defaultdict(_Outcome)
    for chunk in chunks_of(export):
        for _, record in records_in(chunk):
            try:
                row = read_row(record)
            except UnreadableRow:
                found[UNREADABLE].take("", "")
                continue
            if row is not None:
                found[row.outcome].take(row.exchange, row.at)
    if not found.keys() - {UNREADABLE}:
        raise ConfigError(_NO_EXPORT.format(export))
    return [
        {
            "outcome": outcome,
            "rows": one.rows,
            "exchanges": len(one.exchanges),
            "first": one.first,
            "last": one.last,
        }
        for outcome, one in sorted(found.items(), key=lambda each: (-each[1].rows, each[0]))
    ]


@dataclass(slots=True)
class _Outcome:
    rows: int = 0
    exchanges: set[str] = field(default_factory=set)
    first: str = ""
    last: str = ""

    def take(self, exchange: str, at: str) -> None:
        self.rows += 1
        if exchange:
            self.exchanges.add(exchange)
        if at:
            self.first, self.last = min(self.first or at, at), max(self.last, at)


def _plain(value: object) -> object:
    return value if isinstance(value, int | str) else str(value)
