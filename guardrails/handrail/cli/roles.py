"""`handrail roles`: who fills which role, and the proof that every hand-off reaches somebody."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handrail.cli.options import JsonOption, PeopleOption, PolicyOption
from handrail.errors import ConfigError, RoleError

if TYPE_CHECKING:
    from handrail.desk.staffing import Coverage, Staffing
    from handrail.policy import People, Policy
    from handrail.tickets.schedule import Schedule

commands = typer.Typer(
    no_args_is_help=True, help="Show who fills which role, and whether somebody is always there."
)

DeskOption = Annotated[
    Path | None, typer.Option("--desk", help="The desk's file: calendars, hours, absences.")
]


@commands.command()
def check(  # noqa: PLR0913 - one parameter per option
    policy: PolicyOption,
    people: PeopleOption,
    desk: DeskOption = None,
    start: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD; by default this Monday.")] = "",
    weeks: Annotated[int, typer.Option(min=1, max=106, help="How many weeks; more meet more holidays.")] = 1,
    max_wait: Annotated[
        float | None, typer.Option(help="Hours after which somebody must be at work, else it fails.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Prove that for every hour each hand-off ends at a staffed role or at a safe default.

    Exit code 0: every hour ends at a staffed role or a safe default. 1: a role that nobody fills, a
    dead end, or a wait beyond --max-wait. 2: the files cannot be used.

    **Examples**

    - `handrail roles check --policy support --people people.yaml`
    - `handrail roles check -p policy.yaml --people people.yaml --desk desk.yaml --weeks 52 --max-wait 72`
    """
    from rich.progress import track

    from handrail.desk.staffing import WEEK_HOURS, cover, empty_roles, hours_of, routes_of

    try:
        loaded, staffing = _staffing(policy, people, desk)
        first = _monday(start)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1 if isinstance(error, RoleError) else 2) from None
    routes = routes_of(loaded)
    hours = tuple(hours_of(first, WEEK_HOURS * weeks))
    # Rules that share role, trigger and severity meet the same people at the same hours.
    distinct = {(route.role, route.trigger, route.severity): route for route in reversed(routes)}
    shown = track(list(distinct), description="hours", transient=True, disable=as_json or weeks < 4)
    covered = {key: cover(staffing, distinct[key], hours) for key in shown}
    found = [(route.rule, covered[route.role, route.trigger, route.severity]) for route in routes]
    limit = None if max_wait is None else timedelta(hours=max_wait)
    is_fine = not any(_is_bad(one, limit) for one in covered.values())
    empty = empty_roles(staffing, routes)
    if as_json:
        report = {
            "ok": is_fine,
            "from": first.isoformat(),
            "hours": len(hours),
            "empty_roles": list(empty),
            "routes": [_as_data(rule, one) for rule, one in found],
        }
        typer.echo(json.dumps(report, indent=2))
    else:
        _print(found, empty, hours=len(hours), limit=limit)
    if not is_fine:
        raise typer.Exit(1)


def _staffing(policy: str, people: Path, desk: Path | None) -> "tuple[Policy, Staffing]":
    from handrail.desk.settings import load_settings
    from handrail.desk.staffing import Staffing
    from handrail.policy import load, load_people
    from handrail.tickets.schedule import ALWAYS_STAFFED, schedule_of

    loaded = load(policy)
    mapped = load_people(people, loaded)
    # Only the hours are read here, so the secrets of the channels need not be at hand.
    over = (
        ALWAYS_STAFFED
        if desk is None
        else load_settings(desk, roles=loaded.roles, with_channels=False).schedule
    )

    def members(role: str) -> frozenset[str]:
        try:
            return mapped.members(role)
        except RoleError:
            return frozenset()

    schedule = schedule_of(loaded.roles, zone=loaded.time_zone, over=_with_absences(over, mapped))
    return loaded, Staffing(roles=loaded.roles, members=members, schedule=schedule)


def _with_absences(schedule: "Schedule", people: "People") -> "Schedule":
    """Return a schedule with the absences that the people file states beside its own."""
    stated = {
        person: tuple((one.first, one.last) for one in found) for person, found in people.absences.items()
    }
    away = {name: (*schedule.away.get(name, ()), *stated.get(name, ())) for name in {*schedule.away, *stated}}
    return replace(schedule, away=away)


def _monday(text: str) -> datetime:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) if text else datetime.now(UTC)
    except ValueError:
        raise ConfigError(f"--from {text}: write a day as 2026-11-23") from None
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if text else midnight - timedelta(days=midnight.weekday())


def _is_bad(one: "Coverage", limit: timedelta | None) -> bool:
    return one.dead > 0 or (limit is not None and one.longest > limit)


def _as_data(rule: str, one: "Coverage") -> dict[str, Any]:
    return {
        "rule": rule,
        "trigger": str(one.route.trigger),
        "role": one.route.role,
        "severity": str(one.route.severity),
        "staffed_hours": dict(one.by_role),
        "safe_default_hours": one.defaults,
        "safe_default": str(one.default),
        "dead_end_hours": one.dead,
        "dead_end_role": one.stuck or None,
        "first_dead_end": one.first_dead.isoformat() if one.first_dead else None,
        "longest_wait_h": round(one.longest / timedelta(hours=1), 2),
        "longest_wait_from": one.longest_from.isoformat() if one.longest_from else None,
    }


def _print(
    found: "Sequence[tuple[str, Coverage]]", empty: Sequence[str], *, hours: int, limit: timedelta | None
) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Where hand-offs end, over {hours} hours")
    for name in ("rule", "goes to", "ends", "longest wait"):
        table.add_column(name, overflow="fold")
    for rule, one in found:
        ends = [f"{role} {count} h" for role, count in one.by_role.items()]
        if one.defaults:
            ends.append(f"safe default ({one.default}) {one.defaults} h")
        if one.dead:
            ends.append(f"DEAD END at {one.stuck} {one.dead} h, first {one.first_dead:%a %d %b %H:%M} UTC")
        wait = f"{one.longest / timedelta(hours=1):.1f} h"
        if one.longest_from:
            wait += f" from {one.longest_from:%a %d %b %H:%M} UTC"
        style = "red" if _is_bad(one, limit) else None
        table.add_row(f"{rule}\n({one.route.trigger})", one.route.role, "\n".join(ends), wait, style=style)
    console = Console()
    console.print(table)
    if empty:
        console.print(f"[yellow]nobody fills: {', '.join(empty)}[/yellow]")
    bad = sum(_is_bad(one, limit) for _, one in found)
    console.print(f"[red]{bad} of {len(found)} fail[/red]" if bad else f"all {len(found)} end well")
