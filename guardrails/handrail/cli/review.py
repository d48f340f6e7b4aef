"""`handrail review`: a period's tickets as a page, a Markdown file and corrected cases."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from handrail.cli.bulk import EngineOption, WorkersOption, run_with_progress
from handrail.cli.options import DEFAULT_STORE, PolicyOption, StoreOption, TenantOption, opened
from handrail.cli.review_accept import accept, due, rollback
from handrail.cli.review_summary import Reviewed, not_of_policy, nothing_there
from handrail.errors import ConfigError

if TYPE_CHECKING:
    from handrail.bulk import BulkRun
    from handrail.policy.runtime.log_row import LogRow
    from handrail.review import ReviewPeriod, WeeklyReview
    from handrail.review.calibration.decision_log import LoggedAnswer
    from handrail.review.calibration.false_passes import FalsePasses
    from handrail.review.figures.log_figures import LogFigures
    from handrail.review.log.cases import ReviewCase
    from handrail.scan import Scanner
    from handrail.store import SqlStore

DEFAULT_SPAN = timedelta(days=7)


commands = typer.Typer()

commands.command()(accept)
commands.command()(due)
commands.command()(rollback)


@commands.callback(invoke_without_command=True)
def review(  # noqa: PLR0913 - one parameter per option
    context: typer.Context,
    store: StoreOption = DEFAULT_STORE,
    tenant: TenantOption = "default",
    week: Annotated[
        str,
        typer.Option(
            help="A calendar week, e.g. 2026-W47, in place of two moments; in the policy's time zone, "
            "without a policy in this machine's."
        ),
    ] = "",
    since: Annotated[str, typer.Option(help="First moment, e.g. 2026-01-05; by default a week ago.")] = "",
    until: Annotated[str, typer.Option(help="Moment after the last one; by default now.")] = "",
    policy: PolicyOption = "",
    log: Annotated[
        Path | None, typer.Option(help="An export of the decision log, in place of a store.")
    ] = None,
    workers: WorkersOption = 1,
    engine: EngineOption = "processes",
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for the files.")] = Path("review"),
    language: Annotated[str, typer.Option(help="Of the page and its texts: en or de.")] = "en",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the figures as JSON; write no files.")
    ] = False,
) -> None:
    """Review a week, and accept or take back what it proposes.

    Says how a period's tickets ended, how long people took, which errors were passed, and what to do first.
    Writes `review.html` (one page, needs nothing else), `review.md`, `cases.jsonl` (people's corrections as
    test cases), each chart as SVG and PNG and each table as CSV and Parquet.

    With `--policy` its own entities are masked as well, and what the log proved is written as changes of that
    policy, each tried by check, tests and on past decisions, to be accepted by `handrail review accept`.
    Texts are masked. It proposes and changes nothing. With `--log` everything comes from an export of any
    size; it holds nobody's words and no deadlines, so late is what expired.

    Exit code 0: it is written. 2: something that was named cannot be used, or the store is out of reach.

    **Examples**

    - `handrail review --week 2026-W47 --policy policy.yaml`
    - `handrail review --since 2026-01-05 --until 2026-01-12 --out reports/week-2`
    - `handrail review --log november.parquet --since 2026-11-01 --workers 8`
    - `handrail review --store postgresql+psycopg://… --tenant acme --json`
    - `handrail review --week 2026-W47 --language de`
    """
    if context.invoked_subcommand is not None:
        return
    from handrail.review import write
    from handrail.review.log.log_cases import review_job
    from handrail.review.week.language import language as language_of

    _check_language(language)
    period = _period_of(week, since, until, policy)
    if log is None:
        read = _of_store(store, tenant, period, policy)
    else:
        with run_with_progress(review_job(tenant), log, workers=workers, engine=engine) as run:
            read = _of_export(run, log.name, tenant, period)
        _warn_of_log(read.rows, period, log.name, tenant, policy)
    made = _reviewed(read, period, policy)
    if as_json:
        typer.echo(made.as_json())
        return
    paths = write(made.report, out, made.figures, made.patches, language_of(language))
    _tell(*made.lines(paths, store, policy, log))


def _reviewed(read: "_Read", period: "ReviewPeriod", policy: str) -> Reviewed:
    from handrail.review.store_review import followed, has_numbers

    with _progress("following the log"):
        figures, patches = followed(read.rows, period, policy, cases=read.report.cases, earlier=read.earlier)
    if figures is None and not has_numbers():
        typer.echo("Figures and proposals of the log need: pip install 'handrail[review]'", err=True)
    in_period = [row for row in read.answers if row.at in period]
    missed = _as_on_the_page(_missed(in_period, policy), figures, period)
    return Reviewed(report=read.report, figures=figures, patches=patches, missed=missed)


def _check_language(code: str) -> None:
    from handrail.review.week.language import languages

    if code not in languages():
        raise ConfigError(f"no language {code!r}; there are {', '.join(languages())}")


def _warn_of_log(
    rows: "Sequence[LogRow]", period: "ReviewPeriod", source: str, tenant: str, policy: str
) -> None:
    found = [nothing_there(rows, period, source, tenant), not_of_policy(rows, policy) if policy else ""]
    for words in filter(None, found):
        typer.echo(words, err=True)


def _tell(*lines: str) -> None:
    for line in lines:
        typer.echo(line)


def _period_of(week: str, since: str, until: str, policy: str) -> "ReviewPeriod":
    """Return what is asked for; a week is one of the policy's time zone, as in the inbox."""
    from handrail.policy import load
    from handrail.review.log.calendar_week import week_of

    if week and (since or until):
        raise ConfigError("a week is a period of its own: leave out --since and --until")
    if not week:
        return _period(since, until, datetime.now(UTC))
    return week_of(week, ZoneInfo(load(policy).time_zone) if policy else None)


@contextmanager
def _progress(what: str, total: int | None = None) -> "Iterator[Callable[[], None]]":
    """Show that something goes on, on a terminal only; what is given is called after each step."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    columns = ("[progress.description]{task.description}", BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    shown = Progress(
        *columns, TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal
    )
    with shown as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A period as it was read: its tickets, the scored answers, and the whole log up to its end.

    `earlier` are tickets from before it, with their texts.
    """

    report: "WeeklyReview"
    answers: "Sequence[LoggedAnswer]"
    rows: "Sequence[LogRow]"
    earlier: "Sequence[ReviewCase]" = ()


def _of_export(run: "BulkRun", source: str, tenant: str, period: "ReviewPeriod") -> _Read:
    from handrail.bulk.select import selected
    from handrail.review import review as reviewed
    from handrail.review.calibration.decision_log import read_export
    from handrail.review.log.log_cases import log_cases

    rows = list(selected(run))
    return _Read(
        report=reviewed(log_cases(rows), period, now=datetime.now(UTC)),
        answers=read_export(run, source=source, tenant=tenant),
        rows=rows,
    )


def _of_store(store: str, tenant: str, period: "ReviewPeriod", policy: str) -> _Read:
    from handrail.review import review as reviewed
    from handrail.review.calibration.decision_log import read_store_log
    from handrail.review.log.cases import Collector
    from handrail.review.log.log_rows import rows_of
    from handrail.review.store_review import HISTORY, earlier_cases

    now = datetime.now(UTC)
    with opened(store) as found:
        if policy:
            _warn_of_another_version(found, policy, now)
        collector = Collector(source=found, tenant=tenant, scanner=scanner_of_policy(policy))
        with _progress("reading tickets") as step:
            cases = [(case, step())[0] for case in collector.cases(period)]
            earlier = earlier_cases(collector, period, read=len(cases)) if policy else ()
        with _progress("reading the log"):
            return _Read(
                report=reviewed(cases, period, now=now),
                answers=read_store_log(found, tenant, period.since),
                rows=rows_of(found.entries(tenant, period.until - HISTORY, now), tenant),
                earlier=earlier,
            )


def _warn_of_another_version(found: "SqlStore", policy: str, now: datetime) -> None:
    from handrail.policy import load
    from handrail.policy.file.read import read_source
    from handrail.review.changes.accept_in_force import held_text

    name = load(policy).ref.name
    held = held_text(found, name, now)
    if held is not None and held != read_source(policy)[1]:
        typer.echo(
            f"another version of {name} is in force in the store: what is proposed changes the file, and "
            f"cannot be accepted; `handrail policy in-force {name} --source` shows the other",
            err=True,
        )


def _missed(rows: "Sequence[LoggedAnswer]", policy: str) -> "FalsePasses | None":
    """Estimate the error among passed answers, None where people checked none."""
    if not any(row.is_known and not row.escalated for row in rows):
        return None
    from handrail.guard.opening import calibration_of
    from handrail.policy import load
    from handrail.review.calibration.false_passes import false_passes

    return false_passes(rows, calibration_of(load(policy)) if policy else None)


def _as_on_the_page(
    missed: "FalsePasses | None", figures: "LogFigures | None", period: "ReviewPeriod"
) -> "FalsePasses | None":
    """Return the estimate of the page where it is of the same days.

    The page leaves out verdicts that nobody can have read for; one week has one figure.
    """
    if missed is None or figures is None or not figures.weeks or period.until - period.since > DEFAULT_SPAN:
        return missed
    week = figures.weeks[-1].findings.missed
    if week.rate is None:
        return missed
    shown = {"rate": week.rate, "low": week.low, "high": week.high}
    counts = {"passed": week.count, "audits": week.sampled}
    return replace(missed, error=missed.error.model_copy(update=shown | counts))


def _period(since: str, until: str, now: datetime) -> "ReviewPeriod":
    from handrail.review import ReviewPeriod

    end = moment_of(until) if until else now
    start = moment_of(since) if since else end - DEFAULT_SPAN
    if start >= end:
        raise ConfigError("the period is empty: --since must lie before --until")
    return ReviewPeriod(since=start, until=end)


def moment_of(text: str) -> datetime:
    """Read a moment; one without a time zone is meant in this machine's."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise ConfigError(f"not a moment: {text!r}; write 2026-01-05 or 2026-01-05T09:00+01:00") from None


def scanner_of_policy(policy: str) -> "Scanner":
    """Return the scanner of a policy, by its file or name; the shipped one without a policy."""
    from handrail.guard.opening import scanner_of
    from handrail.policy import load
    from handrail.scan import default_scanner

    return scanner_of(load(policy)) if policy else default_scanner()
