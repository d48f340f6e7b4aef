"""`handrail log`: export the decision log, prune what was exported, count it."""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from handrail.cli.options import DEFAULT_STORE, JsonOption, StoreOption, opened, who
from handrail.errors import ConfigError

commands = typer.Typer(no_args_is_help=True, help="Export, prune and count the decision log.")

LEAST_DAYS = 1
FORMATS = ("jsonl", "parquet")
SinceOption = Annotated[datetime | None, typer.Option(help="Only from this moment on (UTC).")]
UntilOption = Annotated[datetime | None, typer.Option(help="Only before this moment (UTC).")]
OutOption = Annotated[Path | None, typer.Option(help="The file; by default JSON lines on standard output.")]


@commands.command()
def export(
    out: OutOption = None,
    format_: Annotated[str, typer.Option("--format", help="jsonl or parquet.")] = "jsonl",
    since: SinceOption = None,
    until: UntilOption = None,
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """Write the decision log: a row for everything that was decided, and what people then said.

    Rows hold codes, numbers and typed facts, nobody's words; ids and people are keyed hashes. People who were
    erased are left out. What is written to a file is on record, so that a later erasure reaches it.

    **Examples**

    - `handrail log export --out november.jsonl --since 2026-11-01 --until 2026-12-01`
    - `handrail log export --format parquet --out log.parquet`
    """
    from handrail.bulk.export import export_jsonl, export_parquet, write_jsonl

    if format_ not in FORMATS:
        raise typer.BadParameter("jsonl or parquet", param_hint="--format")
    if format_ == "parquet" and out is None:
        raise ConfigError("Parquet needs a file: name it by --out")
    start, end = _utc(since), _utc(until)
    if start is not None and end is not None and start >= end:
        raise ConfigError("the period is empty: --since must lie before --until")
    with opened(store) as found:
        now = datetime.now(UTC)
        rows = found.log_rows(start, end)
        if out is None:
            count, where = write_jsonl(rows, sys.stdout), "-"
        else:
            count = (export_parquet if format_ == "parquet" else export_jsonl)(rows, out)
            where = str(out.resolve())
        found.exported_to(where, since=start, until=min(end or now, now), rows=count, by=who())
    if out is not None:
        typer.echo(json.dumps({"rows": count, "file": where}) if as_json else f"{count} rows in {out}")


@commands.command()
def prune(
    days: Annotated[int, typer.Option(min=LEAST_DAYS, help="Remove decisions older than this.")],
    unexported: Annotated[bool, typer.Option("--unexported", help="Also what no export holds.")] = False,
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """Remove old decisions from the log; what was done to tickets stays, and every chain stays verifiable.

    Decisions that are in no export are not removed. `handrail store prune` removes everything that is old.

    Exit code 2: some of it was not exported.

    **Examples**

    - `handrail log prune --days 90`
    """
    from handrail.store.audit.log_export import covered_until
    from handrail.store.tables import micros, moment

    now = datetime.now(UTC)
    before = now - timedelta(days=days)
    with opened(store) as found:
        covered = covered_until([one for one in found.exports() if one["path"] != "-"])
        if not unexported and covered < micros(before):
            held = (
                f"exports hold it up to {moment(covered):%Y-%m-%d %H:%M}" if covered else "no export holds it"
            )
            raise ConfigError(f"{held}; run handrail log export --out FILE first, or add --unexported")
        count = found.prune_audit(before=before, by=who(), now=now, decisions_only=True)
    told = {"removed": count, "before": before.isoformat()}
    typer.echo(json.dumps(told) if as_json else f"{count} decisions removed")


@commands.command()
def stats(
    file: Annotated[Path | None, typer.Argument(help="An export; without it the store is counted.")] = None,
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """Count the log by kind, or an export of either form by outcome.

    **Examples**

    - `handrail log stats`
    - `handrail log stats log.parquet --json`
    """
    if file is not None:
        from handrail.bulk.stats import stats as count

        found = count(file)
    else:
        with opened(store) as one:
            found = one.log_stats()
    if as_json:
        typer.echo(json.dumps(found))
        return
    for line in found:
        typer.echo("  ".join(str(value) for value in line.values()))
    if not found:
        typer.echo("nothing is on record")


def _utc(given: datetime | None) -> datetime | None:
    """Return a moment with its zone; one that names none is UTC."""
    return given if given is None or given.tzinfo is not None else given.replace(tzinfo=UTC)
