"""The shipped entities, read from the data files beside this module."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from handrail.errors import ConfigError
from handrail.scan.spec import EntitySpec, Origin

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
    from importlib.resources import files

    folder = files("handrail.scan") / "entities"
    return tuple(
        spec for name in FILES for spec in read((folder / f"{name}.toml").read_text("utf-8"), f"{name}.toml")
    )


def read(text: str, file: str) -> tuple[EntitySpec, ...]:
    """Read one entity file: a `category` and a list of `[[entity]]` tables.

    Raises:
        ConfigError: The file is no TOML, or an entity lacks its type or has a key that is not known.
    """
    import tomllib

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
