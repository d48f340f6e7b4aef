"""Classes that show more than they hold, or give other items than they store, each with an eye that sees it.

An eye is what a careless caller writes: an f-string, a loop, an attribute. `make` takes the two halves of a
text that holds the secret; neither half tells anything by itself.
"""

import enum
import functools
from collections import UserDict, UserList, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import attrs
from pydantic import BaseModel


@dataclass
class Halves:
    """A record that is whole only where its class puts it together."""

    first: str
    second: str


class Strings(Halves):
    def __str__(self) -> str:
        return f"{self.first[::-1]}"[::-1] + self.second


class Represents(Halves):
    def __repr__(self) -> str:
        return f"<{self.first}{self.second}>"


class Formats(Halves):
    def __format__(self, spec: str) -> str:
        return self.first + self.second


class Asked(Halves):
    @property
    def whole(self) -> str:
        return self.first + self.second


class Kept(Halves):
    @functools.cached_property
    def whole(self) -> str:
        return self.first + self.second


class Iterated(Halves):
    def __iter__(self) -> Any:
        return iter([self.first + self.second])


class Markup(Halves):
    def __html__(self) -> str:
        return self.first + self.second


@attrs.define
class Sealed:
    """An attrs record with a property."""

    first: str
    second: str

    @property
    def whole(self) -> str:
        return self.first + self.second


class Form(BaseModel):
    """A model with a property that no dump shows."""

    first: str
    second: str

    @property
    def whole(self) -> str:
        return self.first + self.second


class Reversed(BaseModel):
    """A model whose field is written backwards."""

    first: str

    def __str__(self) -> str:
        return self.first[::-1]


class Couple(NamedTuple):
    first: str
    second: str


class Text(str):
    """A text that says something else."""

    said: str

    def __str__(self) -> str:
        return _SAID[len(self)]


class TextInAnFString(str):
    def __format__(self, spec: str) -> str:
        return _SAID[len(self)]


class SlicedText(str):
    def __getitem__(self, at: Any) -> str:
        return _SAID[len(self)][at]


class AddedText(str):
    def __add__(self, other: str) -> str:
        return _SAID[len(self)] + other


_SAID: dict[int, str] = {}


def _saying(kind: type[str]) -> Callable[[str, str], str]:
    def make(first: str, second: str) -> str:
        # What it says is kept outside, because an attribute would be read.
        _SAID[4] = first + second
        return kind("fine")

    return make


class Number(int):
    def __str__(self) -> str:
        return _SAID[4]


class Day(date):
    def isoformat(self) -> str:
        return _SAID[4]


def _number(first: str, second: str) -> Number:
    _SAID[4] = first + second
    return Number(7)


def _day(first: str, second: str) -> Day:
    _SAID[4] = first + second
    return Day(2026, 1, 5)


class NoItems(dict[str, Any]):
    def items(self) -> Any:
        return {}.items()

    def __iter__(self) -> Any:
        return iter(())


class OtherItem(dict[str, Any]):
    def __getitem__(self, key: str) -> Any:
        return "".join(super().__getitem__("halves")[::-1])


class Emptied(list[Any]):
    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0


class Other(list[Any]):
    def __iter__(self) -> Any:
        return iter(["".join(self[at] for at in (1, 0))])


class OtherTuple(tuple[Any, ...]):
    def __getitem__(self, at: Any) -> Any:
        return "".join([*tuple.__iter__(self)][::-1])


class OtherUserDict(UserDict[str, Any]):
    def __getitem__(self, key: str) -> Any:
        return "".join(self.data["halves"][::-1])


class OtherUserList(UserList[Any]):
    def __iter__(self) -> Any:
        return iter(["".join(self.data[::-1])])


class OtherDeque(deque[Any]):
    def __iter__(self) -> Any:
        return iter(["".join([self[1], self[0]])])


class SameKey(str):
    """Keys that are all one."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameKey)

    def __hash__(self) -> int:
        return 1


class Attributes(Halves):
    def __getattribute__(self, name: str) -> Any:
        got = super().__getattribute__(name)
        return got + super().__getattribute__("second") if name == "first" else got


def _shouting(first: str, second: str) -> enum.Enum:
    class Shouting(enum.Enum):
        ONE = first
        TWO = second

        def __str__(self) -> str:
            return str(Shouting.ONE.value) + str(Shouting.TWO.value)

    return Shouting.ONE


Eye = Callable[[Any], str]


def _whole(value: Any) -> str:
    return str(value.whole)


CLASSES: dict[str, tuple[Callable[[str, str], Any], Eye]] = {
    "str": (Strings, str),
    "repr": (Represents, repr),
    "format": (Formats, lambda value: f"{value}"),
    "property": (Asked, _whole),
    "cached property": (Kept, _whole),
    "iterated": (Iterated, "".join),
    "html": (Markup, lambda value: str(value.__html__())),
    "attrs property": (Sealed, _whole),
    "pydantic property": (lambda a, b: Form(first=a, second=b), _whole),
    "backwards": (lambda a, b: Reversed(first=(a + b)[::-1]), str),
    "named tuple": (Couple, "".join),
    "fields": (Halves, lambda value: value.first + value.second),
    "values of a mapping": (lambda a, b: {"a": a, "b": b}, lambda value: "".join(value.values())),
    "keys": (lambda a, b: {a: 1, b: 2}, "".join),
    "a key in each row": (lambda a, b: [{"a": a, "n": 1}, {"b": b}], lambda v: str(v[0]["a"] + v[1]["b"])),
    "text that says otherwise": (_saying(Text), str),
    "text in an f-string": (_saying(TextInAnFString), lambda value: f"{value}"),
    "sliced text": (_saying(SlicedText), lambda value: str(value[:])),
    "added text": (_saying(AddedText), lambda value: str(value + "")),
    "number": (_number, str),
    "day": (_day, str),
    "no items": (
        lambda a, b: NoItems(whole=a + b),
        lambda value: str(dict.__getitem__(value, "whole")),
    ),
    "another item": (lambda a, b: OtherItem(halves=[b, a]), lambda value: str(value["halves"])),
    "emptied list": (lambda a, b: Emptied([a + b]), lambda value: str(value[0])),
    "another list": (lambda a, b: Other([b, a]), "".join),
    "another tuple": (lambda a, b: OtherTuple([b, a]), lambda value: str(value[0])),
    "another UserDict": (lambda a, b: OtherUserDict(halves=[b, a]), lambda value: str(value["halves"])),
    "another UserList": (lambda a, b: OtherUserList([b, a]), "".join),
    "another deque": (lambda a, b: OtherDeque([b, a]), "".join),
    "keys that are all one": (
        lambda a, b: {SameKey("x"): a + b},
        lambda value: "".join(map(str, value.values())),
    ),
    "attribute": (Attributes, lambda value: str(value.first)),
    "enumeration": (_shouting, str),
}


class Honest(dict[str, Any]):
    """A dictionary with ways of its own to be read, all of which give what it stores."""

    def __getitem__(self, key: str) -> Any:
        return super().__getitem__(str(key))

    def __iter__(self) -> Any:
        return super().__iter__()


class Lower(str):
    """A text with a method of its own."""

    def shout(self) -> str:
        return self.upper()


@dataclass(frozen=True)
class Price:
    """A record that is written in its own way."""

    amount: int
    unit: str

    def __str__(self) -> str:
        return f"{self.amount} {self.unit}"

    @property
    def is_free(self) -> bool:
        return self.amount == 0

    @property
    def label(self) -> str:
        return f"{self.unit} price"

    @functools.cached_property
    def doubled(self) -> int:
        return self.amount * 2

    @property
    def broken(self) -> str:
        raise RuntimeError


HARMLESS: dict[str, Callable[[], Any]] = {
    "dictionary": lambda: Honest(a=1, b="two"),
    "text": lambda: Lower("fine"),
    "record": lambda: Price(12, "EUR"),
    "mail address that is shown": lambda: Price(12, "boxes"),
    "bytes": lambda: b"fine",
    "memoryview": lambda: memoryview(b"fine"),
    "pydantic": lambda: Form(first="one", second="two"),
    "attrs": lambda: Sealed("one", "two"),
}
