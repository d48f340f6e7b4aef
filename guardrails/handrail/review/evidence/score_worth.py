"""The confidence below which an answer costs more than a person's look: an estimate, with its interval.

A threshold that lets more out has to be certified. One that stops more needs no proof, only to be worth it:
P(wrong) falls with confidence, and where it meets the break-even share a person pays. The curve is MAP Platt
scaling of what people read; its uncertainty is the normal one around the most probable weights (Laplace).
"""

import math
from dataclasses import dataclass

import numpy as np

from handrail.confidence.calibration.fit.arrays import logits, sigmoids
from handrail.confidence.calibration.fit.platt import PRIOR, fit_platt, scale_of
from handrail.review.log.review_log import WRONG, ReviewLog

FEWEST_VERDICTS, FEWEST_WRONG = 25, 5
DRAWS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreWorth:
    """The score at which a person's look pays for itself, its 80 % interval, and the verdicts behind it.

    It lies above `cautious` with a chance of three in four: a threshold that is moved there is hardly ever
    too strict, and is moved again when more is known.
    """

    score: float
    cautious: float
    low: float
    high: float
    verdicts: int
    wrong: int


def score_worth(read: ReviewLog, break_even: float) -> ScoreWorth | None:
    """Return the score below which people are worth their look, None with too few verdicts; pure.

    Args:
        read: decisions that were read and that a score decides, `probability` being that of the reading.
        break_even: share of wrong ones from which on a person pays.
    """
    wrong = read.verdict == WRONG
    if len(read) < FEWEST_VERDICTS or wrong.sum() < FEWEST_WRONG:
        return None
    place = logits(read.score)
    scale = scale_of(place)
    weight = 1.0 / read.probability
    weight *= len(read) / weight.sum()
    line = fit_platt(place, ~wrong, scale, importance=weight)
    columns = np.column_stack([scale.standard(place), np.ones(len(read))])
    mean = np.array([line.slope, line.intercept])
    chance = sigmoids(columns @ mean)
    curvature = weight * chance * (1.0 - chance)
    spread = np.linalg.inv(columns.T @ (columns * curvature[:, None]) + np.diag(1.0 / PRIOR.sd**2))
    # Chance has no place in a figure that two readers compare: the draws are always the same.
    drawn = np.random.default_rng(0).multivariate_normal(mean, spread, size=DRAWS)
    goal = math.log((1.0 - break_even) / break_even)
    meets = (goal - drawn[:, 1]) / np.maximum(drawn[:, 0], 1e-3)
    low, cautious, middle, high = np.quantile(sigmoids(scale.mean + scale.sd * meets), (0.1, 0.25, 0.5, 0.9))
    return ScoreWorth(
        score=float(middle),
        cautious=float(cautious),
        low=float(low),
        high=float(high),
        verdicts=len(read),
        wrong=int(wrong.sum()),
    )
