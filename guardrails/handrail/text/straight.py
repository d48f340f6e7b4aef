"""Whether a subclass of a built-in class gives what it holds, by whatever way it is read.

What is judged is what the built-in class stores. A class that overrides how it is read may give its reader
something else, so both are compared.
"""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from handrail.text.views import is_any_own

_READ = ("__iter__", "__getitem__", "__len__", "__reversed__", "items", "keys", "values", "get")
_SPELLED = ("__iter__", "__getitem__", "__len__", "__add__", "__radd__", "encode", "lower", "strip", "split")
_HIDDEN = ("__getattribute__",)
_PLAIN = frozenset({str, int, float, bytes, bool})
_NOTHING = object()


class Disagrees(Exception):
    """A value gives something else than it holds."""


def items_of(value: Any, stored: Iterable[object], *, is_indexed: bool = False) -> list[object]:
    """Return the items that a container stores.

    Args:
        value: the container.
        stored: its items, by the built-in class.
        is_indexed: it also gives them by their index.

    Raises:
        Disagrees: it gives others.
    """
    items = list(stored)
    if is_any_own(type(value), _READ + _HIDDEN):
        _demand(not is_any_own(type(value), _HIDDEN) and len(value) == len(items))
        _demand(_are_same(_given(value, items), items))
        _demand(not is_indexed or _are_same((value[at] for at in range(len(items))), items))
    return items


def pairs_of(value: Any, stored: Iterable[tuple[object, object]]) -> list[tuple[object, object]]:
    """Return the keys and values that a mapping stores; raises `Disagrees` where it gives others."""
    pairs = list(stored)
    if is_any_own(type(value), _READ + _HIDDEN):
        keys, held = [key for key, _ in pairs], [part for _, part in pairs]
        items_of(value, keys)
        _demand(_are_same((value[key] for key in keys), held) and _are_same(map(value.get, keys), held))
        _demand(_are_same(_given(value.keys(), keys), keys) and _are_same(_given(value.values(), held), held))
        flat = [*itertools.chain(*pairs)]
        _demand(_are_same(itertools.chain(*_given(value.items(), pairs)), flat))
    return pairs


def spelled(value: str) -> str:
    """Return the characters that a text holds; raises `Disagrees` where it gives others."""
    text = str.__str__(value)
    kind = type(value)
    if is_any_own(kind, _SPELLED + _HIDDEN):
        _demand(not is_any_own(kind, _HIDDEN) and len(value) == len(text))
        _demand("".join(_given(value, text)) == text)
        given = (value[:], value + "", "" + value, value.encode().decode())
        _demand(all(str.__str__(one) == text for one in given))
        _demand(str.__str__(value.lower()) == text.lower() and str.__str__(value.strip()) == text.strip())
        _demand([*map(str.__str__, value.split())] == text.split())
    return text


def is_same_key(kind: type) -> bool:
    """True of a class whose values are one key of a mapping only if they are the same."""
    return not is_any_own(kind, ("__eq__", "__hash__"))


def _demand(agrees: bool) -> None:
    if not agrees:
        raise Disagrees


def _given(value: Any, held: Sequence[Any]) -> Iterable[Any]:
    return itertools.islice(iter(value), len(held) + 1)


def _are_same(given: Iterable[object], held: Sequence[object]) -> bool:
    return all(
        one is other or (type(one) is type(other) and type(one) in _PLAIN and one == other)
        for one, other in itertools.zip_longest(given, held, fillvalue=_NOTHING)
    )
