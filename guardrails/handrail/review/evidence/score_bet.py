"""A bet on what a score alone decides in a part of the traffic; it begins anew when something changes."""

import math

import numpy as np

from handrail.confidence.calibration.fit.arrays import Flags, Floats
from handrail.confidence.calibration.fit.sequential_bounds import (
    Answers,
    Wealth,
    absorb,
    begin,
    grid_of,
    level_of_start,
)
from handrail.confidence.calibration.sampling import SamplingPlan
from handrail.review.log.review_log import WRONG, ReviewLog


class ScoreBet:
    """Bets for every threshold that at most a share alpha of a part of the traffic is passed and wrong.

    Args:
        alpha: that share.
        delta: chance with which a threshold is ever certified that does not keep it, over all beginnings.
    """

    def __init__(self, *, alpha: float, delta: float) -> None:
        self.alpha, self.delta = alpha, delta
        self.starts = 0
        self.answers, self.verdicts = 0, 0
        self._wealth: Wealth | None = None

    @property
    def has_begun(self) -> bool:
        """True while something is bet."""
        return self._wealth is not None

    @property
    def threshold(self) -> float:
        """The loosest threshold that is certified, infinity for none."""
        return math.inf if self._wealth is None else self._wealth.threshold

    def forget(self) -> None:
        """Begin anew with the next answers, at a smaller level."""
        self._wealth = None
        self.answers, self.verdicts = 0, 0

    def take(self, part: ReviewLog, probability: Floats, drawn: Flags) -> None:
        """Bet on with what a score alone decides: passed answers, and those held for low confidence only.

        Args:
            part: decisions, in the order of their time.
            probability: with which each was drawn and read, shape (n,).
            drawn: which were read, shape (n,).
        """
        scored = part.is_scored & np.isfinite(part.score)
        by_score = part.is_by_score
        if not by_score.any():
            return
        if self._wealth is None:
            self.starts += 1
            self._wealth = begin(
                grid_of(part.score[by_score]),
                alpha=self.alpha,
                delta=level_of_start(self.delta, self.starts),
            )
        chances = np.where(by_score, probability, 1.0)
        floor = float(chances[scored].min())
        if floor <= 0:
            return
        answers = Answers(
            scores=part.score[scored],
            probabilities=chances[scored],
            is_sampled=(drawn | ~by_score)[scored],
            # What another rule stops does not go out, whatever its score.
            is_wrong=(by_score & (part.verdict == WRONG))[scored],
        )
        self._wealth = absorb(self._wealth, answers, SamplingPlan(threshold=math.inf, rate=floor))
        self.answers += int(by_score.sum())
        self.verdicts += int((by_score & drawn).sum())
