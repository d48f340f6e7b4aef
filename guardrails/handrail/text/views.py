"""What a value shows beside what it holds: its own `str`, `repr` and properties, and how it is iterated.

A class may say anything when it is written out. What the classes of the standard library, of pydantic, attrs
and providers' packages say is known to be their parts and nothing else; any other class is asked, and what it
says is judged as what it holds is.
"""

import functools
import itertools
import sys
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, TypeAlias

View: TypeAlias = Callable[[Any], object]
MOST_ITEMS = 100_000


@dataclass(frozen=True, slots=True)
class Shown:
    """Step to what a value shows when it is asked by this name; nothing can be put there."""

    name: str


# Their classes show their fields and nothing else.
_KNOWN = sys.stdlib_module_names | {
    *("pydantic", "pydantic_core", "pydantic_settings", "attr", "attrs", "msgspec", "numpy", "pandas"),
    *("openai", "anthropic", "langchain", "langchain_core", "langgraph", "pydantic_ai", "agents", "mcp"),
    *("httpx", "httpx2", "requests", "markupsafe", "handrail", "handrail_adapters"),
}
_REPRESENTS = ("__repr__", "__repr_args__", "__repr_str__", "__repr_name__")
_CONTAINERS = (str, bytes, bytearray, Mapping, Sequence, Set)
_found: dict[type, tuple[tuple[str, View, bool], ...]] = {}
_own: dict[tuple[type, tuple[str, ...]], bool] = {}
_GENERATED = "<attrs generated"
_GENERATED_BY_DATACLASSES = "__create_fn__."


def shown(value: Any) -> list[tuple[Shown, object]]:
    """Return what a value shows that is not known to be its parts, each once.

    A property that fails shows nothing; its class may keep it for values of another state.
    """
    found: list[tuple[Shown, object]] = []
    for name, view, may_fail in _views(type(value)):
        try:
            part = view(value)
        except Exception:
            if may_fail:
                continue
            raise
        if not any(type(part) is type(other) is str and part == other for _, other in found):
            found.append((Shown(name), part))
    return found


def seen(value: Any, step: Shown) -> object:
    """Return what a value shows at a step."""
    return next(view(value) for name, view, _ in _views(type(value)) if name == step.name)


def _views(kind: type) -> tuple[tuple[str, View, bool], ...]:
    found = _found.get(kind)
    if found is None:
        found = _found[kind] = _views_of(kind)
    return found


def _views_of(kind: type) -> tuple[tuple[str, View, bool], ...]:
    found: list[tuple[str, View, bool]] = []
    # Whoever writes no `__str__` is written by its `__repr__`, and so on.
    found += [
        (name, view, False)
        for name, view, sources in (
            ("format", format, ("__format__", "__str__", *_REPRESENTS)),
            ("str", str, ("__str__", *_REPRESENTS)),
            ("repr", repr, _REPRESENTS),
        )
        if is_any_own(kind, sources)
    ]
    if is_any_own(kind, ("__html__",)):
        found.append(("html", lambda value: value.__html__(), False))
    if is_any_own(kind, ("__iter__",)) and not issubclass(kind, _CONTAINERS):
        found.append(("items", _items, False))
    getters: dict[str, View] = {}
    for base in kind.__mro__:
        for name, place in vars(base).items():
            getter = _getter(place)
            if getter is not None and not _is_known(getter):
                getters.setdefault(name, getter)
    return (*found, *((name, getter, True) for name, getter in getters.items()))


def is_any_own(kind: type, names: tuple[str, ...]) -> bool:
    """True if a class does something of its own under one of some names."""
    key = kind, names
    own = _own.get(key)
    if own is None:
        own = _own[key] = any(_is_own(kind, name) for name in names)
    return own


def _is_own(kind: type, name: str) -> bool:
    return next((not _is_known(vars(base)[name]) for base in kind.__mro__ if name in vars(base)), False)


def _is_known(function: object) -> bool:
    """True of what is compiled, made by a class decorator, or written in a package whose ways are known."""
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    if code is None:
        return function is None or type(function).__module__.partition(".")[0] in _KNOWN
    if code.co_filename.startswith(_GENERATED) or code.co_qualname.startswith(_GENERATED_BY_DATACLASSES):
        return True
    return str(function.__globals__.get("__name__")).partition(".")[0] in _KNOWN  # type: ignore[attr-defined]


def _getter(place: object) -> View | None:
    if isinstance(place, property):
        return place.fget
    # Asked directly: its answer would else be kept in the value.
    return place.func if isinstance(place, functools.cached_property) else None


def _items(value: Any) -> list[object]:
    items = [*itertools.islice(iter(value), MOST_ITEMS + 1)]
    if len(items) > MOST_ITEMS:
        raise ValueError("more items than anybody can judge")
    return items
