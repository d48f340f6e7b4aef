"""What a class makes of its parts is read beside them, unless it is known to say nothing else."""

import collections
import dataclasses
import decimal
import enum
import functools
from typing import Any, NamedTuple

import attrs
import pydantic
import pytest

from handrail.text.values import CannotHold, read, rewrite
from handrail.text.views import shown


@dataclasses.dataclass
class Plain:
    name: str


@dataclasses.dataclass
class Loud(Plain):
    def __str__(self) -> str:
        return self.name.upper()

    @functools.cached_property
    def twice(self) -> str:
        return self.name * 2

    @property
    def broken(self) -> str:
        raise RuntimeError

    @property
    def another(self) -> "Loud":
        return Loud(self.name)


class Named(NamedTuple):
    name: str


@attrs.frozen
class Framed:
    name: str


class Form(pydantic.BaseModel):
    name: str


class Colour(enum.StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    "value",
    [
        *(Plain("x"), Named("x"), Framed("x"), Form(name="x"), Colour.RED, [1], {"a": 1}, 7),
        *(collections.OrderedDict(a=1), collections.Counter("abc"), decimal.Decimal("1.5"), KeyError("x")),
    ],
)
def test_a_class_that_is_known_to_show_its_parts_is_not_asked(value: object) -> None:
    assert shown(value) == []


def test_what_a_class_says_and_its_properties_are_read_once_each_and_not_kept() -> None:
    value = Loud("abc")
    texts = [leaf.text for leaf in read(value).leaves]
    assert texts == ["abc", "ABC", "abcabc", "abc"]
    assert "twice" not in vars(value)


def test_what_is_shown_must_show_the_mask_that_its_parts_hold() -> None:
    class Told(Plain):
        def __str__(self) -> str:
            return f"I am {self.name}"

    value: Any = Told("Ann")
    changes = {leaf.path: leaf.text.replace("Ann", "[NAME]") for leaf in read(value).leaves}
    assert str(rewrite(value, changes)) == "I am [NAME]"
    with pytest.raises(CannotHold):
        rewrite(value, {path: text for path, text in changes.items() if path != ("name",)})
    with pytest.raises(CannotHold):
        rewrite(Loud("Ann"), {leaf.path: "[NAME]" for leaf in read(Loud("Ann")).leaves})
