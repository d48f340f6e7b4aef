"""`handrail confidence eval` and `handrail calibrate`: how good scores are, what may be passed on them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handrail.cli.bulk import is_export, run_with_progress
from handrail.cli.options import text_of
from handrail.errors import ConfigError

if TYPE_CHECKING:
    from handrail.confidence.calibration.artefact import Calibration
    from handrail.review.calibration.decision_log import LoggedAnswer

commands = typer.Typer(no_args_is_help=True, help="Measure how well confidence scores find errors.")


@commands.callback()
def _group() -> None:
    """Measure how well confidence scores find errors."""


@commands.command("eval")
def evaluate(  # noqa: PLR0913
    file: Annotated[Path, typer.Argument(help="Records: .jsonl, .json or .csv, each also with .gz.")],
    score: Annotated[str, typer.Option(help="Field that holds the score, 0 to 1.")] = "score",
    right: Annotated[
        str, typer.Option(help="Field that says whether the answer was right, or A==B.")
    ] = "right",
    where: Annotated[
        list[str] | None, typer.Option(help="FIELD=VALUE a record must have; repeat it.")
    ] = None,
    records: Annotated[str | None, typer.Option(help="List of records inside a .json object.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Folder for the plots, PNG and SVG.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say how well recorded scores rank errors and read as probabilities.

    Prints AUROC, PRR, AURC, log-loss, Brier, ECE and coverage at 5 % and 10 % risk; with `--plots` it draws a
    reliability diagram and a risk-coverage curve.

    Exit code 2: the file or a field is not there.

    **Examples**

    - `handrail confidence eval scores.jsonl --plots plots/`
    - `handrail confidence eval gpt.csv.gz --right grade --where dataset=mmlu --where prompt=first`
    - `handrail confidence eval answers.csv --score verbal --right "extracted==correct"`
    """
    from handrail.review.calibration.score_quality import Columns, figures, read_scored

    conditions = dict(_pair(text, "--where") for text in where or ())
    scored = read_scored(file, Columns(score=score, right=right, where=conditions, records=records))
    found = figures(scored)
    written: tuple[Path, ...] = ()
    if plots is not None:
        from handrail.review.calibration.score_quality import write_plots

        written = write_plots(scored, plots, file.name.split(".")[0])
    if as_json:
        typer.echo(json.dumps({"file": file.name, **found, "plots": [str(path) for path in written]}))
        return
    _table(f"{file.name}: {score}", [(name, f"{value:.4g}") for name, value in found.items()])
    for path in written:
        typer.echo(f"wrote {path}")


def calibrate(  # noqa: PLR0913
    log: Annotated[
        Path | None,
        typer.Argument(help="Decision log in JSON lines; see docs/explanation/confidence.md."),
    ] = None,
    store: Annotated[
        str, typer.Option(envvar="HANDRAIL_STORE", help="URL of the store to read, if no log is given.")
    ] = "",
    tenant: Annotated[
        str, typer.Option(envvar="HANDRAIL_TENANT", help="Whose answers, with a store.")
    ] = "default",
    out: Annotated[Path, typer.Option(help="Where to write the calibration.")] = Path("calibration.json"),
    target: Annotated[
        float, typer.Option(help="Largest share of answers that may be passed and wrong.")
    ] = 0.05,
    delta: Annotated[float, typer.Option(help="Chance that the promise fails.")] = 0.1,
    previous: Annotated[Path | None, typer.Option(help="Calibration in force; bets go on from it.")] = None,
    audits: Annotated[float, typer.Option(help="Audits of passed answers a week can afford.")] = 20,
    audits_only: Annotated[bool, typer.Option(help="Nobody judges what is handed off.")] = False,
    slice_cap: Annotated[
        list[str] | None, typer.Option(help="NAME=SHARE of error in a slice; repeat it.")
    ] = None,
    combine: Annotated[bool, typer.Option(help="Learn to combine the logged signals; begins anew.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Learn from people's verdicts how much confidence an answer needs to pass.

    The promise: with probability 1 - DELTA, the share of answers that are passed and wrong stays at or below
    TARGET, through every weekly refit. Rows without their audit probability are refused.

    Exit code 0: a threshold is certified. 1: nothing is certified yet, so everything is handed off, or the
    drift alarm withdrew the calibration. 2: the log or an option cannot be used.

    **Examples**

    - `handrail calibrate --store sqlite:///handrail.db --target 0.05 --delta 0.1`
    - `handrail calibrate decisions.jsonl --previous calibration.json --out calibration.json`
    - `handrail calibrate decisions.jsonl --slice-cap refunds=0.02 --audits 40`
    """
    from datetime import UTC, datetime

    from handrail.confidence.calibration import artefact
    from handrail.review.calibration.calibrate import AuditBudget, CalibrationSettings, RiskBound
    from handrail.review.calibration.calibrate import calibrate as fit

    settings = CalibrationSettings(
        bound=RiskBound(target=_share(target, "--target"), delta=_share(delta, "--delta")),
        budget=AuditBudget(audits=audits, has_free_verdicts=not audits_only),
        slice_caps={name: _share(text, "--slice-cap") for name, text in map(_cap, slice_cap or ())},
        combine=combine,
    )
    rows = _rows(log, store, tenant)
    before = artefact.read(text_of(previous), source=previous.name) if previous is not None else None
    made = fit(rows, settings, now=datetime.now(UTC), previous=before)
    out.write_text(artefact.write(made), encoding="utf-8")
    _report(made, out, as_json=as_json)
    if made.withdrawn or made.guarantee.threshold is None:
        raise typer.Exit(1)


def _rows(log: Path | None, store: str, tenant: str) -> "tuple[LoggedAnswer, ...]":
    from handrail.review.calibration.decision_log import (
        answers_job,
        read_export,
        read_log,
        read_store_log,
        require_rows,
    )

    if log is not None and is_export(log):
        with run_with_progress(answers_job(tenant), log) as rows:
            return require_rows(read_export(rows, source=log.name, tenant=tenant), tenant)
    if log is not None:
        return read_log(_lines(log), source=log.name, tenant=tenant)
    if not store:
        raise ConfigError("calibrate from what? give a log, or --store URL")
    from handrail.cli.options import opened

    with opened(store) as found:
        return require_rows(read_store_log(found, tenant), tenant)


def _lines(log: Path) -> list[str]:
    from handrail.bulk.chunks import chunks_of, is_packed, records_in

    if not is_packed(log):
        return text_of(log).splitlines()
    return [json.dumps(record) for chunk in chunks_of(log) for _, record in records_in(chunk)]


def _report(made: "Calibration", out: Path, *, as_json: bool) -> None:
    summary = _summary(made)
    if as_json:
        typer.echo(json.dumps({**summary, "out": str(out)}))
        return
    _table(f"calibration {made.id}: {made.model}", [(name, _shown(value)) for name, value in summary.items()])
    typer.echo(f"wrote {out}")


def _summary(made: "Calibration") -> dict[str, object]:
    part, error = made.guarantee, made.passed_error
    summary: dict[str, object] = {
        "threshold": part.threshold,
        "target": part.target,
        "delta": part.delta,
        "start": part.start,
        "answers": part.answers,
        "verdicts": part.verdicts,
        "error_among_passed": error and error.rate,
        "error_among_passed_low": error and error.low,
        "error_among_passed_high": error and error.high,
        "audit_rate_of_passed": part.rate,
    }
    if part.threshold is None:
        summary["why"] = f"everything is handed off: {part.needed} more verdicts without an error, at least"
    if made.withdrawn:
        summary["why"] = f"withdrawn, everything is handed off: {made.withdrawn}"
    for each in made.slices:
        summary[f"slice {each.name}"] = {
            "error": each.rate,
            "low": each.low,
            "high": each.high,
            "audits": each.audits,
            "handed_off": each.is_handed_off,
        }
    return summary


def _table(title: str, rows: list[tuple[str, str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, show_header=False, title_justify="left")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(inner)}" for name, inner in value.items())
    return "-" if value is None else str(value)


def _cap(text: str) -> tuple[str, float]:
    name, value = _pair(text, "--slice-cap")
    try:
        return name, float(value)
    except ValueError:
        raise ConfigError("--slice-cap: expected NAME=SHARE, a number between 0 and 1") from None


def _pair(text: str, option: str) -> tuple[str, str]:
    name, is_pair, value = text.partition("=")
    if not name or not is_pair:
        raise ConfigError(f"{option}: expected NAME=VALUE")
    return name, value


def _share(value: float, option: str) -> float:
    if not 0 < value < 1:
        raise ConfigError(f"{option}: must lie between 0 and 1")
    return value
