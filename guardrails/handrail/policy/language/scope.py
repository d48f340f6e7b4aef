"""Where a fact applies: an argument of one tool is not there in calls of others, nor in answers.

Not applicable is not unknown. An unknown fact may have any value, so a rule that reads it may be true, and
hands off. A fact that does not apply has no value, so what is said of it does not hold: a comparison with it
is false, and so is the negation of that comparison. The rule rests.

A fact applies by the name of the tool, never by an argument that is there or not: in a call of its own tool a
missing argument stays unknown. So each comparison is joined to a test of the name. In negation normal form

    refund.amount > 200 USD         becomes    tool.name is issue_refund and refund.amount > 200 USD
    not (refund.amount > 200 USD)   becomes    tool.name is issue_refund and not (refund.amount > 200 USD)

A fact that the answer states (`says:`) does not apply where the answer does not say it. What is said of it is
joined to `<fact>.said`, which is true also where the answer can be read in two ways: then the value is
unknown, and hands off. `is missing` and `is known` are not joined: they ask for just that.

Three-valued logic does the rest: with another tool's name the whole is false whatever is unknown, with no
name it is unknown. Evaluator, plans, boxes and prover read this form and need no rules of their own.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from handrail.policy.language.ir import (
    Always,
    And,
    Atom,
    Formula,
    Member,
    Missing,
    Not,
    Or,
    Truth,
    facts_of,
)
from handrail.records import NOT_SAID, Unknown

TOOL = "tool.name"
"""The fact that is declared by itself where a policy names tools and declares no such fact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scopes:
    """The tools in whose calls facts apply: `tools` by fact, `tool` is the fact that is the tool's name.

    A fact that is not in `tools` applies everywhere, one in `stated` where the answer says it.
    """

    tool: str = TOOL
    tools: Mapping[str, frozenset[str]] = field(default_factory=dict)
    stated: frozenset[str] = frozenset()

    def is_applicable(self, fact: str, known: Mapping[str, Any]) -> bool:
        """Tell whether a fact applies to the tool among these facts; True where its name is not known."""
        if fact in self.stated and known.get(said(fact)) is False:
            return False
        scope = self.tools.get(fact)
        name = known.get(self.tool) if scope is not None else None
        return scope is None or not isinstance(name, str) or name in scope

    def applies_to(self, fact: str, tool: str) -> bool:
        """Tell whether a fact applies in calls of a tool."""
        return fact not in self.tools or tool in self.tools[fact]

    def scoped(self, facts: Iterable[str]) -> frozenset[str]:
        """Return those of some facts that do not apply everywhere."""
        return frozenset(name for name in facts if name in self.tools)

    def named_by(self, facts: Iterable[str]) -> frozenset[str]:
        """Return the tools in whose calls some of these facts apply and elsewhere do not."""
        return frozenset[str]().union(*(self.tools[name] for name in facts if name in self.tools))


EVERYWHERE = Scopes()


def said(fact: str) -> str:
    """Return the name of the yes/no fact that tells whether the answer states a fact."""
    return f"{fact}.said"


def with_said(facts: Mapping[str, Any], scopes: Scopes) -> Mapping[str, Any]:
    """Return facts with whether each stated one is said, where they do not tell: what has no value is not."""
    told = {}
    for name in scopes.stated:
        if said(name) not in facts:
            value = facts.get(name)
            told[said(name)] = value is not None and value != Unknown(why=NOT_SAID)
    return {**facts, **told} if told else facts


def within_scope(formula: Formula, scopes: Scopes) -> Formula:
    """Return a formula in which what is said of a fact that does not apply is false; pure.

    A formula that reads no such fact is returned as it is.
    """
    reads = facts_of(formula)
    if not scopes.scoped(reads) and scopes.stated.isdisjoint(reads):
        return formula
    return _normal(formula, scopes, is_true=True)


def _normal(formula: Formula, scopes: Scopes, *, is_true: bool) -> Formula:
    match formula:
        case Not(inner=inner):
            return _normal(inner, scopes, is_true=not is_true)
        case And(parts=parts) | Or(parts=parts):
            each = [_normal(part, scopes, is_true=is_true) for part in parts]
            return all_of(each) if isinstance(formula, And) is is_true else _any_of(each, scopes)
        case Always(value=value):
            return Always(value is is_true)
        case _:
            return _joined(formula, scopes, is_true=is_true)


def _joined(atom: Atom, scopes: Scopes, *, is_true: bool) -> Formula:
    literal: Formula = atom if is_true else Not(atom)
    reads = facts_of(atom)
    scoped = scopes.scoped(reads)
    conditions: list[Formula] = []
    if scoped:
        conditions.append(Member(scopes.tool, frozenset.intersection(*(scopes.tools[n] for n in scoped))))
    if not isinstance(atom, Missing):
        conditions += [Truth(said(name)) for name in reads if name in scopes.stated]
    return And((*conditions, literal)) if conditions else literal


def all_of(parts: Collection[Formula]) -> Formula:
    """Return the conjunction of formulas, flat and each part once; pure."""
    flat: list[Formula] = []
    for part in parts:
        inner = part.parts if isinstance(part, And) else (part,)
        flat += [one for one in inner if one not in flat]
    return And(tuple(flat)) if len(flat) != 1 else flat[0]


def _any_of(parts: Collection[Formula], scopes: Scopes) -> Formula:
    """Return the disjunction; a test of the tool's name that all parts share is asked once, before them."""
    shared = frozenset.intersection(*(_names_asked(part, scopes) for part in parts))
    if not shared:
        return Or(tuple(parts))
    rest = tuple(_without(part, shared) for part in parts)
    return all_of((*sorted(shared, key=lambda member: sorted(member.values)), Or(rest)))


def _names_asked(formula: Formula, scopes: Scopes) -> frozenset[Member]:
    parts = formula.parts if isinstance(formula, And) else (formula,)
    return frozenset(part for part in parts if isinstance(part, Member) and part.fact == scopes.tool)


def _without(formula: Formula, gone: frozenset[Member]) -> Formula:
    parts = formula.parts if isinstance(formula, And) else (formula,)
    left = tuple(part for part in parts if part not in gone)
    return And(left) if len(left) > 1 else left[0] if left else Always(True)
