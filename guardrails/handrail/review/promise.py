"""What a proposed change of a policy may not touch, whatever speaks for it. Pure.

A certified threshold promises that at most a share alpha is passed and wrong. A change must not make more of
it than was proved: it may not let out answers below the certified threshold, and it may not touch the
calibration, the draws and the roles that the promise rests on. What protects people (sensitive data, what no
AI may do, complaints, whoever asks for a person) may be widened and not narrowed.
"""

import math
import re
from collections.abc import Iterator

from handrail.policy import Policy
from handrail.policy.file.document import Document
from handrail.policy.language.sources import ConfidenceValue
from handrail.policy.runtime.rules import Rule
from handrail.records import Trigger
from handrail.review.score_limits import score_limits

MAY_CHANGE = frozenset({"hand_offs", "tests", "scan", "signals"})
"""Parts of a policy's file that a proposal may touch."""
MAY_REST = (Trigger.HIGH_STAKES,)
"""Triggers of the rules that a proposal may narrow or retire."""
_NUMBER = re.compile(r"\d*\.?\d+")


def broken(
    before: str, after: str, old: Policy, new: Policy, *, certified: float = math.inf
) -> Iterator[str]:
    """Yield what a change breaks, none where it keeps every promise.

    Args:
        before: the policy's text in force.
        after: the new one.
        old: the policy in force.
        new: the new one.
        certified: the threshold that is certified under the policy in force, infinity for none.
    """
    yield from _touched(before, after)
    limits = {(limit.rule, limit.fact): limit.limit for limit in score_limits(new)}
    for limit in score_limits(old):
        least = min(limit.limit, certified)
        if limits.get((limit.rule, limit.fact), -math.inf) < least:
            yield f"{limit.rule} would let {limit.fact} go below {least:g}, which is not certified"
    rules = {rule.id: rule for rule in new.hand_offs if not rule.is_shadow}
    for rule in old.hand_offs:
        if rule.is_shadow or rule.is_built_in:
            continue
        is_score = any(_is_confidence(old, name) for name in rule.reads)
        if rule.trigger in MAY_REST and not is_score:
            continue
        now = rules.get(rule.id)
        if now is None or now.effect is not rule.effect or _form(now, is_score) != _form(rule, is_score):
            yield f"{rule.id} protects people or carries a promise: it is not for a proposal to change"


def _touched(before: str, after: str) -> Iterator[str]:
    old, new = Document(before, "policy").value, Document(after, "policy").value
    for key in dict.fromkeys([*old, *new]):
        if key not in MAY_CHANGE and old.get(key) != new.get(key):
            yield f"`{key}` is not for a proposal to change"


def _is_confidence(policy: Policy, fact: str) -> bool:
    return fact in policy.facts and isinstance(policy.facts[fact].source, ConfidenceValue)


def _form(rule: Rule, is_score: bool) -> str:
    """Return a rule's condition, of one about confidence without its numbers: these have their own bound."""
    words = " ".join(rule.when.text.split())
    return _NUMBER.sub("#", words) if is_score else words
