"""`handrail simulate`: a quarter of traffic under a policy, with known truth, as a log to try things on."""

import csv
import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handrail.testing.quarter import Quarter, SimulatedWeek


def simulate(  # noqa: PLR0913 - one parameter per option
    policy: Annotated[str, typer.Argument(help="Policy file, or the name of a shipped policy.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", dir_okay=False, help="Where the log goes, as JSON lines.")
    ] = Path("quarter.jsonl"),
    truth: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Where to write what was true, as CSV.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed plays the same quarter.")] = 0,
    weeks: Annotated[int, typer.Option(min=1, max=520, help="How many weeks.")] = 13,
    weekly: Annotated[int, typer.Option(min=1, help="Exchanges of a week.")] = 400,
    drift_week: Annotated[
        int | None, typer.Option(min=1, help="From this week on the model is worse.")
    ] = None,
    attack_week: Annotated[int | None, typer.Option(min=1, help="From this week on attackers come.")] = None,
    stampers: Annotated[int, typer.Option(min=0, help="Reviewers who approve without reading.")] = 0,
    plants: Annotated[
        list[str] | None,
        typer.Option("--plant", help="Plant a fault of this kind; give it again for more of them."),
    ] = None,
) -> None:
    """Play a quarter of traffic under a policy, with known truth, and write its log.

    The log is what `handrail audit export` writes, so that `handrail review --log` and `handrail policy
    backtest` read it. What is wrong is known: an answer is wrong by chance, the more so the less sure it is,
    and where the policy stops it. Every fact that the policy declares is drawn; how is said beside it.

    With `--plant` something is wrong that a review should find. In the policy, whose faulty form is written
    beside the log, without those of its tests that the fault breaks, while the truth is that of the policy as
    it is: `needless`, `missing`, `too_low` or `too_lax`. In its traffic: `role` (a rule's tickets are passed
    on), `staffing` (a role is too small), `detector` (false alarms), `grant` (a customer whose cases need
    nobody), `bad_grant` (one whose grant lets wrong ones pass), `fact` (one that is never known). `prompt`
    and `topic` (edits of one kind, a gap of knowledge) show in the texts of tickets only and are refused: no
    log holds these, `handrail.testing.quarter` gives them.

    **Examples**

    - `handrail simulate support`
    - `handrail simulate policy.yaml --seed 7 --drift-week 5 --stampers 2 --truth truth.csv`
    - `handrail simulate support --plant needless`
    - `handrail simulate support --plant role --plant detector --truth truth.csv`
    - `handrail review --log quarter.jsonl --week 2026-W42 --policy quarter.policy.yaml`
    """
    from handrail.testing.plants import IN_POLICY
    from handrail.testing.quarter import QuarterSettings, quarter
    from handrail.testing.simulated_people import staff
    from handrail.testing.traffic_plants import IN_TEXTS, IN_TRAFFIC

    kinds = tuple(kind for kind in (*IN_POLICY, *IN_TRAFFIC) if kind not in IN_TEXTS)
    for kind in plants or ():
        if kind in IN_TEXTS:
            raise typer.BadParameter(
                f"{kind} shows in the texts of tickets only, which no log holds", param_hint="--plant"
            )
        if kind not in kinds:
            raise typer.BadParameter(f"one of {', '.join(kinds)}", param_hint="--plant")
    settings = QuarterSettings(
        seed=seed,
        weeks=weeks,
        weekly=weekly,
        drift_week=None if drift_week is None else drift_week - 1,
        attack_week=None if attack_week is None else attack_week - 1,
        people=staff(honest=6, stampers=stampers),
    )
    run = quarter(policy, settings, plants=tuple(plants or ()))
    _write(run, policy, out, truth)


def _write(run: "Quarter", policy: str, out: Path, truth: Path | None) -> None:
    played = list(run.weeks())
    _write_log(played, out)
    if truth is not None:
        _write_truth(played, truth)
    for line in (*run.drawn, *map(str, run.plants)):
        typer.echo(line)
    _show(played, out)
    under = policy
    if run.planted.plants:
        # What a review of this log proposes changes the policy that it was played under.
        under = str(out.with_suffix(".policy.yaml"))
        Path(under).write_text(run.planted.file, encoding="utf-8")
        typer.echo(under)
    typer.echo(f"next: handrail review --log {out} --week {_last_week(played)} --policy {under}")


def _last_week(played: "Sequence[SimulatedWeek]") -> str:
    from handrail.review.log.calendar_week import name_of_week

    return name_of_week(max(datetime.fromisoformat(record["at"]) for record in played[-1].records).date())


def _write_log(played: "Sequence[SimulatedWeek]", out: Path) -> None:
    with out.open("w", encoding="utf-8") as file:
        for week in played:
            file.writelines(f"{json.dumps(record)}\n" for record in week.records)


def _show(played: "Sequence[SimulatedWeek]", out: Path) -> None:
    for number, week in enumerate(played, start=1):
        typer.echo(f"week {number}: {_told(week)}")
    typer.echo(str(out))


def _told(week: "SimulatedWeek") -> str:
    found = week.truth
    passed = found.is_wrong[~found.is_held]
    return (
        f"{len(found.exchanges)} exchanges, {int(found.is_held.sum())} stopped, "
        f"{int(passed.sum())} of {len(passed)} passed answers are wrong"
    )


def _write_truth(played: "Sequence[SimulatedWeek]", path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ("week", "exchange", "score", "chance_of_wrong", "is_wrong", "is_stopped", "should_be", "planted")
        )
        for number, week in enumerate(played, start=1):
            found = week.truth
            columns = (found.score, found.chance, found.is_wrong, found.is_held, found.is_wanted)
            for exchange, planted, *values in zip(
                found.exchanges, found.planted, *(column.tolist() for column in columns), strict=True
            ):
                writer.writerow((number, exchange, *values, planted))
