"""What is certified at one moment, and which limits of confidence a policy may have by it. Pure."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from handrail.review.evidence.score_limits import ScoreLimit, Slice


@dataclass(frozen=True, slots=True, kw_only=True)
class CertifiedSlice:
    """The loosest thresholds that are certified in a slice and in everything beside it, infinity for none.

    Each keeps the share that is passed and wrong of its own part at alpha, so that both together keep it of
    the whole. `answers` and `verdicts` are those of the slice that they rest on.
    """

    slice: Slice
    inside: float = math.inf
    outside: float = math.inf
    answers: int = 0
    verdicts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """The loosest threshold that is certified for all answers, infinity for none, and what is of slices."""

    whole: float = math.inf
    slices: tuple[CertifiedSlice, ...] = ()

    def broken(self, before: Sequence[ScoreLimit], after: Sequence[ScoreLimit]) -> Iterator[str]:
        """Yield which limits a change lowers further than is certified; none where it keeps the promise.

        A limit that is not there any more counts as lowered to nothing.

        Args:
            before: the limits of the policy in force.
            after: those of the new one.
        """
        lowered = list(_lowered(before, after))
        if not lowered or self._by_whole(lowered, after):
            return
        if any(_by_slice(one, lowered, after) for one in self.slices):
            return
        for old, new in lowered:
            where = "" if old.slice is None else f" where {old.slice}"
            least = min(old.limit, self.whole)
            if old.slice is not None or not _is_kept(new, least):
                yield f"{old.rule} would let {old.fact} go below {least:g}{where}, which is not certified"

    def _by_whole(
        self, lowered: Sequence[tuple[ScoreLimit, ScoreLimit | None]], after: Sequence[ScoreLimit]
    ) -> bool:
        """Tell whether no limit is lowered below what is certified for all answers.

        Where a slice's limit is lowered the others have to be that high, too: they may rest on the slice.
        """
        if not all(_is_kept(new, self.whole) for _, new in lowered):
            return False
        is_of_slice = any(old.slice is not None for old, _ in lowered)
        return not is_of_slice or _outside_kept(after, self.whole)


def rounded_up(threshold: float) -> float:
    """Return a certified threshold as policy and page write it: rounded up, which keeps the promise; pure."""
    return threshold if math.isinf(threshold) else math.ceil(threshold * 1000) / 1000


def _lowered(
    before: Sequence[ScoreLimit], after: Sequence[ScoreLimit]
) -> Iterator[tuple[ScoreLimit, ScoreLimit | None]]:
    now = _by_place(after)
    for place, old in _by_place(before).items():
        news = now.get(place, [])
        for one, new in zip_longest(old, news[: len(old)]):
            if new is None or new.limit < one.limit or new.is_bet_on is not one.is_bet_on:
                yield one, new


def _by_place(limits: Sequence[ScoreLimit]) -> dict[tuple[str, str, Slice | None], list[ScoreLimit]]:
    # In the order of the condition: numbers that change places are not the same limits.
    found: dict[tuple[str, str, Slice | None], list[ScoreLimit]] = defaultdict(list)
    for one in limits:
        found[one.rule, one.fact, one.slice].append(one)
    return found


def _by_slice(
    found: CertifiedSlice,
    lowered: Sequence[tuple[ScoreLimit, ScoreLimit | None]],
    after: Sequence[ScoreLimit],
) -> bool:
    """Tell whether a change stays within what is certified in one slice and beside it."""
    if not is_kept(found, after):
        return False
    return all(
        _is_kept(new, found.inside if old.slice == found.slice else found.outside) for old, new in lowered
    )


def is_kept(found: CertifiedSlice, limits: Sequence[ScoreLimit]) -> bool:
    """Tell whether a policy's limits keep what is certified in a slice and beside it; pure."""
    inside = max((one.limit for one in limits if one.slice == found.slice and one.is_bet_on), default=0.0)
    return inside >= found.inside and _outside_kept(limits, found.outside)


def _outside_kept(limits: Sequence[ScoreLimit], least: float) -> bool:
    whole = [one.limit for one in limits if one.slice is None and one.is_bet_on]
    return bool(whole) and min(whole) >= least


def _is_kept(limit: ScoreLimit | None, least: float) -> bool:
    return limit is not None and limit.is_bet_on and limit.limit >= least
