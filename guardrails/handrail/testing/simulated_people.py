"""The people of a simulated quarter: who catches what, who reads at all, and how long each takes."""

from dataclasses import dataclass

import numpy as np

WRONG_ENDINGS = ("edit", "reject", "answer")
_ENDING_ODDS = (0.6, 0.3, 0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedReviewer:
    """One reviewer. `catches`: share of wrong cases that they do not approve; `alarms`: of right ones.

    `seconds` is the median time from taking a case to deciding it, `tires` how much less is caught for each
    ten cases of a day.
    """

    name: str
    catches: float = 0.92
    alarms: float = 0.01
    seconds: float = 90.0
    spread: float = 0.6
    tires: float = 0.01

    def verdict(self, rng: np.random.Generator, *, is_wrong: bool, before: int) -> str:
        """Return what they say of a case, after `before` others on that day."""
        caught = max(0.0, self.catches - self.tires * before / 10)
        if rng.random() >= (caught if is_wrong else self.alarms):
            return "approve"
        return WRONG_ENDINGS[int(rng.choice(len(WRONG_ENDINGS), p=_ENDING_ODDS))]

    def took(self, rng: np.random.Generator) -> float:
        """Return how many seconds they take over a case."""
        return float(self.seconds * np.exp(rng.normal(0.0, self.spread)))


def rubber_stamper(name: str) -> SimulatedReviewer:
    """Return somebody who approves within seconds whatever is shown."""
    return SimulatedReviewer(name=name, catches=0.03, alarms=0.003, seconds=4.0, spread=0.5)


def quick_expert(name: str) -> SimulatedReviewer:
    """Return somebody who is fast and right: no rubber-stamper, whatever the clock says."""
    return SimulatedReviewer(name=name, catches=0.95, alarms=0.005, seconds=14.0, spread=0.5)


def staff(*, honest: int, stampers: int, experts: int = 1) -> tuple[SimulatedReviewer, ...]:
    """Return the people of a quarter: the first names are honest ones, the last ones rubber-stampers."""
    count = honest + experts + stampers
    names = [f"person-{place + 1}" for place in range(count)]
    return (
        *(SimulatedReviewer(name=name, seconds=70.0 + 12 * (i % 4)) for i, name in enumerate(names[:honest])),
        *(quick_expert(name) for name in names[honest : honest + experts]),
        *(rubber_stamper(name) for name in names[honest + experts :]),
    )
