"""Rows of the decision log as a file: JSON lines, or Parquet. A file appears whole or not at all."""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from handrail.bulk.chunks import JSON_COLUMNS
from handrail.errors import MissingExtra
from handrail.policy.runtime.log_row import LogRow, as_data

GROUP = 10_000
NUMBERS = ("asked", "v")
TEXTS = (
    *("outcome", "at", "tenant", "exchange", "stage", "effect", "role", "model", "adapter", "policy"),
    *("customer", "conversation", "ticket", "grant", "verdict"),
)


def write_jsonl(rows: Iterable[LogRow], file: IO[str]) -> int:
    """Write rows as JSON lines; returns how many."""
    count = 0
    for row in rows:
        file.write(json.dumps(as_data(row), ensure_ascii=False, separators=(",", ":")) + "\n")
        count += 1
    return count


def export_jsonl(rows: Iterable[LogRow], path: Path) -> int:
    """Write rows to a file of JSON lines; returns how many."""
    unfinished = path.with_name(path.name + ".unfinished")
    with unfinished.open("w", encoding="utf-8") as file:
        count = write_jsonl(rows, file)
    _finish(unfinished, path)
    return count


def export_parquet(rows: Iterable[LogRow], path: Path) -> int:
    """Write rows to a Parquet file (zstd); what has parts is JSON in a column of text. Returns how many.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise MissingExtra("bulk", "pyarrow") from None
    columns = [(name, arrow.string()) for name in (*TEXTS, *JSON_COLUMNS)]
    schema = arrow.schema([*columns, *((name, arrow.int64()) for name in NUMBERS)])
    unfinished, count = path.with_name(path.name + ".unfinished"), 0
    with parquet.ParquetWriter(unfinished, schema, compression="zstd") as writer:
        for group in _groups(rows):
            writer.write_table(arrow.Table.from_pylist(group, schema=schema))
            count += len(group)
    _finish(unfinished, path)
    return count


def _finish(unfinished: Path, path: Path) -> None:
    """Let a whole file take its place; it is on the disk before decisions are pruned because of it."""
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(path)


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
