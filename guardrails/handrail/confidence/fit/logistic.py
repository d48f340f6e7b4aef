"""Logistic regression with a Gaussian prior on every weight: the most probable ones, by Newton's method."""

from dataclasses import dataclass

import numpy as np

from handrail.confidence.fit.arrays import Flags, Floats, sigmoids

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
