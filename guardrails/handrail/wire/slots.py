"""Where text lies in a JSON value: a slot reads it for the guard and writes it back when it was changed."""

import json
from collections.abc import Mapping, Sequence, Set
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, TypeAlias

from handrail.errors import CheckFailed
from handrail.wire.shapes import Json, has_text

Path: TypeAlias = tuple[str | int, ...]

# Between the texts of one message. Scanners see a line of its own; the guard's text can be taken apart again.
SEPARATOR = "\n\u241e\n"


@dataclass(frozen=True, slots=True)
class Slot:
    """One text inside a JSON value. `is_json` marks a value that is read and written as JSON text."""

    path: Path
    is_json: bool = False

    def read(self, root: object) -> str:
        """Return the text at this place."""
        value = _at(root, self.path)
        if self.is_json and not isinstance(value, str):
            return json.dumps(value, ensure_ascii=False)
        return value if isinstance(value, str) else ""

    def write(self, root: object, text: str) -> None:
        """Put a text at this place, in place. Raises CheckFailed if it is no longer the JSON it must be."""
        parent: Any = _at(root, self.path[:-1])
        if self.is_json and not isinstance(parent[self.path[-1]], str):
            try:
                parent[self.path[-1]] = json.loads(text)
            except ValueError:
                raise CheckFailed("wire", why="redacted text no longer fits its field") from None
        else:
            parent[self.path[-1]] = text


def _at(root: object, path: Path) -> object:
    value: Any = root
    for step in path:
        value = value[step]
    return value


def unknown_slots(value: Mapping[str, object], known: Set[str], path: Path = ()) -> list[Slot]:
    """Return a slot for every field that is not known and holds text, so that nothing passes unread."""
    if value.keys() <= known:
        return []
    names = value.keys() - known
    return [Slot((*path, name), is_json=True) for name in sorted(names) if has_text(value[name])]


def join(root: object, slots: Sequence[Slot]) -> str:
    """Return the texts of several slots as one."""
    return SEPARATOR.join(slot.read(root) for slot in slots)


def rewritten(root: Json, slots: Sequence[Slot], text: str) -> Json:
    """Return a copy in which the slots hold `text`, which was made from `join` of the same slots.

    If it no longer comes apart into as many texts, all of it goes to the first plain slot and the others are
    emptied: what was withheld stays withheld.
    """
    copy = deepcopy(root)
    texts = text.split(SEPARATOR)
    if len(texts) != len(slots):
        plain = next((i for i, slot in enumerate(slots) if not slot.is_json), None)
        if plain is None:
            raise CheckFailed("wire", why="changed text has no place to go")
        texts = ["" if i != plain else text for i in range(len(slots))]
    for slot, part in zip(slots, texts, strict=True):
        if slot.is_json and not part:
            del_at(copy, slot.path)
        else:
            slot.write(copy, part)
    return copy


def del_at(root: object, path: Path) -> None:
    """Remove the field at a path, in place."""
    parent: Any = _at(root, path[:-1])
    del parent[path[-1]]
