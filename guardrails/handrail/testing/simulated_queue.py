"""A role that is too small: one person takes its tickets in turn, and what waits too long goes on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from handrail.policy import RolePlan

MISSED: Final = 0.15
"""Share of its tickets that a role which is too small does not get to in an ordinary week."""
SPREAD: Final = 0.25
_STEPS = 24
_LONGEST_S: Final = 4 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """When a ticket is taken and decided; `is_late`: it has gone on to the backup by then."""

    taken: datetime
    done: datetime
    is_late: bool


@dataclass(slots=True, kw_only=True)
class SimulatedQueue:
    """The queue of one role with one person.

    Args:
        plan: the role, with a deadline.
        seconds: median time that a ticket takes.
        free: when that person is free again.
    """

    plan: RolePlan
    seconds: float
    free: datetime | None = field(default=None)

    @classmethod
    def too_small(cls, plan: RolePlan, moments: Sequence[datetime]) -> "SimulatedQueue":
        """Return the queue of a role whose tickets take so long that one person misses that share of them.

        Args:
            plan: the role, with a deadline.
            moments: when tickets come in ordinary weeks.
        """
        low, high = 1.0, _LONGEST_S
        for _ in range(_STEPS):
            middle = (low * high) ** 0.5
            queue = cls(plan=plan, seconds=middle)
            late = [turn.is_late for turn in queue.turns(sorted(moments), np.random.default_rng(0))]
            low, high = (middle, high) if np.mean(late) < MISSED else (low, middle)
        return cls(plan=plan, seconds=low)

    def turns(self, moments: Iterable[datetime], rng: np.random.Generator) -> list[Turn]:
        """Return what becomes of tickets, given in the order of their time."""
        return [self.turn(at, float(np.exp(rng.normal(0.0, SPREAD)))) for at in moments]

    def turn(self, at: datetime, size: float) -> Turn:
        """Return what becomes of the next ticket; `size` is what the median time is multiplied by.

        As the desk's timers have it, it goes on if nobody has taken it after half of the time or decided it
        after all of it.
        """
        within = self.plan.answer_within or timedelta.max / 4
        patience = within if self.plan.backup is None else within / 2
        taken = at if self.free is None else max(at, self.free)
        if taken - at > patience:
            return Turn(taken=at + patience, done=at + patience, is_late=True)
        done = taken + timedelta(seconds=size * self.seconds)
        if done - at > within:
            self.free = at + within
            return Turn(taken=self.free, done=self.free, is_late=True)
        self.free = done
        return Turn(taken=taken, done=done, is_late=False)
