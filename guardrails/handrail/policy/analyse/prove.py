"""Asks z3 where boxes cannot say: rules that compare facts with each other. Needs `handrail[prove]`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from handrail.errors import MissingExtra
from handrail.policy.analyse.boxes import DAY, INTEGERS, size_of
from handrail.policy.analyse.witness import typed
from handrail.policy.language import ir
from handrail.policy.language.facts import OTHER_TEXT, FactDeclaration, Kind
from handrail.policy.language.scope import said
from handrail.policy.runtime.policy import Policy
from handrail.policy.runtime.rules import BusinessDecision, BusinessRule
from handrail.records import FactValue, Money

Z3: TypeAlias = Any
WORDS = frozenset({Kind.ONE_OF, Kind.WEEKDAY, Kind.TEXT})


_HUNDREDTHS = (Kind.MONEY, Kind.NUMBER, Kind.PERCENT)
"""Types whose values are shown in whole hundredths."""


@dataclass(slots=True)
class Encoding:
    """Variables of one policy; made when first asked for, so that a query holds only what it reads."""

    z3: Z3
    facts: Mapping[str, FactDeclaration]
    constants: Mapping[str, Decimal]
    _values: dict[str, Z3] = field(default_factory=dict)
    _currencies: dict[str, Z3] = field(default_factory=dict)
    _items: dict[tuple[str, str], Z3] = field(default_factory=dict)
    _codes: dict[str, int] = field(default_factory=dict)

    def is_known(self, name: str) -> Z3:
        """Return the claim that a fact is known."""
        self._value(name)
        return self.z3.Bool(f"known:{name}")

    def true(self, formula: ir.Formula) -> Z3:
        """Return the claim that a formula is certainly true."""
        return self._claim(formula, is_true=True)

    def false(self, formula: ir.Formula) -> Z3:
        """Return the claim that a formula is certainly false."""
        return self._claim(formula, is_true=False)

    def _claim(self, formula: ir.Formula, *, is_true: bool) -> Z3:
        match formula:
            case ir.Not(inner=inner):
                return self._claim(inner, is_true=not is_true)
            case ir.And(parts=parts) | ir.Or(parts=parts):
                claims = [self._claim(part, is_true=is_true) for part in parts]
                return self.z3.And(claims) if isinstance(formula, ir.And) is is_true else self.z3.Or(claims)
            case ir.Always(value=value):
                return self.z3.BoolVal(value is is_true)
            case ir.Missing(fact=fact):
                known = self.is_known(fact)
                return self.z3.Not(known) if is_true else known
        conditions, claim = self._atom(formula)
        return self.z3.And([*conditions, claim if is_true else self.z3.Not(claim)])

    def _atom(self, atom: ir.Formula) -> tuple[list[Z3], Z3]:
        """Return under which conditions an atom is known, and the claim it makes then."""
        match atom:
            case ir.Truth(fact=fact):
                return [self.is_known(fact)], self._value(fact)
            case ir.Member(fact=fact, values=values):
                value = self._value(fact)
                claim = self.z3.Or([value == self._code(word) for word in sorted(values)])
                return [self.is_known(fact)], claim
            case ir.Holds(fact=fact, item=item):
                return [self.is_known(fact)], self._item(fact, item)
            case ir.Order(operator=operator, fact=fact, bound=bound):
                conditions = [self.is_known(fact)]
                if isinstance(bound, Money):
                    conditions.append(self._currency(fact) == self._code(bound.currency))
                return conditions, self._compare(operator, self._value(fact), self._number(size_of(bound)))
            case ir.Relation(operator=operator, left=left, right=right):
                return self._relation(operator, left, right)
            case _:
                raise TypeError(f"{type(atom).__name__} is no atom")

    def _relation(
        self, operator: str, left: tuple[ir.Term, ...], right: tuple[ir.Term, ...]
    ) -> tuple[list[Z3], Z3]:
        terms = (*left, *right)
        conditions = [self.is_known(str(term.value)) for term in terms if term.is_fact]
        units = [unit for term in terms if (unit := self._unit(term)) is not None]
        conditions += [unit == units[0] for unit in units[1:]]
        return conditions, self._compare(operator, self._sum(left), self._sum(right))

    def _unit(self, term: ir.Term) -> Z3 | None:
        if isinstance(term.value, Money):
            return self.z3.IntVal(self._code(term.value.currency))
        if term.is_fact and self.facts[str(term.value)].type is Kind.MONEY:
            return self._currency(str(term.value))
        return None

    def _sum(self, terms: tuple[ir.Term, ...]) -> Z3:
        values = []
        for term in terms:
            if term.is_fact:
                value = self._value(str(term.value))
            elif isinstance(term.value, str):
                value = self.z3.IntVal(self._code(term.value))
            elif isinstance(term.value, bool):
                value = self.z3.BoolVal(term.value)
            else:
                value = self._number(size_of(term.value))
            values.append(value if term.sign > 0 else -value)
        total = values[0]
        for value in values[1:]:
            total = total + value
        return total

    def _compare(self, operator: str, left: Z3, right: Z3) -> Z3:
        match operator:
            case "==":
                return left == right
            case "!=":
                return left != right
            case "<":
                return left < right
            case "<=":
                return left <= right
            case ">":
                return left > right
            case _:
                return left >= right

    def _value(self, name: str) -> Z3:
        if name not in self._values:
            kind = self.facts[name].type
            if kind is Kind.YES_NO:
                self._values[name] = self.z3.Bool(f"value:{name}")
            elif kind in WORDS or kind in INTEGERS:
                self._values[name] = self.z3.Int(f"value:{name}")
            elif kind is Kind.SET:
                self._values[name] = self.z3.BoolVal(True)
            else:
                self._values[name] = self.z3.Real(f"value:{name}")
        return self._values[name]

    def _currency(self, name: str) -> Z3:
        if name not in self._currencies:
            self._currencies[name] = self.z3.Int(f"currency:{name}")
        return self._currencies[name]

    def _item(self, name: str, item: str) -> Z3:
        self._value(name)
        if (name, item) not in self._items:
            self._items[name, item] = self.z3.Bool(f"holds:{name}:{item}")
        return self._items[name, item]

    def _code(self, word: str) -> int:
        return self._codes.setdefault(word, len(self._codes))

    def _number(self, number: Decimal) -> Z3:
        return self.z3.RealVal(str(number))

    def domain(self) -> list[Z3]:
        """Return what holds of every value that has been asked for so far."""
        claims: list[Z3] = []
        for name, value in self._values.items():
            fact = self.facts[name]
            if name in self.constants:
                claims += [self.z3.Bool(f"known:{name}"), value == self._number(self.constants[name])]
            if fact.type in (Kind.ONE_OF, Kind.WEEKDAY):
                claims.append(self.z3.Or([value == self._code(word) for word in fact.values]))
            elif fact.type is Kind.TEXT:
                claims.append(value >= 0)
            elif fact.type is Kind.DATE:
                claims += [value >= date.min.toordinal(), value <= date.max.toordinal()]
            elif fact.type is Kind.TIME:
                claims += [value >= 0, value < self._number(DAY)]
            elif fact.type is Kind.MONEY:
                codes = [self._currency(name) == self._code(code) for code in fact.currencies]
                claims += [self.z3.Or(codes), value >= 0]
            elif fact.type in (Kind.NUMBER, Kind.WHOLE, Kind.DURATION):
                claims += [value >= self._number(size_of(b)) for b in (fact.least,) if b is not None]
                claims += [value <= self._number(size_of(b)) for b in (fact.most,) if b is not None]
        return claims

    def grid(self) -> list[Z3]:
        """Return the claims that amounts and numbers are whole hundredths, times whole seconds."""
        claims = []
        for name, value in self._values.items():
            kind = self.facts[name].type
            if kind in (*_HUNDREDTHS, Kind.DURATION, Kind.TIME) and name not in self.constants:
                steps = 100 if kind in _HUNDREDTHS else 1
                claims.append(value * steps == self.z3.ToReal(self.z3.Int(f"steps:{name}")))
        return claims

    def fix(self, case: Mapping[str, FactValue]) -> list[Z3]:
        """Return the claims that every fact asked for so far is as in a case."""
        claims: list[Z3] = []
        for name in tuple(self._values):
            value = case.get(name)
            known = self.z3.Bool(f"known:{name}")
            claims.append(known == self.z3.BoolVal(value is not None))
            if value is not None:
                claims += self._fixed(name, value)
        return claims

    def _fixed(self, name: str, value: FactValue) -> list[Z3]:
        match value:
            case bool():
                return [self._value(name) == self.z3.BoolVal(value)]
            case str():
                return [self._value(name) == self._code(value)]
            case frozenset():
                items = [item for fact, item in self._items if fact == name]
                return [self._item(name, item) == self.z3.BoolVal(item in value) for item in items]
            case Money(currency=currency):
                amount = self._number(value.amount)
                return [self._value(name) == amount, self._currency(name) == self._code(currency)]
            case Decimal() | timedelta() | time() | date():
                return [self._value(name) == self._number(size_of(value))]
            case _:
                return []

    def case(self, model: Z3) -> dict[str, FactValue]:
        """Return a model as a case; facts that are missing, or that no claim reads, are left out."""
        found: dict[str, FactValue] = {}
        for name in self._values:
            is_known = model.eval(self.z3.Bool(f"known:{name}"))
            if self.z3.is_true(is_known) and name not in self.constants:
                found[name] = self._modelled(model, name)
        return found

    def _modelled(self, model: Z3, name: str) -> FactValue:
        fact = self.facts[name]
        if fact.type is Kind.SET:
            items = (item for owner, item in self._items if owner == name)
            return frozenset(i for i in items if self.z3.is_true(model.eval(self._item(name, i))))
        value = model.eval(self._value(name), model_completion=True)
        if fact.type is Kind.YES_NO:
            return bool(self.z3.is_true(value))
        if fact.type in WORDS:
            code = value.as_long()
            word = next((word for word, number in self._codes.items() if number == code), None)
            return word if word is not None else f"{OTHER_TEXT}_{code}"
        if fact.type in INTEGERS:
            return typed(Decimal(value.as_long()), fact)
        number = Decimal(value.numerator_as_long()) / Decimal(value.denominator_as_long())
        currency = ""
        if fact.type is Kind.MONEY:
            code = model.eval(self._currency(name), model_completion=True).as_long()
            currency = next(word for word, spot in self._codes.items() if spot == code)
        return typed(number, fact, currency)


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
        if decision.speaks is not None:
            claim.append(self.encoding.true(decision.speaks.formula))
        claim += [self.encoding.false(rule.when.formula) for rule in rules]
        claim += [self.encoding.is_known(name) for name in decision.reads]
        return self._case(claim, self._statements())

    def ever(self, decision: BusinessDecision | None, formula: ir.Formula) -> bool:
        """Tell whether a formula is ever true (where the decision applies); unsure counts as yes."""
        claim = [self.encoding.true(formula)]
        if decision is not None:
            claim.append(self.encoding.true(decision.applies.formula))
        return bool(self._check([*claim, *self._statements()]) != self.z3.unsat)

    def live(self, decision: BusinessDecision, rule: BusinessRule, *, is_live: bool) -> Z3:
        """Return the claim that a rule is certainly live, or certainly not."""
        key = (decision.name, rule.id, is_live)
        if key not in self._live:
            beaters = [r for r in decision.rules if r.id in rule.overridden_by and not r.is_shadow]
            if is_live:
                parts = [self.encoding.true(rule.when.formula)]
                parts += [self.live(decision, beater, is_live=False) for beater in beaters]
                self._live[key] = self.z3.And(parts)
            else:
                parts = [self.encoding.false(rule.when.formula)]
                parts += [self.live(decision, beater, is_live=True) for beater in beaters]
                self._live[key] = self.z3.Or(parts)
        return self._live[key]

    def holds(self, formula: ir.Formula, case: Mapping[str, FactValue]) -> bool | None:
        """Evaluate a formula over a case in z3's own logic; for comparing evaluators."""
        true, false = self.encoding.true(formula), self.encoding.false(formula)
        fixed = self.encoding.fix(case)
        if self._check([*fixed, true]) == self.z3.sat:
            return True
        return False if self._check([*fixed, false]) == self.z3.sat else None

    def _statements(self) -> list[Z3]:
        claims = self._stated()
        for statement in self.policy.statements:
            formula = statement.that.formula
            broken = self.encoding.false(formula) if statement.holds else self.encoding.true(formula)
            claims.append(self.z3.Not(broken))
        return claims

    def _stated(self) -> list[Z3]:
        """Return that it is known whether the answer says a fact, and that only what is said has a value."""
        claims: list[Z3] = []
        for name in sorted(self.policy.scopes.stated):
            claims.append(self.encoding.is_known(said(name)))
            is_said = self.encoding.true(ir.Truth(said(name)))
            claims.append(self.z3.Implies(self.encoding.is_known(name), is_said))
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
