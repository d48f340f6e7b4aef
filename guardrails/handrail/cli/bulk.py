"""How commands run a job over a file: in a folder of their own or one that is named, with progress."""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from handrail.bulk import BulkRun, RowJob
    from handrail.bulk.run import Engine

WorkersOption = Annotated[int, typer.Option(min=1, max=256, help="How many processes.")]
EngineOption = Annotated[str, typer.Option(help="processes, or ray: the cluster of RAY_ADDRESS.")]
RowsOption = Annotated[
    Path | None, typer.Option(help="Folder for the rows; a run that was stopped goes on from them.")
]
ENGINES: "dict[str, Engine]" = {"processes": "processes", "ray": "ray"}


@contextmanager
def run_with_progress(
    job: "RowJob",
    source: Path | Sequence[Path],
    folder: Path | None = None,
    *,
    workers: int = 1,
    engine: str = "processes",
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
            found = run(job, source, target, workers=workers, engine=ENGINES[engine], progress=told)
        yield found


def is_export(log: Path) -> bool:
    """Tell by its first row whether a file is an export, of the decision log or of the audit log."""
    from handrail.bulk.chunks import chunks_of, records_in

    if not log.is_file():
        return False
    rows = (record for chunk in chunks_of(log)[:1] for _, record in records_in(chunk))
    first = next(rows, None)
    return isinstance(first, dict) and ("outcome" in first or "kind" in first)
