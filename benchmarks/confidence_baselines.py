"""What the library's guarantee is compared with: bounds for one look at the verdicts, and label-free ranks.

RCPS bounds the joint risk P(passed and wrong), Learn-then-Test the selective risk P(wrong | passed), both
from verdicts on a random sample of all answers.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom, rankdata

from handrail.confidence.calibration.combine import Combiner
from handrail.confidence.calibration.fit.arrays import Flags, Floats
from handrail.confidence.calibration.fit.combining import Signal
from handrail.confidence.calibration.fit.sequential_bounds import grid_of

_SHARE_OF_MIDDLE = 0.75
_SPARE = 1.5
_TESTS = 60
"""Thresholds on the way; the selective risk may rise and fall, so every further one can stop the scan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A threshold on the score; infinity passes nothing. `needed` verdicts are missing to pass anything."""

    threshold: float
    needed: int = 0
    why: str = ""


def fewest_verdicts(alpha: float, delta: float) -> int:
    """Verdicts without any error that a bound needs: ceil(ln(delta) / ln(1 - alpha))."""
    return math.ceil(math.log(delta) / math.log1p(-alpha))


def rcps(scores: Floats, is_wrong: Flags, *, alpha: float, delta: float, unit: float = 1.0) -> Chosen:
    """Loosest threshold whose joint risk is at most alpha, with probability at least 1 - delta.

    Scans from the strictest threshold and stops before BinomCDF(k(t); n, alpha) exceeds delta, with k(t) the
    number of wrong answers that score at least t. The joint risk never rises with t, so one level serves all
    thresholds. (Bates et al. 2021, 2101.02703, with the exact binomial tail.)

    Args:
        scores: scores of n answers drawn at random from all traffic, shape (n,).
        is_wrong: verdicts on them, shape (n,).
        alpha: target for P(passed and wrong).
        delta: chance that the promise fails.
        unit: a number drawn evenly from [0, 1) before any verdict. It makes the test exact: of the level that
            whole counts leave unused, a share is used (the randomised test: accept while
            P(X < k) + unit * P(X = k) <= delta). 1 leaves it unused.
    """
    count = len(scores)
    least = fewest_verdicts(alpha, delta)
    if count < least:
        return Chosen(threshold=math.inf, needed=least - count, why="too few verdicts")
    allowed = _most_errors(count, alpha, delta, unit)
    wrong_scores = np.sort(scores[is_wrong])[::-1]
    if len(wrong_scores) <= allowed:
        return Chosen(threshold=-math.inf)
    # Any threshold above that wrong answer leaves k(t) as it is; the loosest of them is the next float.
    return Chosen(threshold=math.nextafter(float(wrong_scores[allowed]), math.inf))


@functools.lru_cache(maxsize=1024)
def _most_errors(count: int, alpha: float, delta: float, unit: float) -> int:
    """Largest k with P(X < k) + unit * P(X = k) <= delta, -1 if none; X counts errors at risk alpha."""
    allowed = int(binom.ppf(delta, count, alpha))
    while allowed >= 0 and _tail(allowed, count, alpha, unit) > delta:
        allowed -= 1
    return allowed


def _tail(errors: int, count: int, alpha: float, unit: float) -> float:
    return float(binom.cdf(errors - 1, count, alpha) + unit * binom.pmf(errors, count, alpha))


def ltt(scores: Floats, is_wrong: Flags, pool: Floats, *, alpha: float, delta: float) -> Chosen:
    """Loose threshold whose selective risk is at most alpha, with probability at least 1 - delta.

    Fixed-sequence testing (Angelopoulos et al. 2021, 2110.01052) of BinomCDF(k(t); m(t), level) <= level on a
    grid of the pool's quantiles, m(t) the number of answers that score at least t. Two sequences share delta:
    three quarters start where half the verdicts pass, one quarter where the fewest possible do.

    Args:
        scores: scores of n answers drawn at random from all traffic, shape (n,).
        is_wrong: verdicts on them, shape (n,).
        pool: unlabelled scores that set grid and starts, shape (m,); not the scores of these n answers.
        alpha: target for P(wrong | passed).
        delta: chance that the promise fails.
    """
    count = len(scores)
    grid = grid_of(pool, _TESTS)
    found, needed = math.inf, 0
    for level, is_middle in ((_SHARE_OF_MIDDLE * delta, True), ((1 - _SHARE_OF_MIDDLE) * delta, False)):
        least = fewest_verdicts(alpha, level)
        # How many of the verdicts will pass is chance; with fewer than `least` the first test cannot succeed.
        spare = _SPARE * math.sqrt(least * max(1 - least / count, 0.0))
        wanted = max(least + spare, count / 2 if is_middle else 0)
        if count < wanted:
            needed = least - count
            continue
        start = int(np.searchsorted(grid, np.quantile(pool, 1 - wanted / count), side="right")) - 1
        for threshold in grid[max(start, 0) :: -1]:
            is_passed = scores >= threshold
            passed, wrong = int(is_passed.sum()), int((is_passed & is_wrong).sum())
            if passed == 0 or binom.cdf(wrong, passed, alpha) > level:
                break
            found = min(found, float(threshold))
    if found < math.inf:
        return Chosen(threshold=found)
    return Chosen(threshold=found, needed=max(needed, 0), why="no threshold holds")


def combined(combiner: Combiner, signals: Sequence[Signal]) -> Floats:
    """Log-odds of being right for many answers at once, shape (n,); as `Combiner.combine` gives them."""
    by_name = {signal.name: signal for signal in signals}
    total = np.full(len(signals[0].values), combiner.intercept)
    for term in combiner.terms:
        standard = (by_name[term.name].readings() - term.mean) / term.sd
        total += np.where(np.isnan(standard), term.if_missing, term.weight * standard)
    return np.asarray(total, dtype=np.float64)


def mean_ranks(signals: Sequence[Signal]) -> Floats:
    """Mean of ranks of the answers among themselves, shape (n,), in 0..1; missing signals are left out."""
    rows = []
    for signal in signals:
        known = ~np.isnan(signal.values)
        if not known.any() or np.ptp(signal.values[known]) == 0:
            continue
        ranks = np.full(len(signal.values), np.nan)
        ranks[known] = (rankdata(signal.readings()[known]) - 0.5) / known.sum()
        rows.append(ranks)
    return np.asarray(np.nanmean(rows, axis=0), dtype=np.float64)
