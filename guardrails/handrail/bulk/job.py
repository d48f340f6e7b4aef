"""What is done to each row of a file, and the rows that it makes of a chunk."""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

from handrail.bulk.chunks import Chunk, records_in

RowFunction: TypeAlias = Callable[[int, object], Mapping[str, Any] | None]


class RowJob(Protocol):
    """What is done to each row. It goes to other processes: small, hashable, picklable."""

    def __hash__(self) -> int: ...

    def key(self) -> str:
        """Return what tells this job from others: two jobs with one key make the same rows."""

    def prepared(self) -> RowFunction:
        """Return the function of a row; pure. It is made once in each process."""


def rows_of(job: RowJob, chunk: Chunk) -> tuple[int, bytes]:
    """Return a chunk's number and its rows as JSON lines; the same bytes on every engine."""
    function = _prepared(job)
    lines = []
    for number, record in records_in(chunk):
        row = function(number, record)
        if row is not None:
            lines.append(json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":")))
    return chunk.number, "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")


@lru_cache(maxsize=1)
def _prepared(job: RowJob) -> RowFunction:
    return job.prepared()
