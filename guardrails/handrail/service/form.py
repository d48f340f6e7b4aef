"""The action as a form: its arguments with the kinds that its schema gives them, and back. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from handrail.errors import CheckFailed
from handrail.service.screen import Field
from handrail.tickets.action import canonical_arguments
from handrail.tickets.ticket import ProposedAction

_LONG = 80
_KINDS = {"number": "number", "integer": "whole_number", "boolean": "yes_no"}


def fields_of(action: ProposedAction | None, labels: Sequence[str]) -> tuple[Field, ...]:
    """Return every argument of an action, whole, and those that its tool takes besides; pure.

    Args:
        action: the action with its arguments as the role may see them.
        labels: the labels that masked values have.
    """
    if action is None:
        return ()
    given = _object(action.arguments)
    if given is None:
        return (
            Field(name="", kind="json", text=action.arguments, is_masked=_holds(action.arguments, labels)),
        )
    schema = _object(action.parameters) or {}
    properties = schema.get("properties")
    described: Mapping[str, Any] = properties if isinstance(properties, dict) else {}
    required = schema.get("required")
    needed = frozenset(required) if isinstance(required, list) else frozenset[str]()
    names = (*given, *(name for name in described if name not in given))
    return tuple(_field(name, given, described.get(name), name in needed, labels) for name in names)


def _field(
    name: str, given: Mapping[str, Any], schema: object, is_required: bool, labels: Sequence[str]
) -> Field:
    plan: Mapping[str, Any] = schema if isinstance(schema, dict) else {}
    is_given = name in given
    value = given.get(name)
    text = _text(value) if is_given else ""
    choices = plan.get("enum")
    return Field(
        name=name,
        kind=_kind(plan, value, is_given=is_given),
        text=text,
        is_given=is_given,
        is_masked=_holds(text, labels),
        is_required=is_required,
        choices=tuple(_text(choice) for choice in choices) if isinstance(choices, list) else (),
        minimum=_bound(plan, "minimum"),
        maximum=_bound(plan, "maximum"),
        describes=str(plan.get("description", "")),
    )


def _kind(plan: Mapping[str, Any], value: object, *, is_given: bool) -> str:
    if isinstance(plan.get("enum"), list):
        return "choice"
    kind = plan.get("type")
    if isinstance(kind, str) and kind in _KINDS:
        return _KINDS[kind]
    if kind == "string" or (kind is None and isinstance(value, str) and is_given):
        if plan.get("format") == "date":
            return "date"
        return "long_text" if isinstance(value, str) and (len(value) > _LONG or "\n" in value) else "text"
    if kind is None and isinstance(value, bool):
        return "yes_no"
    return "number" if kind is None and isinstance(value, int | float) else "json"


def _bound(plan: Mapping[str, Any], name: str) -> str:
    value = plan.get(name)
    return json.dumps(value) if isinstance(value, int | float) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _holds(text: str, labels: Sequence[str]) -> bool:
    return any(label in text for label in labels)


def _object(text: str) -> dict[str, Any] | None:
    """Return the JSON object that a text is, numbers as they are written; None if it is none."""
    try:
        value = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def changes_of(fields: Sequence[Field], written: Mapping[str, str]) -> dict[str, object]:
    """Return what a filled-in form changes, by argument; what was left as it was shown is no change; pure.

    Args:
        fields: the fields as they were shown.
        written: the text of each field that came back, by name.

    Raises:
        CheckFailed: a number, a yes or no, or JSON cannot be read.
    """
    changes: dict[str, object] = {}
    for field in fields:
        text = written.get(field.name)
        if text is None or _lines(text) == _lines(field.text) or (not text and not field.is_given):
            continue
        changes[field.name] = _value(field, text)
    return changes


def _lines(text: str) -> str:
    # Browsers send line ends as two characters.
    return text.replace("\r\n", "\n")


def _value(field: Field, text: str) -> object:
    if field.kind in ("text", "long_text", "date"):
        return _lines(text)
    if field.kind == "choice":
        try:
            value = json.loads(text)
        except ValueError:
            return text
        return text if isinstance(value, str) else value
    try:
        canonical_arguments(json.dumps({"value": 0}) if field.kind == "json" else f'{{"value":{text}}}')
        value = json.loads(text)
    except (ValueError, RecursionError, CheckFailed):
        raise CheckFailed("decide", why=f"{field.name} is no {field.kind.replace('_', ' ')}") from None
    is_right = {
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "whole_number": isinstance(value, int) and not isinstance(value, bool),
        "yes_no": isinstance(value, bool),
    }
    if not is_right.get(field.kind, True):
        raise CheckFailed("decide", why=f"{field.name} is no {field.kind.replace('_', ' ')}")
    return value
