"""`handrail policy test`: runs the tests that stand in policy files."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handrail.cli.options import JsonOption

if TYPE_CHECKING:
    from collections.abc import Iterator


def run_tests(
    files: Annotated[list[str], typer.Argument(help="Policy files or names.")], as_json: JsonOption = False
) -> None:
    """Run the tests that stand in policy files: cases, and texts of signals and entities.

    Exit code 1 if one fails.

    **Examples**

    - `handrail policy test support`
    """
    rows = [row for name in files for row in _test_rows(name)]
    failed = [row for row in rows if not row["passed"]]
    if as_json:
        typer.echo(json.dumps([{key: value for key, value in row.items() if key != "line"} for row in rows]))
    else:
        for row in failed:
            typer.echo(f"{row['policy']}:{row['line']}: FAILED {row['test']}")
            for difference in (*row["differences"], *row["why"]):
                typer.echo(f"    {difference}")
        typer.echo(f"{len(rows) - len(failed)} passed, {len(failed)} failed")
    raise typer.Exit(1 if failed else 0)


def _test_rows(name: str) -> "Iterator[dict[str, Any]]":
    from handrail.guard.opening import text_results
    from handrail.policy import load
    from handrail.policy.file.cases import run_cases

    policy = load(name)
    for result in run_cases(policy):
        yield {
            "policy": name,
            "test": result.case.name,
            "passed": result.is_passed,
            "differences": list(result.differences),
            "why": list(result.why),
            "line": result.case.line,
        }
    for text in text_results(policy):
        yield {
            "policy": name,
            "test": text.name,
            "passed": text.is_passed,
            "differences": [] if text.is_passed else [text.said],
            "why": [],
            "line": text.case.line,
        }
