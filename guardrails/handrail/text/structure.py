"""What of a value is structure: named in one table a format, each row with its reason. All else is judged.

A row names a place and what a value there looks like. A value that stands there and does not look so is no
structure: an address where an id belongs is judged like any other text.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from handrail.text.composites import KEY
from handrail.text.values import Leaf, LeafKind, Path

ITEM = "*"
"""Step of a place that stands for any item of a list."""
REST = "**"
"""Last step of a place: everything below it."""

Place: TypeAlias = tuple[str, ...]


_WORD = r"(?!(?:.*\d){9})[A-Za-z][A-Za-z0-9_.:/-]{0,63}"
_MARKS = r"(?=.{0,6}\Z|.*[A-Za-z])[A-Za-z0-9_.:/|+=-]"
_DAY = r"\d{4}-\d{2}-\d{2}"
_OF_DAY = r"\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?: ?(?:Z|[+-]\d{2}:?\d{2}))?"


class Form(Enum):
    """What a value that is structure looks like, in every format and framework.

    None of them holds a blank, an address or a number that is long enough to be somebody's.
    """

    NAME = re.compile(_WORD, re.ASCII)
    """A plain word, such as a kind, a state or the name of a tool."""
    ID = re.compile(rf"{_MARKS}{{0,512}}", re.ASCII)
    """A token with a letter in it, such as an id or a model's name, or a few characters."""
    SEALED = re.compile(rf"{_MARKS}*", re.ASCII)
    """Data that only its maker can read: Base64."""
    COUNT = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,20})?(?:[eE][-+]?[0-9]{1,3})?|-?inf")
    """A number that counts, weighs or times something."""
    INDEX = re.compile(rf"[0-9]{{1,6}}|{_WORD}", re.ASCII)
    """A position, or a name for one."""
    TIME = re.compile(rf"{_DAY}(?:[T ]{_OF_DAY})?|[0-9]{{1,13}}(?:\.[0-9]{{1,12}})?", re.ASCII)
    """A moment or a span of time."""
    ANY = re.compile(r"(?s:.*)")
    """Whatever stands there: it is read elsewhere, or never leaves the program."""

    def fits(self, text: str) -> bool:
        """True if a text looks so."""
        return self.value.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: where something stands, what it looks like, and why it is not judged."""

    places: tuple[Place, ...]
    form: Form
    why: str


class Structure:
    """The table of one format.

    Args:
        rows: what is structure. The names of its fields, and `fields`, say nothing where they are keys.
        fields: names of fields that hold what is judged.
    """

    def __init__(self, rows: Iterable[Row], *, fields: Iterable[str] = ()) -> None:
        self.rows = tuple(rows)
        self._exact: dict[Place, Form] = {}
        self._below: dict[Place, Form] = {}
        for row in self.rows:
            for place in row.places:
                if place[-1] == REST:
                    self._below[place[:-1]] = row.form
                else:
                    self._exact[place] = row.form
        places = [place for row in self.rows for place in row.places]
        self._fields = frozenset({step for place in places for step in place}.union(fields))

    def covers(self, leaf: Leaf) -> bool:
        """True if a leaf is structure."""
        place = _place(leaf.path)
        if leaf.kind is LeafKind.KEY and KEY in leaf.path:
            return leaf.text in self._fields or self._is_plain_key(place[:-2], leaf.text)
        form = self._form(place)
        return form is not None and form.fits(leaf.text)

    def _form(self, place: Place) -> Form | None:
        if (form := self._exact.get(place)) is not None:
            return form
        for length in range(len(place), 0, -1):
            if (form := self._below.get(place[:length])) is not None:
                return form
        return None

    def _is_plain_key(self, place: Place, key: str) -> bool:
        form = self._form(place) if place else None
        return form is Form.ANY or (form is not None and _PLAIN_KEY.fullmatch(key) is not None)

    def of(self, leaves: Iterable[Leaf]) -> list[Leaf]:
        """Return the leaves that are not structure, in order."""
        return [leaf for leaf in leaves if not self.covers(leaf)]


_PLAIN_KEY = re.compile(r"[A-Za-z_]{1,64}")


def _place(path: Path) -> Place:
    return tuple(ITEM if type(step) is int else step if type(step) is str else "" for step in path)
