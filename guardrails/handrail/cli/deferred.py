"""Commands that are known by name and help line, and imported when they are called."""

import importlib
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from handrail.errors import ConfigError, MissingExtra

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS = "handrail.commands"
_REQUIREMENT = re.compile(r"""([\w.-]+)[^;]*;.*extra == ['"]([\w-]+)['"]""")

# name: (module:attribute, help line, extra that its packages come with)
OWN = {
    "policy": ("policy:commands", "Check, test, explain and compare policies.", ""),
    "tickets": ("tickets:commands", "List, show, claim and decide tickets.", ""),
    "samples": ("samples:commands", "Check passed answers that were drawn for review.", ""),
    "audit": ("audit:commands", "Verify, export and sign the audit log.", ""),
    "log": ("log:commands", "Export, prune and count the decision log.", ""),
    "store": ("store:commands", "Upgrade, back up, erase and prune the store; its keys.", ""),
    "roles": ("roles:commands", "Show who fills which role, and whether somebody is always there.", ""),
    "people": (
        "people:commands",
        "Show who fills which role and who is away; free what others claimed.",
        "",
    ),
    "desk": ("desk:commands", "Fire timers, deliver notices, drain the spool.", ""),
    "confidence": ("confidence:commands", "Measure how well confidence scores find errors.", "review"),
    "signals": ("signals:commands", "Train signals and topics on texts of your own.", "review"),
    "scan": ("scan:scan", "Find sensitive data in text, JSON Lines, CSV and Parquet files.", ""),
    "replay": (
        "replay:replay",
        "Send recorded conversations through a policy, as live traffic would go.",
        "",
    ),
    "review": (
        "review:commands",
        "Review a week, and accept or take back what it proposes.",
        "",
    ),
    "export": ("export:commands", "Export people's decisions as data for training and tests.", "review"),
    "eval": ("evaluate:commands", "Run people's decisions as regression tests for prompts.", ""),
    "simulate": (
        "simulate:simulate",
        "Play a quarter of traffic under a policy, with known truth, and write its log.",
        "review",
    ),
    "init": (
        "init:init",
        "Write a starter policy, people file and settings of commands, with comments that explain each part.",
        "",
    ),
    "calibrate": (
        "confidence:calibrate",
        "Learn from people's verdicts how much confidence an answer needs to pass.",
        "review",
    ),
    "gateway": (
        "gateway:gateway",
        "Guard an OpenAI-compatible provider for programs in any language.",
        "server",
    ),
    "serve": (
        "serve:serve",
        "Serve the inbox, where people see and decide tickets in a browser.",
        "server",
    ),
}
# What an earlier release called a command; still answered, no longer shown.
FORMER = {"audits": "samples"}
# Help lines of the entry points that come with handrail; of any other, the help line names its package.
SHIPPED = {
    "demo": "Play a refunds shop turn by turn: who decides, why, which role, due when.",
    "mcp": "Serve one person's tickets to their desktop client over standard input and output (MCP).",
}


class Deferred(TyperCommand):
    """Stands for a command in lists; the command itself is imported when it is given its arguments."""

    def __init__(self, name: str, load: Callable[[], object], *, about: str, extra: str = "") -> None:
        if extra and not is_installed(extra):
            about = f"{about} (needs handrail[{extra}])"
        super().__init__(name, short_help=about)
        self._load, self.extra = load, extra

    def loaded(self) -> Any:
        """Import the command.

        Raises:
            MissingExtra: a package of its extra is not installed.
        """
        found = self._load()
        if isinstance(found, typer.Typer):
            found.info.name = self.name
            found.rich_markup_mode = "markdown"
            return typer.main.get_group(found)
        alone = typer.Typer(add_completion=False, rich_markup_mode="markdown")
        alone.command(self.name)(found)  # type: ignore[type-var]
        return typer.main.get_command(alone)

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Let the command itself read its arguments; what it returns runs the command itself, too."""
        return self.loaded().make_context(info_name, args, parent=parent, **extra)


class Commands(TyperGroup):
    """The commands of handrail and of the packages that add to `handrail.commands`."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return every name that `--help` shows; imports no command."""
        return [*OWN, *(point.name for point in _added())]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return what stands for a command, None if there is none of this name; imports no command."""
        name = FORMER.get(cmd_name, cmd_name)
        if name in OWN:
            where, about, extra = OWN[name]
            module, _, attribute = where.partition(":")
            return Deferred(
                name,
                lambda: getattr(importlib.import_module(f"handrail.cli.{module}"), attribute),
                about=about,
                extra=extra,
            )
        for point in _added():
            if point.name == name:
                package = point.dist.name if point.dist else point.module
                about = SHIPPED.get(name, f"Added by {package}.")
                return Deferred(name, point.load, about=about, extra=",".join(point.extras))
        return None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; an unknown name is answered with the near ones."""
        if args[0] not in OWN:
            self.commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Raises:
            MissingExtra: it needs a package of its extra that is not installed.
            ConfigError: a file or folder that was named cannot be read or written.
        """
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.filename is None:
                raise
            raise ConfigError(f"{error.filename}: {error.strerror or 'cannot be used'}") from None
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            command = self.get_command(ctx, ctx.invoked_subcommand or "")
            extra = command.extra or extra_with(package)
            if not extra:
                raise
            raise MissingExtra(extra, package) from None


def is_installed(extra: str) -> bool:
    """Tell whether the packages of an extra of handrail are there; imports none of them."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        for package, of_extra in _optional():
            if of_extra == extra:
                distribution(package)
    except PackageNotFoundError:
        return False
    return True


def extra_with(package: str) -> str:
    """Return the first extra of handrail that brings a package, nothing if none does."""
    return next((extra for name, extra in _optional() if name.replace("-", "_") == package), "")


def _optional() -> Iterator[tuple[str, str]]:
    """Yield the packages of every extra, as (package, extra)."""
    from importlib.metadata import PackageNotFoundError, requires

    with suppress(PackageNotFoundError):
        for line in requires("handrail") or ():
            if (found := _REQUIREMENT.match(line)) is not None:
                yield found[1], found[2]


def _added() -> "list[EntryPoint]":
    from importlib.metadata import entry_points

    return sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name)
