"""What an analysis of one policy shares: its space, the possible cases, and the prover if there is one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from handrail.policy.analyse.boxes import Box, Space, size_of, space_of
from handrail.policy.analyse.regions import possible
from handrail.policy.analyse.witness import candidate_values
from handrail.policy.language.ir import Formula, Order, Relation, atoms
from handrail.policy.runtime.policy import Policy
from handrail.policy.runtime.rules import BusinessDecision, BusinessRule
from handrail.records import FactValue


class Prover(Protocol):
    """Answers what boxes cannot; `handrail[prove]` brings one."""

    def conflict(
        self, decision: BusinessDecision, one: BusinessRule, other: BusinessRule
    ) -> dict[str, FactValue] | None:
        """Return a case in which both rules are live, None if there is none."""

    def gap(self, decision: BusinessDecision) -> dict[str, FactValue] | None:
        """Return a case with all facts known in which no rule is true, None if there is none."""

    def ever(self, decision: BusinessDecision | None, formula: Formula) -> bool:
        """Tell whether a formula is ever true (where the decision applies)."""


@dataclass(slots=True)
class Analysis:
    """One policy under analysis."""

    policy: Policy
    space: Space
    candidates: Mapping[str, list[FactValue]]
    prover: Prover | None = None
    bad_witnesses: int = 0
    _possible: list[Box] | None = None
    _applies: dict[str, list[Box]] = field(default_factory=dict)

    def possible(self) -> list[Box]:
        """Return the cases that the policy's statements allow.

        Raises:
            NotBoxable: boxes cannot say.
        """
        if self._possible is None:
            self._possible = possible(self.space, self.policy.statements)
        return self._possible

    def applies(self, decision: BusinessDecision) -> list[Box]:
        """Return where a decision applies for certain.

        Raises:
            NotBoxable: boxes cannot say.
        """
        if decision.name not in self._applies:
            self._applies[decision.name] = self.space.true(decision.applies.formula)
        return self._applies[decision.name]

    def complete(self, case: Mapping[str, FactValue]) -> Mapping[str, FactValue]:
        """Return a case with the policy's calibrated thresholds."""
        return {**case, **self.policy.constants} if self.policy.constants else case

    def is_possible(self, case: Mapping[str, FactValue]) -> bool:
        """Tell whether no statement about the facts is broken for certain."""
        known = self.complete(case)
        return all(
            (verdict := statement.that.test(known)) is None or verdict is statement.holds
            for statement in self.policy.statements
        )


def analysis_of(policy: Policy, prover: Prover | None = None) -> Analysis:
    """Set up the analysis of a policy; pure."""
    formulas = tuple(formulas_of(policy))
    space = space_of(policy.facts, formulas)
    return Analysis(
        policy=policy, space=space, candidates=candidate_values(space, bounds_of(formulas)), prover=prover
    )


def formulas_of(policy: Policy) -> Iterator[Formula]:
    """Yield every formula of a policy."""
    yield from (statement.that.formula for statement in policy.statements)
    yield from (rule.when.formula for rule in policy.hand_offs)
    for decision in policy.decisions.values():
        yield decision.applies.formula
        if decision.speaks is not None:
            yield decision.speaks.formula
        yield from (rule.when.formula for rule in decision.rules)


def bounds_of(formulas: tuple[Formula, ...]) -> dict[str, frozenset[Decimal]]:
    """Return the constants that sizes are compared with, by fact; pure."""
    found: dict[str, set[Decimal]] = {}
    for formula in formulas:
        for atom in atoms(formula):
            if isinstance(atom, Order):
                found.setdefault(atom.fact, set()).add(size_of(atom.bound))
            elif isinstance(atom, Relation):
                terms = (*atom.left, *atom.right)
                sizes = [
                    size_of(term.value)
                    for term in terms
                    if not term.is_fact and not isinstance(term.value, str | bool)
                ]
                for term in terms:
                    if term.is_fact:
                        found.setdefault(str(term.value), set()).update(sizes)
    return {name: frozenset(sizes) for name, sizes in found.items()}
