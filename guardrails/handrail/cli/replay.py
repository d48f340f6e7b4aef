"""`handrail replay`: recorded conversations against a policy."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handrail.cli.bulk import EngineOption, RowsOption, WorkersOption, run_with_progress
from handrail.errors import ConfigError

if TYPE_CHECKING:
    from rich.table import Table


def replay(  # noqa: PLR0913 - one parameter per option
    file: Annotated[
        Path,
        typer.Argument(
            help="JSON lines, gzip or plain, or Parquet: `messages` in the OpenAI format; or results of tau2."
        ),
    ],
    policy: Annotated[str, typer.Option(help="A policy file, or the name of a shipped policy.")],
    facts: Annotated[
        str | None, typer.Option(help="`module:function` that makes a fact source for a record.")
    ] = None,
    now: Annotated[
        str | None, typer.Option(help="Moment of the conversations, e.g. 2024-05-15T15:00-05:00.")
    ] = None,
    workers: WorkersOption = 1,
    engine: EngineOption = "processes",
    out: RowsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one JSON object.")] = False,
) -> None:
    """Send recorded conversations through a policy, as live traffic would go.

    Every turn is screened and judged, every tool call gated; a run is halted where a rule forbids a call or
    hands it off. Each record is judged by itself. Where one tells how it ended (`reward`, `gold_actions`,
    `gold_transfer`) the hand-offs are set against it. A line that holds no conversation is reported and the
    rest goes on.

    Exit code 0: done; 1: some lines could not be read; 2: the file, the policy or the facts cannot be used.

    **Examples**

    - `handrail replay chats.jsonl --policy support`
    - `handrail replay runs.jsonl.gz --policy airline --facts mine.facts:of_record --json`
    - `handrail replay chats.jsonl --policy support --workers 8 --out rows/`
    """
    from handrail.replay import ReplayReport, UnreadableLine, as_data, as_lines, read_runs, replay_job

    job = replay_job(policy, facts=facts, now=_moment(now))
    with (
        as_lines(file) as lines,
        run_with_progress(job, lines, out, workers=workers, engine=engine) as found,
    ):
        read = list(read_runs(found.rows()))
    bad = tuple(one for one in read if isinstance(one, UnreadableLine))
    for line in bad:
        typer.echo(f"{file}:{line.line}: {line.problem}", err=True)
    report = ReplayReport(runs=tuple(one for one in read if not isinstance(one, UnreadableLine)), bad=bad)
    figures = as_data(report)
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
    else:
        _print(figures)
    raise typer.Exit(1 if report.bad else 0)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--now {text[:40]}: not a moment, e.g. 2024-05-15T15:00-05:00") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _print(figures: Mapping[str, Any]) -> None:
    from rich.console import Console

    console = Console()
    summary = {name: value for name, value in figures.items() if not isinstance(value, list | dict)}
    summary["hand_offs"] = (
        ", ".join(f"{name} {count}" for name, count in figures["hand_offs"].items()) or "none"
    )
    rows = [(name.replace("_", " "), "–" if value is None else str(value)) for name, value in summary.items()]
    console.print(_table(("", ""), rows))
    if figures["by_rule"]:
        stops = {row["rule"]: row for row in figures["stopped_by_rule"]}
        counts = [
            (rule, str(turns), *(str(stops.get(rule, {}).get(key, "")) for key in ("runs", "failed")))
            for rule, turns in figures["by_rule"].items()
        ]
        console.print(_table(("rule", "turns", "runs stopped", "of them failed"), counts))
    if figures["gold_breaks"]:
        gold = [(row["task"], row["rule"], row["tool"]) for row in figures["gold_breaks"]]
        console.print(_table(("task whose gold list breaks", "rule", "tool"), gold))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> "Table":
    from rich.table import Table

    table = Table(*head, box=None, show_header=any(head))
    for row in rows:
        table.add_row(*row)
    return table
