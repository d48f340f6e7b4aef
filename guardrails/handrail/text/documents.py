"""Everything that some values hold as one text, so that all of it is judged together.

Every leaf stands in one *document*: text after text, a value behind its key. So a number is judged beside
the word that says what it is, be that a key or a neighbour, and what is found is traced back to the leaves
that it lies over.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from handrail.text.composites import KEY
from handrail.text.runs import readings, runs
from handrail.text.values import Leaf, LeafKind, Path, read

# Words tell something of their neighbours across both, and every shipped example of an entity is still found
# beside numbers, words and signs. With a line break alone, or a colon, some are not.
BETWEEN = "\n• "
BEHIND_KEY = " = "


class Part(NamedTuple):
    """One leaf in a document: of which of several values, and where it stands (`end` exclusive).

    At `lead` begins its name.
    """

    value: int
    leaf: Leaf
    start: int
    end: int
    lead: int


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
        """Spans of the parts that a reader may take for one text, the first with its name; see `runs`."""
        parts = self.parts
        return tuple(
            ((parts[run[0]].lead, parts[run[0]].start), *spans)
            for run in runs([part.leaf for part in parts])
            for spans in readings([(parts[index].leaf.text, parts[index].start) for index in run])
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
    """Write leaves, each with the number of its value, as one text; those of a row go on without a gap.

    Each stands behind its name: behind its key, else behind that of its field or of the list it is an item
    of, which is said again.
    """
    pieces: list[str] = []
    parts: list[Part] = []
    at, last = 0, None
    for row in rows:
        lead, before = at, ""
        if last is not None and _is_key_of(last.leaf, row[0][1]):
            before, lead = behind(last.leaf.text), last.start
        else:
            name = "" if row[0][1].kind is LeafKind.KEY else named(row[0][1].path)
            before = BETWEEN if parts else ""
            lead += len(before)
            before += f"{name}{behind(name)}" if name else ""
        pieces.append(before)
        at += len(before)
        for value, leaf in row:
            pieces.append(leaf.text)
            parts.append(Part(value, leaf, at, at + len(leaf.text), lead))
            at += len(leaf.text)
        last = parts[-1]
    return Document("".join(pieces), tuple(parts), unreadable)


def named(path: Path) -> str:
    """Return the name under which a leaf is given: of its key or field, or of the list it is an item of."""
    for step in reversed(path):
        place = getattr(step, "place", step)
        if type(place) is str and (name := place.rstrip("/*").rpartition("/")[2]):
            return name
    return ""


@lru_cache(maxsize=1024)
def behind(name: str) -> str:
    """Return what stands between a name and its value; the words of a name that a program wrote are in it.

    `date_of_birth` and `dateOfBirth` tell of the value what `date of birth` does.
    """
    said = " ".join(_WORD.findall(name)).lower()
    return BEHIND_KEY if not said or said == name.lower() else f" ({said}){BEHIND_KEY}"


_WORD = re.compile(r"[^\W\d_a-z]+(?![a-z])|[^\W\d_a-z]?[a-z]+|[^\W\d_]+")


def _is_key_of(key: Leaf, leaf: Leaf) -> bool:
    """True if a leaf is, or lies in, the value that stands behind a key."""
    if key.kind is not LeafKind.KEY:
        return False
    if KEY not in key.path[-2:]:
        # A key of JSON in a text, which its value follows.
        return True
    above = key.path[:-2]
    return leaf.path[: len(above) + 1] == (*above, key.path[-1])


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
