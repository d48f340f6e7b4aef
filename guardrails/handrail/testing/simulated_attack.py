"""Attackers of a simulated quarter: they ask for a little less than the limit, and learn it by trying."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from handrail.policy import FactDeclaration, Kind, Policy
from handrail.policy.analyse.analysis import bounds_of, formulas_of
from handrail.policy.language import sources
from handrail.records import FactValue, Money

MOSTLY_LET_THROUGH = 0.4
"""Other rules stop some of them whatever they ask for."""
MOST_ASKED = 20.0
"""They never ask for more than so many times the limit that they first met."""


class Attack:
    """Attackers who ask for a little less than a limit, and follow it where it goes.

    Once most of them are stopped they ask for less, and while most are let through they try a little more.

    Args:
        amount: the amount they ask for, the tool that takes it, and the lowest limit in force; None where the
            policy holds no amount of a tool against a limit, so that there is nothing to ask for.
    """

    def __init__(self, amount: tuple[FactDeclaration, str, float] | None) -> None:
        self._amount = amount
        self._share = 0.98

    @classmethod
    def on(cls, policy: Policy) -> "Attack":
        """Return the attack on the lowest limit of a policy."""
        bounds = bounds_of(tuple(formulas_of(policy)))
        for fact in policy.facts.values():
            is_asked = isinstance(fact.source, sources.ToolArgument) and fact.source.of
            if fact.type is not Kind.MONEY or not is_asked or not fact.currencies:
                continue
            limits = [float(bound) for bound in bounds.get(fact.name, ()) if bound > 0]
            if limits and isinstance(fact.source, sources.ToolArgument):
                return cls((fact, fact.source.of[0][0], min(limits)))
        return cls(None)

    @property
    def is_possible(self) -> bool:
        """True where there is a limit."""
        return self._amount is not None

    def request(
        self, rng: np.random.Generator, facts: dict[str, FactValue]
    ) -> tuple[str, dict[str, FactValue]]:
        """Return the tool that is called and the facts of an attack, made from those of another exchange."""
        assert self._amount is not None
        fact, tool, limit = self._amount
        asked = Decimal(str(round(limit * self._share * float(rng.uniform(0.9, 1.0)), 2)))
        return tool, {**facts, fact.name: Money(amount=asked, currency=fact.currencies[0])}

    def learn(self, stopped: Sequence[bool]) -> None:
        """Ask for less if most of the week's attacks were stopped, for more if most were let through."""
        if not stopped:
            return
        share = sum(stopped) / len(stopped)
        if share > 0.5:
            self._share *= 0.7
        elif share < MOSTLY_LET_THROUGH:
            self._share = min(self._share * 1.25, MOST_ASKED)
