"""The one reader of any value: every text inside it with its path, and every place that could not be read.

`read` is total. A value is a *leaf* (a text, a number, a date …), a composite that `composites` takes apart,
nothing that could be read (None, a truth value), or *unreadable*: a lazy iterable, a callable, a future, an
object of a class that nobody registered, a value inside itself, whatever lies deeper than `DEEPEST`. Nothing
is skipped in silence. A text that is JSON is read decoded, leaf by leaf.

`rewrite` puts changed texts back and returns a value of the same type, in which every part that did not
change is the same object as before. The value that it is given stays as it was.
"""

import asyncio
import concurrent.futures
from collections.abc import AsyncIterable, Awaitable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial
from types import EllipsisType, ModuleType, NoneType, NotImplementedType
from typing import Any, NamedTuple, TypeAlias

from handrail.text.composites import KEY, CannotRebuild, Step, attributes, register, shape_of
from handrail.text.foreign import is_theirs
from handrail.text.json_data import MAY_BE_JSON, json_tokens, with_tokens
from handrail.text.leaves import LeafKind, codec_of, is_plain_leaf, leaf_text
from handrail.text.numbers import plain_number
from handrail.text.straight import Disagrees, is_same_key
from handrail.text.views import Shown, seen, shown

__all__ = [
    "CannotHold",
    "Leaf",
    "LeafKind",
    "Reading",
    "Unreadable",
    "read",
    "register",
    "rewrite",
    "shown_in",
]

DEEPEST = 64
MOST_LEAVES = 200_000

Path: TypeAlias = tuple[Step, ...]


_HOLDING = frozenset({LeafKind.TEXT, LeafKind.BYTES, LeafKind.SHOWN})


class Leaf(NamedTuple):
    """One text inside a value, as a reader would be shown it."""

    path: Path
    text: str
    kind: LeafKind

    @property
    def holds_mask(self) -> bool:
        """True when `rewrite` can put another text here."""
        return self.kind in _HOLDING


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A place that could not be read, and why (a code, never content)."""

    path: Path
    why: str


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything inside a value: its leaves in a fixed order, and what could not be read."""

    leaves: tuple[Leaf, ...]
    unreadable: tuple[Unreadable, ...]


class CannotHold(Exception):
    """A text was changed where the value cannot hold another; `path` says where."""

    def __init__(self, path: Path, kind: str) -> None:
        super().__init__(f"a {kind} cannot be replaced by a mask")
        self.path, self.kind = path, kind


@dataclass(frozen=True, slots=True)
class Json:
    """Step into a text that is JSON: to the token that begins at this character; see `JsonToken.place`."""

    at: int
    place: str = ""


_NOTHING = (NoneType, bool, EllipsisType, NotImplementedType)
_PENDING = (Awaitable, asyncio.Future, concurrent.futures.Future)
_LEAF = partial(tuple.__new__, Leaf)


def read(value: object) -> Reading:
    """Read everything inside a value. Pure, total: it never raises for what it finds."""
    walk = _Walk()
    try:
        walk.into(value, (), LeafKind.TEXT)
    except (_TooMuch, ValueError):
        # A ValueError is a number of more digits than Python writes out.
        walk.unreadable.append(Unreadable((), "size"))
    return Reading(tuple(map(_LEAF, walk.leaves)), tuple(walk.unreadable))


def shown_in(value: object) -> str:
    """Return what classes make of their parts inside a value, a line each; empty where none does. Pure."""
    leaves = read(value).leaves
    return "\n".join(leaf.text for leaf in leaves if any(isinstance(step, Shown) for step in leaf.path))


def rewrite(value: object, changes: Mapping[Path, str]) -> Any:
    """Return the value with other texts at some leaves, of the same type as before. Pure.

    Args:
        value: as it was read.
        changes: the new text by the path of its leaf.

    Raises:
        CannotHold: a leaf that is no text was changed, or a composite cannot be rebuilt.
    """
    tree: dict[Step, Any] = {}
    for path, text in changes.items():
        node = tree
        for step in path:
            node = node.setdefault(step, {})
        node[_NEW] = text
    if not tree:
        return value
    try:
        return _rewritten(value, tree, ())
    except CannotHold:
        raise
    except Exception:  # noqa: BLE001 - a class of the caller's may do anything when it is copied
        failed = CannotHold((), type(value).__name__)
    raise failed


class _TooMuch(Exception):
    """More leaves than anybody can judge in one go."""


class _Walk:
    """One reading. The types that most values are made of are read in line, the others by their shape."""

    def __init__(self) -> None:
        self.leaves: list[tuple[Path, str, LeafKind]] = []
        self.unreadable: list[Unreadable] = []
        self._open: set[int] = set()

    def into(self, value: object, path: Path, kind: LeafKind) -> None:
        reader = _QUICK.get(type(value))
        if reader is not None:
            reader(self, value, path, kind)
            return
        try:
            self._unusual(value, path, kind)
        except _TooMuch:
            raise
        except Disagrees:
            self._refuse(path, "overridden")
        except BaseException as error:
            if not is_theirs(error):
                raise
            self._refuse(path, "failed")

    def _unusual(self, value: object, path: Path, kind: LeafKind) -> None:
        if isinstance(value, _NOTHING):
            return
        leaf = leaf_text(value)
        if leaf is None:
            self._composite(value, path, kind)
            return
        text, own = leaf
        if own in _HOLDING:
            self.text(text, path, own if kind is LeafKind.TEXT else kind)
        else:
            self.leaves.append((path, text, own if kind is LeafKind.TEXT else kind))
        if not is_plain_leaf(type(value)):
            if attributes(value):
                self._refuse(path, "unregistered")
            self._shown(value, path, kind, known=text)

    def nothing(self, value: object, path: Path, kind: LeafKind) -> None:
        return

    def number(self, value: object, path: Path, kind: LeafKind) -> None:
        shown = plain_number(str(value))
        self.leaves.append((path, shown, LeafKind.NUMBER if kind is LeafKind.TEXT else kind))

    def mapping(self, value: dict[object, object], path: Path, kind: LeafKind) -> None:
        if not self._enter(value, path):
            return
        add, quick = self.leaves.append, _QUICK
        for key, part in value.items():
            if type(key) is str:
                add(((*path, KEY, key), key, LeafKind.KEY))
            else:
                self._key(key, path)
            if type(part) is str and part[:1] not in MAY_BE_JSON:
                add(((*path, key), part, kind))
            elif (reader := quick.get(type(part))) is not None:
                reader(self, part, (*path, key), kind)
            else:
                self.into(part, (*path, key), kind)
        self._leave(value)

    def items(self, value: Any, path: Path, kind: LeafKind) -> None:
        if not self._enter(value, path):
            return
        for index, part in enumerate(value):
            self.into(part, (*path, index), kind)
        self._leave(value)

    def _enter(self, value: object, path: Path) -> bool:
        if len(path) >= DEEPEST:
            self._refuse(path, "depth")
        elif id(value) in self._open:
            self._refuse(path, "cycle")
        elif len(self.leaves) > MOST_LEAVES:
            raise _TooMuch
        else:
            self._open.add(id(value))
            return True
        return False

    def _leave(self, value: object) -> None:
        self._open.discard(id(value))

    def _composite(self, value: object, path: Path, kind: LeafKind) -> None:
        if isinstance(value, Enum):
            self.into(value._value_, (*path, "value"), LeafKind.ENUM)
            self.into(value._name_, (*path, "name"), LeafKind.ENUM)
            self._shown(value, path, LeafKind.ENUM)
            return
        why = _why_unreadable(value)
        shape = shape_of(type(value)) if not why else None
        if shape is None:
            self._refuse(path, why or "unregistered")
        elif self._enter(value, path):
            if shape.rebuild is None and kind in _HOLDING:
                kind = LeafKind.FIXED
            try:
                for step, part in shape.parts(value):
                    if step is KEY:
                        for key in part:
                            self._key(key, path)
                    else:
                        self.into(part, (*path, step), kind)
                self._shown(value, path, kind)
            finally:
                self._leave(value)

    def _key(self, key: object, path: Path) -> None:
        if is_same_key(type(key)):
            self.into(key, (*path, KEY, key), LeafKind.KEY)
        else:
            self._refuse(path, "overridden")

    def _shown(self, value: object, path: Path, kind: LeafKind, known: str | None = None) -> None:
        if kind is LeafKind.SHOWN:
            # What is shown is judged as it is, not once more as what it would show.
            return
        own = LeafKind.SHOWN if kind in _HOLDING else kind
        for step, part in shown(value):
            if part != known or type(part) is not str:
                self.into(part, (*path, step), own)

    def text(self, text: str, path: Path, kind: LeafKind) -> None:
        tokens = json_tokens(text) if text[:1] in MAY_BE_JSON and len(path) < DEEPEST else None
        if tokens is None:
            self.leaves.append((path, text, kind))
            return
        for token in tokens:
            inner = (*path, Json(token.start, token.place))
            if token.kind == "string":
                self.text(token.text, inner, kind)
            else:
                own = LeafKind.KEY if token.kind == "key" else LeafKind.NUMBER
                shown = token.text if own is LeafKind.KEY else plain_number(token.text)
                self.leaves.append((inner, shown, own))

    def _refuse(self, path: Path, why: str) -> None:
        self.unreadable.append(Unreadable(path, why))


_QUICK: Mapping[type, Any] = {
    str: _Walk.text,
    NoneType: _Walk.nothing,
    bool: _Walk.nothing,
    int: _Walk.number,
    float: _Walk.number,
    dict: _Walk.mapping,
    list: _Walk.items,
    tuple: _Walk.items,
}


def _why_unreadable(value: object) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "undecodable"
    if isinstance(value, _PENDING):
        return "pending"
    if isinstance(value, (Iterator, AsyncIterable)):
        return "lazy"
    if isinstance(value, (type, ModuleType)) or (callable(value) and shape_of(type(value)) is None):
        return "callable"
    return ""


_NEW = object()


def _rewritten(value: Any, tree: Mapping[Step, Any], path: Path) -> Any:
    if isinstance(value, str):
        return _text_with(value, tree, path)
    if isinstance(value, (bytes, bytearray)) and (codec := codec_of(value)) is not None:
        text = _text_with(value.decode(codec), tree, path)
        return type(value)(text.encode(codec))
    shape = None if isinstance(value, Enum) else shape_of(type(value))
    if shape is None:
        raise CannotHold(path, type(value).__name__)
    new: dict[Step, object] = {}
    expected = {step: inner for step, inner in tree.items() if isinstance(step, Shown)}
    if len(expected) == len(tree):
        # Nothing of its parts changes, so it would show the same again.
        raise CannotHold(path, LeafKind.SHOWN)
    for step, part in shape.parts(value):
        inner = tree.get(step)
        if inner is not None:
            if step is KEY:
                raise CannotHold(path, "key")
            new[step] = _rewritten(part, inner, (*path, step))
    if shape.rebuild is None:
        raise CannotHold(path, type(value).__name__)
    try:
        twin = shape.rebuild(value, new)
    except CannotRebuild as error:
        raise CannotHold(path, str(error)) from None
    _demand_shown(value, twin, expected, path)
    return twin


def _demand_shown(value: object, twin: object, expected: Mapping[Shown, Any], path: Path) -> None:
    """Raise unless a rebuilt value shows the masks that belong into what it shows."""
    for step, inner in expected.items():
        if seen(twin, step) != _rewritten(seen(value, step), inner, (*path, step)):
            raise CannotHold(path, LeafKind.SHOWN)


def _text_with(value: str, tree: Mapping[Step, Any], path: Path) -> str:
    if _NEW in tree:
        text = str(tree[_NEW])
    else:
        tokens = {token.start: token for token in json_tokens(str.__str__(value)) or ()}
        changes: dict[int, str] = {}
        for step, inner in tree.items():
            token = tokens[step.at] if isinstance(step, Json) else None
            if token is None or token.kind != "string":
                raise CannotHold(path, token.kind if token else "text")
            changes[token.start] = _text_with(token.text, inner, (*path, step))
        text = with_tokens(str.__str__(value), changes)
    if type(value) is str:
        return text
    if any(isinstance(step, Shown) for step in tree):
        raise CannotHold(path, LeafKind.SHOWN)
    twin = type(value)(text)
    if str.__str__(twin) != text:
        raise CannotHold(path, type(value).__name__)
    return twin
