"""The evaluation plan: what is left to evaluate of a policy for one stage and one set of facts at hand.

A policy may have a thousand rules and a call may concern five of them. What a decision must be is simple to
say: evaluate every unit (statements, rules of `hand_offs`, business decisions) in file order over the facts
that are known, and collect the reasons. A plan is that evaluation with everything worked out in advance that
does not depend on values: which units take part, a shorter test where part of a condition is already settled,
and which facts are read. Plans are made when they are first needed and kept.

**The invariant.** A plan is kept under a key, and two sets of facts with the same key have the same plan. The
key is: the stage, whether the tool only reads, the values of the selectors, the names of the facts at hand in
their order. Everything below depends on these and on nothing else.

*Who takes part by stage.* A unit's own stage is the latest stage among the facts it reads.

- At its own stage a unit always takes part. A fact that is not at hand is unknown to it.
- What a tool returned is judged after the action was done, so at the stage `result` only units of that stage
  take part: what an earlier one said of the action was settled when it ran.
- Else after its own stage it takes part if every fact it reads is at hand, be it as `Unknown`. If not, the
  earlier stage has judged it with more facts than there are now. Statements are judged this way at every
  stage.
- Before its own stage only a rule of `hand_offs` takes part, and only where it is certainly true whatever the
  facts still to come: its test then says true or nothing (`_only_if_certain`). A rule that asks whether a
  fact *is missing* waits for its stage, because a fact that is still to come is not missing.

*What counts in a read.* A tool that `tools:` lists as one that reads changes nothing, so a rule that cannot
be judged there hands off only if it names the tool. What is certainly true hands off all the same.

*Where a fact does not apply.* An argument of one tool is not there in calls of others. A condition that reads
it asks for the tool's name as well (`handrail.policy.language.scope`), so that what rests is ruled out by the
selector `tool.name`, and a statement needs no such fact at hand.

*Who is ruled out by a selector.* A selector is a fact for which many conditions have the form
`fact in {…} and …`, such as `tool.name == "issue_refund" and …`. In Kleene logic a conjunction with one false
part is false whatever the other parts are, known or not. So where the selector's value is known and outside
the set, the unit is false and is left out; where it is inside, that part is true and the conjunction equals
the rest of it (`residual`). A selector whose value is missing or does not fit is picked as None and settles
nothing. All values that no condition names behave alike, so they share one stand-in and one plan. A statement
is never left out: for `always:` the false value is the one that matters.

*What is read.* The facts that the units taking part read, as far as they are at hand, each with a test of
whether its value fits the declaration. A value that does not fit is unknown to the rules, and still recorded.

**Bounds.** At most `MAX_PLANS` plans are kept; then all are dropped and made anew, so that facts that come in
ever new orders cost time and not memory. Two threads may make the same plan at once; either is right.

**Tested** in `tests/property/policy/test_policy_language.py`, which compares decisions with the plain
evaluation of every unit on random policies and facts, and in `tests/unit/policy/runtime/test_plan.py`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from handrail.policy.language.compile import KnownFacts, Test, compile_test
from handrail.policy.language.facts import FactDeclaration, acceptor
from handrail.policy.language.ir import Always, And, Formula, Member, Missing, atoms, selectors
from handrail.policy.language.sources import ToolKind, ToolName
from handrail.policy.runtime.decide import DOES_NOT_APPLY, judge_decision, judge_statement, reasons_of
from handrail.policy.runtime.rules import BusinessDecision, Rule, Statement, Unit
from handrail.records import FactValue, Reason, Stage

READS = "reads"
"""The kind of a tool that changes nothing."""

MAX_PLANS = 512
MAX_SELECTORS = 3

_OTHER = "\0other"
_RANK = {stage: rank for rank, stage in enumerate(Stage)}

Judgement: TypeAlias = tuple[tuple[Reason, ...], tuple[Reason, ...], dict[str, str]]
"""Reasons, reasons in shadow, and the answers of business decisions by name."""


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """What is evaluated for one key.

    `decisions` go with whether some rule of theirs is only recorded, and whether doubt in them counts.
    `present` are the facts read and at hand, each with what tells whether its value fits.
    """

    statements: tuple[Statement, ...]
    rules: tuple[tuple[Test, Rule], ...]
    decisions: tuple[tuple[BusinessDecision, bool, bool], ...]
    present: tuple[tuple[str, Callable[[object], bool]], ...]

    def read(self, facts: Mapping[str, FactValue]) -> tuple[dict[str, FactValue], KnownFacts]:
        """Return the facts that are read, and those among them that are known."""
        read = {name: facts[name] for name, _ in self.present}
        unfit = [name for name, fits in self.present if not fits(read[name])]
        known = {name: value for name, value in read.items() if name not in unfit} if unfit else read
        return read, known

    def judge(self, known: KnownFacts, facts: Mapping[str, FactValue], if_unsure: str) -> Judgement:
        """Evaluate the plan."""
        reasons: list[Reason] = []
        shadow: list[Reason] = []
        answers: dict[str, str] = {}
        for statement in self.statements:
            reasons += judge_statement(statement, known)
        verdicts = [(rule, verdict) for test, rule in self.rules if (verdict := test(known)) is not False]
        for rule, verdict in verdicts:
            given = reasons_of(rule, verdict, known, facts, if_unsure)
            (shadow if rule.is_shadow else reasons).extend(given)
        for decision, has_shadow, counts_doubt in self.decisions:
            result = judge_decision(decision, known, facts, if_unsure)
            if not counts_doubt and result.is_doubt:
                continue
            reasons += result.reasons
            if result.answer is not None:
                answers[decision.name] = result.answer
            if has_shadow and result is not DOES_NOT_APPLY:
                other = judge_decision(decision, known, facts, if_unsure, with_shadow=True)
                shadow += [reason for reason in other.reasons if reason not in result.reasons]
        return tuple(reasons), tuple(shadow), answers


@dataclass(frozen=True, slots=True)
class _Selector:
    fact: str
    named: frozenset[str]
    fits: Callable[[object], bool]


class Planner:
    """Makes and keeps the plans of one policy; safe between threads."""

    def __init__(
        self,
        units: Sequence[Unit],
        facts: Mapping[str, FactDeclaration],
        tools: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._units = tuple(units)
        self._facts = facts
        self._reads = frozenset(tool for tool, kind in tools.items() if kind == READS)
        named = [name for name, fact in facts.items() if isinstance(fact.source, ToolName)]
        kinds = [name for name, fact in facts.items() if isinstance(fact.source, ToolKind)]
        self._tool, self._kind = next(iter(named), ""), next(iter(kinds), "")
        self._selectors = _selectors_of(units, facts)
        self._plans: dict[tuple[object, ...], EvaluationPlan] = {}

    def plan_for(self, facts: Mapping[str, FactValue], stage: Stage) -> EvaluationPlan:
        """Return the plan for a stage and the facts at hand."""
        picked = self._picked(facts)
        is_read = self.is_read(facts)
        key = (stage, is_read, *picked, *facts)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._make(picked, stage, facts.keys(), is_read=is_read)
            if len(self._plans) >= MAX_PLANS:
                self._plans.clear()
            self._plans[key] = plan
        return plan

    def is_read(self, facts: Mapping[str, FactValue]) -> bool:
        """Tell whether the tool that is called only reads, by `tools:` or by what its framework declares."""
        tool = facts.get(self._tool)
        return (isinstance(tool, str) and tool in self._reads) or facts.get(self._kind) == READS

    def counts_doubt(self, unit: Unit, facts: Mapping[str, FactValue]) -> bool:
        """Tell whether a unit that cannot be judged hands off: in a read only one that names the tool."""
        return not self.is_read(facts) or names_tool(unit, self._tool, facts.get(self._tool))

    def not_ruled_out(self, facts: Mapping[str, FactValue]) -> list[Unit]:
        """Return the units that no selector among the facts makes false, in file order."""
        chosen = self._chosen(self._picked(facts))
        return [unit for unit in self._units if not _is_ruled_out(unit, chosen)]

    def _picked(self, facts: Mapping[str, FactValue]) -> list[str | None]:
        """Return each selector's value: itself if a condition names it, else one stand-in for all others."""
        picked: list[str | None] = []
        for selector in self._selectors:
            value = facts.get(selector.fact)
            if type(value) is not str or not selector.fits(value):
                picked.append(None)
            else:
                picked.append(value if value in selector.named else _OTHER)
        return picked

    def _chosen(self, picked: list[str | None]) -> dict[str, str]:
        pairs = zip(self._selectors, picked, strict=True)
        return {selector.fact: value for selector, value in pairs if value is not None}

    def _make(
        self, picked: list[str | None], stage: Stage, present: Collection[str], *, is_read: bool
    ) -> EvaluationPlan:
        chosen = self._chosen(picked)
        tool = chosen.get(self._tool)

        def counts_doubt(unit: Unit) -> bool:
            return not is_read or names_tool(unit, self._tool, tool)

        def test_of(rule: Rule) -> Test:
            test = _test_of(rule, chosen, stage)
            return test if counts_doubt(rule) else _only_if_certain(test)

        units = [
            unit
            for unit in self._units
            if takes_part(unit, stage, present) and not _is_ruled_out(unit, chosen)
        ]
        reads = dict.fromkeys(selector.fact for selector in self._selectors)
        for unit in units:
            reads.update(dict.fromkeys(unit.reads))
        return EvaluationPlan(
            statements=tuple(unit for unit in units if isinstance(unit, Statement)),
            rules=tuple((test_of(unit), unit) for unit in units if isinstance(unit, Rule)),
            decisions=tuple(
                (unit, unit.has_shadow, counts_doubt(unit))
                for unit in units
                if isinstance(unit, BusinessDecision)
            ),
            present=tuple((name, acceptor(self._facts[name])) for name in reads if name in present),
        )


def names_tool(unit: Unit, fact: str, tool: object) -> bool:
    """Tell whether a unit names a tool; pure."""
    formulas = [unit.condition.formula]
    if isinstance(unit, BusinessDecision):
        formulas += [rule.when.formula for rule in unit.rules]
    return any(
        isinstance(atom, Member) and atom.fact == fact and tool in atom.values
        for formula in formulas
        for atom in atoms(formula)
    )


def is_later(unit: Unit, stage: Stage) -> bool:
    """Tell whether a unit reads a fact that exists only after a stage; pure."""
    return _RANK[unit.stage] > _RANK[stage]


def takes_part(unit: Unit, stage: Stage, present: Collection[str]) -> bool:
    """Tell whether a unit is evaluated at a stage with these facts at hand; pure."""
    if is_later(unit, stage):
        return isinstance(unit, Rule) and _can_be_certain(unit, present)
    if unit.stage is not stage and stage is Stage.RESULT:
        return False
    if unit.stage is stage and not isinstance(unit, Statement):
        return True
    scoped = unit.condition.scopes.tools
    return all(name in present or name in scoped for name in unit.reads)


def _can_be_certain(rule: Rule, present: Collection[str]) -> bool:
    # What is asked of a fact with a scope is not certain before the tool's name is known.
    at_hand = {*present, *rule.when.scopes.tools}
    return any(name in present for name in rule.reads) and not any(
        isinstance(atom, Missing) and atom.fact not in at_hand for atom in atoms(rule.when.formula)
    )


def _is_ruled_out(unit: Unit, chosen: Mapping[str, str]) -> bool:
    if isinstance(unit, Statement):
        return False
    named = selectors(unit.condition.formula).items()
    return any(name in chosen and chosen[name] not in values for name, values in named)


def residual(formula: Formula, chosen: Mapping[str, str]) -> Formula:
    """Return what is left of a formula where the selectors' values make parts of it true; pure."""
    if isinstance(formula, Member):
        return Always(True) if chosen.get(formula.fact) in formula.values else formula
    if not isinstance(formula, And):
        return formula
    parts = [residual(part, chosen) for part in formula.parts]
    if all(new is old for new, old in zip(parts, formula.parts, strict=True)):
        return formula
    left = tuple(part for part in parts if part != Always(True))
    return And(left) if len(left) > 1 else left[0] if left else Always(True)


def _test_of(rule: Rule, chosen: Mapping[str, str], stage: Stage) -> Test:
    formula = rule.when.formula
    shorter = residual(formula, chosen)
    test = rule.when.test if shorter is formula else compile_test(shorter)
    return _only_if_certain(test) if is_later(rule, stage) else test


def _only_if_certain(test: Test) -> Test:
    return lambda known: test(known) is True


def _selectors_of(units: Sequence[Unit], facts: Mapping[str, FactDeclaration]) -> tuple[_Selector, ...]:
    """Return the facts that most units are selected by."""
    named: dict[str, list[frozenset[str]]] = {}
    for unit in units:
        for name, values in selectors(unit.condition.formula).items():
            named.setdefault(name, []).append(values)

    def order(name: str) -> tuple[bool, int]:
        return not isinstance(facts[name].source, ToolName), -len(named[name])

    most = sorted(named, key=order)[:MAX_SELECTORS]
    return tuple(
        _Selector(name, frozenset[str]().union(*named[name]), acceptor(facts[name])) for name in most
    )
