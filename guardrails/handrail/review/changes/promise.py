"""What a proposed change of a policy may not touch, whatever speaks for it. Pure.

A certified threshold promises that at most a share alpha is passed and wrong. A change must not make more of
it than was proved: it may not let out answers below the certified threshold, and it may not touch the
calibration, the draws and the roles that the promise rests on. What protects people (sensitive data, what no
AI may do, complaints, whoever asks for a person) may be widened and not narrowed; words and entities may be
added, and none taken away. A fact of what a scanner finds may name a further entity.
"""

import re
from collections.abc import Iterator, Mapping

from handrail.policy import Policy
from handrail.policy.file.document import Document
from handrail.policy.language.ir import Order, atoms
from handrail.policy.language.sources import FINDINGS
from handrail.policy.runtime.rules import Rule
from handrail.records import Trigger
from handrail.review.changes.additions import not_only_added
from handrail.review.evidence.certified import Certified
from handrail.review.evidence.score_limits import is_score, limits_of_rule, score_limits

MAY_CHANGE = frozenset({"hand_offs", "tests", "scan", "signals"})
"""Parts of a policy's file that a proposal may touch."""
MAY_REST = (Trigger.HIGH_STAKES,)
"""Triggers of the rules that a proposal may narrow or retire."""
NOTHING_CERTIFIED = Certified()


def broken(
    before: str, after: str, old: Policy, new: Policy, *, certified: Certified = NOTHING_CERTIFIED
) -> Iterator[str]:
    """Yield what a change breaks, none where it keeps every promise.

    Args:
        before: the policy's text in force.
        after: the new one.
        old: the policy in force.
        new: the new one.
        certified: what is certified under the policy in force.
    """
    yield from _touched(before, after, old)
    yield from certified.broken(tuple(score_limits(old)), tuple(score_limits(new)))
    yield from not_only_added(old, new)
    rules = {rule.id: rule for rule in new.hand_offs if not rule.is_shadow}
    for rule in old.hand_offs:
        if rule.is_shadow or rule.is_built_in:
            continue
        if rule.trigger in MAY_REST and not any(is_score(old, name) for name in rule.reads):
            continue
        now = rules.get(rule.id)
        if now is None or now.effect is not rule.effect or _form(new, now) != _form(old, rule):
            yield f"{rule.id} protects people or carries a promise: it is not for a proposal to change"


def _touched(before: str, after: str, policy: Policy) -> Iterator[str]:
    old, new = Document(before, "policy").value, Document(after, "policy").value
    for key in dict.fromkeys([*old, *new]):
        left, right = old.get(key), new.get(key)
        if key in MAY_CHANGE or left == right or (key == "facts" and _only_found_more(left, right, policy)):
            continue
        yield f"`{key}` is not for a proposal to change"


def _only_found_more(before: object, after: object, policy: Policy) -> bool:
    """Tell whether the facts differ only in further values of what a scanner finds."""
    if not isinstance(before, Mapping) or not isinstance(after, Mapping) or [*before] != [*after]:
        return False
    return all(
        after[name] == one or (_is_of_findings(policy, name) and _only_more_values(one, after[name]))
        for name, one in before.items()
    )


def _is_of_findings(policy: Policy, name: str) -> bool:
    return name in policy.facts and isinstance(policy.facts[name].source, FINDINGS)


def _only_more_values(before: object, after: object) -> bool:
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return False
    rest = [{key: value for key, value in one.items() if key != "values"} for one in (before, after)]
    return rest[0] == rest[1] and set(before.get("values") or ()) <= set(after.get("values") or ())


def _form(policy: Policy, rule: Rule) -> str:
    """Return a rule's condition without the limits of confidence that have a bound of their own."""
    words = " ".join(rule.when.text.split())
    limits = {limit.fact for limit in limits_of_rule(policy, rule)}
    bounded = sum(1 for _ in limits_of_rule(policy, rule))
    held = [atom for atom in atoms(rule.when.formula) if isinstance(atom, Order) and atom.fact in limits]
    if len(held) != bounded:
        # One of them stands under a `not`, where a higher number stops less.
        return words
    for fact in limits:
        words = re.sub(rf"(?<![\w.]){re.escape(fact)}(\s*<=?\s*)\d*\.?\d+", rf"{fact}\g<1>#", words)
    return words
