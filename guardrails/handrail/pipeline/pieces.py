"""One text of several pieces: what was found over them is masked in each, and named once.

A piece is what stands in one place: a text block, a field beside the answer, an item of a list. All of them
are judged as one text, in which a line break or a separator keeps them apart. Those of a *run* are also read
as one, without what lies between them, so that a value that is split over two blocks is found.
"""

import itertools
from bisect import bisect_left
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

from handrail.records import Finding, Run, Span

Find: TypeAlias = Callable[[str], Sequence[Finding]]
Hide: TypeAlias = Callable[[str, Iterable[Finding]], str]


def masked_pieces(text: str, spans: Sequence[Span], found: Iterable[Finding], hide: Hide) -> list[str]:
    """Return the pieces of a text with what was found in it masked; the first piece it lies over names it."""
    found = list(found)
    given, named = [], set[int]()
    for start, end in spans:
        inside = [one for one in found if one.start < end and one.end > start]
        again = [one for one in inside if id(one) in named]
        named.update(map(id, inside))
        piece = text[start:end]
        for one in reversed(again):
            piece = piece[: max(one.start - start, 0)] + piece[one.end - start :]
        first = [one for one in inside if one not in again]
        cut = start + sum(min(one.end, end) - max(one.start, start) for one in again)
        local = [
            replace(one, start=max(one.start, start) - cut, end=min(one.end, end) - cut) for one in first
        ]
        given.append(hide(piece, local) if local else piece)
    return given


def masked_units(text: str, units: Sequence[Span], runs: Sequence[Run], find: Find, hide: Hide) -> list[str]:
    """Return parts of a text with everything masked that is found in it, or in a run of its pieces; pure.

    Args:
        text: the whole.
        units: start and end (exclusive) of each part, in order.
        runs: pieces that are also read as one.
        find: returns what is to be masked in a text.
        hide: masks it.
    """
    if not runs:
        return masked_pieces(text, units, find(text), hide)
    cuts = sorted({edge for span in (*units, *itertools.chain(*runs)) for edge in span})
    stretches = list(itertools.pairwise(cuts))
    starts = [start for start, _ in stretches]

    def within(span: Span) -> range:
        return range(bisect_left(starts, span[0]), bisect_left(starts, span[1]))

    given = sorted({index for unit in units for index in within(unit)})
    # What lies between the units is nobody's: it only tells of its neighbours.
    pieces = [text[start:end] for start, end in stretches]
    masked = masked_pieces(text, [stretches[index] for index in given], find(text), hide)
    for index, piece in zip(given, masked, strict=True):
        pieces[index] = piece
    changeable = frozenset(given)
    for run in runs:
        own = [index for span in run for index in within(span)]
        units_in = [index for index in own if index in changeable]
        for index, piece in zip(units_in, _as_one(pieces, own, changeable, find, hide), strict=True):
            pieces[index] = piece
    return ["".join(pieces[index] for index in within(unit)) for unit in units]


def _as_one(
    pieces: Sequence[str], own: Sequence[int], changeable: Container[int], find: Find, hide: Hide
) -> list[str]:
    """Return the changeable ones of some pieces with everything masked that is found in all of these."""
    at, spans = 0, []
    for index in own:
        if index in changeable:
            spans.append((at, at + len(pieces[index])))
        at += len(pieces[index])
    joined = "".join(pieces[index] for index in own)
    return masked_pieces(joined, spans, find(joined), hide)
