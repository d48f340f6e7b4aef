"""Audit plans for the coming period, from what earlier periods showed."""

import math

import numpy as np

from handrail.confidence.calibration.audit import AuditPlan
from handrail.confidence.calibration.fit.arrays import Floats
from handrail.confidence.calibration.fit.sequential_bounds import Wealth

AMBITION = 1.3
"""Audits reach down to where the predicted risk is this many times the target."""

SHARE_AHEAD = 1 / 30
"""Share of the grid that audits reach below the threshold in force at least, so that it can move at all."""


def plan_with_free_verdicts(wealth: Wealth, pool: Floats, *, audits: float, answers: float) -> AuditPlan:
    """Plan for people who judge all that is handed off anyway: even odds on what is passed.

    Args:
        wealth: bets so far.
        pool: unlabelled scores, shape (n,).
        audits: audits of passed answers the period can afford.
        answers: answers expected in the period.
    """
    threshold = wealth.threshold
    passed = float(np.mean(pool >= threshold)) * answers
    return AuditPlan(threshold=threshold, rate=_rate(audits, passed), has_free_verdicts=True)


def plan_audits_only(
    wealth: Wealth, pool: Floats, predicted: Floats | None, *, audits: float, answers: float
) -> AuditPlan:
    """Plan for audits as the only verdicts: even odds from a lowest score on, which the evidence sets.

    The lowest score is the loosest threshold whose predicted joint risk is at most `AMBITION` times the
    target, and at least `SHARE_AHEAD` of the grid below the one in force. Without predictions every answer
    has the same odds.

    Args:
        wealth: bets so far.
        pool: unlabelled scores, shape (n,).
        predicted: P(wrong) of each answer of the pool, foretold from earlier periods.
        audits: audits the period can afford.
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
    audited = float(np.mean(pool >= lowest)) * answers
    return AuditPlan(
        threshold=wealth.threshold, rate=_rate(audits, audited), lowest=lowest, has_free_verdicts=False
    )


def _rate(audits: float, answers: float) -> float:
    return min(1.0, audits / answers) if answers > 0 else 1.0
