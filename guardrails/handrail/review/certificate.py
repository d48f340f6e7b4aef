"""The promise that a threshold of confidence carries, for as long as what it was proved of stays the same.

A bet for each threshold (`sequential_bounds`) proves that of the answers which a score alone decides at most
a share alpha is passed and wrong. It was proved of the answers of one model, under one policy. So it is
withdrawn, and begins anew at a smaller level,

- when the model has become worse,
- when another model answers, or its confidence is measured in another way,
- when a policy comes into force that may let out what the one before held back for another reason than its
  score: such answers cost the bet nothing while somebody stopped them.

While a change of the model is likely and not yet proved it is suspended: it says nothing, and goes on as it
was if the suspicion passes.
"""

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
from handrail.review.review_log import WRONG, ReviewLog

UNSEEN = 0.15
"""Share of the wrong answers that readers overlook and that the bound allows for."""
SUSPICION = 0.02
"""A rise that is less likely than this by chance suspends."""


class Certificate:
    """Follows a log week by week.

    Args:
        alpha: the share that may be passed and wrong.
        delta: chance with which the promise is ever broken, over all beginnings together.
    """

    def __init__(self, *, alpha: float, delta: float) -> None:
        self.alpha, self.delta = alpha, delta
        self.starts = 0
        self.is_suspended = False
        self._wealth: Wealth | None = None
        self._policies: set[str] = set()
        self._after: dict[str, str] = {}
        self._makers: set[str] = set()

    @property
    def threshold(self) -> float:
        """The loosest threshold that is certified now, infinity for none."""
        return math.inf if self._wealth is None or self.is_suspended else self._wealth.threshold

    def under(self, policy: str) -> float:
        """Return the threshold that is certified under a policy, by its digest.

        Infinity under one that nothing was proved of: the promise does not go over to a changed policy.
        """
        return self.threshold if self._is_proved_of(policy) else math.inf

    def withdraw(self) -> None:
        """Forget what was proved."""
        self._wealth = None
        self._policies.clear()

    def goes_on(self, policy: str, *, after: str) -> None:
        """Say that a policy lets out nothing that another held back, but for its score; by digests."""
        self._after[policy] = after

    def _is_proved_of(self, policy: str) -> bool:
        return policy in self._policies or self._after.get(policy) in self._policies

    def take(self, week: ReviewLog, probability: Floats, drawn: Flags, *, chance: float = 1.0) -> float:
        """Take in the next week, and return the threshold that is certified by now.

        Args:
            week: its decisions.
            probability: with which each was drawn and read, shape (n,).
            drawn: which were read, shape (n,).
            chance: how likely the clearest rise of wrong answers is without a change of the model.
        """
        changed = self._changed(week)
        if changed is not None:
            self.withdraw()
            later = np.arange(len(week)) >= changed
            week, probability, drawn = week.taken(later), probability[later], drawn[later]
            self._policies, self._makers = set(week.policy), {maker for maker in week.maker if maker}
        self.is_suspended = chance < SUSPICION and self._wealth is not None
        self._bet(week, probability, drawn)
        return self.threshold

    def _changed(self, week: ReviewLog) -> int | None:
        """Return the place of the first decision of another kind than those before, None without one."""
        was_known, found = bool(self._policies), None
        for place, (policy, maker) in enumerate(zip(week.policy, week.maker, strict=True)):
            is_new = not self._is_proved_of(policy) or (maker != "" and maker not in self._makers)
            if is_new and was_known:
                found = place
            self._policies.add(policy)
            if maker:
                self._makers.add(maker)
        return found

    def _bet(self, week: ReviewLog, probability: Floats, drawn: Flags) -> None:
        """Bet on with what a score alone decides: passed answers, and those held for low confidence only."""
        scored = week.is_scored & np.isfinite(week.score)
        by_score = scored & (week.is_passed | week.is_unsure_only)
        if not by_score.any():
            return
        if self._wealth is None:
            self.starts += 1
            self._wealth = begin(
                grid_of(week.score[by_score]),
                alpha=self.alpha * (1.0 - UNSEEN),
                delta=level_of_start(self.delta, self.starts),
            )
        chances = np.where(by_score, probability, 1.0)
        floor = float(chances[scored].min())
        if floor <= 0:
            return
        answers = Answers(
            scores=week.score[scored],
            probabilities=chances[scored],
            is_sampled=(drawn | ~by_score)[scored],
            # What another rule stops does not go out, whatever its score.
            is_wrong=(by_score & (week.verdict == WRONG))[scored],
        )
        self._wealth = absorb(self._wealth, answers, SamplingPlan(threshold=math.inf, rate=floor))
