"""Error among the answers that were passed, estimated from those drawn for review."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from handrail.confidence.calibration.fit.arrays import Flags, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class FalsePassRate:
    """Estimated share of wrong answers among `count` passed ones, of which `sampled` were reviewed.

    `rate` is None where nothing was drawn.
    """

    rate: float | None
    low: float
    high: float
    count: int
    sampled: int


def false_pass_rate(
    probabilities: Floats,
    is_sampled: Flags,
    is_wrong: Flags,
    *,
    predicted: Floats | None = None,
    confidence: float = 0.95,
) -> FalsePassRate:
    """Augmented inverse-probability weighted estimate: mean of m_i + (a_i / pi_i) * (e_i - m_i).

    Unbiased whatever m_i is, as long as it was fixed before the verdicts; the better it predicts, the shorter
    the interval. The interval is a normal one, widened where few were drawn to what a rate of one wrong
    verdict more, and one less, would give; it is cut to 0..1. (Robins, Rotnitzky and Zhao 1994.)

    Args:
        probabilities: logged draw probabilities of passed answers, shape (n,), above 0 where drawn.
        is_sampled: the draws.
        is_wrong: verdicts, read only where drawn.
        predicted: P(wrong) foretold without these verdicts; the weighted mean of the verdicts if not given.
        confidence: of the two-sided interval.
    """
    count, sampled = len(probabilities), int(is_sampled.sum())
    if not sampled:
        return FalsePassRate(rate=None, low=0.0, high=1.0, count=count, sampled=0)
    weights = np.zeros(count)
    weights[is_sampled] = 1.0 / probabilities[is_sampled]
    wrong = np.where(is_sampled, is_wrong, False).astype(np.float64)
    expected = np.full(count, weights @ wrong / weights.sum()) if predicted is None else predicted
    terms = expected + weights * (wrong - expected)
    rate = float(terms.mean())
    spread = float(terms.std(ddof=1)) / np.sqrt(count) if count > 1 else 1.0
    # With no wrong verdict at all the plain spread is 0 and would promise certainty.
    least = float(weights.max()) * np.sqrt(max(wrong.sum(), 1.0)) / count
    reach = float(norm.ppf(0.5 + confidence / 2)) * max(spread, least)
    return FalsePassRate(
        rate=min(max(rate, 0.0), 1.0),
        low=max(0.0, rate - reach),
        high=min(1.0, rate + reach),
        count=count,
        sampled=sampled,
    )
