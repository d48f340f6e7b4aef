"""Runs a job over every row of a file: chunk by chunk, each chunk's rows in a file of its own.

A folder holds a job's rows: `job.json` says which job over which file, `00000.jsonl` and so on hold the rows
of each chunk. A chunk's file appears whole or not at all, so a run that was killed goes on where it was, and
its rows are the same to the byte.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from handrail.bulk.chunks import CHUNK_BYTES, Chunk, chunks_of
from handrail.bulk.job import RowJob, rows_of
from handrail.bulk.tombstones import erased_in
from handrail.errors import ConfigError

Engine: TypeAlias = Literal["processes", "ray"]
Progress: TypeAlias = Callable[[int, int, float], None]
"""Told how many chunks are done, of how many, and how many seconds are left, as far as can be said."""

AHEAD = 2
MANIFEST = "job.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkRun:
    """Where the rows of a run are: one file for each chunk, in order. `resumed` counts those found there."""

    folder: Path
    chunks: int
    resumed: int

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield every row, in the order of the file that was read."""
        for number in range(self.chunks):
            with _part(self.folder, number).open("rb") as lines:
                for line in lines:
                    yield json.loads(line)


def run(
    job: RowJob,
    source: Path,
    folder: Path,
    *,
    workers: int = 1,
    engine: Engine = "processes",
    progress: Progress | None = None,
) -> BulkRun:
    """Run a job over a file; what an earlier run of it left in the folder is kept.

    Args:
        job: what is done to each row.
        source: JSON lines, plain or gzip, or Parquet.
        folder: where rows are written; it is made if it is not there.
        workers: how many processes; 1 works in this one.
        engine: `processes` here, or `ray`: on the cluster that RAY_ADDRESS names, else a local one.
            A cluster's machines must see the file under the same path.
        progress: told after each chunk.

    Raises:
        ConfigError: the folder holds another job's rows, or a file cannot be used.
        MissingExtra: a package for the engine or the file is not installed.
    """
    chunks = chunks_of(source)
    _claim(folder, job, source)
    left = [chunk for chunk in chunks if not _part(folder, chunk.number).exists()]
    done, began = len(chunks) - len(left), time.monotonic()
    for count, (number, rows) in enumerate(_engine(engine)(job, left, workers), 1):
        _keep(_part(folder, number), rows)
        if progress is not None:
            progress(done + count, len(chunks), (time.monotonic() - began) / count * (len(left) - count))
    return BulkRun(folder=folder, chunks=len(chunks), resumed=done)


def _engine(name: Engine) -> Callable[[RowJob, list[Chunk], int], Iterator[tuple[int, bytes]]]:
    if name == "ray":
        from handrail.bulk.on_ray import on_ray

        return on_ray
    return _in_processes


def _in_processes(job: RowJob, chunks: list[Chunk], workers: int) -> Iterator[tuple[int, bytes]]:
    """Yield chunks as they are done. At most `AHEAD` for each worker are under way, which bounds memory."""
    if workers <= 1:
        yield from (rows_of(job, chunk) for chunk in chunks)
        return
    import multiprocessing
    from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait

    waiting = iter(chunks)
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        under_way: set[Future[tuple[int, bytes]]] = set()
        try:
            while True:
                while len(under_way) < AHEAD * workers and (chunk := next(waiting, None)) is not None:
                    under_way.add(pool.submit(rows_of, job, chunk))
                if not under_way:
                    return
                finished, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in finished)
        finally:
            for future in under_way:
                future.cancel()


def _claim(folder: Path, job: RowJob, source: Path) -> None:
    """Say in the folder whose rows it holds.

    Raises:
        ConfigError: it holds another's.
    """
    stat = source.stat()
    told = {
        "job": hashlib.sha256(job.key().encode()).hexdigest(),
        "file": hashlib.sha256(str(source.resolve()).encode()).hexdigest(),
        "bytes": stat.st_size,
        "changed_ns": stat.st_mtime_ns,
        "chunk_bytes": CHUNK_BYTES,
        "erased": sorted(erased_in(source)),
    }
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / MANIFEST
    if not manifest.exists():
        if any(folder.glob("*.jsonl")):
            raise ConfigError(f"{folder} holds rows of something else; name an empty folder")
        _keep(manifest, json.dumps(told).encode())
        return
    try:
        found = json.loads(manifest.read_bytes())
    except ValueError:
        found = None
    if found != told:
        raise ConfigError(f"{folder} holds the rows of another job or file; name another folder")


def _part(folder: Path, number: int) -> Path:
    return folder / f"{number:05}.jsonl"


def _keep(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
