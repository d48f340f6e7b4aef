"""The shipped entities, read from the data files beside this module, and their examples written out."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from handrail.errors import ConfigError
from handrail.scan.spec import EntitySpec, Origin

if TYPE_CHECKING:
    from handrail.scan.scanner import Scanner


FILES = (
    "identifier",
    "national",
    "financial",
    "network",
    "location",
    "health",
    "legal",
    "personnel",
    "credential",
)

_TUPLES = frozenset({"patterns", "terms", "weak_terms", "context", "against", "match", "not_match"})


@cache
def shipped() -> tuple[EntitySpec, ...]:
    """Return every shipped specification, in file order."""
    folder = files("handrail.scan") / "entities"
    return tuple(
        spec for name in FILES for spec in read((folder / f"{name}.toml").read_text("utf-8"), f"{name}.toml")
    )


def read(text: str, file: str) -> tuple[EntitySpec, ...]:
    """Read one entity file: a `category` and a list of `[[entity]]` tables.

    Raises:
        ConfigError: The file is no TOML, or an entity lacks its type or has a key that is not known.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: {error}") from None
    category = str(tables.get("category", "identifier"))
    return tuple(_entity(table, category, file) for table in tables.get("entity", ()))


def _entity(table: Mapping[str, Any], category: str, file: str) -> EntitySpec:
    values: dict[str, Any] = {"category": category, "origin": Origin(file=file)}
    values |= {key: tuple(value) if key in _TUPLES else value for key, value in table.items()}
    try:
        return EntitySpec(**values)
    except TypeError as error:
        raise ConfigError(f"{file}: {table.get('type', 'entity')}: {error}") from None


_RUN = re.compile("«([AaUhdbQ])(\\d+)»")
_ALPHABETS = {
    "A": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "a": "0123456789abcdefghijklmnopqrstuvwxyz",
    "U": "234567ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "h": "0123456789abcdef",
    "d": "0123456789",
    "b": "234567abcdefghijklmnopqrstuvwxyz",
    "Q": "023456789ACDEFGHJKLMNPQRSTUVWXYZ",
}


def expand(example: str) -> str:
    """Return an example with every run written out; the same text always gives the same characters."""
    state = 7

    def written(run: "re.Match[str]") -> str:
        nonlocal state
        alphabet = _ALPHABETS[run.group(1)]
        characters = []
        for _ in range(int(run.group(2))):
            # A linear congruential generator (Numerical Recipes): examples need variety, not secrecy.
            state = (state * 1664525 + 1013904223) % (1 << 32)
            characters.append(alphabet[(state >> 16) % len(alphabet)])
        return "".join(characters)

    return _RUN.sub(written, example)


def failures(scanner: "Scanner", entities: "Iterable[EntitySpec]") -> "Iterator[tuple[EntitySpec, str]]":
    """Yield every example that the scanner reads otherwise than its entity says, with the entity."""
    for entity in entities:
        for examples, expected in ((entity.match, True), (entity.not_match, False)):
            for example in examples:
                found = any(finding.type == entity.type for finding in scanner.scan(expand(example)))
                if found is not expected:
                    yield entity, example
