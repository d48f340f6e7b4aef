"""Everything that some values hold as one text, so that all of it is judged together.

Every leaf stands in one *document*: text after text, a value behind its key. So a number is judged beside
the word that says what it is, be that a key or a neighbour, and what is found is traced back to the leaves
that it lies over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from handrail.text.composites import KEY
from handrail.text.values import Leaf, LeafKind, Path, read, runs

# Words tell something of their neighbours across both, and every shipped example of an entity is still found
# beside numbers, words and signs. With a line break alone, or a colon, some are not.
BETWEEN = "\n• "
BEHIND_KEY = " = "


class Part(NamedTuple):
    """One leaf in a document: of which of several values, and where it stands (`end` exclusive)."""

    value: int
    leaf: Leaf
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """Everything that some values hold, as one text.

    `unreadable` are the codes of what could not be read.
    """

    text: str
    parts: tuple[Part, ...]
    unreadable: tuple[str, ...] = ()

    @property
    def runs(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Spans of the parts that a reader may take for one text; see `handrail.text.values.runs`."""
        found = runs([part.leaf for part in self.parts])
        return tuple(
            tuple((self.parts[index].start, self.parts[index].end) for index in run) for run in found
        )

    @property
    def fixed(self) -> tuple[tuple[int, int], ...]:
        """Spans that cannot hold a mask: numbers, keys and the like."""
        return tuple((part.start, part.end) for part in self.parts if not part.leaf.holds_mask)


def document_of(values: Sequence[object], *, chunks: int = 0) -> Document:
    """Read values that belong together into one document; pure, total.

    Args:
        values: the values.
        chunks: how many of them, from the first on, are pieces of one stream: texts at the same place of
            these go on from one to the next.
    """
    rows: list[list[tuple[int, Leaf]]] = []
    places: dict[object, list[tuple[int, Leaf]]] = {}
    unreadable: dict[str, None] = {}
    for index, value in enumerate(values):
        reading = read(value)
        unreadable.update(dict.fromkeys(one.why for one in reading.unreadable))
        choices = _choices(reading.leaves) if index < chunks else {}
        for leaf in reading.leaves:
            # Keys and numbers of one chunk do not continue those of the chunk before.
            is_piece = index < chunks and leaf.holds_mask
            place = (leaf.path, _choice(leaf.path, choices)) if is_piece else (leaf.path, index)
            if place not in places:
                places[place] = []
                rows.append(places[place])
            places[place].append((index, leaf))
    return laid_out(rows, tuple(unreadable))


def laid_out(rows: Iterable[Sequence[tuple[int, Leaf]]], unreadable: tuple[str, ...] = ()) -> Document:
    """Write leaves, each with the number of its value, as one text; those of a row go on without a gap."""
    pieces: list[str] = []
    parts: list[Part] = []
    at, gap = 0, ""
    for row in rows:
        pieces.append(gap)
        at += len(gap)
        for value, leaf in row:
            pieces.append(leaf.text)
            parts.append(Part(value, leaf, at, at + len(leaf.text)))
            at += len(leaf.text)
        gap = BEHIND_KEY if row[-1][1].kind is LeafKind.KEY else BETWEEN
    return Document("".join(pieces), tuple(parts), unreadable)


def _choices(leaves: Sequence[Leaf]) -> dict[Path, str]:
    """Return the `index` that stands beside other fields, by the path of what holds it."""
    return {
        leaf.path[:-1]: leaf.text
        for leaf in leaves
        if leaf.path
        and leaf.path[-1] == "index"
        and leaf.kind is LeafKind.NUMBER
        and KEY not in leaf.path[-2:]
    }


def _choice(path: Path, choices: Mapping[Path, str]) -> tuple[str, ...]:
    return tuple(choices[path[:n]] for n in range(len(path)) if path[:n] in choices) if choices else ()
