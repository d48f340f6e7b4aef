"""How much speaks for rules that may be missing, each weighed on what no stronger one explains. Pure.

A tool whose answers are often wrong makes every condition look bad that holds of some of its calls: the
weekday on which most of them came, the customers who made them. So conditions are weighed the likeliest
first, and what one of them explains counts for no other.
"""

from collections.abc import Sequence

import numpy as np
from scipy.stats import binom

from handrail.confidence.calibration.fit.arrays import Flags
from handrail.review.evidence.candidate import Candidate
from handrail.review.evidence.condition_search import searched
from handrail.review.log.review_log import WRONG, ReviewLog


def weigh(candidates: Sequence[Candidate], passed: ReviewLog, break_even: float) -> None:
    """Set `seen` and `chance` of candidates that are not proved yet.

    Args:
        candidates: rules that may be missing.
        passed: answers that were passed and read.
        break_even: share of wrong answers from which on a person pays.
    """
    explained = np.zeros(len(passed), dtype=np.bool_)
    tried = []
    for each in candidates:
        if each.found is None:
            tried.append(each)
        else:
            explained |= each.condition.places(passed)
    tests = searched(passed)
    for each in tried:
        _weigh(each, passed, explained, tests)
    for each in sorted(tried, key=lambda one: one.chance):
        _weigh(each, passed, explained, tests)
        if each.is_tried and each.is_suspected(break_even):
            explained = explained | each.condition.places(passed)


def _weigh(candidate: Candidate, passed: ReviewLog, explained: Flags, tests: tuple[int, int]) -> None:
    wrong = passed.verdict == WRONG
    places = candidate.condition.places(passed)
    others = max(1, int((~places).sum()))
    usual = (int(wrong[~places].sum()) + 1) / (others + 1)
    inside = places & ~explained
    candidate.seen = int(wrong[inside].sum()), int(inside.sum())
    values, sizes = tests
    tried = 2 * (sizes if candidate.condition.tests[0].operator in ("<=", ">") else values)
    # Each further test was chosen among as many values again.
    tried *= values ** (len(candidate.condition.tests) - 1)
    candidate.chance = min(1.0, tried * float(binom.sf(candidate.seen[0] - 1, candidate.seen[1], usual)))
