"""Objects of a framework, read leaf by leaf: as the text of a message, as what stands beside an answer.

Where `structure` knows the fields of a provider's JSON, this reads whatever class a framework gives, less
what its table names as structure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from handrail.errors import CheckFailed
from handrail.records import Run, Span
from handrail.text.runs import readings, runs
from handrail.text.structure import Structure
from handrail.text.values import CannotHold, Leaf, Path, Reading, rewrite

T = TypeVar("T")

SEPARATOR = "\n\u241e\n"
"""Between the texts of one speaker: a line of its own, which no value can lie over."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an object says: its leaves that are not structure, and codes of what could not be read."""

    leaves: tuple[Leaf, ...]
    unreadable: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All of it as one text; see `rewritten`."""
        return SEPARATOR.join(leaf.text for leaf in self.leaves)

    @property
    def spans(self) -> list[Span]:
        """Where each leaf stands in `text`."""
        return spans_of([leaf.text for leaf in self.leaves], gap=len(SEPARATOR))

    @property
    def fixed(self) -> tuple[Span, ...]:
        """Spans of `text` that cannot hold a mask."""
        return fixed_spans(self.leaves, self.spans)

    @property
    def runs(self) -> tuple[Run, ...]:
        """Pieces of `text` that a reader may take for one."""
        return runs_of(self.leaves, self.spans)


def said_in(reading: Reading, structure: Structure, *, without: Iterable[Path] = ()) -> Said:
    """Return what a value says, less its structure and what stands below some paths; pure."""
    left = frozenset(without)
    lengths = {len(path) for path in left}

    def is_left(path: Path) -> bool:
        return any(path[:length] in left for length in lengths)

    leaves = structure.of(leaf for leaf in reading.leaves if leaf.text and not is_left(leaf.path))
    codes = dict.fromkeys(one.why for one in reading.unreadable if not is_left(one.path))
    return Said(tuple(leaves), tuple(codes))


def spans_of(texts: Iterable[str], *, at: int = 0, gap: int = 1) -> list[Span]:
    """Return where texts stand that follow one another with a gap between them."""
    spans = []
    for text in texts:
        spans.append((at, at + len(text)))
        at += len(text) + gap
    return spans


def fixed_spans(leaves: Sequence[Leaf], spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return the spans of the leaves that cannot hold a mask."""
    return tuple(span for leaf, span in zip(leaves, spans, strict=True) if not leaf.holds_mask)


def runs_of(leaves: Sequence[Leaf], spans: Sequence[Span]) -> tuple[Run, ...]:
    """Return the runs of leaves that a reader may take for one."""
    return tuple(
        reading
        for run in runs(leaves)
        for reading in readings([(leaves[index].text, spans[index][0]) for index in run])
    )


def rewritten(value: T, said: Said, text: str) -> T | None:
    """Return an object that says `text`, which was made from `said.text`; None if it comes apart otherwise.

    Raises:
        CheckFailed: the object cannot hold what was changed.
    """
    texts = text.split(SEPARATOR)
    if len(texts) != len(said.leaves):
        return None
    pairs = zip(said.leaves, texts, strict=True)
    return changed(value, {leaf.path: new for leaf, new in pairs if new != leaf.text})


def changed(value: T, new: Mapping[Path, str]) -> T:
    """Return an object of the same type with other texts at some paths; itself if there are none.

    Raises:
        CheckFailed: the object cannot hold what was changed.
    """
    try:
        made: Any = rewrite(value, new)
    except CannotHold as error:
        raise CheckFailed("wire", why=str(error)) from None
    return cast("T", made)
