"""JSON data held against the JSON Schema of its place: what does not fit, and where.

Of JSON Schema (2020-12) this reads what describes a tool's arguments: types, names, required names, values to
choose from, bounds, patterns, formats, combinations, and references inside the schema. What only describes
is read over. Any other word makes the schema unreadable: nobody may take data for checked that was not.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import re2

from handrail.text.suggest import near

DEEPEST = 64
"""How deep data and references are followed."""


class UnreadableSchema(Exception):
    """A schema says something that is not understood here; the message names the word, never the data."""


class Misfit(NamedTuple):
    """One thing that does not fit: the way to its place, and what is wrong there, without the value."""

    path: tuple[str, ...]
    what: str
    is_missing: bool = False
    is_unlisted: bool = False

    def __str__(self) -> str:
        path = self.path[:-1] if self.is_unlisted else self.path
        return f"{'.'.join(path) or 'the action'} {self.what}"


def misfits(schema: object, data: object) -> tuple[Misfit, ...]:
    """Return what of some data does not fit a schema, nothing where all of it does; pure.

    A name that an object's schema does not list fits only where `additionalProperties` or a pattern says so:
    it is more likely mistyped than meant.

    Args:
        schema: a JSON Schema, as JSON data.
        data: JSON data.

    Raises:
        UnreadableSchema: a word of the schema that bears on this data is not understood.
    """
    return tuple(_Reading(schema).of(schema, data, (), 0))


_DESCRIBES = frozenset(
    {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"}
    | {"$comment", "$schema", "$id", "$anchor", "$defs", "definitions"}
)


@dataclass(frozen=True, slots=True)
class _Place:
    """A schema, the data that stands in its place, and the way there."""

    schema: Mapping[str, Any]
    data: Any
    path: tuple[str, ...]
    depth: int

    def wrong(self, what: str) -> Misfit:
        return Misfit(self.path, what)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads one schema, which its references are looked up in."""

    root: object
    words: Mapping[str, Callable[["_Reading", _Place, Any], Iterator[Misfit]]] = field(
        default_factory=lambda: _WORDS
    )

    def of(self, schema: object, data: object, path: tuple[str, ...], depth: int) -> Iterator[Misfit]:
        if depth > DEEPEST:
            raise UnreadableSchema("nested too deeply")
        if schema is True:
            return
        if schema is False:
            yield Misfit(path, "is not allowed")
            return
        if not isinstance(schema, Mapping):
            raise UnreadableSchema("not an object")
        place = _Place(schema, data, path, depth)
        for word, value in schema.items():
            read = self.words.get(word)
            if read is not None:
                yield from read(self, place, value)
            elif word not in _DESCRIBES:
                raise UnreadableSchema(str(word))

    def inner(self, schema: object, data: object, place: _Place, *step: str) -> Iterator[Misfit]:
        return self.of(schema, data, (*place.path, *step), place.depth + 1)

    def fits(self, schema: object, place: _Place) -> bool:
        return not list(self.inner(schema, place.data, place))


def _is_number(data: object) -> bool:
    return isinstance(data, int | float | Decimal) and not isinstance(data, bool)


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda data: isinstance(data, str),
    "number": _is_number,
    "integer": lambda data: _is_number(data) and data == int(data),
    "boolean": lambda data: isinstance(data, bool),
    "null": lambda data: data is None,
    "array": lambda data: isinstance(data, list),
    "object": lambda data: isinstance(data, Mapping),
}


def _type(_: _Reading, place: _Place, wanted: Any) -> Iterator[Misfit]:
    names = wanted if isinstance(wanted, list) else [wanted]
    if not names or any(not isinstance(name, str) or name not in _TYPES for name in names):
        raise UnreadableSchema("type")
    if not any(_TYPES[name](place.data) for name in names):
        yield place.wrong(f"is not of the type {' or '.join(names)}")


def _same(one: object, other: object) -> bool:
    if isinstance(one, bool) is not isinstance(other, bool):
        return False
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    return one == other


def _enum(_: _Reading, place: _Place, values: Any) -> Iterator[Misfit]:
    if not isinstance(values, list):
        raise UnreadableSchema("enum")
    if not any(_same(value, place.data) for value in values):
        words = [value for value in values if isinstance(value, str)]
        meant = near(place.data, words) if isinstance(place.data, str) else ""
        yield place.wrong(f"is none of the values to choose from{meant}")


def _const(_: _Reading, place: _Place, value: Any) -> Iterator[Misfit]:
    if not _same(value, place.data):
        yield place.wrong("is not the one value that is allowed")


def _object(schema: Any, word: str) -> Mapping[str, Any]:
    if not isinstance(schema, Mapping):
        raise UnreadableSchema(word)
    return schema


def _properties(reading: _Reading, place: _Place, known: Any) -> Iterator[Misfit]:
    known = _object(known, "properties")
    if not isinstance(place.data, Mapping):
        return
    for name, schema in known.items():
        if name in place.data:
            yield from reading.inner(schema, place.data[name], place, name)
    if "additionalProperties" not in place.schema:
        yield from _unlisted(place)


def _unlisted(place: _Place) -> Iterator[Misfit]:
    for name in _others(place):
        meant = near(name, place.schema.get("properties", {}))
        yield Misfit((*place.path, name), f"has no argument '{name}'{meant}", is_unlisted=True)


def _others(place: _Place) -> Iterator[str]:
    """Names that neither `properties` nor a pattern tells of."""
    known = place.schema.get("properties", {})
    patterns = [_pattern_of(one) for one in place.schema.get("patternProperties", {})]
    for name in place.data:
        if name not in known and not any(pattern.search(name) for pattern in patterns):
            yield name


def _additional(reading: _Reading, place: _Place, schema: Any) -> Iterator[Misfit]:
    if not isinstance(place.data, Mapping):
        return
    if schema is False:
        yield from _unlisted(place)
        return
    for name in _others(place):
        yield from reading.inner(schema, place.data[name], place, name)


def _by_pattern(reading: _Reading, place: _Place, patterns: Any) -> Iterator[Misfit]:
    for text, schema in _object(patterns, "patternProperties").items():
        pattern = _pattern_of(text)
        for name, own in place.data.items() if isinstance(place.data, Mapping) else ():
            if pattern.search(name):
                yield from reading.inner(schema, own, place, name)


def _names(reading: _Reading, place: _Place, schema: Any) -> Iterator[Misfit]:
    for name in place.data if isinstance(place.data, Mapping) else ():
        if list(reading.inner(schema, name, place)):
            yield Misfit((*place.path, name), "is not a name that is allowed here")


def _required(_: _Reading, place: _Place, names: Any) -> Iterator[Misfit]:
    if not isinstance(names, list):
        raise UnreadableSchema("required")
    for name in names if isinstance(place.data, Mapping) else ():
        if name not in place.data:
            yield Misfit((*place.path, str(name)), "is missing", is_missing=True)


def _items(reading: _Reading, place: _Place, schema: Any) -> Iterator[Misfit]:
    if isinstance(schema, list):
        raise UnreadableSchema("items")
    first = len(place.schema.get("prefixItems", ()))
    for number, item in enumerate(place.data if isinstance(place.data, list) else ()):
        if number >= first:
            yield from reading.inner(schema, item, place, str(number))


def _prefix(reading: _Reading, place: _Place, schemas: Any) -> Iterator[Misfit]:
    if not isinstance(schemas, list):
        raise UnreadableSchema("prefixItems")
    items = place.data if isinstance(place.data, list) else ()
    for number, (schema, item) in enumerate(zip(schemas, items, strict=False)):
        yield from reading.inner(schema, item, place, str(number))


def _unique(_: _Reading, place: _Place, wanted: Any) -> Iterator[Misfit]:
    if wanted is True and isinstance(place.data, list):
        texts = [json.dumps(item, sort_keys=True, default=str) for item in place.data]
        if len(set(texts)) < len(texts):
            yield place.wrong("holds something twice")


def _bound(
    word: str, measured: Callable[[Any], Any], holds: Callable[[Any, Any], bool], what: str
) -> Callable[[_Reading, _Place, Any], Iterator[Misfit]]:
    """Return the reader of a word that bounds what is measured of data, which is None of other data."""

    def read(_: _Reading, place: _Place, bound: Any) -> Iterator[Misfit]:
        if not _is_number(bound):
            raise UnreadableSchema(word)
        size = measured(place.data)
        if size is not None and not holds(size, Decimal(str(bound))):
            yield place.wrong(f"{what} {bound}")

    return read


def _number_of(data: Any) -> Decimal | None:
    return Decimal(str(data)) if _is_number(data) else None


def _size_of(kind: type[Any]) -> Callable[[Any], int | None]:
    return lambda data: len(data) if isinstance(data, kind) else None


def _at_least(size: Any, bound: Any) -> bool:
    return bool(size >= bound)


def _at_most(size: Any, bound: Any) -> bool:
    return bool(size <= bound)


def _is_multiple(size: Any, bound: Any) -> bool:
    if bound <= 0:
        raise UnreadableSchema("multipleOf")
    return bool(size % bound == 0)


def _pattern_of(text: Any) -> Any:
    try:
        return re2.compile(text)
    except (re2.error, TypeError):
        raise UnreadableSchema("pattern") from None


def _pattern(_: _Reading, place: _Place, text: Any) -> Iterator[Misfit]:
    pattern = _pattern_of(text)
    if isinstance(place.data, str) and not pattern.search(place.data):
        yield place.wrong("is not of the form that is asked for")


_FORMATS: Mapping[str, Callable[[str], object]] = {
    "date": date.fromisoformat,
    "date-time": datetime.fromisoformat,
    "time": time.fromisoformat,
    "uuid": UUID,
    "email": lambda text: re.fullmatch(r"[^\s@]+@[^\s@]+", text).group(),  # type: ignore[union-attr]
    "uri": lambda text: re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:\S+", text).group(),  # type: ignore[union-attr]
}


def _format(_: _Reading, place: _Place, name: Any) -> Iterator[Misfit]:
    read = _FORMATS.get(name) if isinstance(name, str) else None
    if read is None:
        raise UnreadableSchema("format")
    try:
        if isinstance(place.data, str):
            read(place.data)
    except (ValueError, AttributeError):
        yield place.wrong(f"is no {name}")


def _branches(schemas: Any, word: str) -> Sequence[Any]:
    if not isinstance(schemas, list) or not schemas:
        raise UnreadableSchema(word)
    return schemas


def _any_of(reading: _Reading, place: _Place, schemas: Any) -> Iterator[Misfit]:
    # Each branch is read, so that an unreadable one is never passed by.
    found = [list(reading.inner(one, place.data, place)) for one in _branches(schemas, "anyOf")]
    if all(found):
        close = [one for one in found if not any("of the type" in misfit.what for misfit in one)]
        yield from close[0] if len(close) == 1 else [place.wrong("fits none of the forms that are allowed")]


def _one_of(reading: _Reading, place: _Place, schemas: Any) -> Iterator[Misfit]:
    if [reading.fits(one, place) for one in _branches(schemas, "oneOf")].count(True) != 1:
        yield place.wrong("does not fit exactly one of the forms that are allowed")


def _all_of(reading: _Reading, place: _Place, schemas: Any) -> Iterator[Misfit]:
    for schema in _branches(schemas, "allOf"):
        yield from reading.inner(schema, place.data, place)


def _not(reading: _Reading, place: _Place, schema: Any) -> Iterator[Misfit]:
    if reading.fits(schema, place):
        yield place.wrong("is of a form that is not allowed")


def _ref(reading: _Reading, place: _Place, reference: Any) -> Iterator[Misfit]:
    if not isinstance(reference, str) or not reference.startswith("#"):
        raise UnreadableSchema("$ref")
    found = reading.root
    for step in reference.removeprefix("#").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or name not in found:
            raise UnreadableSchema("$ref")
        found = found[name]
    return reading.inner(found, place.data, place)


_WORDS: Mapping[str, Callable[[_Reading, _Place, Any], Iterator[Misfit]]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "properties": _properties,
    "additionalProperties": _additional,
    "patternProperties": _by_pattern,
    "propertyNames": _names,
    "required": _required,
    "items": _items,
    "prefixItems": _prefix,
    "uniqueItems": _unique,
    "minimum": _bound("minimum", _number_of, _at_least, "is less than"),
    "maximum": _bound("maximum", _number_of, _at_most, "is more than"),
    "exclusiveMinimum": _bound("exclusiveMinimum", _number_of, lambda a, b: a > b, "is not more than"),
    "exclusiveMaximum": _bound("exclusiveMaximum", _number_of, lambda a, b: a < b, "is not less than"),
    "multipleOf": _bound("multipleOf", _number_of, _is_multiple, "is no multiple of"),
    "minLength": _bound("minLength", _size_of(str), _at_least, "has fewer characters than"),
    "maxLength": _bound("maxLength", _size_of(str), _at_most, "has more characters than"),
    "minItems": _bound("minItems", _size_of(list), _at_least, "has fewer parts than"),
    "maxItems": _bound("maxItems", _size_of(list), _at_most, "has more parts than"),
    "minProperties": _bound("minProperties", _size_of(dict), _at_least, "has fewer names than"),
    "maxProperties": _bound("maxProperties", _size_of(dict), _at_most, "has more names than"),
    "pattern": _pattern,
    "format": _format,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "allOf": _all_of,
    "not": _not,
    "$ref": _ref,
}
