"""The numbers that a policy holds confidence against: below one of them an answer is handed off. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from handrail.policy import Policy
from handrail.policy.language.ir import Order, atoms
from handrail.policy.language.sources import ConfidenceValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreLimit:
    """A rule in force that hands off where a fact of confidence is below a number."""

    rule: str
    fact: str
    limit: float


def score_limits(policy: Policy) -> Iterator[ScoreLimit]:
    """Yield every such limit of the rules in force; one that a calibration file gives is none."""
    for rule in policy.hand_offs:
        if rule.is_shadow:
            continue
        for atom in atoms(rule.when.formula):
            if not isinstance(atom, Order) or atom.operator not in ("<", "<="):
                continue
            if isinstance(policy.facts[atom.fact].source, ConfidenceValue):
                yield ScoreLimit(rule=rule.id, fact=atom.fact, limit=float(str(atom.bound)))
