"""The readers of nested values: leaf by leaf, and put together again.

`leaves` and `mapped` are for JSON data. `read` and `rewrite` are for whatever a function takes or returns.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

from handrail.records import Answer, Speaker

_SPEAKERS = {
    "system": Speaker.SYSTEM,
    "developer": Speaker.SYSTEM,
    "assistant": Speaker.ASSISTANT,
    "ai": Speaker.ASSISTANT,
    "tool": Speaker.TOOL,
    "function": Speaker.TOOL,
}
SPEAKER_FIELDS = frozenset({"role", "type"})
"""Fields of a mapping that tell who says what is in it."""


LeafPath: TypeAlias = tuple[str | int, ...]
"""Where a leaf lies in JSON data: keys of objects and indexes of lists."""


def leaves(value: object, path: LeafPath = ()) -> Iterator[tuple[LeafPath, object]]:
    """Yield every leaf of JSON data (texts, numbers, booleans, null) with its path; pure."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path, value


def mapped(
    value: object,
    change: Callable[[LeafPath, object], object],
    *,
    key: Callable[[str], str] = str,
    path: LeafPath = (),
) -> object:
    """Return JSON data with every leaf, and every key, replaced by what a function makes of it."""
    if isinstance(value, Mapping):
        return {key(name): mapped(item, change, key=key, path=(*path, name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [mapped(item, change, key=key, path=(*path, index)) for index, item in enumerate(value)]
    return change(path, value)


def written(path: LeafPath) -> str:
    """Write a path as people do: `items[0].amount`; pure."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


@runtime_checkable
class Model(Protocol):
    """A pydantic model, from whichever package."""

    def model_dump(self) -> dict[str, Any]:
        """Return the fields as plain data."""

    @classmethod
    def model_validate(cls, obj: Any) -> Any:
        """Build a model from plain data."""


class CannotRewrite(Exception):
    """A text that must be masked lies in a value that cannot be rebuilt."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One text inside a value: where it lies and who says it."""

    path: tuple[object, ...]
    text: str
    speaker: Speaker


def read(value: object, speaker: Speaker = Speaker.USER, path: tuple[object, ...] = ()) -> Iterator[Leaf]:
    """Yield every text inside a value, in a fixed order.

    Args:
        value: anything; what holds no text yields nothing.
        speaker: who says a text where the value does not tell.
        path: where the value itself lies.
    """
    match value:
        case str():
            yield Leaf(path=path, text=value, speaker=speaker)
        case bytes() | bytearray():
            yield Leaf(path=path, text=value.decode("utf-8", "replace"), speaker=speaker)
        case Answer():
            yield Leaf(path=path, text=value.text, speaker=speaker)
        case Mapping():
            inner = _SPEAKERS.get(str(value.get("role", value.get("type", ""))), speaker)
            for key, item in value.items():
                yield from read(item, inner, (*path, key))
        case list() | tuple() | set() | frozenset():
            for index, item in enumerate(value):
                yield from read(item, speaker, (*path, index))
        case Model():
            yield from read(value.model_dump(), speaker, path)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            for field in dataclasses.fields(value):
                yield from read(getattr(value, field.name), speaker, (*path, field.name))
        case _:
            return


def rewrite(value: object, texts: Iterator[str]) -> object:
    """Rebuild a value with its texts replaced, in the order in which `read` yields them.

    Raises:
        CannotRewrite: a text changed inside a kind of value that cannot be rebuilt.
    """
    match value:
        case str():
            return next(texts)
        case Answer():
            text = next(texts)
            return value if text == value.text else Answer(text=text)
        case Mapping():
            return {key: rewrite(item, texts) for key, item in value.items()}
        case list() | tuple() if type(value) in (list, tuple):
            return type(value)(rewrite(item, texts) for item in value)
        case Model():
            data = value.model_dump()
            changed = rewrite(data, texts)
            return value if changed == data else type(value).model_validate(changed)
        case _:
            for leaf in read(value):
                if next(texts) != leaf.text:
                    raise CannotRewrite(type(value).__name__)
            return value
