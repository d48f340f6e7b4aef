"""`handrail policy`: check, test, explain, compare and try policies."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handrail.cli.bulk import EngineOption, RowsOption, WorkersOption, run_with_progress
from handrail.cli.options import text_of
from handrail.cli.policy_check import check
from handrail.cli.policy_enforce import enforce, show_in_force
from handrail.cli.policy_test import run_tests
from handrail.cli.policy_write import copy, new, upgrade

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handrail.policy import Policy
    from handrail.policy.tools.backtest import Backtest
    from handrail.policy.tools.diff import Difference
    from handrail.records import FactValue


commands = typer.Typer(
    no_args_is_help=True,
    help="Check, test, explain and compare policies.",
)

commands.command()(check)
commands.command("test")(run_tests)
commands.command()(enforce)
commands.command("in-force")(show_in_force)
commands.command()(new)
commands.command()(copy)
commands.command()(upgrade)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
PolicyArgument = Annotated[str, typer.Argument(help="A policy file, or a shipped policy's name.")]


@commands.command()
def explain(
    policy: PolicyArgument,
    facts: Annotated[str, typer.Option(help="A JSON object, a file that holds one, or - for stdin.")],
    stage: Annotated[str, typer.Option(help="input, answer, tool or result.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Say rule by rule what a policy makes of some facts.

    **Examples**

    - `handrail policy explain support --facts '{"tool.name": "delete_account"}'`
    """
    from handrail.policy import load
    from handrail.policy.runtime.record import write_decision
    from handrail.policy.tools.explain import explain as explain_case

    loaded = load(policy)
    values = _facts(facts, loaded)
    found = explain_case(loaded, values, _stage(stage, values, loaded))
    if as_json:
        lines = [
            {"rule": line.rule, "verdict": line.verdict, "when": line.when, "leads_to": line.leads_to}
            for line in found.lines
        ]
        typer.echo(json.dumps({"decision": write_decision(found.decision), "rules": lines}))
        return
    marks = {"yes": "✓", "no": "·", "unknown": "?", "skipped": "-", "beaten": "×", "rests": "-"}
    for line in found.lines:
        indent = "    " if line.decision else ""
        typer.echo(f"{indent}{marks[line.verdict]} {line.rule}: {line.verdict} -> {line.leads_to}")
        typer.echo(f"{indent}    when {line.when}")
        if line.verdict in ("yes", "unknown", "beaten") and line.facts:
            said = ", ".join(f"{name} = {value}" for name, value in line.facts.items())
            typer.echo(f"{indent}    {said}")
    decision = found.decision
    others = f", with {', '.join(decision.co_approvers)}" if decision.co_approvers else ""
    typer.echo(f"\n{decision.effect}{f' to {decision.role}' if decision.role else ''}{others}")
    for reason in (*decision.reasons, *decision.shadow):
        typer.echo(f"  {reason.rule} ({reason.trigger}): {reason.because}")


def _facts(text: str, policy: "Policy") -> "dict[str, FactValue]":
    from handrail.policy.tools.backtest import read_facts
    from handrail.text.suggest import near

    if text == "-":
        text = sys.stdin.read()
    elif not text.lstrip().startswith("{"):
        text = text_of(Path(text))
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"not JSON: {error}", param_hint="--facts") from None
    if not isinstance(raw, dict):
        raise typer.BadParameter("expected an object", param_hint="--facts")
    for name in raw:
        if name not in policy.facts:
            problem = f"fact '{name}' is not declared{near(name, policy.facts)}"
            raise typer.BadParameter(problem, param_hint="--facts")
    return read_facts(raw, policy)


def _stage(text: str, facts: "Mapping[str, FactValue]", policy: "Policy") -> Any:
    from handrail.records import Stage

    order = list(Stage)
    if not text:
        return max((policy.facts[name].stage for name in facts), key=order.index, default=Stage.INPUT)
    try:
        return Stage(text)
    except ValueError:
        raise typer.BadParameter("input, answer, tool or result", param_hint="--stage") from None


@commands.command()
def register(policy: PolicyArgument, as_json: JsonOption = False) -> None:
    """Print every situation in which the assistant must not decide: rule, why, role, test.

    **Examples**

    - `handrail policy register support`
    """
    from handrail.policy import load
    from handrail.policy.tools.register import register as entries_of

    entries = entries_of(load(policy))
    if as_json:
        rows = [
            {
                "rule": entry.rule,
                "situation": entry.situation,
                "outcome": entry.outcome,
                "roles": list(entry.roles),
                "because": entry.because,
                "tests": list(entry.tests),
                "marks": list(entry.marks),
            }
            for entry in entries
        ]
        typer.echo(json.dumps(rows))
        return
    for entry in entries:
        marks = "".join(f" [{mark}]" for mark in entry.marks)
        typer.echo(f"{entry.rule}: {entry.outcome} -> {', '.join(entry.roles) or 'nobody'}{marks}")
        typer.echo(f"    when     {entry.situation}")
        typer.echo(f"    because  {entry.because or '-'}")
        typer.echo(f"    test     {'; '.join(entry.tests) or '-'}")


@commands.command()
def schema(policy: Annotated[str, typer.Argument(help="Offer this policy's roles and facts.")] = "") -> None:
    """Print the JSON Schema of policy files, for editors.

    **Examples**

    - `handrail policy schema support.yaml > policy.schema.json`
    """
    from handrail.policy import load
    from handrail.policy.file.editor_schema import schema as schema_of

    typer.echo(json.dumps(schema_of(load(policy) if policy else None), indent=2, default=str))


@commands.command()
def reference() -> None:
    """Print the reference page of the policy format, as Markdown.

    **Examples**

    - `handrail policy reference > policy.md`
    """
    from handrail.policy.tools.reference import reference as page

    typer.echo(page(), nl=False)


@commands.command()
def diff(
    old: Annotated[str, typer.Argument(help="A policy file, or a shipped policy's name.")],
    new: Annotated[str, typer.Argument(help="The other policy.")],
    on: Annotated[
        Path | None, typer.Option(help="An export of the decision log: count what would have changed on it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two policies: a case for each change of outcome. Exit code 1 if they differ.

    With `--on` the cases are those of a log, as `handrail policy backtest` reads it.

    **Examples**

    - `handrail policy diff support.yaml support-next.yaml`
    - `handrail policy diff support.yaml support-next.yaml --on november.parquet`
    """
    from handrail.policy import load

    if on is not None:
        changed = _changed_on(on, old, new)
        if as_json:
            typer.echo(json.dumps(changed))
        else:
            for change in changed["changes"]:
                typer.echo(f"{change['count']:>8}  {change['before']} -> {change['after']}")
            typer.echo(f"{changed['changed']} of {changed['decisions']} decisions change")
        raise typer.Exit(1 if changed["changed"] else 0)
    from handrail.policy.language.format import format_facts
    from handrail.policy.tools.diff import diff as compare

    found = compare(load(old), load(new))
    if as_json:
        changes = [
            {
                "before": change.before,
                "after": change.after,
                "stage": str(change.stage),
                "rules": list(change.rules),
                "witness": format_facts(change.witness),
            }
            for change in found.changes
        ]
        typer.echo(
            json.dumps({"edits": list(found.edits), "changes": changes, "remarks": list(found.remarks)})
        )
    else:
        _print_difference(found)
    raise typer.Exit(0 if found.is_empty else 1)


def _changed_on(log: Path, old: str, new: str) -> dict[str, Any]:
    from collections import Counter

    from handrail.bulk.compare import compare_job

    changes: Counter[tuple[str, str]] = Counter()
    decisions = unreadable = 0
    with run_with_progress(compare_job(old, new), log) as found:
        for row in found.rows():
            unreadable += row["before"] is None
            decisions += row["before"] is not None
            if row["before"] != row["after"]:
                changes[row["before"], row["after"]] += 1
    listed = [{"before": was, "after": now, "count": count} for (was, now), count in changes.most_common()]
    return {
        "decisions": decisions,
        "changed": changes.total(),
        "changes": listed,
        "unreadable_lines": unreadable,
    }


def _print_difference(found: "Difference") -> None:
    from handrail.policy.language.format import format_case

    for edit in found.edits:
        typer.echo(f"edit    {edit}")
    for change in found.changes:
        typer.echo(f"outcome {change.before} -> {change.after}")
        typer.echo(f"        {change.stage}: {format_case(change.witness)}")
        typer.echo(f"        rules: {', '.join(change.rules) or 'none'}")
    for remark in found.remarks:
        typer.echo(f"note    {remark}")
    if found.is_empty:
        typer.echo("no difference")


@commands.command()
def backtest(
    log: Annotated[Path, typer.Argument(help="What `handrail log export` or `audit export` wrote.")],
    policy: Annotated[str, typer.Option("--policy", "-p", help="The policy to try.")],
    workers: WorkersOption = 1,
    engine: EngineOption = "processes",
    out: RowsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a policy would have handed off on a log: per rule and role, newly, no longer, load by role.

    The log is an export, as JSON lines, gzip or Parquet, of this version or of 0.1, or one decision a line.

    Exit code 1 if a role would be asked for more than its `capacity_per_day`, 2 if no line could be read.

    **Examples**

    - `handrail policy backtest decisions.jsonl --policy support-next.yaml`
    - `handrail policy backtest decisions.parquet -p support-next.yaml --workers 8 --out rows/`
    """
    from handrail.bulk import added_up, backtest_job

    job, loaded = backtest_job(policy)
    with run_with_progress(job, log, out, workers=workers, engine=engine) as found:
        result = added_up(found, loaded)
    if as_json:
        typer.echo(json.dumps(_backtest_data(result)))
    else:
        _print_backtest(result)
    if not result.records:
        raise typer.Exit(2)
    raise typer.Exit(1 if any(load.is_over for load in result.roles.values()) else 0)


def _backtest_data(result: "Backtest") -> dict[str, Any]:
    return {
        "records": result.records,
        "days": result.days,
        "hand_offs": result.hand_offs,
        "recorded_hand_offs": result.recorded_hand_offs,
        "without_facts": result.without_facts,
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
    if result.without_facts:
        console.print(
            f"{result.without_facts} of {result.recorded_hand_offs} recorded hand-offs are on record without "
            "facts, as 0.1 kept them, and were not decided again"
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
