"""Counts over an exported log, by DuckDB; it is told to fetch no extension."""

from pathlib import Path
from typing import Any

from handrail.bulk.chunks import is_parquet
from handrail.bulk.tombstones import erased_in
from handrail.errors import ConfigError, MissingExtra

OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
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
    """Count an export's rows by outcome: how many, of how many exchanges, the first and the last.

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
            raise ConfigError(f"{export}: damaged, or not an export of `handrail log export`") from None
    return [dict(zip(names, map(_plain, row), strict=True)) for row in rows]


def _plain(value: object) -> object:
    return value if isinstance(value, int | str) else str(value)
