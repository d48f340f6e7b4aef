"""The commonest objects of Pydantic AI, read without a walk through them. Pure.

Most parts are one text and nothing else, and most of what stands beside them is empty or structure. For
exactly the framework's own classes, with exactly their own fields, that is told field by field and comes to
what the walk comes to; everything else is walked through.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from pydantic_ai.messages import ModelRequest, ModelResponse, SystemPromptPart, TextPart, UserPromptPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.usage import RequestUsage

from handrail.text.json_data import MAY_BE_JSON
from handrail.text.structure import Place, Structure
from handrail.text.values import Leaf, LeafKind
from handrail_adapters.pydantic_ai.structure import PARTS

_FIELDS: Mapping[type, frozenset[str]] = {
    kind: frozenset(field.name for field in fields(kind))
    for kind in (
        *(TextPart, UserPromptPart, SystemPromptPart),
        *(ModelRequest, ModelResponse, ModelRequestParameters, RequestUsage),
    )
}
_TEXT_PARTS = frozenset((TextPart, UserPromptPart, SystemPromptPart))
_EMPTY = frozenset((list, dict, set, tuple, frozenset))


def only_text(parts: Sequence[Any]) -> tuple[Leaf, ...] | None:
    """Return all that parts say where they are one part that holds a text; None where it takes a walk."""
    if len(parts) != 1 or type(parts[0]) not in _TEXT_PARTS:
        return None
    text = getattr(parts[0], "content", None)
    if type(text) is not str or not text or text[0] in MAY_BE_JSON:
        return None
    if not is_silent(parts[0], PARTS, ("*",), but="content"):
        return None
    return (Leaf((0, "content"), text, LeafKind.TEXT),)


def is_silent(value: object, structure: Structure, place: Place = (), *, but: str = "") -> bool:
    """Tell whether an object says nothing but structure; False also where it takes a walk to know.

    Args:
        value: the object.
        structure: the table that it stands in.
        place: where it stands there.
        but: a field that does not count.
    """
    kind = type(value)
    known = _FIELDS.get(kind)
    held = vars(value) if known is not None else {}
    if known is None or not held.keys() <= known:
        return False
    return all(
        one is None or name == but or _is_silent_field(one, structure, (*place, name))
        for name, one in held.items()
    )


def _is_silent_field(value: object, structure: Structure, place: Place) -> bool:
    kind = type(value)
    if kind is str:
        text = str(value)
        return not text or (text[0] not in MAY_BE_JSON and structure.covers(Leaf(place, text, LeafKind.TEXT)))
    if kind is bool or (kind in _EMPTY and not value):
        return True
    if kind is datetime:
        is_plain = isinstance(value, datetime) and value.tzinfo in (None, UTC)
        return is_plain and structure.covers(Leaf(place, str(value), LeafKind.DATE))
    if kind is RequestUsage:
        return vars(value).keys() <= _FIELDS[kind] and all(
            one is None
            or (name == "details" and one == {})
            or _is_silent_count(one, structure, (*place, name))
            for name, one in vars(value).items()
        )
    return False


def _is_silent_count(value: object, structure: Structure, place: Place) -> bool:
    return type(value) is int and structure.covers(Leaf(place, str(value), LeafKind.NUMBER))
