"""What a policy adds to the scanner, from plain data to the scanner's own specification."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from handrail.errors import PolicyError
from handrail.policy import Policy
from handrail.scan import EntitySpec, ListedValue, Origin, Scanner, ScanSpec
from handrail.scan.spec import Analyzer

_NAMES = {field.name for field in fields(EntitySpec)} - {"origin"}
_LISTS = {"patterns", "terms", "weak_terms", "context", "against", "match", "not_match"}


def scanner_of(policy: Policy, analyzers: Sequence[Analyzer] = ()) -> Scanner:
    """Build the scanner that a policy asks for.

    Raises:
        PolicyError: an entity of its own cannot be used; says where it stands in the file.
    """
    return Scanner(spec_of(policy.scan, analyzers))


def spec_of(settings: Mapping[str, Any], analyzers: Sequence[Analyzer] = ()) -> ScanSpec:
    """Turn a policy's `scan:` section into a specification; pure.

    Raises:
        PolicyError: an entity has a key or a kind of value that none can have.
    """
    given = {name: settings[name] for name in ("floor", "tagger") if name in settings}
    return ScanSpec(
        entities=tuple(_entity(entity) for entity in settings.get("entities", ())),
        allow=tuple(ListedValue(value=value) for value in settings.get("allow", ())),
        deny=tuple(ListedValue(**value) for value in settings.get("deny", ())),
        enable=frozenset(settings.get("enable", ())),
        disable=frozenset(settings.get("disable", ())),
        analyzers=tuple(analyzers),
        **given,
    )


def _entity(raw: Mapping[str, Any]) -> EntitySpec:
    file, line, column = raw.get("at", ("<policy>", 1, 1))
    values: dict[str, Any] = {}
    for name, value in raw.items():
        if name == "at":
            continue
        if name not in _NAMES:
            raise PolicyError(
                f"an entity has no key {name!r}; it may have {', '.join(sorted(_NAMES))}",
                file=file,
                line=line,
                column=column,
            )
        values[name] = tuple(value) if name in _LISTS and not isinstance(value, str) else value
    missing = {"type", "category"} - values.keys()
    if missing:
        problem = f"an entity needs {' and '.join(sorted(missing))}"
        raise PolicyError(problem, file=file, line=line, column=column)
    if "score" in values:
        values["score"] = float(values["score"])
    return EntitySpec(**values, origin=Origin(file=file, line=line, column=column))
