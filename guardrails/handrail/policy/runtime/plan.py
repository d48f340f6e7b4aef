"""A policy's units of evaluation: what each reads, when it speaks, how it is found by a fact's value."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from handrail.policy.language.compile import Test
from handrail.policy.language.facts import FactDeclaration, acceptor
from handrail.policy.language.ir import Always, And, Formula, Member, Missing, atoms, selectors
from handrail.policy.language.sources import Caller, Ledger, Source
from handrail.policy.runtime.rules import BusinessDecision, Condition, Rule, Statement
from handrail.records import FactValue, Stage

Unit: TypeAlias = Rule | BusinessDecision | Statement

MAX_SELECTORS = 3
OTHER = "\0other"


@dataclass(frozen=True, slots=True)
class Course:
    """What is evaluated for one stage, one set of facts at hand and one choice of selector values.

    `present` are the facts read that are at hand, each with what tells whether its value fits.
    """

    statements: tuple[Statement, ...]
    rules: tuple[tuple[Test, Rule], ...]
    decisions: tuple[BusinessDecision, ...]
    present: tuple[tuple[str, Callable[[object], bool]], ...]


@dataclass(frozen=True, slots=True)
class Selector:
    """A fact by whose value rules are indexed; `named` are the values that some rule asks for."""

    fact: FactDeclaration
    named: frozenset[str]
    fits: Callable[[object], bool]

    def pick(self, facts: Mapping[str, FactValue]) -> str | None:
        """Return the value if a rule names it, a stand-in for any other, None if it is not known."""
        value = facts.get(self.fact.name)
        if type(value) is not str or not self.fits(value):
            return None
        return value if value in self.named else OTHER


def selectors_of(units: Iterable[Unit], facts: Mapping[str, FactDeclaration]) -> tuple[Selector, ...]:
    """Return the facts that most units are selected by."""
    named: dict[str, list[frozenset[str]]] = {}
    for unit in units:
        for name, values in selectors(condition_of(unit).formula).items():
            named.setdefault(name, []).append(values)
    most = sorted(named, key=lambda name: -len(named[name]))[:MAX_SELECTORS]
    return tuple(
        Selector(facts[name], frozenset[str]().union(*named[name]), acceptor(facts[name])) for name in most
    )


def can_be_certain(rule: Rule, present: Collection[str]) -> bool:
    """True when a rule of a later stage may be true already; a fact that is still to come is not missing."""
    return any(name in present for name in rule.when.reads) and not any(
        isinstance(atom, Missing) and atom.fact not in present for atom in atoms(rule.when.formula)
    )


def only_if_certain(test: Test) -> Test:
    """Return a test that is false where the given one cannot tell yet, because facts are still to come."""
    return lambda known: test(known) is True


def condition_of(unit: Unit) -> Condition:
    """Return the condition under which a unit speaks at all."""
    match unit:
        case Rule():
            return unit.when
        case BusinessDecision():
            return unit.applies
        case Statement():
            return unit.that


def is_ruled_out(unit: Unit, chosen: Mapping[str, str | None]) -> bool:
    """True when a selector's value already makes a rule false, whatever the other facts are; pure."""
    if isinstance(unit, Statement):
        return False
    for name, values in selectors(condition_of(unit).formula).items():
        value = chosen.get(name)
        if value is not None and value not in values:
            return True
    return False


def settled(formula: Formula, chosen: Mapping[str, str | None]) -> Formula:
    """Return what is left of a formula once selectors have made some of its parts true; pure."""
    if isinstance(formula, Member):
        value = chosen.get(formula.fact)
        return Always(True) if value is not None and value in formula.values else formula
    if not isinstance(formula, And):
        return formula
    parts = [settled(part, chosen) for part in formula.parts]
    if all(new is old for new, old in zip(parts, formula.parts, strict=True)):
        return formula
    left = tuple(part for part in parts if part != Always(True))
    return And(left) if len(left) > 1 else left[0] if left else Always(True)


def stage_of(unit: Unit) -> Stage:
    """Return a unit's own stage: the latest among the facts it reads."""
    return unit.stage if isinstance(unit, BusinessDecision) else condition_of(unit).stage


def is_fetched(source: Source) -> bool:
    """True where a fact costs a question to the store or to the caller."""
    return isinstance(source, Ledger | Caller)


def reads_of(unit: Unit) -> tuple[str, ...]:
    """Return the facts that a unit reads."""
    return unit.reads if isinstance(unit, BusinessDecision) else condition_of(unit).reads


def texts_named_in(units: Iterable[Unit]) -> frozenset[str]:
    """Return every text that some rule compares a fact with; pure."""
    found: set[str] = set()
    for unit in units:
        formulas = [condition_of(unit).formula]
        if isinstance(unit, BusinessDecision):
            formulas += [rule.when.formula for rule in unit.rules]
        for atom in (atom for formula in formulas for atom in atoms(formula)):
            if isinstance(atom, Member):
                found |= atom.values
    return frozenset(found)
