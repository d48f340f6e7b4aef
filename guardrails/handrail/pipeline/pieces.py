"""One text of several pieces: what was found over them is masked in each, and named once.

A piece is what stands in one place: a text block, a field beside the answer, an item of a list. All of them
are judged as one text, in which a line break or a separator keeps them apart. Those of a *run* are also read
as one, without what lies between them, so that a value that is split over two blocks is found.
"""

import itertools
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
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
        runs: pieces that are also read as one; each lies within a unit.
        find: returns what is to be masked in a text.
        hide: masks it.
    """
    if not runs:
        return masked_pieces(text, units, find(text), hide)
    cuts = sorted({edge for span in (*units, *itertools.chain(*runs)) for edge in span})
    spans = [
        span
        for start, end in units
        for span in itertools.pairwise(cuts[bisect_left(cuts, start) : bisect_left(cuts, end) + 1])
    ]
    starts = [start for start, _ in spans]
    pieces = masked_pieces(text, spans, find(text), hide)

    def within(span: Span) -> range:
        return range(bisect_left(starts, span[0]), bisect_left(starts, span[1]))

    for run in runs:
        own = [index for span in run for index in within(span)]
        for index, piece in zip(own, _as_one([pieces[index] for index in own], find, hide), strict=True):
            pieces[index] = piece
    return ["".join(pieces[index] for index in within(unit)) for unit in units]


def _as_one(pieces: Sequence[str], find: Find, hide: Hide) -> list[str]:
    ends, spans = 0, []
    for piece in pieces:
        spans.append((ends, ends + len(piece)))
        ends += len(piece)
    joined = "".join(pieces)
    return masked_pieces(joined, spans, find(joined), hide)
