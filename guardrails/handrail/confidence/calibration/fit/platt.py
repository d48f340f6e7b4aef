"""From a score to a probability: MAP Platt on the unclipped logit, isotonic where verdicts are many."""

from dataclasses import dataclass

import numpy as np

from handrail.confidence.calibration.fit.arrays import Flags, Floats, sigmoids

_TOLERANCE = 1e-9
_STEPS = 60
_HALVINGS = 30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prior:
    """Independent Gaussians: `mean` and `sd` of shape (d,), one entry a column."""

    mean: Floats
    sd: Floats


def map_weights(
    columns: Floats,
    is_right: Flags,
    prior: Prior,
    *,
    importance: Floats | None = None,
    start: Floats | None = None,
) -> Floats:
    """Most probable weights of P(right) = sigmoid(columns @ weights).

    Minimises sum_i v_i * log(1 + exp(-(2 y_i - 1) * x_i.w)) + sum_j (w_j - m_j)^2 / (2 sd_j^2), which is
    strictly convex. Give the intercept as a column of ones.

    Args:
        columns: shape (n, d), unitless, no NaN; n may be 0.
        is_right: shape (n,).
        prior: shapes (d,).
        importance: shape (n,), v_i >= 0; 1 if not given.
        start: shape (d,), where to begin; the prior's mean if not given.
    """
    weight_of = np.ones(len(columns)) if importance is None else importance
    precision = 1.0 / prior.sd**2
    weights = np.array(prior.mean if start is None else start, dtype=np.float64)
    target = is_right.astype(np.float64)

    def loss(candidate: Floats) -> float:
        margin = columns @ candidate
        data = weight_of @ (np.logaddexp(0.0, margin) - target * margin)
        return float(data + 0.5 * precision @ (candidate - prior.mean) ** 2)

    current = loss(weights)
    for _ in range(_STEPS):
        chance = sigmoids(columns @ weights)
        gradient = columns.T @ (weight_of * (chance - target)) + precision * (weights - prior.mean)
        curvature = weight_of * chance * (1.0 - chance)
        hessian = columns.T @ (columns * curvature[:, None]) + np.diag(precision)
        step = np.linalg.solve(hessian, gradient)
        for _ in range(_HALVINGS):
            following = loss(weights - step)
            if following <= current:
                break
            step /= 2.0
        else:
            break
        weights, gained, current = weights - step, current - following, following
        if gained <= _TOLERANCE:
            break
    return np.asarray(weights, dtype=np.float64)


ISOTONIC_FROM = 500
"""Fewest verdicts for isotonic regression; with fewer it is worse than Platt."""

PRIOR = Prior(mean=np.array([1.0, 1.0]), sd=np.array([0.5, 1.5]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Centre and spread of a signal, in log-odds; from unlabelled answers."""

    mean: float
    sd: float

    def standard(self, logit: Floats) -> Floats:
        """Distance from the centre in spreads."""
        return (logit - self.mean) / self.sd


@dataclass(frozen=True, slots=True, kw_only=True)
class Platt:
    """p = sigmoid(slope * z + intercept) with z the standardised logit; slope >= 0, so order is kept."""

    scale: Scale
    slope: float
    intercept: float

    def chances(self, logit: Floats) -> Floats:
        """Probability of being right for each log-odds."""
        return sigmoids(self.slope * self.scale.standard(logit) + self.intercept)


def scale_of(logit: Floats) -> Scale:
    """Centre and spread of unlabelled log-odds, shape (n,); NaN is left out, a constant has spread 1."""
    known = logit[~np.isnan(logit)]
    if not len(known):
        return Scale(mean=0.0, sd=1.0)
    sd = float(known.std())
    return Scale(mean=float(known.mean()), sd=sd if sd > 1e-12 else 1.0)


def fit_platt(
    logit: Floats,
    is_right: Flags,
    scale: Scale,
    *,
    importance: Floats | None = None,
    start: Platt | None = None,
) -> Platt:
    """Fit the most probable slope and intercept; prior slope ~ N(1, .5), intercept ~ N(1, 1.5), slope >= 0.

    (Platt 1999 with a prior in place of target smoothing.) With no verdicts the prior itself comes back.

    Args:
        logit: log-odds of the score, shape (n,), no NaN.
        is_right: verdicts, shape (n,).
        scale: centre and spread of the same signal.
        importance: weight of each verdict, shape (n,), such as 1 over its probability of being drawn.
        start: an earlier fit to begin from.
    """
    columns = np.column_stack([scale.standard(logit), np.ones(len(logit))])
    begin = None if start is None else np.array([start.slope, start.intercept])
    slope, intercept = map_weights(columns, is_right, PRIOR, importance=importance, start=begin)
    if slope < 0:
        # The objective is convex, so the best point with slope >= 0 then has slope 0.
        flat = Prior(mean=PRIOR.mean[1:], sd=PRIOR.sd[1:])
        slope, intercept = 0.0, map_weights(columns[:, 1:], is_right, flat, importance=importance)[0]
    return Platt(scale=scale, slope=float(slope), intercept=float(intercept))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Isotonic:
    """Piecewise-linear map through (`knots`, `values`), both rising; flat outside. Knots are log-odds."""

    knots: Floats
    values: Floats

    def chances(self, logit: Floats) -> Floats:
        """Probability of being right for each log-odds."""
        return np.asarray(np.interp(logit, self.knots, self.values), dtype=np.float64)


def fit_isotonic(logit: Floats, is_right: Flags) -> Isotonic:
    """Fit a rising step map by pooled adjacent violators (scipy), read with straight lines between knots.

    One right and one wrong verdict are added over the whole range, so that no value is 0 or 1.

    Raises:
        ValueError: fewer than `ISOTONIC_FROM` verdicts.
    """
    if len(logit) < ISOTONIC_FROM:
        raise ValueError(f"isotonic regression needs {ISOTONIC_FROM} verdicts, there are {len(logit)}")
    from scipy.optimize import isotonic_regression

    knots, place = np.unique(logit, return_inverse=True)
    counts = np.bincount(place).astype(np.float64)
    means = np.bincount(place, weights=is_right.astype(np.float64)) / counts
    values = isotonic_regression(means, weights=counts).x
    is_first = np.r_[True, np.diff(values) != 0]
    is_last = np.r_[is_first[1:], True]
    sizes = np.add.reduceat(counts, np.flatnonzero(is_first))[np.cumsum(is_first) - 1]
    smoothed = np.maximum.accumulate((values * sizes + 1.0) / (sizes + 2.0))
    # Between the two ends of a flat stretch a straight line says it all.
    is_kept = is_first | is_last
    return Isotonic(knots=knots[is_kept], values=smoothed[is_kept])
