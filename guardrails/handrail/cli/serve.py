"""`handrail serve`: the inbox, where people see and decide tickets in a browser."""

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handrail.cli.options import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handrail.desk import Desk
    from handrail.inbox import Settings
    from handrail.store import SqlStore


def serve(  # noqa: PLR0913 - one parameter per option
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy", "-p", envvar="HANDRAIL_POLICY", help="Policy file, or a shipped one's name."
        ),
    ] = None,
    people: Annotated[
        str | None,
        typer.Option("--people", envvar="HANDRAIL_PEOPLE", help="File that maps people to roles."),
    ] = None,
    store: Annotated[
        str | None, typer.Option("--store", envvar="HANDRAIL_STORE", help="URL of the ticket store.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            help="Settings in TOML; the inbox's are under [inbox]. Without it: handrail.toml, if there.",
        ),
    ] = None,
    desk: Annotated[
        Path | None,
        typer.Option("--desk", help="The desk's file, where the desk runs here: hours and channels."),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to listen on.")] = 8440,
    development: Annotated[
        bool,
        typer.Option("--development", help="Sign in as anybody of the people file, on this machine only."),
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Only check the settings, then end.")] = False,
) -> None:
    """Serve the inbox, where people see and decide tickets in a browser.

    On SQLite the desk runs in the same process, by `--desk` or desk_file in handrail.toml; without channels
    there it leaves notices to a `handrail desk` that has some.

    Exit code 0: stopped by SIGTERM or SIGINT, or `--check` found nothing wrong. 2: a setting, the policy, the
    people file or the store cannot be used.

    **Examples**

    - `handrail serve --development`
    - `handrail serve --policy support --people people.yaml --development`
    - `handrail serve --desk desk.yaml --development`
    - `handrail serve --config handrail.toml --host 0.0.0.0`
    """
    from handrail.desk.desk import NO_CHANNELS
    from handrail.inbox import make_app
    from handrail.inbox.serve import serve as run
    from handrail.store import open_store

    given: dict[str, Any] = {"policy": policy, "people": people, "store": store}
    given["desk_file"] = str(desk) if desk is not None else None
    settings = _settings(config, given, development=development)
    settings.check_listening(host)
    opened = open_store(settings.store)
    try:
        app = make_app(settings, opened)
        beside = _desk(settings, opened) if settings.runs_desk else None
        warning = NO_CHANNELS if beside is not None and beside.tells_nobody else ""

        def say(*lines: str) -> None:
            for line in filter(None, (*lines, warning)):
                typer.echo(line, err=True)

        if check:
            typer.echo("the inbox can be served")
            say()
            return
        with _running(beside):
            run(app, settings, host=host, port=port, say=lambda url: say(f"inbox at {url}"))
    finally:
        opened.close()


def _desk(settings: "Settings", store: "SqlStore") -> "Desk":
    """Return the desk that runs beside the inbox."""
    from handrail.desk import Desk
    from handrail.desk.weekly_review import WeeklyReviews
    from handrail.guard.enforcement import PolicyInForce
    from handrail.policy import load
    from handrail.policy.file.people_file import PeopleFile
    from handrail.policy.file.read import read_source
    from handrail.store import Spool

    given, folder = load(settings.policy), read_source(settings.policy)[0].parent
    in_force = PolicyInForce(store=store, held=given, folder=folder)
    desk = Desk.of_policy(
        store,
        in_force,
        file=settings.desk_file,
        spool=Spool.beside(settings.store),
        people=PeopleFile(settings.people, given),
    )
    if desk.settings.review is not None:
        desk.review_by(WeeklyReviews(store, desk.settings.review, in_force, settings.policy))
    return desk


@contextmanager
def _running(desk: "Desk | None") -> "Iterator[None]":
    """Run a desk in a thread."""
    if desk is None:
        yield
        return
    desk.start()
    try:
        yield
    finally:
        desk.stop()


def _settings(config: Path | None, options: dict[str, Any], *, development: bool) -> Any:
    from handrail.inbox import checked, read_settings

    file = config or (SETTINGS if SETTINGS.exists() else None)
    base = read_settings(file) if file else {}
    options = {"tenant": os.environ.get("HANDRAIL_TENANT") or None, **options}
    given = {name: value for name, value in options.items() if value is not None}
    if development:
        given["development"] = True
    return checked({**base, **given}, source=str(file or "options"))
