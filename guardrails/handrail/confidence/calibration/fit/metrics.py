"""How good a confidence score is: how it ranks errors, and how well it reads as a probability."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from handrail.confidence.calibration.fit.arrays import Flags, Floats

_TINY = 1e-15


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Figures for n scored answers. AUROC and PRR: higher is better; the others: lower is better.

    `auroc` and `prr` are NaN when all answers are right or all are wrong.
    """

    count: int
    accuracy: float
    auroc: float
    prr: float
    aurc: float
    log_loss: float
    brier: float
    ece: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RiskCoverage:
    """Error among the answers kept, by share kept: shapes (n,); `threshold` is the lowest score kept."""

    coverage: Floats
    risk: Floats
    threshold: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reliability:
    """Mean score, share right and count in each bin of equal width that is not empty."""

    stated: Floats
    observed: Floats
    counts: Floats


def measure(scores: Floats, is_right: Flags) -> Metrics:
    """All figures at once, for scores in 0..1, shape (n,), n > 0, no NaN."""
    return Metrics(
        count=len(scores),
        accuracy=float(is_right.mean()),
        auroc=auroc(scores, is_right),
        prr=prr(scores, is_right),
        aurc=aurc(scores, is_right),
        log_loss=log_loss(scores, is_right),
        brier=float(np.mean((scores - is_right) ** 2)),
        ece=ece(scores, is_right),
    )


def auroc(scores: Floats, is_right: Flags) -> float:
    """Chance that a right answer scores higher than a wrong one, ties counting half."""
    right = int(is_right.sum())
    wrong = len(is_right) - right
    if not right or not wrong:
        return float("nan")
    ranks = rankdata(scores)
    return float((ranks[is_right].sum() - right * (right + 1) / 2) / (right * wrong))


def risk_coverage(scores: Floats, is_right: Flags) -> RiskCoverage:
    """Selective risk at every coverage, surest answers first; equal scores share their errors evenly."""
    order = np.argsort(-scores, kind="stable")
    errors = _evened(scores[order], np.where(is_right[order], 0.0, 1.0))
    kept = np.arange(1, len(scores) + 1)
    return RiskCoverage(
        coverage=kept / len(scores),
        risk=np.cumsum(errors) / kept,
        threshold=scores[order].astype(np.float64),
    )


def aurc(scores: Floats, is_right: Flags) -> float:
    """Mean selective risk over all coverages (Geifman and El-Yaniv 2017)."""
    return float(risk_coverage(scores, is_right).risk.mean())


def prr(scores: Floats, is_right: Flags) -> float:
    """Prediction rejection ratio: area between random and this rejection curve over that of a perfect order.

    Rejection up to everything; 1 is perfect, 0 random (Malinin and Gales 2021; maximum rejection 1.0).
    """
    if is_right.all() or not is_right.any():
        return float("nan")

    def area(order_by: Floats) -> float:
        order = np.argsort(-order_by, kind="stable")
        right = _evened(order_by[order], is_right[order].astype(np.float64))
        return float(np.mean(np.cumsum(right) / np.arange(1, len(right) + 1)))

    random = float(is_right.mean())
    return (area(scores) - random) / (area(is_right.astype(np.float64)) - random)


def log_loss(scores: Floats, is_right: Flags) -> float:
    """Mean negative log-likelihood in nats; scores are kept 1e-15 from 0 and 1."""
    held = np.clip(scores, _TINY, 1 - _TINY)
    return float(-np.mean(np.where(is_right, np.log(held), np.log1p(-held))))


def reliability(scores: Floats, is_right: Flags, bins: int = 10) -> Reliability:
    """Stated against observed, in bins of equal width."""
    place = np.minimum((scores * bins).astype(np.intp), bins - 1)
    counts = np.bincount(place, minlength=bins).astype(np.float64)
    filled = counts > 0
    stated = np.bincount(place, weights=scores, minlength=bins)[filled] / counts[filled]
    observed = (
        np.bincount(place, weights=is_right.astype(np.float64), minlength=bins)[filled] / counts[filled]
    )
    return Reliability(stated=stated, observed=observed, counts=counts[filled])


def ece(scores: Floats, is_right: Flags, bins: int = 10) -> float:
    """Expected calibration error. Read it beside log-loss: a constant score can have a good one."""
    table = reliability(scores, is_right, bins)
    return float(np.abs(table.stated - table.observed) @ table.counts / table.counts.sum())


def coverage_at(scores: Floats, is_right: Flags, risk: float) -> float:
    """Largest share to keep with selective risk at most `risk`, the threshold picked on these answers."""
    curve = risk_coverage(scores, is_right)
    # A threshold cannot part equal scores.
    is_last = np.r_[curve.threshold[1:] != curve.threshold[:-1], True]
    good = np.flatnonzero((curve.risk <= risk) & is_last)
    return float(curve.coverage[good[-1]]) if len(good) else 0.0


def _evened(rising: Floats, values: Floats) -> Floats:
    """Spread values evenly over runs of equal scores."""
    _, place = np.unique(-rising, return_inverse=True)
    means = np.bincount(place, weights=values) / np.bincount(place)
    return np.asarray(means[place], dtype=np.float64)
