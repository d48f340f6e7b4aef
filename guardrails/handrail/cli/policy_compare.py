"""The commands of `handrail policy` that compare: two policies, or a policy with a log."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from handrail.policy.tools.backtest import Backtest
    from handrail.policy.tools.diff import Difference

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def diff(
    old: Annotated[str, typer.Argument(help="A policy file, or a shipped policy's name.")],
    new: Annotated[str, typer.Argument(help="The other policy.")],
    as_json: JsonOption = False,
) -> None:
    """Compare two policies: a case for each change of outcome. Exit code 1 if they differ.

    Example: `handrail policy diff support.yaml support-next.yaml`
    """
    from handrail.policy import load
    from handrail.policy.tools.diff import diff as compare
    from handrail.policy.tools.diff import shown

    found = compare(load(old), load(new))
    if as_json:
        changes = [
            {
                "before": change.before,
                "after": change.after,
                "stage": str(change.stage),
                "rules": list(change.rules),
                "witness": shown(change.witness),
            }
            for change in found.changes
        ]
        typer.echo(
            json.dumps({"edits": list(found.edits), "changes": changes, "remarks": list(found.remarks)})
        )
    else:
        _print_difference(found)
    raise typer.Exit(0 if found.is_empty else 1)


def _print_difference(found: "Difference") -> None:
    from handrail.policy.analyse.witness import in_words

    for edit in found.edits:
        typer.echo(f"edit    {edit}")
    for change in found.changes:
        typer.echo(f"outcome {change.before} -> {change.after}")
        typer.echo(f"        {change.stage}: {in_words(change.witness)}")
        typer.echo(f"        rules: {', '.join(change.rules) or 'none'}")
    for remark in found.remarks:
        typer.echo(f"note    {remark}")
    if found.is_empty:
        typer.echo("no difference")


def backtest(
    log: Annotated[Path, typer.Argument(help="Recorded decisions, one JSON object a line.")],
    policy: Annotated[str, typer.Option("--policy", "-p", help="The policy to try.")],
    as_json: JsonOption = False,
) -> None:
    """Say what a policy would have handed off on a log: per rule and role, newly, no longer, load by role.

    The log is what `handrail audit export` writes, or one decision a line as JSON.

    Exit code 1 if a role would be asked for more than its `capacity_per_day`, 2 if no line could be read.

    Example: `handrail policy backtest decisions.jsonl --policy support-next.yaml`
    """
    from handrail.policy import load
    from handrail.policy.tools.backtest import backtest as run

    loaded = load(policy)
    result = run(_records(log), loaded)
    if as_json:
        typer.echo(json.dumps(_backtest_data(result)))
    else:
        _print_backtest(result)
    if not result.records:
        raise typer.Exit(2)
    raise typer.Exit(1 if any(load.is_over for load in result.roles.values()) else 0)


def _records(log: Path) -> "Iterator[tuple[int, Mapping[str, Any] | None]]":
    from rich.progress import Progress

    size = log.stat().st_size
    with Progress(transient=True, disable=not sys.stderr.isatty()) as progress, log.open("rb") as lines:
        task = progress.add_task("reading", total=size)
        for number, line in enumerate(lines, start=1):
            progress.advance(task, len(line))
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                record = None
            yield number, _unwrapped(record) if isinstance(record, dict) else None


def _unwrapped(record: "dict[str, Any]") -> "dict[str, Any]":
    """Return the decision inside an entry of the audit log's export, or the record as it is."""
    data = record.get("data")
    return {"at": record.get("at", ""), **data} if isinstance(data, dict) and "facts" in data else record


def _backtest_data(result: "Backtest") -> dict[str, Any]:
    return {
        "records": result.records,
        "days": result.days,
        "hand_offs": result.hand_offs,
        "blocks": result.blocks,
        "newly": result.newly,
        "no_longer": result.no_longer,
        "by_rule": dict(result.by_rule),
        "newly_by_rule": dict(result.newly_by_rule),
        "no_longer_by_rule": dict(result.no_longer_by_rule),
        "in_shadow": dict(result.in_shadow),
        "unknown_facts": dict(result.unknown),
        "unreadable_lines": result.unreadable,
        "roles": {
            name: {
                "hand_offs": load.hand_offs,
                "busiest_day": load.busiest_day,
                "on_busiest_day": load.on_busiest_day,
                "capacity_per_day": load.capacity_per_day,
                "over": load.is_over,
            }
            for name, load in result.roles.items()
        },
    }


def _print_backtest(result: "Backtest") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(
        f"{result.records} decisions on {result.days} days: {result.hand_offs} hand-offs,"
        f" {result.blocks} blocks, {result.newly} newly stopped, {result.no_longer} no longer;"
        f" {len(result.unreadable)} unreadable lines"
    )
    rules = Table("rule", "fires", "newly", "no longer", "in shadow")
    names = {*result.by_rule, *result.in_shadow, *result.no_longer_by_rule}
    for name in sorted(names, key=lambda name: (-result.by_rule[name], name)):
        counts = (result.by_rule, result.newly_by_rule, result.no_longer_by_rule, result.in_shadow)
        rules.add_row(name, *(str(count[name]) for count in counts))
    console.print(rules)
    roles = Table("role", "hand-offs", "busiest day", "that day", "capacity")
    for name, load in sorted(result.roles.items(), key=lambda item: -item[1].hand_offs):
        capacity = "" if load.capacity_per_day is None else str(load.capacity_per_day)
        over = " (over)" if load.is_over else ""
        roles.add_row(name, str(load.hand_offs), load.busiest_day, str(load.on_busiest_day), capacity + over)
    console.print(roles)
    for name, count in result.unknown.most_common(10):
        console.print(f"unknown in {count} hand-offs: {name}")
