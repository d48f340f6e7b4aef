"""The `handrail` command: one group an area, and whatever installed packages add to `handrail.commands`.

A command is imported when it is called. Its name, help line and extra are known before, so `--version` and
`--help` import no command, and a missing extra concerns only the command that needs it.
"""

import gc
import sys

import typer

from handrail import __version__
from handrail.cli.deferred import Commands
from handrail.errors import HandrailError


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
    return typer.Typer(
        name="handrail",
        cls=Commands,
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_show_locals=False,
        pretty_exceptions_enable=False,
        callback=_root,
    )


def main() -> None:
    """Run the command; an error of handrail's own is one line on standard error and exit code 2."""
    # A command imports much and ends soon: looking for cycles meanwhile, and in all of it once more at the
    # end, takes a third of its time. One that runs on is still collected, less often.
    gc.set_threshold(20_000)
    try:
        build()()
    except HandrailError as error:
        typer.echo(f"handrail: {error}", err=True)
        sys.exit(2)
    finally:
        gc.freeze()
