"""`handrail eval run`: exported cases against a model, through your own client."""

import json
from pathlib import Path
from typing import Annotated

import typer

from handrail.cli.options import JsonOption

commands = typer.Typer(no_args_is_help=True, help="Run people's decisions as regression tests for prompts.")


@commands.callback()
def _group() -> None:
    """Keep `run` a command of its own."""


@commands.command()
def run(
    cases: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="Cases of `handrail export eval`.")
    ],
    client: Annotated[
        str, typer.Option(help="Your function from messages to an answer, as module:function.")
    ],
    compare: Annotated[
        str,
        typer.Option(help="Your function from answer and wanted text to True or False, as module:function."),
    ] = "",
    least: Annotated[float, typer.Option(min=0, max=1, help="Share that must pass.")] = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Ask your client for every case and compare with what people decided.

    Texts are compared word for word: case, blanks and the marks that close a text do not count, JSON is
    compared by its values. Where other wordings are as good, say so with a function of your own
    (`--compare`). A case in which your client raises has failed, with the kind of error; the rest goes on.

    Exit code 1: fewer cases passed than `--least` says.

    **Examples**

    - `handrail eval run export/eval.test.jsonl --client my_app.prompts:ask --least 0.9`
    - `handrail eval run export/eval.test.jsonl --client my_app.prompts:ask --compare my_app.prompts:alike`
    """
    from handrail.review.training.eval_run import client_of, compare_of, is_same, read_cases, run_cases

    same = compare_of(compare) if compare else is_same
    done = run_cases(read_cases(cases), client_of(client), compare=same)
    failed = [one for one in done.results if not one.is_passed]
    if as_json:
        shown = [{"id": one.id, "must_not": one.must_not, "error": one.error} for one in failed]
        counts = {"passed": done.passed.count, "total": done.passed.total, "failed": shown}
        typer.echo(json.dumps(counts))
    else:
        for one in failed:
            why = "what people rejected came again" if one.must_not else "another answer"
            typer.echo(f"{one.id}  {f'failed: {one.error}' if one.error else why}")
        typer.echo(f"passed: {done.passed}")
    if (done.passed.value or 0.0) < least:
        raise typer.Exit(1)
