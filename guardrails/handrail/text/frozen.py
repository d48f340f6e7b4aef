"""A value as JSON data that a rule can read, and a copy of it that nobody else holds.

An action is judged, shown to a person and stored as its JSON data; what runs is the copy that was made in the
same reading. The forms are those that facts of a policy read:

    Decimal, Fraction, UUID, path, address    its text, a Decimal without an exponent
    date, time, datetime                      ISO 8601
    timedelta                                 `90 minutes`, in the largest unit that divides it
    enumeration                               the value of its member
    bytes                                     their text
    dataclass, attrs, pydantic, named tuple   an object of every field; a `Money` is `{amount, currency}`
    mapping                                   an object; its keys as text
    list, tuple, deque                        a list
    set                                       a sorted list

`handrail.text.thawed` goes the other way.
"""

import datetime
import json
import uuid
from collections import UserDict, UserList
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import PurePath
from types import NoneType
from typing import Any, NamedTuple, TypeAlias

from handrail.text.composites import KEY, Attribute, CannotRebuild, Shape, Step, is_registered, shape_of
from handrail.text.foreign import is_theirs
from handrail.text.values import DEEPEST, read

LARGEST = 64
"""Most digits of a number: beyond it nobody can say what it is in JSON."""

SCALARS = frozenset({str, int, bool, NoneType})
"""Types that are JSON already and cannot change."""

UNITS = {
    "days": datetime.timedelta(days=1),
    "hours": datetime.timedelta(hours=1),
    "minutes": datetime.timedelta(minutes=1),
    "seconds": datetime.timedelta(seconds=1),
}

Json: TypeAlias = Any
"""JSON data: None, truth values, numbers, texts, lists, and mappings from text."""


class Frozen(NamedTuple):
    """A value as it was at one moment.

    `data` is its JSON data, `copy` an equal value that shares nothing that can change with the original but
    objects of a registered class. `unreadable` are codes: where there is one, `data` holds
    `{"unreadable": code}` in its place and `copy` the original.
    """

    data: Json
    copy: Any
    unreadable: tuple[str, ...]


def freeze(value: object) -> Frozen:
    """Read a value into JSON data and a copy; pure, total: it never raises for what it finds."""
    if type(value) in SCALARS and not isinstance(value, int):
        return Frozen(value, value, ())
    walk = _Freezing(dict.fromkeys(one.why for one in read(value).unreadable))
    data, copy = walk.of(value)
    return Frozen(data, copy if not walk.unreadable else value, tuple(walk.unreadable))


def duration_text(value: datetime.timedelta) -> str:
    """Write a duration as policies do, `90 minutes`; pure."""
    for unit, one in UNITS.items():
        if not value % one:
            return f"{value // one} {unit}"
    micros = value // datetime.timedelta(microseconds=1)
    whole, rest = divmod(abs(micros), 1_000_000)
    return f"{'-' if micros < 0 else ''}{whole}.{rest:06} seconds"


class _Freezing:
    """One reading."""

    def __init__(self, unreadable: dict[str, None]) -> None:
        self.unreadable = unreadable
        self._open: set[int] = set()

    def of(self, value: Any) -> tuple[Json, Any]:
        kind = type(value)
        leaf = value if kind in SCALARS else _leaf(value)
        if isinstance(leaf, int) and abs(leaf) >= 10**LARGEST:
            return self._refused("size", value)
        if leaf is not None or value is None:
            return leaf, _own(value)
        if isinstance(value, Enum):
            return self.of(value.value)[0], value
        shape = None if isinstance(value, bytes | bytearray | memoryview) else shape_of(kind)
        if shape is None:
            return self._refused(_why(value), value)
        if len(self._open) >= DEEPEST or id(value) in self._open:
            return self._refused("depth" if id(value) not in self._open else "cycle", value)
        self._open.add(id(value))
        try:
            return self._composite(value, shape)
        except BaseException as error:
            if not is_theirs(error):
                raise
            return self._refused("failed", value)
        finally:
            self._open.discard(id(value))

    def _composite(self, value: Any, shape: Shape) -> tuple[Json, Any]:
        keys: tuple[Any, ...] = ()
        steps: dict[Step, tuple[Json, Any]] = {}
        beside: dict[str, tuple[Json, Any]] = {}
        for step, part in shape.parts(value):
            if step is KEY:
                keys = part
            elif isinstance(step, Attribute):
                beside[step.name] = self.of(part)
            else:
                steps[step] = self.of(part)
        data = self._data(value, keys, {step: data for step, (data, _) in steps.items()})
        if beside:
            data = {"items": data, **{name: own for name, (own, _) in beside.items()}}
        return data, self._copy(
            value, shape, steps, {Attribute(name): own for name, (_, own) in beside.items()}
        )

    def _data(self, value: Any, keys: tuple[Any, ...], parts: Mapping[Step, Json]) -> Json:
        if isinstance(value, Mapping) and not isinstance(value, UserDict):
            return self._object(keys, parts) if keys or not parts else list(parts.values())
        if isinstance(value, UserDict | UserList):
            return parts["data"]
        if hasattr(value, "get_secret_value"):
            return parts["secret"]
        if isinstance(value, set | frozenset):
            return sorted(parts.values(), key=lambda one: json.dumps(one, sort_keys=True))
        if isinstance(value, Sequence) and not hasattr(type(value), "_fields"):
            return list(parts.values())
        found: dict[str, Json] = {}
        for step, data in parts.items():
            # What a pydantic model keeps beside its fields stands beside them.
            inner = data if step in ("__pydantic_extra__", "__pydantic_private__") else {str(step): data}
            for name, own in (inner or {}).items():
                found[name] = own if name not in found else self._refused("a name that occurs twice", own)[0]
        return found

    def _object(self, keys: tuple[Any, ...], parts: Mapping[Step, Json]) -> Json:
        found: dict[str, Json] = {}
        for key in keys:
            name = _key(key)
            if name is None or name in found:
                return self._refused("a key that is no text or occurs twice", None)[0]
            found[name] = parts[key]
        return found

    def _copy(
        self,
        value: Any,
        shape: Shape,
        steps: Mapping[Step, tuple[Json, Any]],
        beside: Mapping[Step, object],
    ) -> Any:
        new: dict[Step, object] = {step: own for step, (_, own) in steps.items()}
        new |= beside
        if shape.rebuild is None:
            # A registered object is the one that it says it is; a range cannot change.
            if is_registered(type(value)) or isinstance(value, range):
                return value
            return self._refused("cannot be copied", value)[1]
        try:
            copy = shape.rebuild(value, new)
        except CannotRebuild:
            return self._refused("cannot be copied", value)[1]
        if copy is value and not isinstance(value, tuple | frozenset):
            return self._refused("cannot be copied", value)[1]
        return copy

    def _refused(self, why: str, value: Any) -> tuple[Json, Any]:
        self.unreadable.setdefault(why)
        return {"unreadable": why}, value


def _own(leaf: Any) -> Any:
    """Return a leaf that nobody else can change."""
    if isinstance(leaf, memoryview):
        return memoryview(bytes(leaf))
    return type(leaf)(leaf) if isinstance(leaf, bytearray) else leaf


def _why(value: object) -> str:
    found = read(value).unreadable
    odd = "undecodable" if isinstance(value, bytes | bytearray | memoryview) else "unregistered"
    return found[0].why if found else odd


def _key(key: object) -> str | None:
    if isinstance(key, Enum):
        return _key(key.value)
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, bool | NoneType):
        return json.dumps(key)
    data = key if isinstance(key, int) else _leaf(key)
    return None if data is None else str(data)


def _leaf(value: object) -> Json:
    """Return the data of a leaf, None of what is none. An enumeration's member is not a leaf."""
    if isinstance(value, Enum):
        return None
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, Fraction | complex):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _decoded(bytes(value))
    if isinstance(value, datetime.timedelta):
        return duration_text(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value) if isinstance(value, _NAMES) else None


_NAMES = (
    datetime.tzinfo,
    uuid.UUID,
    PurePath,
    IPv4Address,
    IPv6Address,
    IPv4Network,
    IPv6Network,
)


def _decimal(value: Decimal) -> str:
    is_plain = value.is_finite() and abs(value.adjusted()) <= LARGEST
    return format(value, "f") if is_plain else str(value)


def _decoded(value: bytes | bytearray) -> str | None:
    """Return the text of bytes; a mark of byte order tells UTF-16 from UTF-8 when they are given back."""
    try:
        if value[:2] == b"\xff\xfe":
            return value.decode("utf-16-le")
        return None if value[:3] == b"\xef\xbb\xbf" else value.decode()
    except UnicodeDecodeError:
        return None
