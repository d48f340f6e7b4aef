"""`handrail scan`: what is sensitive in files, as a table or JSON, or the files without it."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handrail.text.json_data import leaves, mapped, written

if TYPE_CHECKING:
    from handrail.records import Finding
    from handrail.scan import Scanner

STDIN = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One text of a file: where it stands (`line`, `field`) and the text."""

    line: int
    field: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One finding in a file; line and column count from 1."""

    file: str
    line: int
    column: int
    field: str
    finding: "Finding"
    masked: str


def scan(
    paths: Annotated[list[str], typer.Argument(help="Files or folders; `-` reads standard input.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    redacted: Annotated[
        bool, typer.Option("--redact", help="Print the text with findings replaced.")
    ] = False,
    style: Annotated[str, typer.Option(help="How --redact replaces: label, mask or hmac.")] = "label",
    only: Annotated[str, typer.Option(help="Types or categories to look at, comma-separated.")] = "",
    key_file: Annotated[Path | None, typer.Option(help="File with the key for --style hmac.")] = None,
) -> None:
    """Find sensitive data in text, JSON Lines and CSV files.

    Exit code 0: nothing found; 1: something found; 2: a file could not be read.

    **Examples**

    - `handrail scan chat.jsonl`
    - `handrail scan --json --only credential src/`
    - `cat note.txt | handrail scan - --redact`
    """
    from handrail.scan import default_scanner

    wanted = frozenset(name.strip() for name in only.split(",") if name.strip())
    key = key_file.read_bytes().strip() if key_file else None
    if style not in ("label", "mask", "hmac") or (style == "hmac" and not key):
        raise typer.BadParameter("choose label, mask, or hmac with --key-file", param_hint="--style")
    scanner = default_scanner()
    seen: list[Seen] = []
    failed = False
    for name, text in _texts(paths):
        if text is None:
            typer.echo(f"{name}: cannot be read", err=True)
            failed = True
        elif redacted:
            written, found = _redacted(name, text, scanner, wanted, _replacing(style, key))
            sys.stdout.write(written)
            seen += found
        else:
            seen += _seen(name, text, scanner, wanted)
    if not redacted:
        _show(seen, as_json=as_json)
    raise typer.Exit(2 if failed else int(bool(seen)))


def _replacing(style: str, key: bytes | None) -> "Callable[[str, list[Finding]], str]":
    from handrail.scan.redact import Style, redact

    chosen: Style = "mask" if style == "mask" else "hmac" if style == "hmac" else "label"
    return lambda text, findings: redact(text, findings, style=chosen, key=key)


def _texts(paths: list[str]) -> Iterator[tuple[str, str | None]]:
    """Yield each file's name and text, None for one that cannot be read; shows progress on a terminal."""
    from rich.console import Console
    from rich.progress import track

    files: list[str] = []
    for path in paths:
        folder = Path(path)
        if path != STDIN and folder.is_dir():
            files += sorted(str(inner) for inner in folder.rglob("*") if inner.is_file())
        else:
            files.append(path)
    console = Console(stderr=True)
    for name in track(files, "Scanning", console=console, transient=True, disable=not console.is_terminal):
        try:
            data = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
        except OSError:
            yield name, None
            continue
        yield name, data.decode("utf-8", "surrogateescape")


def _found(text: str, scanner: "Scanner", wanted: frozenset[str]) -> "list[Finding]":
    return [f for f in scanner.scan(text) if not wanted or f.type in wanted or f.category in wanted]


def _seen(name: str, text: str, scanner: "Scanner", wanted: frozenset[str]) -> list[Seen]:
    from handrail.scan import redact

    seen = []
    for piece in _pieces(name, text):
        for finding in _found(piece.text, scanner, wanted):
            before = piece.text[: finding.start]
            within = piece.text[finding.start : finding.end]
            whole = replace(finding, start=0, end=len(within))
            seen.append(
                Seen(
                    file=name,
                    line=piece.line + (before.count("\n") if not piece.field else 0),
                    column=finding.start - (before.rfind("\n") + 1) + 1,
                    field=piece.field,
                    finding=finding,
                    masked=redact(within, [whole], style="mask"),
                )
            )
    return seen


def _pieces(name: str, text: str) -> Iterator[Piece]:
    """Yield the texts of a file: the values of JSON Lines and CSV, else the whole."""
    suffix = Path(name).suffix.lower()
    if suffix == ".jsonl":
        for number, line in enumerate(text.splitlines(), 1):
            record = _record(line)
            if record is None:
                yield Piece(line=number, field="", text=line)
            else:
                yield from (
                    Piece(line=number, field=written(("$", *path)), text=value)
                    for path, leaf in leaves(record)
                    if (value := _text_of(leaf)) is not None
                )
    elif suffix == ".csv":
        for number, row in enumerate(csv.reader(io.StringIO(text)), 1):
            yield from (Piece(line=number, field=f"column {i}", text=cell) for i, cell in enumerate(row, 1))
    else:
        yield Piece(line=1, field="", text=text)


def _record(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _redacted(
    name: str,
    text: str,
    scanner: "Scanner",
    wanted: frozenset[str],
    replacing: "Callable[[str, list[Finding]], str]",
) -> tuple[str, list[Seen]]:
    """Return the file's text with findings replaced, its form kept, and what was found."""
    seen = _seen(name, text, scanner, wanted)

    def clean(piece: str) -> str:
        return replacing(piece, _found(piece, scanner, wanted))

    suffix = Path(name).suffix.lower()
    if suffix == ".jsonl":
        lines = []
        for line in text.splitlines():
            record = _record(line)
            lines.append(
                clean(line) if record is None else json.dumps(_cleaned(record, clean), ensure_ascii=False)
            )
        return "".join(f"{line}\n" for line in lines), seen
    if suffix == ".csv":
        into = io.StringIO()
        csv.writer(into, lineterminator="\n").writerows(
            [clean(cell) for cell in row] for row in csv.reader(io.StringIO(text))
        )
        return into.getvalue(), seen
    return clean(text), seen


def _cleaned(record: object, clean: Callable[[str], str]) -> object:
    def change(_: object, leaf: object) -> object:
        text = _text_of(leaf)
        if text is None:
            return leaf
        written = clean(text)
        return leaf if written == text else written

    return mapped(record, change, key=clean)


def _text_of(leaf: object) -> str | None:
    """A leaf as it is scanned: a text, or a number as written; None for what holds no words."""
    if isinstance(leaf, bool):
        return None
    return leaf if isinstance(leaf, str) else str(leaf) if isinstance(leaf, int | float) else None


def _show(seen: list[Seen], *, as_json: bool) -> None:
    if as_json:
        for one in seen:
            finding = one.finding
            record = {
                "file": one.file,
                "line": one.line,
                "column": one.column,
                "field": one.field or None,
                "type": finding.type,
                "category": finding.category,
                "start": finding.start,
                "end": finding.end,
                "score": finding.score,
                "note": finding.note or None,
            }
            typer.echo(json.dumps(record))
        return
    from rich.console import Console
    from rich.table import Table

    if not seen:
        typer.echo("nothing found")
        return
    table = Table("where", "type", "category", "score", "masked", box=None)
    for one in seen:
        where = f"{one.file}:{one.line}:{one.column}" + (f" {one.field}" if one.field else "")
        masked = one.masked if len(one.masked) <= 40 else one.masked[:37] + "..."
        table.add_row(
            where, one.finding.type, one.finding.category, f"{one.finding.score:.2f}", ascii(masked)[1:-1]
        )
    Console().print(table)
