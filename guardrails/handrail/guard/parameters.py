"""The JSON Schema of a function's arguments, by which an edit of its action is checked.

It says what the signature says in JSON's own terms: names, which of them have to be given, and types where
JSON has the like of them. What JSON cannot tell apart, such as a date from another text, is held against the
annotation where the function is at hand; see `ToolFunction.check`.
"""

import inspect
import json
import types
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from enum import Enum, Flag
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from handrail.text.frozen import freeze

_PLAIN: Mapping[type, Mapping[str, object]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    Decimal: {"type": ["number", "string"]},
    type(None): {"type": "null"},
}
DEEPEST = 16


def schema_of(
    parameters: Sequence[inspect.Parameter], hints: Mapping[str, Any], *, also: Sequence[str] = ()
) -> str:
    """Return the JSON Schema of the arguments of a function, as text; pure.

    Args:
        parameters: the function's.
        hints: their annotations.
        also: names of an action's arguments beside the function's own.
    """
    properties: dict[str, object] = dict.fromkeys(also, True)
    required: list[str] = []
    others: object = False
    for one in parameters:
        schema = _schema(hints.get(one.name, object), 0)
        if one.kind is one.VAR_KEYWORD:
            others = schema
        elif one.kind is one.VAR_POSITIONAL:
            properties[one.name] = {"type": "array", "items": schema}
        elif one.default is one.empty:
            properties[one.name] = schema
            required.append(one.name)
        else:
            properties[one.name] = _or_null(schema) if one.default is None else schema
    return json.dumps(
        {"type": "object", "properties": properties, "required": required, "additionalProperties": others}
    )


def _or_null(schema: object) -> object:
    return {"anyOf": [schema, {"type": "null"}]} if schema is not True else True


def _schema(hint: Any, depth: int) -> object:
    origin, args = get_origin(hint), get_args(hint)
    if depth > DEEPEST:
        return True
    if origin is Annotated:
        return _schema(args[0], depth + 1)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(one, depth + 1) for one in args]}
    if origin is Literal:
        return _one_of(args)
    if hint is None:
        return _PLAIN[type(None)]
    kind = origin or hint
    if not isinstance(kind, type):
        return True
    if kind in _PLAIN:
        return _PLAIN[kind]
    if issubclass(kind, Enum) and not issubclass(kind, Flag):
        return _one_of([member.value for member in kind])
    return _of_many(kind, args, depth)


def _one_of(values: Sequence[object]) -> object:
    read = [freeze(value) for value in values]
    return True if any(one.unreadable for one in read) else {"enum": [one.data for one in read]}


def _of_many(kind: type, args: tuple[Any, ...], depth: int) -> object:
    if hasattr(kind, "_fields") or hasattr(kind, "__total__") or issubclass(kind, str | bytes | bytearray):
        return True

    def inner(hint: Any) -> object:
        return _schema(hint, depth + 1)

    if issubclass(kind, Mapping):
        # JSON has only texts for keys.
        is_named = len(args) == 2 and args[0] is str
        return {"type": "object", "additionalProperties": inner(args[1]) if is_named else True}
    if issubclass(kind, tuple):
        is_alike = len(args) == 2 and args[1] is Ellipsis
        return {"type": "array", "items": inner(args[0])} if is_alike else {"type": "array"}
    if issubclass(kind, AbstractSet | Sequence):
        return {"type": "array", "items": inner(args[0]) if len(args) == 1 else True}
    return True
