"""What of a provider's JSON is structure and not judged. Everything else is.

Each format has one table from fields to the reason why they are left out. A field counts only at its place
(`choices[].index`, where `[]` is any item of a list), and only while its value has the form that the reason
says; an `id` with blanks in it is a text like any other. What a table does not name is read, its keys and
numbers too, so that a field of tomorrow is judged today.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from handrail.text.composites import KEY
from handrail.text.structure import Form
from handrail.text.values import Leaf, LeafKind, Path, read
from handrail.wire.foreign_json import Json


class Structure(Enum):
    """Why a field is not judged."""

    NAME = "a word of the format itself, such as a type, a role or the name of a tool"
    END = "one of the known reasons why an answer ended"
    ID = "names something and says nothing"
    NUMBER = "counts, places or sets something"
    FLAG = "yes or no"
    COUNTS = "numbers under the provider's own names"
    SEALED = "written by the provider for itself: encrypted, signed or random"
    SETTING = "what the program tells the provider and no model reads"


ENDS = frozenset(
    {
        *("stop", "length", "tool_calls", "content_filter", "function_call", "end_turn", "max_tokens"),
        *("stop_sequence", "tool_use", "pause_turn", "refusal", "compaction", "max_output_tokens"),
        *("model_context_window_exceeded", "completed", "incomplete", "failed", "cancelled"),
    }
)
# A longer number can be somebody's; times and counts are shorter.
_LARGEST = 10**13
_NAME = Form.NAME.value
# The usual names of counts, to spare the look at each.
_COUNTED = frozenset(
    {"prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens", "cached_tokens"}
)
_OF_FORM: Mapping[Structure, Callable[[str], object]] = {
    Structure.NAME: _NAME.fullmatch,
    Structure.END: ENDS.__contains__,
    Structure.ID: Form.ID.value.fullmatch,
    Structure.SEALED: Form.SEALED.value.fullmatch,
    Structure.COUNTS: _NAME.fullmatch,
}


def is_structure(reason: Structure, value: object) -> bool:
    """True when a value has the form that a reason says; null and truth values always do."""
    check: Callable[[object], bool] = _CHECKS[reason]
    return check(value)


def _check(reason: Structure) -> Callable[[object], bool]:
    """Return what tells whether a value has the form that a reason says."""
    of_form = _OF_FORM.get(reason)
    has_numbers = reason in (Structure.NUMBER, Structure.COUNTS)
    has_counts = reason is Structure.COUNTS

    def check(value: object) -> bool:
        if type(value) is str:
            return of_form is not None and (not value or bool(of_form(value)))
        if value is None or value is True or value is False:
            return True
        if has_numbers and isinstance(value, (int, float)):
            return -_LARGEST < value < _LARGEST
        return has_counts and isinstance(value, dict) and _are_counts(value)

    return check


def _are_counts(value: Json) -> bool:
    """True for an object of numbers under plain names, and objects of such objects."""
    parts = list(value.items())
    for name, part in parts:
        if name not in _COUNTED and not _NAME.fullmatch(name):
            return False
        if type(part) is int and -_LARGEST < part < _LARGEST:
            continue
        if isinstance(part, dict):
            parts += part.items()
        elif not is_structure(Structure.COUNTS, part):
            return False
    return True


_CHECKS = {reason: _check(reason) for reason in Structure} | {Structure.SETTING: lambda value: True}


class _Field(NamedTuple):
    """How a field that is left out is looked at: a text by its form, any other value whole."""

    is_form: Callable[[str], object]
    is_structure: Callable[[object], bool]


def _field(reason: Structure) -> _Field:
    def is_any(text: str) -> bool:
        return True

    def is_empty(text: str) -> bool:
        return not text

    is_form = is_any if reason is Structure.SETTING else _OF_FORM.get(reason, is_empty)
    return _Field(is_form, _CHECKS[reason])


@dataclass(slots=True)
class _Node:
    reason: Structure | None = None
    inside: "dict[str, _Node]" = field(default_factory=dict)


class Table:
    """The fields of one format that are not judged.

    Args:
        structure: why each of them is left out, by its place.
        said: fields that are judged and well known, so that their names need not be.

    Attributes:
        top: names of the fields of the object itself that are left out.
    """

    def __init__(self, structure: Mapping[str, Structure], said: Iterable[str] = ()) -> None:
        self.structure = MappingProxyType(dict(structure))
        self._root = _Node()
        for place in (*structure, *said):
            node = self._root
            for step in _steps(place):
                node = node.inside.setdefault(step, _Node())
            node.reason = structure.get(place)
        self._nodes = {place: self._find(place) for place in ("", *_containers(structure))}
        self._checks = {
            place: {name: _field(one.reason) for name, one in node.inside.items() if one.reason is not None}
            for place, node in self._nodes.items()
        }
        self.top = frozenset(name for name, node in self._root.inside.items() if node.reason is not None)

    def judged(self, value: object, at: str = "", path: Path = ()) -> "Words":
        """Return what of a value is judged.

        Args:
            value: JSON data.
            at: its place in the table.
            path: put before the path of each leaf.
        """
        node, reading = self._at(at), read(value)
        leaves = [leaf for leaf in reading.leaves if not _is_left_out(node, leaf)]
        if path:
            leaves = [Leaf((*path, *leaf.path), leaf.text, leaf.kind) for leaf in leaves]
        return Words(leaves, {one.why for one in reading.unreadable})

    def is_plain(self, value: Json, at: str = "", without: Set[str] = frozenset()) -> bool:
        """True when every field of an object but some is structure; a quick look before `judged`."""
        checks = self._checks.get(at) or {}
        for name, part in value.items():
            if name in without:
                continue
            check = checks.get(name)
            if check is None:
                return False
            kind = type(part)
            # A text, nothing, yes and no are looked at here, without a call for each.
            if kind is str:
                if part and not check.is_form(part):  # type: ignore[arg-type]
                    return False
            elif part is not None and kind is not bool and not check.is_structure(part):
                return False
        return True

    def is_plain_field(self, name: str, value: object) -> bool:
        """True when one field of the object itself is structure."""
        check = self._checks[""].get(name)
        return check is not None and check.is_structure(value)

    def _at(self, place: str) -> _Node:
        return self._nodes.get(place) or self._find(place)

    def _find(self, place: str) -> _Node:
        node = self._root
        for step in _steps(place):
            node = node.inside.get(step) or _Node()
        return node


def _containers(places: Iterable[str]) -> set[str]:
    """Return the places of the objects that hold these fields."""
    return {place.rpartition(".")[0] for place in places}


def _steps(place: str) -> list[str]:
    return [step for step in place.replace("[]", ".[]").split(".") if step]


def _is_left_out(node: _Node, leaf: Leaf) -> bool:
    for step in leaf.path:
        if node.reason is Structure.SETTING:
            return True
        if step is KEY:
            key = leaf.path[-1]
            is_count = node.reason is Structure.COUNTS and _NAME.fullmatch(str(key)) is not None
            return is_count or key in node.inside
        if node.reason is not Structure.COUNTS:
            inner = node.inside.get("[]" if type(step) is int else str(step))
            if inner is None:
                return False
            node = inner
        elif not isinstance(step, (int, str)):
            return False
    if node.reason is None:
        return False
    if leaf.kind is LeafKind.NUMBER:
        return is_structure(node.reason, float(leaf.text))
    return leaf.kind is LeafKind.TEXT and is_structure(node.reason, leaf.text)


def structure_of(table: Table, value: Json | None) -> Json:
    """Return the top fields of an object that are structure; what is withheld can go on with these alone."""
    return {name: part for name, part in (value or {}).items() if table.is_plain_field(name, part)}


@dataclass(slots=True)
class Words:
    """Leaves that are judged, in their order, and the codes of what could not be read."""

    leaves: list[Leaf] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)

    def add(self, other: "Words") -> None:
        """Take the words of another."""
        self.leaves += other.leaves
        self.unreadable |= other.unreadable

    def say(self, path: Path, text: str, kind: LeafKind = LeafKind.TEXT) -> None:
        """Take one text, as it stands."""
        self.leaves.append(Leaf(path, text, kind))
