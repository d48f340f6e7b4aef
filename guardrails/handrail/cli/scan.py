"""`handrail scan`: what is sensitive in files, as a table or JSON, or the files without it."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handrail.cli.bulk import EngineOption, RowsOption, WorkersOption, run_with_progress

if TYPE_CHECKING:
    from handrail.bulk.scan import ScanJob
    from handrail.scan.redact import Style

STDIN = "-"
_SHOWN = ("line", "column", "field", "type", "category", "start", "end", "score", "note")


def scan(  # noqa: PLR0913 - one parameter per option
    paths: Annotated[list[str], typer.Argument(help="Files or folders; `-` reads standard input.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    redacted: Annotated[
        bool, typer.Option("--redact", help="Print the text with findings replaced.")
    ] = False,
    style: Annotated[str, typer.Option(help="How --redact replaces: label, mask or hmac.")] = "label",
    only: Annotated[str, typer.Option(help="Types or categories to look at, comma-separated.")] = "",
    key_file: Annotated[Path | None, typer.Option(help="File with the key for --style hmac.")] = None,
    workers: WorkersOption = 1,
    engine: EngineOption = "processes",
    out: RowsOption = None,
) -> None:
    """Find sensitive data in text, JSON Lines, CSV and Parquet files.

    Text, JSON Lines and CSV may be packed (.gz). JSON Lines of any size are read in pieces, by several
    processes if asked; a text is read as a whole.

    Exit code 0: nothing found; 1: something found; 2: a file could not be read.

    **Examples**

    - `handrail scan chat.jsonl`
    - `handrail scan --json --only credential src/`
    - `handrail scan --json --workers 8 --out rows/ november.jsonl`
    - `cat note.txt | handrail scan - --redact`
    """
    from handrail.bulk.scan import ScanJob

    key = key_file.read_bytes().strip() if key_file else None
    if style not in ("label", "mask", "hmac") or (style == "hmac" and not key):
        raise typer.BadParameter("choose label, mask, or hmac with --key-file", param_hint="--style")
    chosen: Style = "mask" if style == "mask" else "hmac" if style == "hmac" else "label"
    wanted = tuple(sorted({name.strip() for name in only.split(",") if name.strip()}))
    job = ScanJob(only=wanted, style=chosen if redacted else None, secret=key)
    files, unreadable = _files(paths)
    for name in unreadable:
        typer.echo(f"{name}: cannot be read", err=True)
    with _rows(job, files, out, workers=workers, engine=engine) as rows:
        count = _redacted(rows) if redacted else _as_json(rows) if as_json else _as_table(rows)
    raise typer.Exit(2 if unreadable else int(bool(count)))


def _files(paths: list[str]) -> tuple[list[str], list[str]]:
    """Return the files that are named or lie in folders that are, and those that cannot be read."""
    files: list[str] = []
    for path in paths:
        folder = Path(path)
        if path != STDIN and folder.is_dir():
            files += sorted(str(inner) for inner in folder.rglob("*") if inner.is_file())
        else:
            files.append(path)
    unreadable = [name for name in files if name != STDIN and not _is_readable(Path(name))]
    return [name for name in files if name not in unreadable], unreadable


def _is_readable(path: Path) -> bool:
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False


@contextmanager
def _rows(
    job: "ScanJob", files: list[str], out: Path | None, *, workers: int, engine: str
) -> Iterator[Iterator[tuple[str, Mapping[str, Any]]]]:
    """Give each row that something is to be said of, with the name of its file."""
    named = [Path(name) for name in files if name != STDIN]
    with run_with_progress(job, named, out, workers=workers, engine=engine) as found:

        def rows() -> Iterator[tuple[str, Mapping[str, Any]]]:
            if STDIN in files:
                text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
                if (row := job.prepared()(1, text)) is not None:
                    yield STDIN, row
            yield from ((str(path), row) for path, row in found.rows_by_source())

        yield rows()


def _redacted(rows: Iterator[tuple[str, Mapping[str, Any]]]) -> int:
    count = 0
    for _, row in rows:
        sys.stdout.write(row["text"])
        count += len(row["found"])
    return count


def _as_json(rows: Iterator[tuple[str, Mapping[str, Any]]]) -> int:
    count = 0
    for file, row in rows:
        for one in row["found"]:
            told = {name: one[name] for name in _SHOWN}
            told |= {"field": one["field"] or None, "note": one["note"] or None}
            typer.echo(json.dumps({"file": file, **told}))
            count += 1
    return count


def _as_table(rows: Iterator[tuple[str, Mapping[str, Any]]]) -> int:
    from rich.console import Console
    from rich.table import Table

    table = Table("where", "type", "category", "score", "masked", box=None)
    for file, row in rows:
        for one in row["found"]:
            where = f"{file}:{one['line']}:{one['column']}" + (f" {one['field']}" if one["field"] else "")
            masked = one["masked"] if len(one["masked"]) <= 40 else one["masked"][:37] + "..."
            table.add_row(where, one["type"], one["category"], f"{one['score']:.2f}", ascii(masked)[1:-1])
    if table.row_count:
        Console().print(table)
    else:
        typer.echo("nothing found")
    return table.row_count
