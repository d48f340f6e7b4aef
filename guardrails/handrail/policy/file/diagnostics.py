"""Turns what the schema refuses into errors at their place in the file, with the nearest word."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from handrail.errors import PolicyError
from handrail.policy.file.document import Document, Path
from handrail.policy.file.schema import PolicyShape
from handrail.text.suggest import LONGEST, near


def shape_errors(document: Document, error: ValidationError) -> list[PolicyError]:
    """Return one error for each key or value that does not fit."""
    found: dict[Path, PolicyError] = {}
    for detail in error.errors(include_url=False, include_context=True, include_input=False):
        path = _in_file(document, detail["loc"])
        if path in found and detail["type"] != "extra_forbidden":
            continue
        at_key = detail["type"] in ("extra_forbidden", "missing")
        if detail["type"] == "missing":
            path = path if path in document.keys or path in document.values else path[:-1]
        found[path] = document.error(_words(detail, detail["loc"]), path, at_key=at_key)
    return list(found.values())


def _in_file(document: Document, loc: Sequence[str | int]) -> Path:
    """Drop what pydantic adds to a place (names of union members) and keep what is in the file."""
    path: Path = ()
    for part in loc:
        longer = (*path, part)
        if longer in document.values or longer in document.keys or part == loc[-1]:
            path = longer
    return path


def _words(detail: Mapping[str, Any], loc: Sequence[str | int]) -> str:
    key = str(loc[-1])[:LONGEST] if loc else ""
    match detail["type"]:
        case "extra_forbidden":
            return f"unknown key '{key}'{near(key, _keys_at(loc[:-1]))}"
        case "missing":
            return f"'{key}' is missing"
        case "enum" | "literal_error":
            expected = str(detail["ctx"]["expected"])
            return f"'{key}' is one of {expected.replace(chr(39), '')}"
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
