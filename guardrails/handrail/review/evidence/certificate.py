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

A slice, the answers of which a fact has one value, is followed by two bets more: one in it, one on everything
beside it. It is chosen before the weeks that are bet on. At most `MOST_SLICES` are ever followed, and each
bet has an equal part of delta, so that all of them together are wrong with probability delta.
"""

import math

import numpy as np

from handrail.confidence.calibration.fit.arrays import Flags, Floats
from handrail.review.evidence.certified import Certified, CertifiedSlice
from handrail.review.evidence.score_bet import ScoreBet
from handrail.review.evidence.score_limits import Slice
from handrail.review.log.review_log import ReviewLog

UNSEEN = 0.15
"""Share of the wrong answers that readers overlook and that the bound allows for."""
SUSPICION = 0.02
"""A rise that is less likely than this by chance suspends."""
MOST_SLICES = 6


class Certificate:
    """Follows a log week by week.

    Args:
        alpha: the share that may be passed and wrong.
        delta: chance with which the promise is ever broken, over all beginnings together; that of the slices
            is another one, of the same size.
    """

    def __init__(self, *, alpha: float, delta: float) -> None:
        self.alpha, self.delta = alpha, delta
        self.is_suspended = False
        self._whole = ScoreBet(alpha=alpha * (1.0 - UNSEEN), delta=delta)
        self._slices: dict[Slice, tuple[ScoreBet, ScoreBet]] = {}
        self._policies: set[str] = set()
        self._after: dict[str, str] = {}
        self._makers: set[str] = set()

    @property
    def starts(self) -> int:
        """How often the bet on all answers began."""
        return self._whole.starts

    @property
    def threshold(self) -> float:
        """The loosest threshold that is certified now for all answers, infinity for none."""
        return math.inf if self.is_suspended else self._whole.threshold

    @property
    def slices(self) -> tuple[CertifiedSlice, ...]:
        """What is certified now of each slice that is followed."""
        return tuple(
            CertifiedSlice(
                slice=one,
                inside=math.inf if self.is_suspended else inside.threshold,
                outside=math.inf if self.is_suspended else outside.threshold,
                answers=inside.answers,
                verdicts=inside.verdicts,
            )
            for one, (inside, outside) in self._slices.items()
        )

    def under(self, policy: str) -> Certified:
        """Return what is certified under a policy, by its digest.

        Nothing under one that nothing was proved of: the promise does not go over to a changed policy.
        """
        if not self._is_proved_of(policy):
            return Certified()
        return Certified(whole=self.threshold, slices=self.slices)

    def follow(self, one: Slice) -> None:
        """Bet on a slice from the next week on, unless as many as may be are followed already."""
        if one not in self._slices and len(self._slices) < MOST_SLICES:
            alpha, delta = self._whole.alpha, self.delta / (2 * MOST_SLICES)
            self._slices[one] = ScoreBet(alpha=alpha, delta=delta), ScoreBet(alpha=alpha, delta=delta)

    def withdraw(self) -> None:
        """Forget what was proved."""
        for bet in (self._whole, *(bet for pair in self._slices.values() for bet in pair)):
            bet.forget()
        self._policies.clear()

    def goes_on(self, policy: str, *, after: str) -> None:
        """Say that a policy lets out nothing that another held back, but for its score; by digests."""
        self._after[policy] = after

    def _is_proved_of(self, policy: str) -> bool:
        return policy in self._policies or self._after.get(policy) in self._policies

    def take(self, week: ReviewLog, probability: Floats, drawn: Flags, *, chance: float = 1.0) -> float:
        """Take in the next week, and return the threshold that is certified for all answers by now.

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
        self.is_suspended = chance < SUSPICION and self._whole.has_begun
        self._whole.take(week, probability, drawn)
        for one, (inside, outside) in self._slices.items():
            is_in = np.array([one.holds(facts) for facts in week.facts], dtype=np.bool_)
            inside.take(week.taken(is_in), probability[is_in], drawn[is_in])
            outside.take(week.taken(~is_in), probability[~is_in], drawn[~is_in])
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
