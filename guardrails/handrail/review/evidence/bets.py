"""Evidence that stays valid however often it is looked at: bets on a share, and a test for its rise.

A bet is a wealth that is not expected to grow while a hypothesis holds. It reaches 1 / level with probability
at most `level`, whenever one stops (Ville's inequality; Ramdas, Grunwald, Vovk and Shafer, "Game-theoretic
statistics and safe anytime-valid inference", 2210.01948). A test that is made every week gets a share of its
level each time, so that all of them together spend it.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import hypergeom

from handrail.confidence.calibration.fit.arrays import Floats

FRACTIONS = np.array([0.35, 0.7])
"""Bets, as shares of the largest that cannot ruin; wealth is their mean."""


@dataclass(slots=True, kw_only=True)
class ShareBet:
    """A bet against a bound on a share: that it is at least `bound`, or with `is_below` unset at most.

    `logs` are the logarithms of its wealths, `cases` and `hits` what it has seen.
    """

    bound: float
    is_below: bool
    logs: Floats = field(default_factory=lambda: np.zeros(len(FRACTIONS)))
    cases: int = 0
    hits: int = 0

    def take(self, hits: int, cases: int) -> None:
        """Take in some cases that were chosen before anybody looked at them."""
        misses = cases - hits
        if self.is_below:
            # The share is bet to be less than the bound: a miss wins, a hit costs.
            stakes = FRACTIONS / (1.0 - self.bound)
            self.logs = self.logs + misses * np.log1p(stakes * self.bound)
            self.logs = self.logs + hits * np.log1p(-stakes * (1.0 - self.bound))
        else:
            stakes = FRACTIONS / self.bound
            self.logs = self.logs + hits * np.log1p(stakes * (1.0 - self.bound))
            self.logs = self.logs + misses * np.log1p(-stakes * self.bound)
        self.cases, self.hits = self.cases + cases, self.hits + hits

    @property
    def log_wealth(self) -> float:
        """Logarithm of the mean wealth."""
        return float(np.logaddexp.reduce(self.logs)) - math.log(len(FRACTIONS))

    def is_won(self, level: float) -> bool:
        """Tell whether the bound is refuted: where it holds, that is ever so with this chance at most."""
        return self.log_wealth >= -math.log(level)


def level_of(place: int, level: float) -> float:
    """Return the share of a level for the `place`-th hypothesis or look, from 1 on; all together spend it."""
    return level / (place * (place + 1))


def chance_of_rise(hits: np.ndarray, cases: np.ndarray) -> tuple[float, int]:
    """Return how likely a rise like the clearest is by chance alone, and the week at which it began; pure.

    The hypothesis is that within each stratum all cases come from one share. For every week the cases from
    then on are held against those before it: given how many hits there are in all, how many fall on the later
    cases is hypergeometric in each stratum (Fisher's exact test), and the strata are added up. The smallest
    probability is multiplied by the number of weeks that were tried (Bonferroni).

    Args:
        hits: shape (strata, weeks).
        cases: shape (strata, weeks).
    """
    weeks = cases.shape[1]
    best, since = 1.0, 0
    for at in range(1, weeks):
        found = _tail(hits, cases, at)
        if found < best:
            best, since = found, at
    return min(1.0, best * max(1, weeks - 1)), since


def _tail(hits: np.ndarray, cases: np.ndarray, at: int) -> float:
    """Return P(at least as many hits fall on the weeks from `at` on), over all strata."""
    odds = np.ones(1)
    for row, total in zip(hits, cases, strict=True):
        size, good, later = int(total.sum()), int(row.sum()), int(total[at:].sum())
        odds = np.convolve(odds, hypergeom.pmf(np.arange(good + 1), size, good, later))
    return float(odds[int(hits[:, at:].sum()) :].sum())
