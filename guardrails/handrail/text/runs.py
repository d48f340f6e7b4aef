"""Which leaves of a value its reader may take for one text: what is split over them is whole only there."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from handrail.text.values import Leaf, LeafKind, Path

Span: TypeAlias = tuple[int, int]

_TEXTS = frozenset({LeafKind.TEXT, LeafKind.BYTES, LeafKind.FIXED, LeafKind.ENUM})
_REACH = 64
"""How many characters on either side of an edge tell whether a value may lie over it."""
_FEWEST_DIGITS = 5
"""Fewer digits around an edge are of no number that says anything about a person."""
_MOST_PIECES = 6
"""How many neighbours one value is followed over; a list of any length is also read as a whole."""
_LONGEST_GROUP = 8
"""Digits of the longest group in which people write a number."""
_BLANK = re.compile(r"(?<=\d)\s{1,3}(?=\d)|^\s+|\s+$")
_DIGIT = re.compile(r"\d")
_ADDRESS = re.compile(r"[\w.+-]@[\w-]+\.\w\w")


def runs(leaves: Iterable[Leaf]) -> list[list[int]]:
    """Return the leaves that may be read as one, by their indexes in what is given.

    These are the texts at one place of the items of a list, whole numbers that stand side by side, and
    neighbours, be they fields, keys or items, where a value may lie over the edge between them.
    """
    leaves = list(leaves)
    found = {tuple(run): None for run in _by_place(leaves) if len(run) > 1}
    found.update((tuple(run), None) for run in _numbers(leaves) if len(run) > 1)
    for group in _in_order(leaves):
        for run in _going_on(leaves, group):
            found.update((part, None) for part in _within(run))
    return [*map(list, found)]


def readings(run: Sequence[tuple[str, int]]) -> Iterator[tuple[Span, ...]]:
    """Yield the spans of a run as they are read as one: as they are, then without blanks between digits.

    A number is cut anywhere, also where its groups are written apart.

    Args:
        run: the text of each leaf and where it begins.
    """
    yield tuple((start, start + len(text)) for text, start in run)
    if any(_BLANK.search(text) for text, _ in run):
        yield tuple(span for text, start in run for span in _unparted(text, start))


def _unparted(text: str, start: int) -> list[Span]:
    edges = [0, *(edge for blank in _BLANK.finditer(text) for edge in blank.span()), len(text)]
    return [(start + first, start + last) for first, last in zip(edges[::2], edges[1::2], strict=True)]


def _by_place(leaves: Sequence[Leaf]) -> Iterable[list[int]]:
    found: dict[Path, list[int]] = {}
    for index, leaf in enumerate(leaves):
        if leaf.text and leaf.kind in _TEXTS and (int in map(type, leaf.path) or _json_place(leaf)):
            place = tuple("*" if type(step) is int else getattr(step, "place", step) for step in leaf.path)
            if any("*" in step for step in place if type(step) is str):
                found.setdefault(place, []).append(index)
    return found.values()


def _numbers(leaves: Sequence[Leaf]) -> Iterator[list[int]]:
    """Yield the whole numbers, of few digits each, that stand side by side in one list, mapping or record."""
    run: list[int] = []
    above: Path = ()
    for index, (path, text, kind) in enumerate(leaves):
        if kind is LeafKind.KEY:
            continue
        is_group = kind is LeafKind.NUMBER and len(text) <= _LONGEST_GROUP and text.isdigit()
        if run and not (is_group and above == _above(path)):
            yield run
            run = []
        if is_group:
            above = above if run else _above(path)
            run.append(index)
    yield run


def _in_order(leaves: Sequence[Leaf]) -> Iterable[list[int]]:
    """Return what is neighbours: the texts in their order, and the keys of each mapping."""
    texts: list[int] = []
    keys: dict[Path, list[int]] = {}
    for index, (path, text, kind) in enumerate(leaves):
        if kind is LeafKind.KEY:
            if text:
                keys.setdefault(_above(path), []).append(index)
        elif text and kind in _TEXTS:
            texts.append(index)
    return (texts, *keys.values())


def _json_place(leaf: Leaf) -> str:
    return getattr(leaf.path[-1], "place", "") if leaf.path else ""


def _above(path: Path) -> Path:
    """Return the path of what holds a leaf; of JSON in a text that of the object or list."""
    place = getattr(path[-1], "place", None) if path else None
    return path[:-1] if place is None else (*path[:-1], place.rpartition("/")[0])


def _going_on(leaves: Sequence[Leaf], group: Sequence[int]) -> Iterator[list[int]]:
    run: list[int] = []
    for index in group:
        if run and not _goes_on(leaves[run[-1]].text, leaves[index].text):
            yield run
            run = []
        run.append(index)
    yield run


def _within(run: list[int]) -> Iterator[tuple[int, ...]]:
    for length in range(2, min(len(run), _MOST_PIECES) + 1):
        yield from (tuple(run[at : at + length]) for at in range(len(run) - length + 1))


def _goes_on(first: str, second: str) -> bool:
    """True if a value may lie over the edge between two texts, of which neither holds it whole."""
    heads, tails = first[-_REACH:].rsplit(None, 1), second[:_REACH].split(None, 1)
    if not heads or not tails:
        return False
    head, tail = heads[-1], tails[0]
    token = head + tail
    is_parted = first[-1].isspace() or second[0].isspace()
    if is_parted and not (head[-1].isdigit() and tail[0].isdigit()):
        return False
    if "@" in token:
        return not _ADDRESS.search(head) and not _ADDRESS.search(tail)
    if len(_DIGIT.findall(token)) < _FEWEST_DIGITS:
        return False
    return not (head[-1].isalpha() or tail[0].isalpha()) or token.isalnum()
