"""JSON data given back as values of the types that a function declares; the way back of `frozen`.

The annotation of a parameter says what its data was: `date` for a text in ISO 8601, `Decimal` for a text or a
number, a dataclass for an object. Data that does not have the form of its annotation, and data without an
annotation, is given as it is: a function may be called with anything.
"""

import dataclasses
import datetime
import re
import types
import typing
import uuid
from collections import ChainMap, UserDict, UserList, deque
from collections.abc import Callable, Collection, Iterable, Mapping
from decimal import Decimal
from enum import Enum, Flag
from fractions import Fraction
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import PurePath
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from zoneinfo import ZoneInfo

from handrail.text.composites import is_record, is_registered
from handrail.text.frozen import UNITS, Json, freeze

_DURATION = re.compile(r"(-?\d{1,12})(?:\.(\d{6}))? (days|hours|minutes|seconds)")


class CannotThaw(Exception):
    """Data cannot be made a value of its declared type; the message names the type, never the data."""


def thaw(data: Json, hint: Any) -> Any:
    """Return the value that some data was; pure.

    Args:
        data: JSON data, as `freeze` writes it.
        hint: the annotation of its place; `object` or `Any` gives the data itself.

    Raises:
        CannotThaw: the declared class refuses the data, or only its own program can have an object of it.
    """
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return thaw(data, args[0])
    if origin in (Union, types.UnionType):
        return _of_union(data, args)
    if origin is Literal:
        return next((one for one in args if freeze(one).data == data), data)
    inner = getattr(hint, "__supertype__", None) or getattr(hint, "__value__", None)
    if inner is not None and not isinstance(hint, type):
        return thaw(data, inner)
    kind = origin or hint
    if not isinstance(kind, type) or data is None:
        return data
    if isinstance(data, str | int | float):
        return _scalar(data, kind)
    if isinstance(data, list):
        return _items(data, kind, args)
    return _members(data, kind, args)


def _of_union(data: Json, args: tuple[Any, ...]) -> Any:
    # A text is a text only where it is nothing more telling.
    order = sorted(args, key=lambda one: one is str)
    if isinstance(data, int | float):
        order = sorted(args, key=lambda one: one is not type(data))
    for one in order:
        kind = get_origin(one) or one
        try:
            value = thaw(data, one)
        except CannotThaw:
            continue
        if isinstance(kind, type) and isinstance(value, kind):
            return value
        if kind in (Annotated, Union, types.UnionType, Literal) and value is not data:
            return value
    return data


def _scalar(data: Json, kind: type) -> Any:
    if issubclass(kind, Enum):
        return _member(data, kind)
    if isinstance(data, bool):
        return data
    if issubclass(kind, Decimal):
        return _made(data, lambda: kind(str(data)))
    if not isinstance(data, str):
        return data
    for base, read in _TEXTS:
        if issubclass(kind, base):
            return _made(data, partial(read, kind, data))
    if hasattr(kind, "get_secret_value"):
        return _called(kind, data)
    if issubclass(kind, str) and kind is not str:
        return _made(data, partial(_called, kind, data))
    if is_registered(kind):
        raise CannotThaw(kind.__name__)
    return data


def _made(data: Json, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except (ValueError, ArithmeticError, TypeError, LookupError):
        return data


def _member(data: Json, kind: type[Enum]) -> Any:
    for member in kind:
        own = freeze(member.value).data
        if own == data and isinstance(own, bool) is isinstance(data, bool):
            return member
    return _made(data, lambda: kind(data)) if issubclass(kind, Flag) else data


def _duration(_: type, text: str) -> datetime.timedelta:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError
    whole, micros, unit = match.groups()
    rest = datetime.timedelta(microseconds=int(micros or 0))
    return int(whole) * UNITS[unit] + (-rest if whole.startswith("-") else rest)


def _bytes(kind: Any, text: str) -> Any:
    return kind(text.encode("utf-16-le" if text[:1] == "\ufeff" else "utf-8"))


def _iso(kind: Any, text: str) -> Any:
    return kind.fromisoformat(text)


def _called(kind: Any, text: str) -> Any:
    return kind(text)


_TEXTS: tuple[tuple[type, Callable[[type, str], Any]], ...] = (
    *((kind, _iso) for kind in (datetime.datetime, datetime.date, datetime.time)),
    (datetime.timedelta, _duration),
    *((kind, _bytes) for kind in (bytes, bytearray)),
    *((kind, _called) for kind in (uuid.UUID, PurePath, Fraction, complex, ZoneInfo)),
    *((kind, _called) for kind in (IPv4Address, IPv6Address, IPv4Network, IPv6Network)),
)


def _items(data: list[Json], kind: Any, args: tuple[Any, ...]) -> Any:
    if hasattr(kind, "_fields"):
        return _record(dict(zip(kind._fields, data, strict=False)), kind)
    if issubclass(kind, tuple):
        hints = args if args and args[-1] is not Ellipsis else [*(args[:1] or (object,))] * len(data)
        if len(hints) != len(data):
            return data
        return kind([thaw(one, hint) for one, hint in zip(data, hints, strict=True)])
    if issubclass(kind, ChainMap):
        return kind(*data)
    inner = args[0] if args else object
    values = [thaw(one, inner) for one in data]
    if issubclass(kind, list | set | frozenset | deque | UserList):
        return _made(data, lambda: kind(values))
    if is_registered(kind):
        raise CannotThaw(kind.__name__)
    if kind in _ABSTRACT_SETS:
        return _made(data, lambda: set(values))
    return values if issubclass(kind, Iterable) else data


_ABSTRACT_SETS = (typing.get_origin(typing.AbstractSet), typing.get_origin(typing.MutableSet))


def _members(data: Mapping[str, Json], kind: Any, args: tuple[Any, ...]) -> Any:
    if typing.is_typeddict(kind):
        hints = hints_of(kind)
        return {name: thaw(own, hints.get(name, object)) for name, own in data.items()}
    if issubclass(kind, Mapping) or kind is UserDict:
        key, inner = args if len(args) == 2 else (str, object)
        made = {_key(name, key): thaw(own, inner) for name, own in data.items()}
        return made if issubclass(dict, kind) else _of_mapping(kind, made)
    if is_registered(kind):
        raise CannotThaw(kind.__name__)
    if is_record(kind) or hasattr(kind, "_fields"):
        return _record(data, kind)
    return data


def _of_mapping(kind: Any, made: dict[Any, Any]) -> Any:
    # A defaultdict takes what it makes new members with first.
    return _made(made, lambda: kind(None, made) if hasattr(kind, "__missing__") else kind(made))


def _key(name: str, hint: Any) -> Any:
    if hint is int:
        return _made(name, lambda: int(name))
    if hint is bool:
        return {"true": True, "false": False}.get(name, name)
    if hint is float:
        return _made(name, lambda: float(name))
    return thaw(name, hint)


def _record(data: Mapping[str, Json], kind: Any) -> Any:
    """Make an object of its fields; its own checks see them, and what it holds then is what was given."""
    hints = hints_of(kind)
    values = {name: thaw(own, hints.get(name, object)) for name, own in data.items()}
    try:
        made = _built(kind, values)
    except Exception as error:
        raise CannotThaw(kind.__name__) from error
    if freeze(made).data != data and not hasattr(kind, "_fields"):
        made = _set(kind, values)
    return made


def _built(kind: Any, values: Mapping[str, Any]) -> Any:
    fields = getattr(kind, "__pydantic_fields__", None)
    if fields is not None and hasattr(kind, "model_validate"):
        private = {name: own for name, own in values.items() if name in kind.__private_attributes__}
        given = {name: own for name, own in values.items() if name not in private}
        made = kind.model_validate(given, by_name=True)
        for name, own in private.items():
            setattr(made, name, own)
        return made
    if dataclasses.is_dataclass(kind):
        taken = {one.name for one in dataclasses.fields(kind) if one.init}
    elif hasattr(kind, "__attrs_attrs__"):
        aliases = {one.name: one.alias for one in kind.__attrs_attrs__ if one.init}
        return kind(**{aliases[name]: own for name, own in values.items() if name in aliases})
    else:
        taken = set(values)
    return kind(**{name: own for name, own in values.items() if name in taken})


def _set(kind: Any, values: Mapping[str, Any]) -> Any:
    """Make an object that holds exactly these values, where its own way of making it gives another."""
    fields = getattr(kind, "__pydantic_fields__", None)
    if fields is not None and hasattr(kind, "model_construct"):
        made = kind.model_construct(
            **{n: own for n, own in values.items() if n not in kind.__private_attributes__}
        )
        values = {name: own for name, own in values.items() if name in kind.__private_attributes__}
    else:
        made = object.__new__(kind)
    for name, own in values.items():
        object.__setattr__(made, name, own)
    return made


def hints_of(place: Any) -> Mapping[str, Any]:
    """Return the annotations of a class or function by name, nothing where one of them cannot be resolved."""
    try:
        return typing.get_type_hints(place, include_extras=True)
    except Exception:  # noqa: BLE001 - an annotation is code of the caller's
        return {name: own for name, own in _raw_hints(place).items() if not isinstance(own, str)}


def _raw_hints(place: Any) -> Mapping[str, Any]:
    found: Collection[Any] = getattr(place, "__annotations__", {})
    return found if isinstance(found, Mapping) else {}
