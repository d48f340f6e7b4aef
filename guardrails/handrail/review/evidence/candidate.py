"""A condition that is tried: where a rule stops what nobody needs to see, or where one is missing."""

from dataclasses import dataclass, field

import numpy as np

from handrail.confidence.calibration.fit.arrays import Flags
from handrail.records import Trigger
from handrail.review.evidence.bets import ShareBet
from handrail.review.log.conditions import FactCondition
from handrail.review.log.review_log import ReviewLog

NEEDLESS, MISSING = "needless", "missing"
SUSPICION, PRIOR_RIGHT = 0.1, 2
"""Chance, after the search, below which a missing rule is suspected; right cases added for caution."""
SEARCHED = (str(Trigger.HIGH_STAKES),)
"""What may be loosened. Sensitive data, what no AI may do, complaints and whoever asks for a person are for
people whatever they say of the answer; a threshold of confidence has its own bound."""
TRIAL = "try-"
"""How the name of a rule begins that was added on a suspicion."""


@dataclass(slots=True, kw_only=True)
class Candidate:
    """A condition that was chosen in `born` (a week) and is tried on the weeks after it.

    `rule` is the one that would no longer stop where `condition` holds, empty for a rule that is missing.
    `found` is the week in which the bet was won, None while it was not. `place` counts candidates from 1.
    `seen` are the wrong ones and all of the cases that were read so far, those included that it was chosen
    from; `chance` is how likely so many are if it is like the rest, times the conditions that were searched.
    `is_dropped`: what came after its choice speaks against it. `weekly`: decisions of the last week that it
    is about.
    """

    kind: str
    rule: str
    condition: FactCondition
    born: int
    place: int
    bet: ShareBet
    found: int | None = None
    cases: list[str] = field(default_factory=list)
    tickets: list[str] = field(default_factory=list)
    seen: tuple[int, int] = (0, 0)
    chance: float = 1.0
    is_dropped: bool = False
    weekly: int = 0

    @property
    def is_tried(self) -> bool:
        """True while it is neither proved nor dropped."""
        return self.found is None and not self.is_dropped

    def is_suspected(self, break_even: float) -> bool:
        """Tell whether so many wrong ones among what was passed are hardly chance, and worth a person."""
        return self.chance <= SUSPICION and shrunk(self.seen) > break_even

    @property
    def family(self) -> tuple[str, bool]:
        """Its kind, and whether it was searched for: candidates of a family share a level."""
        return self.kind, bool(self.condition.tests)

    @property
    def key(self) -> tuple[str, str]:
        """What it is about."""
        return self.kind, self.rule

    def places(self, log: ReviewLog) -> Flags:
        """Return the decisions of a log that it is about."""
        return cases_about(log, self.kind, self.rule) & self.condition.places(log)


def cases_about(log: ReviewLog, kind: str, rule: str) -> Flags:
    """Return the decisions that a rule alone stopped, or for a missing one those that were passed; pure."""
    if kind == MISSING:
        return log.is_passed & log.is_scored
    # What another rule stops as well would be stopped all the same.
    alone = zip(log.rules, log.triggers, strict=True)
    found = [rules == (rule,) and triggers == SEARCHED for rules, triggers in alone]
    return np.array(found, dtype=np.bool_) & ~log.is_blocked


def shrunk(seen: tuple[int, int]) -> float:
    """Return the share of wrong ones, drawn towards nothing by a few right ones; pure."""
    return seen[0] / (seen[1] + PRIOR_RIGHT)
