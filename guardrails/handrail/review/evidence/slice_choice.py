"""Which slices of the traffic a certificate should follow: where a score seems to mean less than elsewhere.

The choice may look at any verdict that there is: what it chooses is bet on with later ones only.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from handrail.confidence.calibration.fit.arrays import Floats
from handrail.review.evidence.score_limits import Slice
from handrail.review.log.conditions import value_tests
from handrail.review.log.review_log import WRONG, ReviewLog

FEWEST_READ, LEAST_SHARE = 12, 0.04
"""Verdicts that a slice has to have, and its share of them: a smaller one is never certified in a year."""
SUSPICIOUS = 2.0
"""By so many standard deviations more of a slice have to be wrong than of others with such scores."""
BANDS = 4
"""Answers are compared with others of about the same score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Suspect:
    slice: Slice
    excess: float


def suspected_slices(read: ReviewLog) -> tuple[Slice, ...]:
    """Return the slices whose answers are wrong more often than others of such scores, the clearest first.

    Args:
        read: decisions that were read and that a score decides.
    """
    found = sorted(_suspects(read), key=lambda one: (-one.excess, str(one.slice)))
    return tuple(one.slice for one in found if one.excess >= SUSPICIOUS)


def _suspects(read: ReviewLog) -> Iterator[_Suspect]:
    if len(read) < 2 * FEWEST_READ:
        return
    wrong = (read.verdict == WRONG).astype(np.float64)
    edges = np.quantile(read.score, np.linspace(0, 1, BANDS + 1)[1:-1])
    band = np.searchsorted(edges, read.score, side="right")
    for test in value_tests(read.facts):
        if test.operator != "in":
            continue
        one = Slice(fact=test.fact, value=test.values[0])
        inside = np.array([one.holds(facts) for facts in read.facts], dtype=np.bool_)
        if inside.sum() >= max(FEWEST_READ, LEAST_SHARE * len(read)) and (~inside).sum() >= FEWEST_READ:
            yield _Suspect(slice=one, excess=_excess(wrong, band, inside))


def _excess(wrong: Floats, band: np.ndarray, inside: np.ndarray) -> float:
    """Return how many standard deviations more are wrong inside, by all bands (Mantel and Haenszel 1959)."""
    more = spread = 0.0
    for step in np.unique(band):
        mine, here = inside & (band == step), band == step
        size, part, bad = float(here.sum()), float(mine.sum()), float(wrong[here].sum())
        if size < 2:
            continue
        more += float(wrong[mine].sum()) - part * bad / size
        spread += part * (size - part) * bad * (size - bad) / (size * size * (size - 1.0))
    return more / float(np.sqrt(spread)) if spread > 0 else 0.0
