"""Whether the model has become worse: passed answers and unsure ones, each held against its own past."""

from dataclasses import dataclass, field

import numpy as np

from handrail.confidence.calibration.fit.arrays import Flags
from handrail.review.evidence.bets import chance_of_rise, level_of
from handrail.review.log.review_log import WRONG, ReviewLog

LEVEL = 0.015
"""Chance that a change is ever told of while there is none."""


@dataclass(slots=True, kw_only=True)
class ModelDrift:
    """Follows the shares of wrong answers by week. `found` is the week in which one was last proved worse.

    Passed answers and those that were handed off for their low confidence alone are followed apart, and of
    the passed ones the surer half and the other: what share of the traffic is handed off, and how sure the
    answers are, may change without the model. `middle` is the median score of the first week's passed
    answers, `chance` how likely a rise like the clearest one is by chance alone.
    """

    level: float = LEVEL
    weeks: list[int] = field(default_factory=list)
    hits: list[list[int]] = field(default_factory=list)
    cases: list[list[int]] = field(default_factory=list)
    found: int | None = None
    since: int | None = None
    middle: float | None = None
    chance: float = 1.0
    looks: int = 0

    def take(self, week: ReviewLog, *, ignoring: frozenset[str] = frozenset()) -> bool:
        """Take in the next week; True when the change is proved now."""
        if not len(week):
            return False
        ignored = np.array([name in ignoring for name in week.reviewer], dtype=np.bool_)
        read = week.is_read & ~ignored & week.is_scored
        if self.middle is None:
            scores = week.score[week.is_passed & np.isfinite(week.score)]
            self.middle = float(np.median(scores)) if len(scores) else 0.5
        sure = week.score >= self.middle
        strata: tuple[Flags, ...] = (week.is_passed & sure, week.is_passed & ~sure, week.is_unsure_only)
        self.weeks.append(int(week.week[-1]))
        self.cases.append([int((read & part).sum()) for part in strata])
        self.hits.append([int((read & part & (week.verdict == WRONG)).sum()) for part in strata])
        self.looks += 1
        self.chance, since = chance_of_rise(*self._tables())
        if self.chance > level_of(self.looks, self.level):
            return False
        self.found, self.since = self.weeks[-1], self.weeks[since]
        for past in (self.weeks, self.cases, self.hits):
            past.clear()
        return True

    def _tables(self) -> tuple[np.ndarray, np.ndarray]:
        return np.array(self.hits).T, np.array(self.cases).T
