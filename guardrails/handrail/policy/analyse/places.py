"""Where the rules of a policy can apply: in messages, answers, results, and in calls of which tools. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from handrail.policy.analyse.analysis import formulas_of
from handrail.policy.analyse.boxes import OTHER, NotBoxable, OneOf, Space, space_of
from handrail.policy.language.ir import And, Formula, selectors
from handrail.policy.language.scope import all_of
from handrail.policy.language.sources import Ledger, Provenance, ToolName
from handrail.policy.runtime.policy import Policy
from handrail.policy.runtime.rules import BusinessDecision, Rule, Unit
from handrail.records import Stage

ANY = "any tool"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The tools about whose calls the rules speak that read a fact; not whole if some rule names none."""

    tools: frozenset[str]
    is_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one rule can apply, in words."""

    rule: str
    where: tuple[str, ...]


def scope_of(policy: Policy, fact: str) -> Scope:
    """Return the tools that the conditions reading a fact name; pure."""
    tool = tool_fact(policy)
    found: set[str] = set()
    is_whole = True
    for reads, formula in _readers(policy):
        if fact in reads:
            named = selectors(formula).get(tool)
            found |= named or frozenset()
            is_whole = is_whole and named is not None
    for declared in policy.facts.values():
        match declared.source:
            case Ledger(amount=amount, tool=name) if amount == fact:
                found.add(name)
            case Provenance(of=of) if of == fact:
                inner = scope_of(policy, declared.name)
                found |= inner.tools
                is_whole = is_whole and inner.is_whole
            case _:
                pass
    return Scope(tools=frozenset(found), is_whole=is_whole and bool(found))


def tool_fact(policy: Policy) -> str:
    """Return the fact that is the tool's name."""
    named = (name for name, fact in policy.facts.items() if isinstance(fact.source, ToolName))
    return next(named, policy.scopes.tool)


def _readers(policy: Policy) -> Iterator[tuple[tuple[str, ...], Formula]]:
    """Yield what each condition reads, and all that must hold for it to matter."""
    for unit in policy.units:
        yield unit.condition.reads, unit.condition.formula
        if isinstance(unit, BusinessDecision):
            for rule in unit.rules:
                yield rule.when.reads, And((unit.applies.formula, rule.when.formula))


def places(policy: Policy) -> tuple[Place, ...]:
    """Return where each rule of a policy can apply, in file order; pure."""
    finder = _Finder(policy=policy, tool=tool_fact(policy), space=space_of(policy.facts, formulas_of(policy)))
    return tuple(
        Place(rule=name, where=finder.where(unit, formula)) for name, unit, formula in _rules(policy)
    )


def _rules(policy: Policy) -> Iterator[tuple[str, Unit, Formula]]:
    for unit in policy.units:
        if isinstance(unit, BusinessDecision):
            for rule in unit.in_file_order:
                yield rule.id, unit, all_of((unit.applies.formula, rule.when.formula))
        else:
            yield unit.id, unit, unit.condition.formula


_WORDS = {
    Stage.INPUT: "messages",
    Stage.ANSWER: "answers",
    Stage.TOOL: "calls of {}",
    Stage.RESULT: "results of {}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finder:
    policy: Policy
    tool: str
    space: Space

    def where(self, unit: Unit, formula: Formula) -> tuple[str, ...]:
        try:
            boxes = self.space.true(formula)
        except NotBoxable:
            named = selectors(formula).get(self.tool)
            boxes = [{self.tool: OneOf(frozenset(named))}] if named else [{}]
        can_come_early = isinstance(unit, Rule) and unit.stage is not Stage.RESULT
        found: dict[Stage, set[str]] = {}
        for box in boxes:
            # A box has an alternative of the rule: one that asks for no call can be true before there is one.
            stage = max((self.policy.facts[name].stage for name in box), key=_RANK.index, default=Stage.INPUT)
            if can_come_early and _RANK.index(stage) < _RANK.index(unit.stage):
                found.setdefault(stage, set())
            tools = box.get(self.tool)
            called = tools.values if isinstance(tools, OneOf) else {ANY}
            found.setdefault(unit.stage, set()).update(str(name) for name in called)
        return tuple(_WORDS[stage].format(_listed(found[stage])) for stage in _RANK if stage in found)


_RANK = tuple(Stage)


def _listed(tools: set[str]) -> str:
    if ANY in tools or not tools:
        return ANY
    return ", ".join([*sorted(tools - {OTHER}), *(["any other tool"] if OTHER in tools else [])])
