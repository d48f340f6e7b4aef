"""What is done to each row of a file, and the rows that it makes of a chunk."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

from handrail.bulk.chunks import Chunk, Form, records_in

RowFunction: TypeAlias = Callable[[int, Any], Mapping[str, Any] | None]
MEASURED = "measured"
"""Name in a row of what is not the same twice, such as how long it took: every row of a job has it, or none.

It is kept beside the rows.
"""


class RowJob(Protocol):
    """What is done to each row. It goes to other processes: small, hashable, picklable."""

    def __hash__(self) -> int: ...

    def key(self) -> str:
        """Return what tells this job from others: two jobs with one key make the same rows."""

    def prepared(self) -> RowFunction:
        """Return the function of a row; pure. It is made once in each process."""


@runtime_checkable
class FileJob(RowJob, Protocol):
    """A job that says in which form it reads a file; others read records."""

    def form_of(self, path: Path) -> Form:
        """Return the form of a file, by its name."""


class ChunkRows(NamedTuple):
    """The rows of a chunk as JSON lines, the same bytes on every engine; and what was measured of each."""

    number: int
    rows: bytes
    measured: bytes = b""


def rows_of(job: RowJob, chunk: Chunk) -> ChunkRows:
    """Return a chunk's rows."""
    rows, measured = [], []
    for row, beside in lines_of(job, chunk):
        rows.append(row)
        measured.append(beside)
    return ChunkRows(chunk.number, b"".join(rows), b"".join(measured))


def lines_of(job: RowJob, chunk: Chunk) -> Iterator[tuple[bytes, bytes]]:
    """Yield each row of a chunk and what was measured of it, if anything was."""
    function = _prepared(job)
    for number, record in records_in(chunk):
        row = function(number, record)
        if row is None:
            continue
        if MEASURED in row:
            rest = {name: value for name, value in row.items() if name != MEASURED}
            yield _line(rest), _line(row[MEASURED])
        else:
            yield _line(row), b""


def _line(data: object) -> bytes:
    text = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"{text}\n".encode("utf-8", "surrogatepass")


@lru_cache(maxsize=1)
def _prepared(job: RowJob) -> RowFunction:
    return job.prepared()
