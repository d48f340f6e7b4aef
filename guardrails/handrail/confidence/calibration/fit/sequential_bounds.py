"""The sequential bound: a limit on P(passed and wrong) that stays valid however often it is looked at.

A policy passes the answers that score at least a threshold t. R(t) = P(score >= t and wrong) is the joint
risk of that threshold. The promise: with probability at least 1 - delta, R(t) <= alpha for *every* threshold
that is ever certified, while verdicts come in week by week and the threshold is refitted each time.

**The bet.** For each threshold of a grid that is fixed in advance a gambler bets that R(t) < alpha. Her
wealth is W(t) = mean_k prod_i (1 + lambda_k * (alpha - 1[s_i >= t] * Z_i)), starting at 1. Z_i estimates
whether answer i is wrong: Z_i = m_i + (a_i / pi_i) * (e_i - m_i), where a_i says whether it was drawn for
review, pi_i with which probability, e_i whether it was wrong, and m_i was foretold earlier (0 if not). Its
expectation given the past is P(wrong), because the draw does not look at the verdict. A threshold is
certified once W(t) >= 1 / delta.

**Why it holds.**

- *For one threshold.* If R(t) >= alpha, each factor has expectation at most 1 given the past, so W(t) is a
  non-negative supermartingale and ever reaches 1/delta with probability at most delta (Ville's inequality).
  "Ever" is what allows looking after every answer.
- *Wealth cannot go below zero.* Z_i <= 1 / floor, the smallest probability in the plan, and lambda_k is at
  most 0.95 / (1 / floor - alpha), so each factor is at least 0.05. `absorb` refuses answers outside their
  plan.
- *For all thresholds at once.* R never rises with t. Going from the strictest threshold to looser ones, there
  is one grid point at which R first reaches alpha. `Wealth.threshold` takes a threshold only if all stricter
  ones are certified, so a wrong one can only be taken if that one point was certified. One event, one delta:
  no correction for the size of the grid.
- *Where nothing is drawn nothing is bet.* Below `SamplingPlan.lowest` answers have probability 0, and
  thresholds down there neither win nor lose in that period.
- *After a restart* (new model, drift alarm) the j-th start uses `level_of_start`; all levels add up to delta.

Answers that were not passed cost a threshold nothing whatever they are, so every answer below t adds
lambda_k * alpha without a verdict.

**Tested** in `tests/unit/confidence/calibration/fit/test_sequential_bounds.py` and
`tests/property/test_confidence_fit.py` (one more error never enriches, a stricter threshold is never poorer,
no bet ruins); `benchmarks/confidence_loop.py` replays years of weekly refits and counts broken promises.

Sources: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting" (2010.09686);
Bates et al., "Distribution-free, risk-controlling prediction sets" (2101.02703); Xu, Karampatziakis and
Mineiro, "Active, anytime-valid risk controlling prediction sets" (2406.10490).
"""

import bisect
import math
from dataclasses import dataclass, replace

import numpy as np

from handrail.confidence.calibration.fit.arrays import Flags, Floats
from handrail.confidence.calibration.sampling import SamplingPlan

FRACTIONS = np.array([0.03, 0.1, 0.3, 0.6, 0.95])
"""Bets, as fractions of the largest that cannot ruin; wealth is their mean."""

POINTS = 240
"""Thresholds on a grid, where scores have as many values. More cost nothing: none needs a correction."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wealth:
    """Bets so far. `grid` rises, shape (T,); `log_wealth` is (T, K); `is_certified` (T,) only grows."""

    grid: Floats
    log_wealth: Floats
    is_certified: Flags
    alpha: float
    delta: float
    answers: int = 0

    @property
    def threshold(self) -> float:
        """Loosest threshold that is certified with all stricter ones; infinity if there is none."""
        index = self.index
        return float(self.grid[index]) if index < len(self.grid) else math.inf

    @property
    def index(self) -> int:
        """Place of `threshold` in the grid, the grid's length if nothing is certified."""
        open_points = np.flatnonzero(~self.is_certified)
        return int(open_points[-1]) + 1 if len(open_points) else 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """Answers of one period, all that were scored, each array of shape (n,).

    `probabilities` are those of the draw, as logged, `is_wrong` counts only where `is_sampled`; a
    verdict that never came counts as wrong. `predicted` is P(wrong) foretold from earlier periods, for a
    control variate; 0 if not given.
    """

    scores: Floats
    probabilities: Floats
    is_sampled: Flags
    is_wrong: Flags
    predicted: Floats | None = None


def level_of_start(delta: float, start: int) -> float:
    """Share of delta for the j-th start: 6 * delta / (pi^2 * j^2); all starts together spend delta."""
    return 6.0 * delta / (math.pi * start) ** 2


def grid_of(scores: Floats, points: int = POINTS) -> Floats:
    """Thresholds at even quantiles of unlabelled scores, rising, each once; an actual score every time."""
    quantiles = np.quantile(scores, np.linspace(0.0, 1.0, points, endpoint=False), method="higher")
    return np.unique(quantiles).astype(np.float64)


def begin(grid: Floats, *, alpha: float, delta: float) -> Wealth:
    """Start betting with wealth 1 at every threshold; `delta` is the level of this start alone.

    Raises:
        ValueError: a grid that does not rise, or levels outside (0, 1).
    """
    if not (0 < alpha < 1 and 0 < delta < 1):
        raise ValueError("alpha and delta must lie between 0 and 1")
    if len(grid) == 0 or not np.all(np.diff(grid) > 0):
        raise ValueError("the grid must rise")
    return Wealth(
        grid=grid,
        log_wealth=np.zeros((len(grid), len(FRACTIONS))),
        is_certified=np.zeros(len(grid), dtype=np.bool_),
        alpha=alpha,
        delta=delta,
    )


def absorb(wealth: Wealth, answers: Answers, plan: SamplingPlan) -> Wealth:
    """Take in one period's answers, drawn by a plan that was fixed before it.

    Raises:
        ValueError: an answer was drawn with another probability than the plan allows, or was drawn
            although its probability is 0: the bound would not hold.
    """
    losses = _losses(answers, plan)
    reach = np.searchsorted(wealth.grid, answers.scores, side="right")
    bets = FRACTIONS / (1.0 / plan.floor - wealth.alpha)
    # An answer below a threshold costs it nothing: it gains lambda * alpha without any verdict.
    free = np.log1p(bets * wealth.alpha)
    costly = np.flatnonzero(losses != 0.0)
    excess = np.log1p(bets * (wealth.alpha - losses[costly, None])) - free
    by_reach = np.zeros((len(wealth.grid) + 1, len(FRACTIONS)))
    np.add.at(by_reach, reach[costly], excess)
    # Threshold j is met by answers whose reach is above j.
    met = np.cumsum(by_reach[::-1], axis=0)[::-1][1:]
    can_bet = (wealth.grid >= plan.lowest) | plan.has_free_verdicts
    gained = np.where(can_bet[:, None], met + len(answers.scores) * free, 0.0)
    log_wealth = wealth.log_wealth + gained
    total = np.logaddexp.reduce(log_wealth, axis=1) - math.log(len(FRACTIONS))
    return replace(
        wealth,
        log_wealth=log_wealth,
        is_certified=wealth.is_certified | (total >= -math.log(wealth.delta)),
        answers=wealth.answers + len(answers.scores),
    )


def _losses(answers: Answers, plan: SamplingPlan) -> Floats:
    chances, drawn = answers.probabilities, answers.is_sampled
    if np.any(drawn & (chances <= 0)):
        raise ValueError("an answer was drawn although its probability is 0")
    in_range = (
        np.ones(len(chances), dtype=np.bool_) if plan.has_free_verdicts else answers.scores >= plan.lowest
    )
    if np.any(chances[in_range] < plan.floor * (1 - 1e-12)) or np.any(chances > 1):
        raise ValueError("a probability lies below the plan's floor, or above 1")
    predicted = np.zeros(len(chances)) if answers.predicted is None else answers.predicted
    losses = predicted.copy()
    losses[drawn] += (answers.is_wrong[drawn] - predicted[drawn]) / chances[drawn]
    return np.asarray(losses, dtype=np.float64)


def verdicts_needed(wealth: Wealth) -> int:
    """Verdicts without an error, on every answer, that would still certify the strictest threshold."""
    if wealth.is_certified[-1]:
        return 0
    gains = np.log1p(FRACTIONS / (1.0 - wealth.alpha) * wealth.alpha)
    goal = math.log(len(FRACTIONS)) - math.log(wealth.delta)

    def is_enough(count: int) -> bool:
        return bool(np.logaddexp.reduce(wealth.log_wealth[-1] + count * gains) >= goal)

    high = 1
    while not is_enough(high):
        high *= 2
    return bisect.bisect_left(range(high), True, key=is_enough)
