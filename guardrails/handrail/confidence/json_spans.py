"""Where the values of a JSON text stand: each leaf and each member of the outermost object, with spans."""

import itertools
import json
import re
from dataclasses import dataclass
from typing import TypeAlias

Step: TypeAlias = str | int

_SPACES = frozenset(" \t\n\r")
_SPACE = re.compile(r"[ \t\n\r]*")
_FENCE = "```"
_DEEPEST = 64


def _refuse(name: str) -> object:
    raise ValueError(name)


_SCALAR = json.JSONDecoder(parse_constant=_refuse)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A string, number, boolean or null of a JSON text.

    `start` and `end` (exclusive, in characters) are the value's own, without the quotes of a string.
    """

    path: tuple[Step, ...]
    start: int
    end: int
    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of the outermost object, from the key's quote to the value's end; `value` of a leaf only."""

    key: str
    start: int
    end: int
    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Everything that was found, in order of the text."""

    leaves: tuple[Leaf, ...]
    members: tuple[Member, ...]


def layout(text: str) -> Layout | None:
    """Find the values of a text that is one JSON value, white space around it allowed; None if it is not.

    Values nested deeper than 64 levels make it None too: nothing is said about what was not read.
    """
    walk = _Walk(text)
    try:
        end = walk.value(walk.skip(0), ())
        if walk.skip(end) != len(text):
            return None
    except (ValueError, IndexError):
        return None
    return Layout(leaves=tuple(walk.leaves), members=tuple(walk.members))


def json_part(text: str) -> tuple[int, int]:
    """Start and end of what a code fence around the whole text holds; of the whole text if there is none."""
    bare = text.strip()
    first_line = bare.find("\n")
    if first_line < 0 or len(bare) < first_line + len(_FENCE) or not bare.endswith(_FENCE):
        return 0, len(text)
    if bare[:first_line].rstrip().casefold() not in (_FENCE, f"{_FENCE}json"):
        return 0, len(text)
    lead = len(text) - len(text.lstrip())
    inside = bare[first_line + 1 : -len(_FENCE)].rstrip()
    return lead + first_line + 1, lead + first_line + 1 + len(inside)


def path_name(path: tuple[Step, ...]) -> str:
    """A path as people write it: `order.items[0].sku`."""
    parts = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in path]
    return "".join(parts).removeprefix(".")


def leaves(text: str) -> tuple[Leaf, ...] | None:
    """Leaves of a JSON text, None if it is not one."""
    found = layout(text)
    return None if found is None else found.leaves


class _Walk:
    def __init__(self, text: str) -> None:
        self.text = text
        self.leaves: list[Leaf] = []
        self.members: list[Member] = []

    def skip(self, at: int) -> int:
        if self.text[at : at + 1] not in _SPACES:
            return at
        found = _SPACE.match(self.text, at)
        assert found is not None
        return found.end()

    def value(self, at: int, path: tuple[Step, ...]) -> int:
        if len(path) > _DEEPEST:
            raise ValueError("nested too deep")
        first = self.text[at]
        if first == "{":
            return self._object(at + 1, path)
        if first == "[":
            return self._array(at + 1, path)
        value, end = _SCALAR.raw_decode(self.text, at)
        if first == '"':
            self.leaves.append(Leaf(path=path, start=at + 1, end=end - 1, value=value))
        else:
            self.leaves.append(Leaf(path=path, start=at, end=end, value=value))
        return end

    def _object(self, at: int, path: tuple[Step, ...]) -> int:
        at = self.skip(at)
        if self.text[at] == "}":
            return at + 1
        while True:
            key_at = at
            if self.text[at] != '"':
                raise ValueError("no key")
            key, at = _SCALAR.raw_decode(self.text, at)
            at = self.skip(at)
            if self.text[at] != ":":
                raise ValueError("no colon")
            seen = len(self.leaves)
            at = self.value(self.skip(at + 1), (*path, key))
            if not path:
                is_leaf = len(self.leaves) > seen and self.leaves[seen].path == (key,)
                value = self.leaves[seen].value if is_leaf else None
                self.members.append(Member(key=key, start=key_at, end=at, value=value))
            at = self.skip(at)
            if self.text[at] == "}":
                return at + 1
            if self.text[at] != ",":
                raise ValueError("no comma")
            at = self.skip(at + 1)

    def _array(self, at: int, path: tuple[Step, ...]) -> int:
        at = self.skip(at)
        if self.text[at] == "]":
            return at + 1
        for index in itertools.count():
            at = self.skip(self.value(at, (*path, index)))
            if self.text[at] == "]":
                return at + 1
            if self.text[at] != ",":
                raise ValueError("no comma")
            at = self.skip(at + 1)
        raise AssertionError
