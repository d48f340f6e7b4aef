"""Runs a job over every row of a file, or of several: chunk by chunk, each chunk's rows in a file of its own.

A folder holds a job's rows: `job.json` says which job over which files, `00000.jsonl` and so on hold the rows
of each chunk, `00000.measured` what is not the same twice. A chunk's file appears whole or not at all, so a
run that was killed goes on where it was, and its rows are the same to the byte.
"""

import hashlib
import json
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal, TypeAlias

from handrail.bulk.chunks import CHUNK_BYTES, Chunk, chunks_of
from handrail.bulk.job import MEASURED, ChunkRows, FileJob, RowJob, lines_of, rows_of
from handrail.bulk.tombstones import erased_in
from handrail.bulk.whole import whole
from handrail.errors import ConfigError

Engine: TypeAlias = Literal["processes", "ray"]
Progress: TypeAlias = Callable[[int, int, float], None]
"""Told how many chunks are done, of how many, and how many seconds are left, as far as can be said."""

AHEAD = 2
MANIFEST = "job.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkRun:
    """Where the rows of a run are: one file for each chunk, in order. `resumed` counts those found there.

    `sources` is the file that each chunk is part of.
    """

    folder: Path
    sources: tuple[Path, ...]
    resumed: int

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return len(self.sources)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield every row, in the order of what was read, with what was measured of it."""
        return (row for _, row in self.rows_by_source())

    def rows_by_source(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Yield every row with the file that it was made of."""
        for number, source in enumerate(self.sources):
            part = _part(self.folder, number)
            with part.open("rb") as rows, _measured(part).open("rb") as measured:
                for line, beside in zip_longest(rows, measured):
                    row = json.loads(line)
                    yield source, row if beside is None else {**row, MEASURED: json.loads(beside)}


def run(
    job: RowJob,
    source: Path | Sequence[Path],
    folder: Path,
    *,
    workers: int = 1,
    engine: Engine = "processes",
    progress: Progress | None = None,
) -> BulkRun:
    """Run a job over files; what an earlier run of it left in the folder is kept.

    Args:
        job: what is done to each row.
        source: JSON lines, plain or gzip, or Parquet; one file, or several in this order.
        folder: where rows are written; it is made if it is not there.
        workers: how many processes; 1 works in this one.
        engine: `processes` here, or `ray`: on the cluster that RAY_ADDRESS names, else a local one.
            A cluster's machines must see the file under the same path.
        progress: told after each chunk.

    Raises:
        ConfigError: the folder holds another job's rows or cannot be written, or a file cannot be read.
        MissingExtra: a package for the engine or the file is not installed.
    """
    sources = (source,) if isinstance(source, Path) else tuple(source)
    chunks = _chunks(job, sources)
    _claim(folder, job, sources)
    left = [chunk for chunk in chunks if not _part(folder, chunk.number).exists()]
    done, began = len(chunks) - len(left), time.monotonic()
    if len(left) == 1 and engine == "processes":
        made: Iterable[int] = _alone(job, left[0], folder)
    else:
        made = _kept(_engine(engine)(job, left, workers), folder)
    for count, _ in enumerate(made, 1):
        if progress is not None:
            progress(done + count, len(chunks), (time.monotonic() - began) / count * (len(left) - count))
    return BulkRun(folder=folder, sources=tuple(Path(chunk.path) for chunk in chunks), resumed=done)


def _chunks(job: RowJob, sources: Sequence[Path]) -> list[Chunk]:
    found = [
        chunk
        for path in sources
        for chunk in chunks_of(path, form=job.form_of(path) if isinstance(job, FileJob) else "records")
    ]
    return [replace(chunk, number=number) for number, chunk in enumerate(found)]


def _kept(made: Iterable[ChunkRows], folder: Path) -> Iterator[int]:
    for number, rows, measured in made:
        part = _part(folder, number)
        with whole(part) as rows_file, whole(_measured(part)) as beside:
            rows_file.write(rows)
            beside.write(measured)
        yield number


def _alone(job: RowJob, chunk: Chunk, folder: Path) -> Iterator[int]:
    """Write the rows of a single chunk as they are made: a compressed file may be of any size."""
    part = _part(folder, chunk.number)
    with whole(part) as rows, whole(_measured(part)) as measured:
        for row, beside in lines_of(job, chunk):
            rows.write(row)
            measured.write(beside)
    yield chunk.number


def _engine(name: Engine) -> Callable[[RowJob, list[Chunk], int], Iterator[ChunkRows]]:
    if name == "ray":
        from handrail.bulk.on_ray import on_ray

        return on_ray
    return _in_processes


def _in_processes(job: RowJob, chunks: list[Chunk], workers: int) -> Iterator[ChunkRows]:
    """Yield chunks as they are done. At most `AHEAD` for each worker are under way, which bounds memory."""
    if workers <= 1:
        yield from (rows_of(job, chunk) for chunk in chunks)
        return
    import multiprocessing
    from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
    from concurrent.futures.process import BrokenProcessPool

    waiting, others = iter(chunks), {*multiprocessing.active_children()}
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        under_way: set[Future[ChunkRows]] = set()
        try:
            while True:
                with _interrupts_held():
                    while len(under_way) < AHEAD * workers and (chunk := next(waiting, None)) is not None:
                        under_way.add(pool.submit(rows_of, job, chunk))
                if not under_way:
                    return
                finished, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in finished)
        except BrokenProcessPool:
            raise ConfigError("a worker process was killed; run it again with fewer --workers") from None
        finally:
            # Nobody wants what is still under way, after an error or Ctrl-C: workers only compute.
            for worker in {*multiprocessing.active_children()} - others:
                if under_way:
                    worker.terminate()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let Ctrl-C wait for the length of the block; workers that start in it leave it to this process."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _claim(folder: Path, job: RowJob, sources: Sequence[Path]) -> None:
    """Say in the folder whose rows it holds.

    Raises:
        ConfigError: it holds another's, or cannot be written.
    """
    told = {
        "job": hashlib.sha256(job.key().encode()).hexdigest(),
        "files": [_told(source) for source in sources],
        "chunk_bytes": CHUNK_BYTES,
    }
    manifest = folder / MANIFEST
    if not manifest.exists():
        if any(folder.glob("*.jsonl")):
            raise ConfigError(f"{folder} holds rows of something else; name an empty folder")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{folder}: cannot be made: {error.strerror or 'unknown'}") from None
        with whole(manifest) as file:
            file.write(json.dumps(told).encode())
        return
    try:
        found = json.loads(manifest.read_bytes())
    except (ValueError, OSError):
        found = None
    if found != told:
        raise ConfigError(f"{folder} holds the rows of another job or file; name another folder")


def _told(source: Path) -> dict[str, object]:
    stat = source.stat()
    return {
        "file": hashlib.sha256(str(source.resolve()).encode()).hexdigest(),
        "bytes": stat.st_size,
        "changed_ns": stat.st_mtime_ns,
        "erased": sorted(erased_in(source)),
    }


def _part(folder: Path, number: int) -> Path:
    return folder / f"{number:05}.jsonl"


def _measured(part: Path) -> Path:
    return part.with_suffix(".measured")
