"""`handrail desk`: timers, notices and the spool, in a process of its own; dead letters and their replay."""

import json
import logging
import signal
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from handrail.cli.options import DEFAULT_STORE, StoreOption, opened, settings
from handrail.errors import StoreUnavailable

if TYPE_CHECKING:
    from handrail.desk import Desk, Step

commands = typer.Typer(invoke_without_command=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, one document a line.")]


@commands.callback()
def desk(  # noqa: PLR0913 - one parameter per option
    context: typer.Context,
    store: StoreOption = DEFAULT_STORE,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            "-p",
            envvar="HANDRAIL_POLICY",
            help="Policy file, or the name of a shipped one; here or in handrail.toml, to run the desk.",
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--desk",
            help="The desk's file: hours and channels; without it notices wait for a desk that has one.",
        ),
    ] = None,
    people: Annotated[
        Path | None,
        typer.Option(
            "--people",
            envvar="HANDRAIL_PEOPLE",
            help="Who fills which role: claims of those who left are given back.",
        ),
    ] = None,
    every: Annotated[float, typer.Option(min=0.05, help="Seconds between two looks.")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Do what is due now, then end.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Fire timers, deliver notices, drain the spool.

    Runs until SIGTERM or SIGINT. Policy, people, store and desk_file may stand in handrail.toml. Any number
    of desks may share a PostgreSQL store.

    Exit code 0: stopped by SIGTERM or SIGINT, or `--once` is done. 2: a file cannot be used. 3: the store is
    out of reach.

    **Examples**

    - `handrail desk --policy support --desk desk.yaml`
    - `handrail desk --policy support --once --json`
    - `handrail desk dead`
    - `handrail desk replay --all`
    """
    if context.invoked_subcommand is not None:
        context.obj = store
        return
    if policy is None:
        # The people of the same file fill its policy's roles, not those of a policy that is named here.
        said = settings()
        policy = said.get("policy")
        people = people or (Path(said["people"]) if "people" in said else None)
    file = file or (Path(settings()["desk_file"]) if "desk_file" in settings() else None)
    if policy is None:
        raise typer.BadParameter("a desk needs the policy, for its roles", param_hint="--policy")
    # Other libraries stay quiet: a client that logs the addresses it posts to would log credentials.
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("handrail").setLevel(logging.INFO)
    try:
        _run(store, policy, (file, people), every_s=None if once else every, as_json=as_json)
    except StoreUnavailable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(3) from None


@commands.command()
def dead(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List notices that could not be delivered, oldest first.

    **Examples**

    - `handrail desk dead --json`
    """
    from rich.console import Console
    from rich.table import Table

    with opened(context.obj) as store:
        letters = store.dead_letters(limit=limit)
    if as_json:
        for letter in letters:
            typer.echo(json.dumps(asdict(letter), default=str))
        return
    table = Table("id", "ticket", "event", "role", "at", "why")
    for letter in letters:
        table.add_row(
            letter.id, letter.ticket, letter.kind, letter.role, f"{letter.at:%Y-%m-%d %H:%M}", letter.error
        )
    Console().print(table if letters else "no dead letters")


@commands.command()
def replay(
    context: typer.Context,
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of dead letters.")] = None,
    every_one: Annotated[bool, typer.Option("--all", help="Every dead letter.")] = False,
) -> None:
    """Put dead letters back into the outbox; a running desk delivers them.

    **Examples**

    - `handrail desk replay --all`
    """
    if not ids and not every_one:
        raise typer.BadParameter("name dead letters, or --all")
    with opened(context.obj) as store:
        count, now = 0, datetime.now(UTC)
        while chosen := list(ids or [letter.id for letter in store.dead_letters(limit=500)]):
            count += store.replay(chosen, now=now)
            if ids:
                break
    typer.echo(f"{count} put back")


def _run(
    url: str, policy: str, files: tuple[Path | None, Path | None], *, every_s: float | None, as_json: bool
) -> None:
    from handrail.desk import Desk
    from handrail.desk.desk import NO_CHANNELS
    from handrail.desk.weekly_review import WeeklyReviews
    from handrail.guard.enforcement import PolicyInForce
    from handrail.policy import load
    from handrail.policy.file.people_file import PeopleFile
    from handrail.policy.file.read import read_source
    from handrail.store import Spool

    loaded, (file, named) = load(policy), files
    folder = read_source(policy)[0].parent
    people = PeopleFile(named, loaded) if named is not None else None
    with opened(url, allow_volatile=False) as store:
        in_force = PolicyInForce(store=store, held=loaded, folder=folder)
        one = Desk.of_policy(store, in_force, file=file, spool=Spool.beside(url), people=people)
        if one.settings.review is not None:
            one.review_by(WeeklyReviews(store, one.settings.review, in_force, policy))
        if one.tells_nobody:
            typer.echo(NO_CHANNELS, err=True)
        if every_s is None:
            _tell(one.step(), as_json=as_json)
        else:
            _until_told_to_stop(one, every_s=every_s, as_json=as_json)


def _until_told_to_stop(one: "Desk", *, every_s: float, as_json: bool) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        one.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    typer.echo("the desk is open", err=True)
    one.run(every_s=every_s, told=lambda done: _tell(done, as_json=as_json))
    typer.echo("the desk is closed", err=True)


def _tell(done: "Step", *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"at": datetime.now(UTC).isoformat(), **asdict(done)}))
        return
    parts = [f"{count} {verb.replace('_', ' ')}" for verb, count in done.timers.items()]
    counts = {
        "drained": done.drained,
        "delivered": done.delivered,
        "postponed": done.postponed,
        "dead": done.died,
        "reviewed": done.reviewed,
    }
    parts += [f"{count} {name}" for name, count in counts.items() if count]
    typer.echo(f"{datetime.now(UTC):%H:%M:%S} {', '.join(parts) or 'nothing was due'}")
