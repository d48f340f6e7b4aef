"""What is certified of each slice of the traffic, beside what a period says of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from handrail.review.evidence.certified import Certified, CertifiedSlice
from handrail.review.evidence.score_limits import ScoreLimit
from handrail.review.figures.measure import Share, share
from handrail.review.log.review_log import WRONG, ReviewLog


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceFigures:
    """A slice that is followed: what is certified there and beside it, and what the period says of it.

    `inside` and `outside` are infinity where nothing is certified, `limit_now` is the number below which the
    policy hands off there, None without one. `wrong` counts the answers of the period that a score decides
    and that were read; all of them are `answers`.
    """

    slice: str
    inside: float
    outside: float
    limit_now: float | None
    answers: int
    wrong: Share
    tickets: tuple[str, ...] = ()


def slice_figures(
    log: ReviewLog, certified: Certified, limits: Sequence[ScoreLimit]
) -> tuple[SliceFigures, ...]:
    """Return the figures of each slice that is followed, over a period and under a policy's limits; pure."""
    return tuple(_slice(log, one, limits) for one in certified.slices)


def _slice(log: ReviewLog, found: CertifiedSlice, limits: Sequence[ScoreLimit]) -> SliceFigures:
    inside = np.array([found.slice.holds(facts) for facts in log.facts], dtype=np.bool_) & log.is_by_score
    read = inside & log.is_read
    mine = (one.limit for one in limits if one.slice in (None, found.slice))
    return SliceFigures(
        slice=str(found.slice),
        inside=found.inside,
        outside=found.outside,
        limit_now=max(mine, default=None),
        answers=int(inside.sum()),
        wrong=share(int((read & (log.verdict == WRONG)).sum()), int(read.sum())),
        tickets=log.tickets(inside),
    )
