"""JSON that comes in pieces: deltas put together to what they add up to, and what was said on the way.

Texts at one place go on from piece to piece, items of a list are added to it, an entry with an `index` (as
calls have) belongs to the entry of that index. Whatever would be lost in the whole is kept as an *echo*, so
that it can be judged too: a value that a later one replaced, and the pieces of a field nobody knows, which a
reader may also take one by one.
"""

from collections.abc import Iterator, Set
from itertools import pairwise
from typing import Any

from handrail.text.json_data import LeafPath, leaves
from handrail.wire.foreign_json import Json

# Names and the like come whole; the last one counts, though some readers put them together.
REPLACED = frozenset({"id", "name", "type", "role", "index", "format", "expires_at"})
_INDEXED = "tool_calls"


class Grown:
    """One object as it grows.

    Args:
        known: names of fields that are known to come in pieces of one text.
    """

    def __init__(self, known: Set[str] = frozenset()) -> None:
        self._known = known
        self._values: dict[LeafPath, object] = {}
        self._pieces: dict[LeafPath, list[str]] = {}
        self._places: dict[LeafPath, dict[int, int]] = {}
        self._sizes: dict[LeafPath, int] = {}
        self._joined: dict[LeafPath, str] = {}
        self.replaced: list[object] = []

    def take(self, value: Json) -> None:
        """Take the next piece."""
        sizes = dict(self._sizes)
        for path, leaf in leaves(value):
            if leaf is not None:
                self._put(self._place(value, path, sizes), leaf)

    def _place(self, value: Json, path: LeafPath, sizes: dict[LeafPath, int]) -> LeafPath:
        """Return where a leaf of a piece belongs in the whole."""
        if not any(type(step) is int for step in path):
            return path
        placed: list[str | int] = []
        inside: Any = value
        for step in path:
            inside = inside[step]
            if type(step) is int:
                here = tuple(placed)
                index = inside.get("index") if here[-1:] == (_INDEXED,) and isinstance(inside, dict) else None
                number = index if type(index) is int else step + sizes.get(here, 0)
                places = self._places.setdefault(here, {})
                placed.append(places.setdefault(number, len(places)))
                self._sizes[here] = max(self._sizes.get(here, 0), number + 1)
            else:
                placed.append(step)
        return tuple(placed)

    def _put(self, path: LeafPath, leaf: object) -> None:
        before = self._values.get(path)
        if isinstance(leaf, str) and not any(step in REPLACED for step in path[-1:]):
            if before is not None:
                self.replaced.append(before)
                del self._values[path]
            self._pieces.setdefault(path, []).append(leaf)
            return
        if path in self._pieces:
            self.replaced.append("".join(self._pieces.pop(path)))
        elif before is not None and before != leaf:
            self.replaced.append(before)
            if isinstance(before, str) and isinstance(leaf, str):
                self._joined[path] = self._joined.get(path, before) + leaf
        self._values[path] = leaf

    def says(self, name: str) -> bool:
        """True when a field of this name holds anything."""
        return any(path[0] == name for found in (self._pieces, self._values) for path in found)

    def echoes(self) -> Iterator[str]:
        """Yield what a reader may also take: names put together, and the pieces of a text of a field that is
        not known, one line each.
        """
        yield from self._joined.values()
        for path, pieces in self._pieces.items():
            if len(pieces) > 1 and self._known.isdisjoint(path):
                yield "\n".join(pieces)

    def whole(self) -> Json | None:
        """Return what the pieces add up to, None if they contradict each other."""
        root: Json = {}
        if not self._pieces and not self._values:
            return root
        found: dict[LeafPath, object] = {path: "".join(pieces) for path, pieces in self._pieces.items()}
        for path, leaf in (*found.items(), *self._values.items()):
            node: Any = root
            for step, following in pairwise(path):
                empty: Any = [] if type(following) is int else {}
                node = _entered(node, step, empty)
                if type(node) is not type(empty):
                    return None
            if _entered(node, path[-1], leaf) is not leaf:
                return None
        return root


def _entered(node: Any, step: str | int, empty: object) -> object:
    """Return what stands at a step, put there first if nothing does."""
    if isinstance(step, str):
        return node.setdefault(step, empty)
    while len(node) <= step:
        node.append(empty if len(node) == step else {})
    return node[step]
