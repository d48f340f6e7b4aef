"""The numbers that a policy holds confidence against: below one of them an answer is handed off. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from handrail.policy import Policy
from handrail.policy.language.ir import And, Formula, Member, Missing, Not, Or, Order
from handrail.policy.language.sources import ConfidenceValue
from handrail.policy.runtime.rules import Rule
from handrail.records import Effect, FactValue, Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The part of the traffic in which a fact has a value; `str` writes it as a policy does."""

    fact: str
    value: str

    def __str__(self) -> str:
        return f'{self.fact} == "{self.value}"'

    def holds(self, facts: Mapping[str, FactValue]) -> bool:
        """Tell whether it holds of some facts; a fact that is unknown has no value."""
        return facts.get(self.fact) == self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreLimit:
    """A rule in force that hands off where a fact of confidence is below a number.

    `slice` is the one part of the traffic that the rule is about, None for any other rule. `is_bet_on`: the
    rule hands off for low confidence, so that what it stops counts as what a score decides.
    """

    rule: str
    fact: str
    limit: float
    slice: Slice | None = None
    is_bet_on: bool = True


def score_limits(policy: Policy) -> Iterator[ScoreLimit]:
    """Yield every such limit of the rules in force; one that a calibration file gives is none."""
    for rule in policy.hand_offs:
        if not rule.is_shadow and rule.effect in (Effect.HAND_OFF, Effect.BLOCK):
            yield from limits_of_rule(policy, rule)


def limits_of_rule(policy: Policy, rule: Rule) -> Iterator[ScoreLimit]:
    """Yield the limits of one rule; a number under a `not` is none, because to lower it may stop less."""
    for atom in _asserted(rule.when.formula):
        if isinstance(atom, Order) and atom.operator in ("<", "<=") and is_score(policy, atom.fact):
            yield ScoreLimit(
                rule=rule.id,
                fact=atom.fact,
                limit=float(str(atom.bound)),
                slice=_slice_of(rule.when.formula, atom),
                is_bet_on=rule.trigger is Trigger.LOW_CONFIDENCE,
            )


def whole_limits(policy: Policy) -> Iterator[ScoreLimit]:
    """Yield the limits that are about no slice."""
    return (limit for limit in score_limits(policy) if limit.slice is None)


def slice_rules(policy: Policy) -> dict[str, Slice]:
    """Return the rules that hold confidence in one slice against a number, by their ids."""
    return {limit.rule: limit.slice for limit in score_limits(policy) if limit.slice is not None}


def is_score(policy: Policy, fact: str) -> bool:
    """Tell whether a fact says how sure an answer is."""
    return fact in policy.facts and isinstance(policy.facts[fact].source, ConfidenceValue)


def _asserted(formula: Formula) -> Iterator[Formula]:
    if isinstance(formula, And | Or):
        for part in formula.parts:
            yield from _asserted(part)
    elif not isinstance(formula, Not):
        yield formula


def _slice_of(formula: Formula, limit: Order) -> Slice | None:
    """Return the slice of `fact == "value" and confidence < 0.9`; what says anything else has none."""
    known = Not(Missing(limit.fact))
    rest = [part for part in _conjuncts(formula) if part not in (limit, known)]
    match rest:
        case [Member(fact=fact, values=values)] if len(values) == 1:
            return Slice(fact=fact, value=next(iter(values)))
        case _:
            return None


def _conjuncts(formula: Formula) -> Iterator[Formula]:
    if isinstance(formula, And):
        for part in formula.parts:
            yield from _conjuncts(part)
    else:
        yield formula
