"""A policy's rules once they are compiled: what the evaluator runs and what listings show."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from handrail.policy.language.compile import KnownFacts, Test
from handrail.policy.language.ir import Formula, Member, atoms
from handrail.policy.language.scope import EVERYWHERE, Scopes
from handrail.records import Effect, Reason, Severity, Stage, Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A compiled expression: its text, its logical form, the test that evaluates it and what it reads.

    `scopes` says where the facts that it reads apply.
    """

    text: str
    formula: Formula
    test: Test
    reads: tuple[str, ...]
    stage: Stage
    line: int = 0
    scopes: Scopes = EVERYWHERE

    def unknown(self, known: KnownFacts) -> tuple[str, ...]:
        """Return the facts that it reads, that apply and are not known, in the order of reading."""
        applies = self.scopes.is_applicable
        return tuple(name for name in self.reads if name not in known and applies(name, known))

    def rests(self, known: KnownFacts) -> bool:
        """Tell whether it is false because what it speaks of does not apply to the tool that is called."""
        name = known.get(self.scopes.tool)
        if name is None or all(self.scopes.is_applicable(fact, known) for fact in self.reads):
            return False
        return self.test({self.scopes.tool: name}) is False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of `hand_offs`. `reasons` are what it adds to a decision when it is true.

    `is_built_in`: it follows from other keys of the file and is not written there.
    """

    id: str
    when: Condition
    effect: Effect
    role: str | None
    also_to: tuple[str, ...]
    trigger: Trigger
    severity: Severity
    because: str
    source: str
    is_shadow: bool
    finding_types: frozenset[str]
    notice: str | None
    reasons: tuple[Reason, ...]
    is_built_in: bool = False

    @property
    def condition(self) -> Condition:
        """The condition under which the rule applies."""
        return self.when

    @property
    def reads(self) -> tuple[str, ...]:
        """The facts that it reads."""
        return self.when.reads

    @property
    def stage(self) -> Stage:
        """The latest stage among the facts it reads."""
        return self.when.stage


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPlan:
    """What an answer of a business decision leads to."""

    name: str
    effect: Effect
    role: str | None
    also_to: tuple[str, ...]
    trigger: Trigger
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessRule:
    """A rule of a business decision. `overridden_by` are the rules that override it."""

    id: str
    when: Condition
    answer: str
    because: str
    source: str
    is_shadow: bool
    overrides: tuple[str, ...]
    overridden_by: tuple[str, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictOwner:
    """Who decides where live rules disagree: `between` are the rules it is for, none for any."""

    role: str
    also_to: tuple[str, ...] = ()
    severity: Severity = Severity.MEDIUM
    between: frozenset[str] = frozenset()

    def reasons_for(self, rules: Sequence[BusinessRule]) -> tuple[Reason, ...]:
        """Return what rules that disagree add to a decision."""
        return tuple(
            Reason(
                rule=rule.id,
                effect=Effect.HAND_OFF,
                trigger=Trigger.POLICY_CONFLICT,
                severity=self.severity,
                role=role,
                because=rule.because or rule.source,
                facts_read=rule.when.reads,
            )
            for role in (self.role, *self.also_to)
            for rule in rules
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessDecision:
    """A business decision; in `rules` every rule comes after those that override it.

    `speaks` is where its rules must cover every case: the calls that they speak of. None is everywhere that
    it applies. `rules` that are live count everywhere. Of the `owners` of its conflicts the first that fits
    decides; the last is for any.
    """

    name: str
    applies: Condition
    answers: Mapping[str, AnswerPlan]
    rules: tuple[BusinessRule, ...]
    because: str
    reads: tuple[str, ...]
    stage: Stage
    gap: Reason
    owners: tuple[ConflictOwner, ...] = ()
    speaks: Condition | None = None
    line: int = 0

    @property
    def condition(self) -> Condition:
        """The condition under which the decision is taken at all."""
        return self.applies

    @property
    def has_shadow(self) -> bool:
        """True when some rule is only recorded."""
        return any(rule.is_shadow for rule in self.rules)

    def conflict(self, rules: Sequence[BusinessRule]) -> tuple[Reason, ...]:
        """Return the reasons that live rules with different answers give."""
        names = {rule.id for rule in rules}
        owner = next(one for one in self.owners if not one.between or names <= one.between)
        return owner.reasons_for(rules)

    @property
    def in_file_order(self) -> tuple[BusinessRule, ...]:
        """The rules as the file lists them."""
        return tuple(sorted(self.rules, key=lambda rule: rule.when.line))


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement about the facts: `holds` is its truth value in every possible case."""

    id: str
    that: Condition
    holds: bool
    because: str
    broken: Reason

    @property
    def condition(self) -> Condition:
        """What the statement says."""
        return self.that

    @property
    def reads(self) -> tuple[str, ...]:
        """The facts that it reads."""
        return self.that.reads

    @property
    def stage(self) -> Stage:
        """The latest stage among the facts it reads."""
        return self.that.stage


Unit: TypeAlias = Rule | BusinessDecision | Statement
"""What is evaluated on its own: all three have `condition`, `reads` and `stage`."""


def texts_named_in(units: Iterable[Unit]) -> frozenset[str]:
    """Return every text that some rule compares a fact with; pure."""
    found: set[str] = set()
    for unit in units:
        formulas = [unit.condition.formula]
        if isinstance(unit, BusinessDecision):
            formulas += [rule.when.formula for rule in unit.rules]
        for atom in (atom for formula in formulas for atom in atoms(formula)):
            if isinstance(atom, Member):
                found |= atom.values
    return frozenset(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownConflict:
    """Rules that are known to disagree, and why that is accepted."""

    rules: frozenset[str]
    because: str
