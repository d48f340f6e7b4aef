"""Every value is read whole or said to be unreadable, and texts go back to where they stood."""

import asyncio
import dataclasses
import enum
import json
import numbers
from collections import ChainMap, OrderedDict, UserDict, defaultdict, deque
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType, SimpleNamespace
from typing import Any, Generic, NamedTuple, TypeVar

import attrs
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.text.values import CannotHold, LeafKind, read, register, rewrite

SECRET = "ann@example.org"


class Colour(enum.StrEnum):
    RED = "red"


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    inside: Any


@dataclasses.dataclass
class Open:
    inside: Any


@attrs.frozen
class Framed:
    inside: Any


class Form(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow", arbitrary_types_allowed=True)
    inside: Any
    hidden: Any = pydantic.Field(default=None, exclude=True)
    _own: Any = pydantic.PrivateAttr(default=None)


class Row(list[Any]):
    note: Any = None


def private(inside: object) -> Form:
    form = Form(inside="")
    form._own = inside
    return form


def annotated(inside: object) -> Row:
    row = Row(["x"])
    row.note = inside
    return row


WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "list": lambda inner: [inner, 1],
    "tuple": lambda inner: (inner,),
    "dict": lambda inner: {"key": inner},
    "ordered dict": lambda inner: OrderedDict(key=inner),
    "default dict": lambda inner: defaultdict(list, {"key": inner}),
    "proxy": lambda inner: MappingProxyType({"key": inner}),
    "chain": lambda inner: ChainMap({"key": inner}, {}),
    "user dict": lambda inner: UserDict({"key": inner}),
    "deque": lambda inner: deque([inner], maxlen=3),
    "named tuple": lambda inner: Pair(inner, None),
    "dataclass": Open,
    "slotted dataclass": Slotted,
    "attrs": Framed,
    "namespace": lambda inner: SimpleNamespace(inside=inner),
    "pydantic": lambda inner: Form(inside=inner),
    "pydantic, excluded": lambda inner: Form(inside="", hidden=inner),
    "pydantic, extra": lambda inner: Form(inside="", more=inner),
    "pydantic, private": private,
    "attribute of a list": annotated,
    "bytes": lambda inner: inner.encode() if isinstance(inner, str) else [inner],
    "UTF-16": lambda inner: inner.encode("utf-16") if isinstance(inner, str) else [inner],
    "secret": lambda inner: pydantic.SecretStr(inner) if isinstance(inner, str) else [inner],
    "JSON": lambda inner: json.dumps({"key": inner}) if isinstance(inner, str) else [inner],
}
WRAPPED = st.lists(st.sampled_from(sorted(WRAPPERS)), min_size=1, max_size=4)


def wrapped(names: list[str], inner: Any) -> Any:
    for name in names:
        inner = WRAPPERS[name](inner)
    return inner


@given(names=WRAPPED)
def test_a_text_is_read_wherever_it_lies(names: list[str]) -> None:
    reading = read(wrapped(names, SECRET))
    assert SECRET in [leaf.text for leaf in reading.leaves]
    assert reading.unreadable == ()


@given(names=WRAPPED)
def test_a_changed_text_goes_back_to_its_place_in_a_value_of_the_same_type(names: list[str]) -> None:
    value = wrapped(names, SECRET)
    (leaf,) = [leaf for leaf in read(value).leaves if leaf.text == SECRET]
    changed = rewrite(value, {leaf.path: "[EMAIL]"})
    texts = [leaf.text for leaf in read(changed).leaves]
    assert type(changed) is type(value)
    assert "[EMAIL]" in texts
    assert SECRET not in texts
    assert texts == [text.replace(SECRET, "[EMAIL]") for text in (leaf.text for leaf in read(value).leaves)]
    assert SECRET in [leaf.text for leaf in read(value).leaves]


def test_what_did_not_change_is_the_same_object() -> None:
    kept = ["a", "b"]
    value = {"kept": kept, "text": SECRET}
    assert rewrite(value, {}) is value
    assert rewrite(value, {("text",): "x"})["kept"] is kept


@pytest.mark.parametrize(
    ("value", "text", "kind"),
    [
        (4111111111111111, "4111111111111111", LeafKind.NUMBER),
        (Decimal("41.50"), "41.50", LeafKind.NUMBER),
        (date(1990, 2, 3), "1990-02-03", LeafKind.DATE),
        (datetime(1990, 2, 3, 4, 5, tzinfo=UTC), "1990-02-03 04:05:00+00:00", LeafKind.DATE),
        (timedelta(days=2), "2 days, 0:00:00", LeafKind.DATE),
        (Colour.RED, "red", LeafKind.ENUM),
        ({SECRET: None}, SECRET, LeafKind.KEY),
        ({(SECRET, 1): None}, SECRET, LeafKind.KEY),
    ],
)
def test_what_is_shown_is_read_and_cannot_hold_a_mask(value: object, text: str, kind: LeafKind) -> None:
    leaf = read(value).leaves[0]
    assert (leaf.text, leaf.kind, leaf.holds_mask) == (text, kind, False)
    with pytest.raises(CannotHold):
        rewrite(value, {leaf.path: "[MASK]"})


class Unknown:
    def __init__(self, inside: str) -> None:
        self.inside = inside


class Failing(Open):
    def __getattribute__(self, name: str) -> Any:
        if name == "__dict__":
            raise RuntimeError(SECRET)
        return super().__getattribute__(name)


def lazy() -> Iterator[str]:
    yield SECRET


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def circle() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lazy, "lazy"),
        (lambda: map(str, [1]), "lazy"),
        (lambda: lazy, "callable"),
        (lambda: str, "callable"),
        (lambda: Unknown(SECRET), "unregistered"),
        (object, "unregistered"),
        (lambda: b"\xff\x00\x80", "undecodable"),
        (circle, "cycle"),
        (lambda: nested(5000), "depth"),
        (lambda: Failing(SECRET), "overridden"),
        (asyncio.Queue, "unregistered"),
    ],
)
def test_what_cannot_be_read_is_said_at_its_place(make: Callable[[], object], why: str) -> None:
    reading = read({"a": "seen", "b": make()})
    assert [one.why for one in reading.unreadable] == [why]
    assert reading.unreadable[0].path[0] == "b"
    assert "seen" in [leaf.text for leaf in reading.leaves]


def test_a_registered_class_is_read_and_rebuilt() -> None:
    class Own:
        def __init__(self, inside: str) -> None:
            self.inside = inside

    assert read(Own("x")).unreadable
    register(Own, lambda own: {"inside": own.inside}, lambda own, new: Own(str(new["inside"])))
    (leaf,) = read([Own(SECRET)]).leaves
    assert rewrite([Own(SECRET)], {leaf.path: "masked"})[0].inside == "masked"


def test_nothing_is_no_text() -> None:
    for value in (None, True, ..., (), {}, [None, [False]]):
        assert read(value) == read(None)


def test_a_number_too_long_to_be_written_out_is_unreadable() -> None:
    for value in (10**5000, {"a": [10**5000]}):
        assert [one.why for one in read(value).unreadable] == ["size"]


class Address(pydantic.BaseModel):
    name: str
    host: str = "example.org"

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def mail(self) -> str:
        return f"{self.name}@{self.host}"


def test_a_computed_field_is_read_and_cannot_hold_a_mask_of_its_own() -> None:
    value = Address(name="ann")
    paths = {leaf.text: leaf.path for leaf in read(value).leaves}
    assert SECRET in paths
    with pytest.raises(CannotHold):
        rewrite(value, {paths[SECRET]: "[EMAIL]"})


def test_a_computed_field_follows_the_fields_that_were_changed() -> None:
    value = Address(name="ann")
    paths = {leaf.text: leaf.path for leaf in read(value).leaves}
    changed = rewrite(value, {paths["ann"]: "X", paths[SECRET]: "X@example.org"})
    assert changed == Address(name="X")


@pytest.mark.parametrize("coding", ["utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_bytes_of_wide_characters_without_their_mark_are_unreadable(coding: str) -> None:
    assert [one.why for one in read(SECRET.encode(coding)).unreadable] == ["undecodable"]


@pytest.mark.parametrize(
    "value", [4111111111111111.0, Decimal("4111111111111111.00"), '{"card": 4111111111111111.0}']
)
def test_a_whole_number_is_read_without_its_empty_fraction(value: object) -> None:
    assert "4111111111111111" in {leaf.text for leaf in read(value).leaves}


T = TypeVar("T")


@dataclasses.dataclass
class Boxed(Generic[T]):
    inside: T


def test_an_object_of_a_generic_class_is_read_whole() -> None:
    reading = read(Boxed[str](SECRET))
    assert [leaf.text for leaf in reading.leaves] == [SECRET]
    assert reading.unreadable == ()


def test_a_number_of_another_package_is_a_number() -> None:
    class Half(numbers.Number):
        __hash__ = object.__hash__

        def __str__(self) -> str:
            return "0.5"

    reading = read([Half()])
    assert [(leaf.text, leaf.kind) for leaf in reading.leaves] == [("0.5", LeafKind.NUMBER)]
    assert reading.unreadable == ()
