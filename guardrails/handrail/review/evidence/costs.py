"""What a wrong answer costs, where a hand-off costs 1: by it everything is weighed."""

from dataclasses import dataclass

MISSED = 4.0
"""What a wrong answer that is passed costs, where a hand-off costs 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a wrong answer costs, where a hand-off costs 1."""

    missed: float = MISSED

    @property
    def break_even(self) -> float:
        """Share of wrong cases from which on a person pays."""
        return 1.0 / self.missed
