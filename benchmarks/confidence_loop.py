"""A year of weekly refits, many times over: does the promise hold, and how much may pass?"""

import math
from dataclasses import dataclass

import numpy as np
from benchmarks.confidence_baselines import rcps
from benchmarks.confidence_data import Scored

from handrail.confidence.calibration.fit.arrays import Flags, Floats, logits
from handrail.confidence.calibration.fit.plans import plan_samples_only, plan_with_free_verdicts
from handrail.confidence.calibration.fit.platt import Platt, fit_platt, scale_of
from handrail.confidence.calibration.fit.sequential_bounds import Answers, Wealth, absorb, begin, grid_of
from handrail.confidence.calibration.sampling import SamplingPlan

WEEKS, WEEKLY = 52, 400
POOL = 1500


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What is promised, with how many samples a week."""

    alpha: float = 0.05
    delta: float = 0.1
    samples: int = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Year:
    """Coverage after each week, and whether the risk was ever above the target."""

    coverage: Floats
    has_failed: bool


class Truth:
    """Risk and coverage of any threshold, on the whole file."""

    def __init__(self, scored: Scored) -> None:
        order = np.argsort(scored.scores)
        self.scored = scored
        self._rising = scored.scores[order]
        wrong = np.cumsum((~scored.is_right)[order][::-1])[::-1]
        self._risk = np.r_[wrong, 0] / len(order)

    def at(self, threshold: float) -> tuple[float, float]:
        """Joint risk and coverage."""
        place = int(np.searchsorted(self._rising, threshold))
        return float(self._risk[place]), 1 - place / len(self._rising)


def stress(alpha: float, *, shift: float = 1.0005) -> Scored:
    """Scores whose every threshold has a joint risk just above the target: any pass breaks the promise."""
    size = 20_000
    wrong = math.ceil(shift * alpha * size)
    scores = np.r_[np.full(wrong * 2, 0.99), np.linspace(0.3, 0.9, size - wrong * 2)]
    is_right = np.ones(size, dtype=np.bool_)
    is_right[:wrong] = False
    is_right[wrong * 2 :: 3] = False
    return Scored(name=f"stress {alpha}", scores=scores, is_right=is_right)


def active(truth: Truth, promise: Promise, seed: int, *, is_live: bool) -> Year:
    """The betting guarantee with free verdicts on what is handed off (`is_live`), or with audits only."""
    rng = np.random.default_rng(seed)
    scores, right = truth.scored.scores, truth.scored.is_right
    wealth = begin(grid_of(scores), alpha=promise.alpha, delta=promise.delta)
    learner = Learner(scores)
    coverage, has_failed = [], False
    for _ in range(WEEKS):
        plan = _plan(wealth, learner, promise, is_live=is_live)
        drawn = rng.integers(len(scores), size=WEEKLY)
        odds = _odds(plan, scores[drawn])
        audited = rng.random(WEEKLY) < odds
        answers = Answers(
            scores=scores[drawn], probabilities=odds, is_sampled=audited, is_wrong=~right[drawn]
        )
        wealth = absorb(wealth, answers, plan)
        if not is_live:
            learner.learn(drawn[audited], right)
        risk, passed = truth.at(wealth.threshold)
        coverage.append(passed)
        has_failed |= risk > promise.alpha
    return Year(coverage=np.array(coverage), has_failed=has_failed)


class Learner:
    """P(wrong) of a pool of unlabelled answers, foretold from the verdicts so far."""

    def __init__(self, scores: Floats) -> None:
        self.pool = np.sort(scores)[:: max(1, len(scores) // POOL)]
        self._pool_logits = logits(self.pool)
        self._logits = logits(scores)
        self._scale = scale_of(self._logits)
        self._fit: Platt | None = None
        self._places: list[np.ndarray] = []
        self.predicted: Floats | None = None

    def learn(self, places: np.ndarray, is_right: Flags) -> None:
        """Refit on all verdicts so far."""
        self._places.append(places)
        seen = np.concatenate(self._places)
        self._fit = fit_platt(self._logits[seen], is_right[seen], self._scale, start=self._fit)
        self.predicted = 1 - self._fit.chances(self._pool_logits)


def _plan(wealth: Wealth, learner: Learner, promise: Promise, *, is_live: bool) -> SamplingPlan:
    if is_live:
        return plan_with_free_verdicts(wealth, learner.pool, samples=promise.samples, answers=WEEKLY)
    return plan_samples_only(wealth, learner.pool, learner.predicted, samples=promise.samples, answers=WEEKLY)


def _odds(plan: SamplingPlan, scores: Floats) -> Floats:
    if plan.has_free_verdicts:
        return np.where(scores >= plan.threshold, plan.rate, 1.0)
    return np.where(scores >= plan.lowest, plan.rate, 0.0)


def uniform_rcps(truth: Truth, promise: Promise, seed: int, *, spend: str) -> Year:
    """RCPS on all verdicts so far, audits drawn evenly; `spend` says how delta is spread over the refits."""
    rng = np.random.default_rng(seed)
    scores, right = truth.scored.scores, truth.scored.is_right
    drawn = rng.integers(len(scores), size=WEEKS * promise.samples)
    coverage, has_failed = [], False
    for week in range(1, WEEKS + 1):
        level = {
            "square": 6 * promise.delta / (math.pi * week) ** 2,
            "even": promise.delta / WEEKS,
            "none": promise.delta,
        }[spend]
        seen = drawn[: week * promise.samples]
        chosen = rcps(scores[seen], ~right[seen], alpha=promise.alpha, delta=level)
        risk, passed = truth.at(chosen.threshold)
        coverage.append(passed)
        has_failed |= risk > promise.alpha
    return Year(coverage=np.array(coverage), has_failed=has_failed)


def naive(truth: Truth, promise: Promise, seed: int) -> Year:
    """Loosest threshold whose observed risk is on target, refitted weekly: no bound at all."""
    rng = np.random.default_rng(seed)
    scores, right = truth.scored.scores, truth.scored.is_right
    drawn = rng.integers(len(scores), size=WEEKS * promise.samples)
    coverage, has_failed = [], False
    for week in range(1, WEEKS + 1):
        seen = drawn[: week * promise.samples]
        allowed = math.floor(promise.alpha * len(seen))
        wrong = np.sort(scores[seen][~right[seen]])[::-1]
        threshold = -math.inf if len(wrong) <= allowed else math.nextafter(float(wrong[allowed]), math.inf)
        risk, passed = truth.at(threshold)
        coverage.append(passed)
        has_failed |= risk > promise.alpha
    return Year(coverage=np.array(coverage), has_failed=has_failed)


def escalated_only(truth: Truth, promise: Promise, seed: int, *, audits: int = 0) -> Year:
    """RCPS that takes verdicts on escalated answers, and some audits beside them, for a random sample."""
    rng = np.random.default_rng(seed)
    scores, right = truth.scored.scores, truth.scored.is_right
    seen = np.empty(0, dtype=np.intp)
    threshold, coverage, has_failed = math.inf, [], False
    for _ in range(WEEKS):
        drawn = rng.integers(len(scores), size=WEEKLY)
        passed_now = drawn[scores[drawn] >= threshold]
        seen = np.r_[seen, drawn[scores[drawn] < threshold], passed_now[:audits]]
        threshold = rcps(scores[seen], ~right[seen], alpha=promise.alpha, delta=promise.delta).threshold
        risk, passed = truth.at(threshold)
        coverage.append(passed)
        has_failed |= risk > promise.alpha
    return Year(coverage=np.array(coverage), has_failed=has_failed)


def summary(years: list[Year]) -> tuple[float, dict[int, float]]:
    """Share of runs that ever failed, and mean coverage after weeks 2, 4, 8, 26 and 52."""
    mean = np.mean([year.coverage for year in years], axis=0)
    return float(np.mean([year.has_failed for year in years])), {
        w: float(mean[w - 1]) for w in (2, 4, 8, 26, 52)
    }
