"""The same rows on Ray Data: a running cluster, or one that is started here for the length of a run."""

import logging
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from handrail.bulk.chunks import Chunk
from handrail.bulk.job import ChunkRows, RowJob, rows_of
from handrail.errors import ConfigError, HandrailError, MissingExtra

# Ray reports usage over the network unless it is told not to before it is imported.
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DATA_DISABLE_PROGRESS_BARS": "1"}


def on_ray(job: RowJob, chunks: list[Chunk], workers: int) -> Iterator[ChunkRows]:
    """Yield each chunk's number and rows as they are done.

    Raises:
        ConfigError: a file cannot be read where a chunk of it was to be.
        MissingExtra: Ray is not installed.
    """
    if not chunks:
        return
    os.environ.update(QUIET)
    try:
        import ray
        import ray.data
    except ImportError:
        raise MissingExtra("ray", "ray") from None
    address = os.environ.get("RAY_ADDRESS")
    is_own = not ray.is_initialized()
    if is_own:
        here: dict[str, Any] = {} if address else {"num_cpus": max(1, workers), "include_dashboard": False}
        ray.init(address=address, log_to_driver=False, logging_level="error", **here)
    try:
        ray.data.DataContext.get_current().enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        items = [asdict(chunk) for chunk in chunks]
        rows = ray.data.from_items(items, override_num_blocks=len(items)).map(_Rows(job))
        for row in rows.iter_rows():
            if row["problem"]:
                raise ConfigError(str(row["problem"]))
            yield ChunkRows(int(row["number"]), bytes(row["rows"]), bytes(row["measured"]))
    finally:
        if is_own:
            ray.shutdown()


class _Rows:
    """The function of one chunk, with its job."""

    def __init__(self, job: RowJob) -> None:
        self._job = job
        self.__name__ = type(job).__name__

    def __call__(self, item: dict[str, Any]) -> dict[str, Any]:
        try:
            found, problem = rows_of(self._job, Chunk(**item)), ""
        except HandrailError as error:
            # Ray would wrap it with a trace of its own.
            found, problem = ChunkRows(item["number"], b""), str(error)
        return {**found._asdict(), "problem": problem}
