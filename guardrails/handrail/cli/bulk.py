"""How commands run a job over a file: in a folder of their own or one that is named, with progress."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from handrail.bulk import BulkRun, RowJob
    from handrail.bulk.run import Engine

ENGINES: "dict[str, Engine]" = {"processes": "processes", "ray": "ray"}


@contextmanager
def run_with_progress(
    job: "RowJob", file: Path, folder: Path | None, *, workers: int, engine: str
) -> "Iterator[BulkRun]":
    """Run a job and give its rows for the length of the block; without a folder they are gone after it."""
    from rich.progress import BarColumn, Progress, TimeRemainingColumn

    from handrail.bulk import run

    if engine not in ENGINES:
        raise typer.BadParameter("processes or ray", param_hint="--engine")
    with tempfile.TemporaryDirectory(prefix="handrail-") as own:
        columns = ("[progress.description]{task.description}", BarColumn(), TimeRemainingColumn())
        with Progress(*columns, transient=True, disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task("reading", total=None)

            def told(done: int, of: int, _: float) -> None:
                progress.update(task, completed=done, total=of)

            target = folder or Path(own)
            found = run(job, file, target, workers=workers, engine=ENGINES[engine], progress=told)
        yield found
