"""What a simulated quarter is like: length, traffic, how often answers are wrong, and who reads them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from zlib import crc32

import numpy as np

from handrail.testing.simulated_people import SimulatedReviewer, staff


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarterSettings:
    """What a quarter is like. Every number is part of its truth.

    Args:
        seed: the same seed plays the same quarter.
        weeks: how many.
        weekly: exchanges of a week, before the season.
        start: first moment, a Monday.
        wrong: share of wrong answers at the beginning, of those that no rule of the reference stops.
        stopped_wrong: share of wrong ones among those that it does stop.
        drift_week: from when on the model is worse, counted from 0; None for never.
        drift: what the odds of a wrong answer are multiplied by from then on.
        attack_week: from when on attackers come; None for never.
        attack_share: share of the traffic that they reach within four weeks.
        season: how much volume and amounts swing over the quarter.
        customers: how many there are, some of whom come more often; the log holds their hashes. 0 for none.
        outages: share of exchanges in which one fact, by chance, cannot be had.
        people: who reads.
        answers_weekly: cases that people can read in a week; what they cannot, expires. None for all.
    """

    seed: int = 0
    weeks: int = 13
    weekly: int = 400
    start: datetime = datetime(2026, 8, 31, tzinfo=UTC)
    wrong: float = 0.07
    stopped_wrong: float = 0.6
    drift_week: int | None = None
    drift: float = 3.0
    attack_week: int | None = None
    attack_share: float = 0.04
    season: float = 0.2
    customers: int = 400
    outages: float = 0.0
    people: tuple[SimulatedReviewer, ...] = field(default_factory=lambda: staff(honest=6, stampers=0))
    answers_weekly: int | None = None

    def chance(self, name: str, week: int = 0) -> np.random.Generator:
        """Return a source of chance of its own for each name and week.

        What it decides leaves alone what others draw, so that a quarter with a plant is otherwise the same.
        """
        return np.random.default_rng((self.seed, week, crc32(name.encode())))
