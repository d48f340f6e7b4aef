"""Asks z3 where boxes cannot say: rules that compare facts with each other. Needs `handrail[prove]`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

from handrail.errors import MissingExtra
from handrail.policy.analyse.encode import Encoding
from handrail.policy.logic import Formula
from handrail.policy.policy import Policy
from handrail.policy.rules import BusinessDecision, BusinessRule
from handrail.records import FactValue

Z3: TypeAlias = Any
TIMEOUT_MS = 2000


@dataclass(slots=True)
class Z3Prover:
    """One policy as z3 sees it; a question is a small query over the facts it reads."""

    policy: Policy
    z3: Z3
    encoding: Encoding
    _live: dict[tuple[str, str, bool], Z3] = field(default_factory=dict)

    def conflict(
        self, decision: BusinessDecision, one: BusinessRule, other: BusinessRule
    ) -> dict[str, FactValue] | None:
        """Return a case in which the decision applies and both rules are live, None if there is none."""
        claim = [
            self.encoding.true(decision.applies.formula),
            self.live(decision, one, is_live=True),
            self.live(decision, other, is_live=True),
        ]
        return self._case(claim, self._statements())

    def gap(self, decision: BusinessDecision) -> dict[str, FactValue] | None:
        """Return a case with all facts known in which no rule is true, None if there is none."""
        rules = [rule for rule in decision.rules if not rule.is_shadow]
        claim = [self.encoding.true(decision.applies.formula)]
        claim += [self.encoding.false(rule.when.formula) for rule in rules]
        claim += [self.encoding.is_known(name) for name in decision.reads]
        return self._case(claim, self._statements())

    def ever(self, decision: BusinessDecision | None, formula: Formula) -> bool:
        """Tell whether a formula is ever true (where the decision applies); unsure counts as yes."""
        claim = [self.encoding.true(formula)]
        if decision is not None:
            claim.append(self.encoding.true(decision.applies.formula))
        return bool(self._check([*claim, *self._statements()]) != self.z3.unsat)

    def live(self, decision: BusinessDecision, rule: BusinessRule, *, is_live: bool) -> Z3:
        """Return the claim that a rule is certainly live, or certainly not."""
        key = (decision.name, rule.id, is_live)
        if key not in self._live:
            beaters = [r for r in decision.rules if r.id in rule.beaten_by and not r.is_shadow]
            if is_live:
                parts = [self.encoding.true(rule.when.formula)]
                parts += [self.live(decision, beater, is_live=False) for beater in beaters]
                self._live[key] = self.z3.And(parts)
            else:
                parts = [self.encoding.false(rule.when.formula)]
                parts += [self.live(decision, beater, is_live=True) for beater in beaters]
                self._live[key] = self.z3.Or(parts)
        return self._live[key]

    def holds(self, formula: Formula, case: Mapping[str, FactValue]) -> bool | None:
        """Evaluate a formula over a case in z3's own logic; for comparing evaluators."""
        true, false = self.encoding.true(formula), self.encoding.false(formula)
        fixed = self.encoding.fix(case)
        if self._check([*fixed, true]) == self.z3.sat:
            return True
        return False if self._check([*fixed, false]) == self.z3.sat else None

    def _statements(self) -> list[Z3]:
        claims = []
        for statement in self.policy.statements:
            formula = statement.that.formula
            broken = self.encoding.false(formula) if statement.holds else self.encoding.true(formula)
            claims.append(self.z3.Not(broken))
        return claims

    def _solver(self, claims: Iterable[Z3]) -> Z3:
        solver = self.z3.Solver()
        solver.set("timeout", TIMEOUT_MS)
        claims = list(claims)
        solver.add(*claims)
        solver.add(*self.encoding.domain())
        return solver

    def _check(self, claims: Iterable[Z3]) -> Z3:
        return self._solver(claims).check()

    def _case(self, claim: list[Z3], statements: list[Z3]) -> dict[str, FactValue] | None:
        solver = self._solver([*claim, *statements])
        # Cents and seconds first: a third of a cent is a case, but none that the evaluator can be shown.
        solver.push()
        solver.add(*self.encoding.grid())
        if solver.check() == self.z3.sat:
            return self.encoding.case(solver.model())
        solver.pop()
        return self.encoding.case(solver.model()) if solver.check() == self.z3.sat else None


def prover_for(policy: Policy) -> Z3Prover:
    """Return a prover for a policy.

    Raises:
        MissingExtra: z3 is not installed.
    """
    try:
        import z3
    except ImportError:
        raise MissingExtra("prove", "z3-solver") from None
    constants = {name: value for name, value in policy.constants.items() if isinstance(value, Decimal)}
    return Z3Prover(policy=policy, z3=z3, encoding=Encoding(z3, policy.facts, constants))
