"""What commands share: their options, and the store and the person that those name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handrail.errors import ConfigError

if TYPE_CHECKING:
    from handrail.store import Actor, SqlStore

StoreOption = Annotated[str, typer.Option(envvar="HANDRAIL_STORE", help="URL of the ticket store.")]
TenantOption = Annotated[str, typer.Option(envvar="HANDRAIL_TENANT", help="Whose tickets.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
PolicyOption = Annotated[
    str, typer.Option("--policy", "-p", help="Policy file, or the name of a shipped one.")
]
PeopleOption = Annotated[Path, typer.Option("--people", help="File that maps people to roles.")]
PersonOption = Annotated[str, typer.Option("--as", help="Who you are, by the id in the people file.")]
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


def actor_of(person: str, policy: str, people: Path) -> "Actor":
    """Return the actor for a person who is in the people file."""
    from handrail.policy import load, load_people
    from handrail.store import Actor

    return Actor(person=person, people=load_people(people, load(policy)), now=datetime.now(UTC))


def who() -> str:
    """Return who runs this command, for the record."""
    return os.environ.get("USER") or f"uid-{os.getuid()}"
