"""Cuts a file into chunks that can be read alone: JSON lines, plain or gzip, Parquet; tables and texts."""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from io import BufferedIOBase, TextIOWrapper
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from handrail.bulk.tombstones import erased_in
from handrail.errors import ConfigError, MissingExtra

CHUNK_BYTES = 8_000_000
_BLOCK = 1 << 20
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
JSON_COLUMNS = (
    *("rules", "shadow", "reasons", "shadow_reasons", "co_approvers", "parts"),
    *("answers", "facts", "sources", "confidence", "scored", "latency_us", "usage", "labels"),
)
"""Columns of a Parquet export that hold JSON."""

Form: TypeAlias = Literal["records", "lines", "cells", "whole"]
"""How a file is given, row by row: the JSON of each line, None for one that is none; each `Line`; the cells
of each row of CSV; all of it as one text. Parquet is records, whatever was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Part of a file: bytes from `start` to `end` of JSON lines, or row groups of Parquet.

    `number` counts chunks from 0, `line` is the number of its first row, from 1. One that ends at -1 is a
    whole file.
    """

    path: str
    number: int
    start: int
    end: int
    line: int
    form: Form = "records"


class Line(NamedTuple):
    """A line as it is written, without its end, and its JSON; None if it is none."""

    text: str
    data: object


class _Damaged(Exception):
    """Parquet that pyarrow cannot read."""


def chunks_of(path: Path, size: int = CHUNK_BYTES, *, form: Form = "records") -> list[Chunk]:
    """Cut a file into chunks of about `size` bytes; what is compressed, a table or one text is one chunk.

    Raises:
        ConfigError: it cannot be read.
        MissingExtra: it is Parquet, and pyarrow is not installed.
    """
    with _readable(path), path.open("rb") as file:
        kind = file.read(4)
        if kind == _PARQUET:
            return _of_parquet(path)
        if kind.startswith(_GZIP) or form in ("cells", "whole"):
            return [Chunk(path=str(path), number=0, start=0, end=-1, line=1, form=form)]
        file.seek(0)
        return [replace(chunk, form=form) for chunk in _of_lines(path, file, size)]


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say which file cannot be read, and nothing of what stands in it.

    Raises:
        ConfigError: it cannot be opened, or is damaged.
    """
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, csv.Error, _Damaged):
        raise ConfigError(f"{path}: cannot be read: it is damaged, or was not written to its end") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or 'unknown'}") from None


def is_packed(path: Path) -> bool:
    """Tell whether a file is gzip or Parquet rather than text; False for one that cannot be read."""
    return _magic(path).startswith((_GZIP, _PARQUET))


def is_parquet(path: Path) -> bool:
    """Tell whether a file is Parquet, whatever its name; False for one that cannot be read."""
    return _magic(path) == _PARQUET


def _magic(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4)
    except OSError:
        return b""


def _of_lines(path: Path, file: Any, size: int) -> Iterator[Chunk]:
    number, start, at, line, lines = 0, 0, 0, 1, 0
    while block := file.read(_BLOCK):
        at += len(block)
        lines += block.count(b"\n")
        if at - start >= size:
            rest = file.readline()
            at += len(rest)
            lines += rest.endswith(b"\n")
            yield Chunk(path=str(path), number=number, start=start, end=at, line=line)
            number, start, line = number + 1, at, line + lines
            lines = 0
    if at > start:
        yield Chunk(path=str(path), number=number, start=start, end=at, line=line)


def _of_parquet(path: Path) -> list[Chunk]:
    found, line = [], 1
    with _parquet(path) as file:
        for group in range(file.num_row_groups):
            found.append(Chunk(path=str(path), number=group, start=group, end=group + 1, line=line))
            line += file.metadata.row_group(group).num_rows
    return found


@contextmanager
def _parquet(path: Path) -> Iterator[Any]:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise MissingExtra("bulk", "pyarrow") from None
    try:
        with ParquetFile(path) as file:
            yield file
    except (ArrowException, OSError):
        raise _Damaged from None


def records_in(chunk: Chunk) -> Iterator[tuple[int, Any]]:
    """Yield the number of each row, and the row in the form that the chunk says; blank records are skipped.

    Rows of people who were erased since the file was exported are left out.

    Raises:
        ConfigError: the file is damaged, or its tombstones are.
    """
    path = Path(chunk.path)
    erased = erased_in(path)
    with _readable(path):
        for number, record in _records(path, chunk):
            if not (erased and isinstance(record, dict) and record.get("customer") in erased):
                yield number, record


def _records(path: Path, chunk: Chunk) -> Iterator[tuple[int, Any]]:
    with path.open("rb") as file:
        kind = file.read(4)
    if kind == _PARQUET:
        yield from _rows_of(path, chunk)
        return
    is_packed = kind.startswith(_GZIP)
    with path.open("rb") as plain, gzip.open(plain) if is_packed else nullcontext(plain) as file:
        if chunk.form == "whole":
            yield 1, file.read().decode("utf-8", "surrogateescape")
        elif chunk.form == "cells":
            text = TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
            yield from enumerate(csv.reader(text), 1)
        else:
            yield from _lines_in(file, chunk)


def _lines_in(file: BufferedIOBase, chunk: Chunk) -> Iterator[tuple[int, Any]]:
    file.seek(chunk.start)
    at, number = chunk.start, chunk.line
    for line in file:
        if chunk.form == "lines":
            yield number, Line(line.rstrip(b"\r\n").decode("utf-8", "surrogateescape"), _json(line))
        elif line.strip():
            yield number, _json(line)
        at, number = at + len(line), number + 1
        if at >= chunk.end >= 0:
            return


def _rows_of(path: Path, chunk: Chunk) -> Iterator[tuple[int, object]]:
    number = chunk.line
    with _parquet(path) as file:
        for batch in file.iter_batches(row_groups=list(range(chunk.start, chunk.end)), batch_size=4096):
            for row in batch.to_pylist():
                yield number, _unpacked(row)
                number += 1


def _unpacked(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _json(value) if name in JSON_COLUMNS and isinstance(value, str) else value
        for name, value in row.items()
        if value is not None
    }


def _json(text: str | bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
