"""Rows of the decision log as a file: JSON lines, or Parquet. A file appears whole or not at all."""

import json
from collections.abc import Iterable, Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

from handrail.bulk.chunks import JSON_COLUMNS
from handrail.bulk.whole import whole
from handrail.errors import MissingExtra
from handrail.policy.runtime.log_row import LogRow, as_data

GROUP = 10_000
NUMBERS = ("asked", "v")
TEXTS = (
    *("outcome", "at", "tenant", "exchange", "stage", "effect", "role", "model", "adapter", "policy"),
    *("customer", "conversation", "ticket", "grant", "reviewer", "verdict"),
)


def write_jsonl(rows: Iterable[LogRow], file: IO[str]) -> int:
    """Write rows as JSON lines; returns how many."""
    count = 0
    for row in rows:
        file.write(json.dumps(as_data(row), ensure_ascii=False, separators=(",", ":")) + "\n")
        count += 1
    return count


def export_jsonl(rows: Iterable[LogRow], path: Path) -> int:
    """Write rows to a file of JSON lines; returns how many.

    It is on the disk when this returns, so decisions may be pruned because of it.

    Raises:
        ConfigError: the file cannot be written.
    """
    with whole(path) as file:
        text = TextIOWrapper(file, encoding="utf-8", write_through=True)
        count = write_jsonl(rows, text)
        text.detach()
    return count


def export_parquet(rows: Iterable[LogRow], path: Path) -> int:
    """Write rows to a Parquet file (zstd); what has parts is JSON in a column of text. Returns how many.

    Raises:
        ConfigError: the file cannot be written.
        MissingExtra: pyarrow is not installed.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise MissingExtra("bulk", "pyarrow") from None
    columns = [(name, arrow.string()) for name in (*TEXTS, *JSON_COLUMNS)]
    schema = arrow.schema([*columns, *((name, arrow.int64()) for name in NUMBERS)])
    count = 0
    with whole(path) as file, parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for group in _groups(rows):
            writer.write_table(arrow.Table.from_pylist(group, schema=schema))
            count += len(group)
    return count


def _groups(rows: Iterable[LogRow]) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    for row in rows:
        group.append(_flat(as_data(row)))
        if len(group) == GROUP:
            yield group
            group = []
    if group:
        yield group


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(value, ensure_ascii=False, separators=(",", ":")) if name in JSON_COLUMNS else value
        for name, value in row.items()
    }
