"""Several decisions about one exchange made into one: the strictest effect, every reason, one owner role."""

from collections.abc import Sequence
from dataclasses import replace

from handrail.records import Decision, FactValue, owners, strictest


def merge(decisions: Sequence[Decision]) -> Decision:
    """Merge decisions on the parts of one answer; `decisions` is not empty.

    Effects are merged by strictness. Of the reasons that hand off, the most severe owns the ticket, the first
    of equals; the other roles are co-approvers. `parts` are the decisions as they were.
    """
    reasons = tuple(dict.fromkeys(reason for decision in decisions for reason in decision.reasons))
    owner, others = owners(reasons)
    answers: dict[str, str] = {}
    facts: dict[str, FactValue] = {}
    for decision in decisions:
        answers |= decision.answers
        facts |= decision.facts
    last = decisions[-1]
    co_approvers = dict.fromkeys(others)
    co_approvers.update(dict.fromkeys(role for decision in decisions for role in decision.co_approvers))
    return replace(
        last,
        effect=strictest(decision.effect for decision in decisions),
        reasons=reasons,
        role=owner,
        co_approvers=tuple(role for role in co_approvers if role != owner),
        shadow=tuple(dict.fromkeys(reason for decision in decisions for reason in decision.shadow)),
        answers=answers,
        facts=facts,
        parts=tuple(part for decision in decisions for part in decision.parts or (decision,)),
    )
