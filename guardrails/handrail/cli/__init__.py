"""The `handrail` command: one group an area, and whatever installed packages add to `handrail.commands`."""

import importlib
import sys
from importlib.metadata import entry_points

import typer

from handrail import __version__
from handrail.errors import HandrailError

GROUPS = ("policy", "tickets", "audits", "audit", "store", "roles", "desk", "confidence")
SINGLE = {
    "scan": ("handrail.cli.scan", "scan"),
    "replay": ("handrail.cli.replay", "replay"),
    "review": ("handrail.cli.review", "review"),
    "init": ("handrail.cli.init", "init"),
    "calibrate": ("handrail.cli.confidence", "calibrate"),
    "gateway": ("handrail.cli.gateway", "gateway"),
}
ENTRY_POINTS = "handrail.commands"


def _version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"handrail {__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Know when an AI workflow must stop and ask a person."""


def build() -> typer.Typer:
    """Return the command with every group and every command that an installed package adds."""
    app = typer.Typer(
        name="handrail",
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_show_locals=False,
        pretty_exceptions_enable=False,
        callback=_root,
    )
    for group in GROUPS:
        app.add_typer(importlib.import_module(f"handrail.cli.{group}").commands, name=group)
    for name, (module, function) in SINGLE.items():
        app.command(name)(getattr(importlib.import_module(module), function))
    for point in entry_points(group=ENTRY_POINTS):
        app.command(point.name)(point.load())
    return app


def main() -> None:
    """Run the command; an error of handrail's own is one line on standard error and exit code 2."""
    try:
        build()()
    except HandrailError as error:
        typer.echo(f"handrail: {error}", err=True)
        sys.exit(2)
