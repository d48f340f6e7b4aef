"""What commands share: their options, and the store and the person that those name."""

import os
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handrail.errors import ConfigError
from handrail.text.suggest import near

if TYPE_CHECKING:
    from handrail.service import Reviewer, TicketService
    from handrail.store import Actor, SqlStore

SETTINGS = Path("handrail.toml")
"""File in the working folder that says once what commands would be told each time."""
NAMES = ("store", "tenant", "policy", "people", "person", "desk_file")
TABLES = ("inbox", "gateway")
"""Tables of the same file that are one command's own, which checks them when it reads them."""


def settings() -> dict[str, str]:
    """Return what `handrail.toml` in the working folder says, nothing where there is none.

    Raises:
        ConfigError: it cannot be read, or says something else than the texts of `NAMES` and the `TABLES`.
    """
    if not SETTINGS.exists():
        return {}
    try:
        said = tomllib.loads(text_of(SETTINGS))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{SETTINGS}: {error}") from None
    shared = {name: value for name, value in said.items() if name not in TABLES}
    for name, value in shared.items():
        if name not in NAMES:
            raise ConfigError(f"{SETTINGS}: unknown key '{name}'{near(name, (*NAMES, *TABLES))}")
        if not isinstance(value, str):
            raise ConfigError(f"{SETTINGS}: {name} is a text")
    return shared


def _said(name: str) -> Callable[[typer.Context, typer.CallbackParam, str], str]:
    """Return what reads an option that was not given from `handrail.toml`."""

    def read(ctx: typer.Context, param: typer.CallbackParam, value: str) -> str:
        source = ctx.get_parameter_source(param.name or "")
        is_given = source is not None and source.name != "DEFAULT"
        return value if is_given or ctx.resilient_parsing else settings().get(name, value)

    return read


def _said_path(ctx: typer.Context, param: typer.CallbackParam, value: Path) -> Path:
    return Path(_said("people")(ctx, param, str(value)))


StoreOption = Annotated[
    str, typer.Option(envvar="HANDRAIL_STORE", callback=_said("store"), help="URL of the ticket store.")
]
TenantOption = Annotated[
    str, typer.Option(envvar="HANDRAIL_TENANT", callback=_said("tenant"), help="Whose tickets.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
PolicyOption = Annotated[
    str,
    typer.Option(
        "--policy",
        "-p",
        envvar="HANDRAIL_POLICY",
        callback=_said("policy"),
        help="Policy file, or the name of a shipped one.",
    ),
]
PeopleOption = Annotated[
    Path,
    typer.Option(
        "--people", envvar="HANDRAIL_PEOPLE", callback=_said_path, help="File that maps people to roles."
    ),
]
PersonOption = Annotated[
    str,
    typer.Option(
        "--as",
        envvar="HANDRAIL_PERSON",
        callback=_said("person"),
        help="Who you are, by the id in the people file.",
    ),
]
DEFAULT_STORE = "sqlite:///handrail.db"
DEFAULT_PEOPLE = Path("people.yaml")


@contextmanager
def opened(url: str, *, allow_volatile: bool = True) -> "Iterator[SqlStore]":
    """Open a store for the length of a command.

    Raises:
        ConfigError: there is no such file. A command that made one would show an empty store in place of the
            one that was meant.
    """
    from handrail.store import open_store
    from handrail.store.database import file_of, parse_url

    file = file_of(parse_url(url))
    if file is not None and not file.exists():
        raise ConfigError(f"there is no store at {file}; name it by --store or HANDRAIL_STORE")
    found = open_store(url, allow_volatile=allow_volatile)
    try:
        yield found
    finally:
        found.close()


def text_of(path: Path) -> str:
    """Return the text of a file that was named.

    Raises:
        ConfigError: it cannot be read, or is not text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or 'unknown'}") from None


def changed_policy(ctx: typer.Context, param: typer.CallbackParam, value: Path) -> Path:
    """Return the file of an option that names the policy to change, by default that of `handrail.toml`."""
    if ctx.resilient_parsing:
        return value
    said = value if value != Path() else Path(_said("policy")(ctx, param, ""))
    if said == Path():
        raise ConfigError("name the policy's file: --policy, HANDRAIL_POLICY, or policy in handrail.toml")
    return file_to_change(said)


def file_to_change(source: Path) -> Path:
    """Return the file of a policy that a command writes.

    Raises:
        ConfigError: there is no such file, and how to come by one where a shipped policy has its name.
    """
    from handrail.policy.file.read import shipped

    if source.is_file():
        return source
    if source.is_dir():
        raise ConfigError(f"{source} is a folder; name the policy's file")
    name = source.stem if source.suffix in (".yaml", ".yml") else source.name
    if str(source) in shipped():
        raise ConfigError(
            f"the policy {name} comes with handrail and cannot be changed; copy it first, and name the copy: "
            f"handrail policy copy {name}"
        )
    cure = (
        f"; handrail policy copy {name} writes the one that comes with handrail" if name in shipped() else ""
    )
    raise ConfigError(f"there is no file {source}{cure}")


def actor_of(person: str, policy: str, people: Path) -> "Actor":
    """Return the actor for a person who is in the people file."""
    from handrail.policy import load, load_people
    from handrail.store import Actor

    return Actor(person=person, people=load_people(people, load(policy)), now=datetime.now(UTC))


def serving(
    store: "SqlStore", person: str, tenant: str, policy: str, people: Path
) -> "tuple[TicketService, Reviewer]":
    """Return the service over a store, and who a person is to it: whoever is at this terminal.

    Raises:
        ConfigError: nobody is named, or the people file does not list them.
    """
    from handrail.policy import load, load_people
    from handrail.service import GivenPolicy, Level, Reviewer, Scope, TicketService

    loaded = load(policy)
    members = load_people(people, loaded)
    if not person:
        raise ConfigError("say who you are: --as, HANDRAIL_PERSON, or person in handrail.toml")
    roles = members.roles_of(person)
    if not roles:
        known = {name for filled in members.roles.values() for name in filled}
        raise ConfigError(f"{people}: {person!r} fills no role{near(person, known)}")
    service = TicketService(store, GivenPolicy(policy=loaded), members)
    scopes = frozenset({Scope.READ, Scope.DECIDE, Scope.UNMASK})
    return service, Reviewer(person=person, tenant=tenant, roles=roles, scopes=scopes, level=Level.FRESH)


def who() -> str:
    """Return who runs this command, for the record."""
    return os.environ.get("USER") or f"uid-{os.getuid()}"
