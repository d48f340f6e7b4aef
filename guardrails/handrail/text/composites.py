"""How each type of value is taken apart and put together again; `values` walks with it.

A *shape* belongs to a type. What has none is no composite. Shapes are looked up once a type, so a class that
is registered late counts from its next value on.
"""

import copy
import dataclasses
from collections import ChainMap, OrderedDict, UserDict, UserList, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import GetSetDescriptorType, MappingProxyType, MemberDescriptorType, SimpleNamespace
from typing import Any, TypeAlias, TypeVar

from handrail.text.straight import Disagrees, items_of, pairs_of
from handrail.text.views import is_any_own

T = TypeVar("T")
_FIELDS = (MemberDescriptorType, GetSetDescriptorType)
Step: TypeAlias = object
Parts: TypeAlias = Iterable[tuple[Step, Any]]


class _Marker(Enum):
    KEY = "key"


KEY = _Marker.KEY
"""Step that says: the next step is a key itself, where else a key is the step to its value."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """Step to an attribute that an instance of a container's subclass has beside its items."""

    name: str


class CannotRebuild(Exception):
    """A value of this type cannot be rebuilt with changed parts."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How values of one type are taken apart and, where that can be, rebuilt with some parts changed."""

    parts: Callable[[Any], Parts]
    rebuild: Callable[[Any, Mapping[Step, object]], Any] | None


_shapes: dict[type, Shape | None] = {}
_registered: dict[type, Shape] = {}


def register(
    kind: type[T],
    parts: Callable[[T], Mapping[str, object]],
    rebuild: Callable[[T, Mapping[str, object]], T] | None = None,
) -> None:
    """Say how values of a class and its subclasses are read.

    Args:
        kind: the class.
        parts: returns everything inside a value that could be shown to anybody, by name.
        rebuild: returns a copy in which some of these parts are others; without it a value in which something
            must be masked is handed off.
    """
    make = rebuild

    def changed(value: T, new: Mapping[Step, object]) -> T:
        assert make is not None
        return make(value, {str(name): part for name, part in new.items()})

    _registered[kind] = Shape(lambda value: parts(value).items(), changed if make is not None else None)
    _shapes.clear()


def is_registered(kind: type) -> bool:
    """True for classes, and subclasses of those, that `register` was told of."""
    return any(base in _registered for base in kind.__mro__)


def shape_of(kind: type) -> Shape | None:
    """Return the shape of a type, None if its values are not taken apart."""
    try:
        return _shapes[kind]
    except KeyError:
        found = _shapes[kind] = _find(kind)
        return found


def _find(kind: type) -> Shape | None:
    for base in kind.__mro__:
        if base in _registered:
            return _registered[base]
    if is_record(kind):
        return _PYDANTIC if hasattr(kind, "__pydantic_core_schema__") else _RECORD
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return Shape(_named_parts, _replaced)
    if kind.__name__ in ("Request", "Response") and kind.__module__.partition(".")[0] in ("httpx", "httpx2"):
        # What the errors of most providers' packages carry.
        return Shape(_http_parts, None)
    if hasattr(kind, "get_secret_value"):
        return Shape(
            lambda value: [("secret", value.get_secret_value())], lambda value, new: kind(new["secret"])
        )
    for base, shape in _CONTAINERS:
        if issubclass(kind, base):
            return shape if kind in _PLAIN else _with_attributes(shape)
    return None


def is_record(kind: type) -> bool:
    """True for classes whose instances are their fields: dataclasses, attrs, pydantic, structs."""
    marks = ("__attrs_attrs__", "__pydantic_core_schema__", "__pydantic_fields__", "__struct_fields__")
    return (
        dataclasses.is_dataclass(kind)
        or issubclass(kind, SimpleNamespace)
        or any(hasattr(kind, m) for m in marks)
    )


def attributes(value: object) -> dict[str, object]:
    """Return what an object holds: its instance dictionary, and the slots of its classes that are filled."""
    found: dict[str, object] = dict(getattr(value, "__dict__", ()))
    # Of which types a generic class was made is said of the class, not by the value.
    found.pop("__orig_class__", None)
    for base in type(value).__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name in ("__dict__", "__weakref__"):
                continue
            mangled = (
                f"_{base.__name__.lstrip('_')}{name}" if name[:2] == "__" and name[-2:] != "__" else name
            )
            try:
                found[mangled] = getattr(value, mangled)
            except AttributeError:
                continue
    return found


def _with_fields(value: Any, new: Mapping[Step, object]) -> Any:
    twin = copy.copy(value)
    for name, part in new.items():
        object.__setattr__(twin, str(name), part)
    return twin


def _pydantic_parts(value: Any) -> Parts:
    own = dict(_record_parts(value))
    # Which fields were given is structure: names of the class, no text of anybody's.
    own.pop("__pydantic_fields_set__", None)
    # A computed field is dumped like any other, and may be the only place where a value is whole.
    return [*own.items(), *((name, getattr(value, name)) for name in _computed(value) if name not in own)]


def _computed(value: Any) -> Iterable[str]:
    return getattr(getattr(value, "__pydantic_decorators__", None), "computed_fields", ())


def _pydantic_with(value: Any, new: Mapping[Step, object]) -> Any:
    twin = value.model_copy()
    computed = {name for name in new if str(name) in {*_computed(value)} - {*twin.__dict__}}
    for name in new.keys() - computed:
        part = new[name]
        if str(name) in twin.__dict__:
            twin.__dict__[str(name)] = part
        else:
            object.__setattr__(twin, str(name), part)
    if any(getattr(twin, str(name)) != new[name] for name in computed):
        raise CannotRebuild("computed field")
    return twin


def _replaced(value: Any, new: Mapping[Step, object]) -> Any:
    return value._make(new.get(name, part) for name, part in zip(value._fields, value, strict=True))


def _named_parts(value: Any) -> Parts:
    items = items_of(value, tuple.__iter__(value), is_indexed=True)
    given = [getattr(value, name) for name in value._fields]
    if [*map(id, given)] != [*map(id, items)]:
        raise Disagrees
    return zip(value._fields, items, strict=True)


def _mapping_parts(value: Mapping[object, object]) -> Parts:
    pairs = pairs_of(value, dict.items(value)) if isinstance(value, dict) else [*value.items()]
    yield KEY, tuple(key for key, _ in pairs)
    yield from pairs


def _list_parts(value: list[Any]) -> Parts:
    return enumerate(items_of(value, list.__iter__(value), is_indexed=True))


def _tuple_parts(value: tuple[Any, ...]) -> Parts:
    return enumerate(items_of(value, tuple.__iter__(value), is_indexed=True))


def _user_dict_parts(value: UserDict[Any, Any]) -> Parts:
    pairs_of(value, value.data.items())
    return [("data", value.data)]


def _user_list_parts(value: UserList[Any]) -> Parts:
    items_of(value, value.data, is_indexed=True)
    return [("data", value.data)]


def _members(value: Any) -> Parts:
    base = next(one for one in (set, frozenset, deque) if isinstance(value, one))
    return enumerate(items_of(value, base.__iter__(value)))


def _mapping_with(value: Any, new: Mapping[Step, object]) -> Any:
    twin = copy.copy(value)
    for step, part in new.items():
        if step is KEY:
            raise CannotRebuild("a key of a mapping")
        twin[step] = part
    return twin


def _proxy_with(value: Any, new: Mapping[Step, object]) -> Any:
    return MappingProxyType(_mapping_with(dict(value), new))


def _chain_with(value: Any, new: Mapping[Step, object]) -> Any:
    return type(value)(*(new.get(index, part) for index, part in enumerate(value.maps)))


def _items_with(value: Any, new: Mapping[Step, object]) -> Any:
    return [new.get(index, part) for index, part in enumerate(value)]


def _list_with(value: Any, new: Mapping[Step, object]) -> Any:
    items = _items_with(value, new)
    if type(value) is list:
        return items
    twin = copy.copy(value)
    for index, part in enumerate(items):
        twin[index] = part
    return twin


def _set_with(value: Any, new: Mapping[Step, object]) -> Any:
    items = _items_with(value, new)
    twin = type(value)(items)
    if len(twin) != len(value):
        raise CannotRebuild("two members of a set that would become one")
    return twin


def error_parts(value: BaseException) -> dict[str, object]:
    """Return what an error holds: arguments, attributes and notes, and the fields of built-in classes."""
    parts: dict[str, object] = {"args": value.args, **attributes(value)}
    for base in type(value).__mro__:
        if base is BaseException:
            break
        for name, place in vars(base).items():
            if isinstance(place, _FIELDS) and not name.startswith("__"):
                parts.setdefault(name, getattr(value, name, None))
    if hasattr(type(value), "error_count"):
        # A pydantic ValidationError holds the input that it refuses.
        parts["errors"] = getattr(value, "errors", tuple)()
    return parts


def _error_and_causes(value: BaseException) -> Parts:
    yield from error_parts(value).items()
    yield "shown", str(value)
    yield "__cause__", value.__cause__
    if value.__context__ is not value.__cause__:
        yield "__context__", value.__context__


def _http_parts(value: Any) -> Parts:
    """Return what an HTTP message of httpx holds; fails, and so is unreadable, while it is not read."""
    yield "headers", value.headers.multi_items()
    yield "content", value.content
    if hasattr(value, "status_code"):
        yield "reason", (value.status_code, value.reason_phrase)
        yield "request", value._request
    else:
        yield "target", (value.method, str(value.url))


def dumped(value: object) -> dict[str, object] | None:
    """Return the fields of a pydantic model, from whichever package, as plain data; None of anything else.

    For what is known of a value beside its texts: a model that cannot be dumped is read by `read` alone.
    """
    if not hasattr(type(value), "__pydantic_core_schema__") or isinstance(value, type):
        return None
    try:
        data = value.model_dump()  # type: ignore[attr-defined]
    except Exception:  # noqa: BLE001 - a class of the caller's may do anything when it is dumped
        return None
    return data if isinstance(data, dict) else None


def _with_attributes(shape: Shape) -> Shape:
    """A subclass of a container may hold more than its items."""

    def parts(value: Any) -> Parts:
        yield from shape.parts(value)
        for name, part in attributes(value).items():
            yield Attribute(name), part

    make = shape.rebuild
    if make is None:
        return Shape(parts, None)

    def rebuild(value: Any, new: Mapping[Step, object]) -> Any:
        items = {step: part for step, part in new.items() if not isinstance(step, Attribute)}
        twin = make(value, items) if items else copy.copy(value)
        if type(twin) is not type(value):
            raise CannotRebuild(type(value).__name__)
        for step, part in new.items():
            if isinstance(step, Attribute):
                object.__setattr__(twin, step.name, part)
        return twin

    return Shape(parts, rebuild)


def _record_parts(value: Any) -> Parts:
    if is_any_own(type(value), ("__getattribute__",)):
        raise Disagrees
    return attributes(value).items()


_RECORD = Shape(_record_parts, _with_fields)
_PYDANTIC = Shape(_pydantic_parts, _pydantic_with)
_CONTAINERS: Sequence[tuple[type, Shape]] = (
    (UserDict, Shape(_user_dict_parts, _with_fields)),
    (UserList, Shape(_user_list_parts, _with_fields)),
    (ChainMap, Shape(lambda value: enumerate(value.maps), _chain_with)),
    (MappingProxyType, Shape(_mapping_parts, _proxy_with)),
    (dict, Shape(_mapping_parts, _mapping_with)),
    (Mapping, Shape(_mapping_parts, None)),
    (list, Shape(_list_parts, _list_with)),
    (tuple, Shape(_tuple_parts, lambda value, new: tuple(_items_with(value, new)))),
    (set, Shape(_members, _set_with)),
    (frozenset, Shape(_members, _set_with)),
    (deque, Shape(_members, lambda value, new: type(value)(_items_with(value, new), value.maxlen))),
    (BaseException, Shape(_error_and_causes, None)),
    (Sequence, Shape(lambda value: ((index, value[index]) for index in range(len(value))), None)),
)
_PLAIN = frozenset(
    {
        dict,
        list,
        tuple,
        set,
        frozenset,
        deque,
        OrderedDict,
        MappingProxyType,
        ChainMap,
        UserDict,
        UserList,
        range,
    }
)
