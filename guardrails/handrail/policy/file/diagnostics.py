"""Turns what the schema refuses into errors at their place in the file, with the nearest word."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from handrail.errors import PolicyError
from handrail.policy.file.document import Document, Path
from handrail.policy.file.schema import PolicyShape
from handrail.text.suggest import LONGEST, near, nearest


def shape_errors(document: Document, error: ValidationError) -> list[PolicyError]:
    """Return one error for each key or value that does not fit."""
    found: dict[Path, PolicyError] = {}
    details = _details(error)
    meant = {(*path[:-1], key) for path, key in _misspelt(document, details).items()}
    for detail in details:
        path = _in_file(document, detail["loc"])
        if tuple(detail["loc"]) in meant:
            continue
        if path in found and detail["type"] != "extra_forbidden":
            continue
        at_key = detail["type"] in ("extra_forbidden", "missing")
        if detail["type"] == "missing":
            path = path if path in document.keys or path in document.values else path[:-1]
        given = _given(document, path)
        found[path] = document.error(_words(detail, detail["loc"], given), path, at_key=at_key)
    return list(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadShape:
    """The shape of a file: without the parts that do not fit, None if nothing is left that can be read.

    `problems` say what does not fit. `dropped` are names that stood in parts left out: that something else
    does not find them is a consequence, not a problem.
    """

    shape: PolicyShape | None
    problems: tuple[PolicyError, ...] = ()
    dropped: frozenset[str] = frozenset()

    def beside(self, problems: Iterable[PolicyError]) -> tuple[PolicyError, ...]:
        """Return these problems and those found in what was left, without mere consequences."""
        own = [one for one in problems if not any(f"'{name}'" in one.problem for name in self.dropped)]
        return (*self.problems, *own)


def read_shape(document: Document) -> ReadShape:
    """Read the shape of a file; where parts do not fit, leave them out of the document and read the rest."""
    problems: list[PolicyError] = []
    dropped: set[str] = set()
    for round_ in range(MOST_ROUNDS):
        try:
            return ReadShape(
                shape=PolicyShape.model_validate(document.value),
                problems=tuple(problems),
                dropped=frozenset(dropped),
            )
        except ValidationError as error:
            if round_ == 0:
                problems = shape_errors(document, error)
            if not _leave_out(document, error, dropped):
                break
    return ReadShape(shape=None, problems=tuple(problems))


MOST_ROUNDS = 8
_STAND_INS: Mapping[str, str] = {"policy": "unnamed", "version": "0"}


def _leave_out(document: Document, error: ValidationError, dropped: set[str]) -> bool:
    """Mend or leave out what does not fit; False where that is no part of the file but the whole.

    A misspelt key counts as the one that was meant, and a label that is missing is made up.
    """
    details = _details(error)
    misspelt = _misspelt(document, details)
    meant = {(*path[:-1], key) for path, key in misspelt.items()}
    paths: dict[Path, None] = {}
    for detail in details:
        loc = tuple(detail["loc"])
        path = _in_file(document, loc)
        while path and path not in document.values and path not in document.keys:
            path = path[:-1]
        if detail["type"] == "missing" and len(loc) == 1 and loc[0] in _STAND_INS:
            document.value[str(loc[0])] = _STAND_INS[str(loc[0])]
        elif path not in misspelt and loc not in meant:
            paths[path] = None
    if () in paths:
        return False
    for path, key in misspelt.items():
        document.rename(path, key)
    # From the end, so that the items of a list before it keep their numbers; the part before what it holds.
    order = sorted(paths, key=lambda path: [(isinstance(step, int), step) for step in path], reverse=True)
    for path in order:
        if not any(path[: len(other)] == other for other in paths if other != path):
            dropped |= _names_in(document, path)
            document.drop(path)
    return True


def _details(error: ValidationError) -> Sequence[Mapping[str, Any]]:
    return error.errors(include_url=False, include_context=True, include_input=False)


def _misspelt(document: Document, details: Sequence[Mapping[str, Any]]) -> dict[Path, str]:
    """Return the unknown keys that nearly are known ones, where these do not stand beside them."""
    found: dict[Path, str] = {}
    for detail in details:
        loc = detail["loc"]
        if detail["type"] == "extra_forbidden":
            path = _in_file(document, loc)
            meant = nearest(str(loc[-1]), _keys_at(loc[:-1]))
            taken = _given(document, path[:-1])
            if meant is not None and isinstance(taken, dict) and meant not in taken:
                found[path] = meant
    return found


def _names_in(document: Document, path: Path) -> set[str]:
    value: Any = document.value
    for step in path:
        value = value[step]
    found = {path[1]} if len(path) == 2 and isinstance(path[1], str) else set[str]()
    if isinstance(value, dict):
        rules = value.get("rules")
        inner = [value, *(rules if isinstance(rules, list) else [])]
        ids = (one.get("id") for one in inner if isinstance(one, dict))
        found |= {id_ for id_ in ids if isinstance(id_, str)}
        found |= set(value) if len(path) == 1 else set()
    return found


def _in_file(document: Document, loc: Sequence[str | int]) -> Path:
    """Drop what pydantic adds to a place (names of union members) and keep what is in the file."""
    path: Path = ()
    for part in loc:
        longer = (*path, part)
        if longer in document.values or longer in document.keys or part == loc[-1]:
            path = longer
    return path


def _given(document: Document, path: Path) -> object:
    value: Any = document.value
    for step in path:
        is_there = (
            step in value if isinstance(value, dict) else isinstance(value, list) and isinstance(step, int)
        )
        value = value[step] if is_there else None
    return value


def _words(detail: Mapping[str, Any], loc: Sequence[str | int], given: object) -> str:
    key = str(loc[-1])[:LONGEST] if loc else ""
    match detail["type"]:
        case "extra_forbidden":
            return f"unknown key '{key}'{near(key, _keys_at(loc[:-1]))}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"'{key}' is a mapping, e.g. {{key: value}}"
        case "list_type":
            return f"'{key}' is a list, e.g. [one, two]"
        case "missing":
            return f"'{key}' is missing"
        case "enum" | "literal_error":
            expected = str(detail["ctx"]["expected"]).replace("'", "")
            options = expected.replace(" or ", ", ").split(", ")
            hint = near(given, options) if isinstance(given, str) else ""
            return f"'{key}' is one of {expected}{hint}"
        case "string_pattern_mismatch":
            return f"'{key}' does not have the right form ({detail['ctx']['pattern']})"
        case _:
            return f"'{key}': {str(detail['msg']).lower()}"


def _keys_at(loc: Sequence[str | int]) -> list[str]:
    """Return the keys that may stand at a place."""
    models: list[type[BaseModel]] = [PolicyShape]
    for part in loc:
        inner: list[type[BaseModel]] = []
        for model in models:
            field = next((f for n, f in model.model_fields.items() if part in (n, f.alias)), None)
            inner += _models_in(field.annotation) if field is not None else [model]
        models = inner
    return [field.alias or name for model in models for name, field in model.model_fields.items()]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]
