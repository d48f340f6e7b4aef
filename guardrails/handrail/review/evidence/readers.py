"""Who reads and who only clicks: approvals and reading times of each person, against everybody else's.

A person is named only where both hold: they leave unchanged what others in the same kinds of cases would
change, proved by a bet that stays valid at every look; and most of their decisions came faster than a case
can be read. Fast and right is no fault, and neither is slow and mild.
"""

import math
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from handrail.review.log.review_log import NO_VERDICT, READING_FLOOR_S, WRONG, ReviewLog

LEVEL = 0.01
"""Chance that anybody at all is named who reads like the others."""
HALF = 0.5
"""Who changes less than half of what others change in the same kinds of cases does not read."""
FEWEST_OTHERS = 20
"""Cases of other people that a kind of case needs before anybody is held against it."""
FATIGUE_ZONE = (2 * READING_FLOOR_S, 0.95)
"""Median seconds below which, and approvals above which, a person's reading is in doubt on the page."""


@dataclass(slots=True, kw_only=True)
class ReaderRecord:
    """What is known of one person. `log_wealth` is the evidence that they approve what others would not."""

    name: str
    cases: int = 0
    approved: int = 0
    fast: int = 0
    timed: int = 0
    seconds: list[float] = field(default_factory=list)
    logs: np.ndarray = field(default_factory=lambda: np.zeros(3))
    found: int | None = None

    @property
    def log_wealth(self) -> float:
        """Logarithm of the mean wealth of the bets."""
        return float(np.logaddexp.reduce(self.logs)) - math.log(len(self.logs))

    @property
    def median_s(self) -> float | None:
        """Median seconds over a case, None where nobody saw when one was taken."""
        return float(np.median(self.seconds)) if self.seconds else None

    @property
    def is_fast(self) -> bool:
        """True when at least half of their decisions took less than twice the reading floor."""
        return self.timed > 0 and self.fast >= self.timed / 2


_STAKES = np.array([0.25, 0.5, 0.85])


class Readers:
    """Follows everybody's verdicts week by week."""

    def __init__(self, *, level: float = LEVEL) -> None:
        self._level = level
        self.records: dict[str, ReaderRecord] = {}
        self._kinds: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))

    @property
    def found(self) -> frozenset[str]:
        """Who does not read."""
        return frozenset(name for name, record in self.records.items() if record.found is not None)

    def take(self, week: ReviewLog) -> tuple[str, ...]:
        """Take in the next week, and return who is named now."""
        judged = np.flatnonzero(week.verdict != NO_VERDICT)
        strata = week.stratum
        cases: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
        for place in judged:
            name, is_changed = week.reviewer[place], int(week.verdict[place] == WRONG)
            if not name:
                continue
            mine = cases[name, strata[place]]
            mine[0], mine[1] = mine[0] + is_changed, mine[1] + 1
            kind = self._kinds[strata[place]][name]
            kind[0], kind[1] = kind[0] + is_changed, kind[1] + 1
            self._timed(name, is_changed, float(week.seconds[place]))
        for (name, stratum), (changed, count) in cases.items():
            self._bet(name, stratum, changed, count)
        return self._named(int(week.week[-1]) if len(week) else 0)

    def _timed(self, name: str, is_changed: int, seconds: float) -> None:
        record = self.records.setdefault(name, ReaderRecord(name=name))
        record.cases, record.approved = record.cases + 1, record.approved + 1 - is_changed
        if not math.isnan(seconds):
            record.timed += 1
            record.fast += seconds < 2 * READING_FLOOR_S
            record.seconds.append(seconds)

    def _bet(self, name: str, stratum: str, changed: int, count: int) -> None:
        others = [
            each
            for person, each in self._kinds[stratum].items()
            if person != name and self.records[person].found is None
        ]
        total = sum(each[1] for each in others)
        if total < FEWEST_OTHERS:
            return
        bound = HALF * sum(each[0] for each in others) / total
        stakes = _STAKES / (1.0 - bound)
        record = self.records[name]
        record.logs = record.logs + (count - changed) * np.log1p(stakes * bound)
        record.logs = record.logs + changed * np.log1p(-stakes * (1.0 - bound))

    def _named(self, week: int) -> tuple[str, ...]:
        goal = math.log(max(1, len(self.records))) - math.log(self._level)
        named = []
        for record in self.records.values():
            if record.found is None and record.is_fast and record.log_wealth >= goal:
                record.found = week
                named.append(record.name)
        return tuple(named)
