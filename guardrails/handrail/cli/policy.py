"""`handrail policy`: check, test, explain, compare and try policies."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handrail.cli.policy_check import check
from handrail.cli.policy_compare import backtest, diff

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handrail.policy import Policy
    from handrail.records import FactValue

commands = typer.Typer(
    no_args_is_help=True,
    help="Check, test, explain and compare policies. A policy is a file or the name of a shipped one.",
)

commands.command()(check)
commands.command()(diff)
commands.command()(backtest)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
PolicyArgument = Annotated[str, typer.Argument(help="A policy file, or a shipped policy's name.")]


@commands.command("test")
def run_tests(
    files: Annotated[list[str], typer.Argument(help="Policy files or names.")], as_json: JsonOption = False
) -> None:
    """Run the tests that stand in policy files. Exit code 1 if one fails.

    Example: `handrail policy test support`
    """
    from handrail.policy import load
    from handrail.policy.file.cases import run_cases

    results = [(name, result) for name in files for result in run_cases(load(name))]
    failed = [(name, result) for name, result in results if not result.is_passed]
    if as_json:
        rows = [
            {"policy": name, "test": r.case.name, "passed": r.is_passed, "differences": list(r.differences)}
            for name, r in results
        ]
        typer.echo(json.dumps(rows))
    else:
        for name, result in failed:
            typer.echo(f"{name}:{result.case.line}: FAILED {result.case.name}")
            for difference in result.differences:
                typer.echo(f"    {difference}")
        typer.echo(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    raise typer.Exit(1 if failed else 0)


@commands.command()
def explain(
    policy: PolicyArgument,
    facts: Annotated[str, typer.Option(help="A JSON object, a file that holds one, or - for stdin.")],
    stage: Annotated[str, typer.Option(help="input, answer or tool.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Say rule by rule what a policy makes of some facts.

    Example: `handrail policy explain support --facts '{"tool.name": "delete_account"}'`
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
    marks = {"yes": "✓", "no": "·", "unknown": "?", "skipped": "-", "beaten": "×"}
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
        text = Path(text).read_text(encoding="utf-8")
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
        raise typer.BadParameter("input, answer or tool", param_hint="--stage") from None


@commands.command()
def register(policy: PolicyArgument, as_json: JsonOption = False) -> None:
    """Print every situation in which the assistant must not decide: rule, why, role, test.

    Example: `handrail policy register support`
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

    Example: `handrail policy schema support.yaml > policy.schema.json`
    """
    from handrail.policy import load
    from handrail.policy.file.schema import schema as schema_of

    typer.echo(json.dumps(schema_of(load(policy) if policy else None), indent=2, default=str))


@commands.command()
def reference() -> None:
    """Print the reference page of the policy format, as Markdown."""
    from handrail.policy.tools.reference import reference as page

    typer.echo(page(), nl=False)
