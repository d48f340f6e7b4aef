"""Sampling plans for the coming period, from what earlier periods showed."""

import math

import numpy as np

from handrail.confidence.calibration.fit.arrays import Floats
from handrail.confidence.calibration.fit.sequential_bounds import Wealth
from handrail.confidence.calibration.sampling import SamplingPlan

AMBITION = 1.3
"""Samples reach down to where the predicted risk is this many times the target."""

SHARE_AHEAD = 1 / 30
"""Share of the grid that samples reach below the threshold in force at least, so that it can move at all."""


def plan_with_free_verdicts(wealth: Wealth, pool: Floats, *, samples: float, answers: float) -> SamplingPlan:
    """Plan for people who judge all that is handed off anyway: equal probabilities for what is passed.

    Args:
        wealth: bets so far.
        pool: unlabelled scores, shape (n,).
        samples: samples of passed answers the period can afford.
        answers: answers expected in the period.
    """
    threshold = wealth.threshold
    passed = float(np.mean(pool >= threshold)) * answers
    return SamplingPlan(threshold=threshold, rate=_rate(samples, passed), has_free_verdicts=True)


def plan_samples_only(
    wealth: Wealth, pool: Floats, predicted: Floats | None, *, samples: float, answers: float
) -> SamplingPlan:
    """Plan for samples as the only verdicts: equal probabilities from a lowest score on.

    The lowest score is the loosest threshold whose predicted joint risk is at most `AMBITION` times the
    target, and at least `SHARE_AHEAD` of the grid below the one in force. Without predictions every answer
    has the same probability.

    Args:
        wealth: bets so far.
        pool: unlabelled scores, shape (n,).
        predicted: P(wrong) of each answer of the pool, foretold from earlier periods.
        samples: samples the period can afford.
        answers: answers expected in the period.
    """
    lowest = -math.inf
    if predicted is not None:
        reach = np.searchsorted(wealth.grid, pool, side="right")
        mass = np.bincount(reach, weights=predicted, minlength=len(wealth.grid) + 1)
        risk = np.cumsum(mass[::-1])[::-1][1:] / len(pool)
        loosest = (
            int(np.argmax(risk <= AMBITION * wealth.alpha)) if risk[-1] <= AMBITION * wealth.alpha else 0
        )
        ahead = wealth.index - math.ceil(SHARE_AHEAD * len(wealth.grid))
        index = min(loosest, max(ahead, 0))
        lowest = float(wealth.grid[index])
    in_range = float(np.mean(pool >= lowest)) * answers
    return SamplingPlan(
        threshold=wealth.threshold, rate=_rate(samples, in_range), lowest=lowest, has_free_verdicts=False
    )


def _rate(samples: float, answers: float) -> float:
    return min(1.0, samples / answers) if answers > 0 else 1.0
