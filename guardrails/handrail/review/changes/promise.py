"""What a proposed change of a policy may not touch, whatever speaks for it. Pure.

A certified threshold promises that at most a share alpha is passed and wrong. A change must not make more of
it than was proved: it may not let out answers below the certified threshold, and it may not touch the
calibration, the draws and the roles that the promise rests on. What protects people (sensitive data, what no
AI may do, complaints, whoever asks for a person) may be widened and not narrowed; words and entities may be
added, and none taken away. A fact of what a scanner finds may name a further entity. What a rule does besides
its condition and its role stays as it is, and so do the policy's tests but where the change moves an outcome.
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
from handrail.review.changes.kept_tests import tests_given_up
from handrail.review.evidence.certified import Certified
from handrail.review.evidence.score_limits import is_score, limits_of_rule, score_limits

MAY_CHANGE = frozenset({"hand_offs", "tests", "scan", "signals"})
"""Parts of a policy's file that a proposal may touch."""
MAY_REST = (Trigger.HIGH_STAKES,)
"""Triggers of the rules that a proposal may narrow or retire."""
PROTECTING = frozenset(
    {
        *(Trigger.NEVER_AI, Trigger.SENSITIVE_DATA, Trigger.COMPLAINT),
        *(Trigger.ASKS_FOR_HUMAN, Trigger.POLICY_CONFLICT),
    }
)
"""Triggers of the rules that protect people: their tickets stay with roles that decide such rules."""
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
    yield from _narrowed(old, new)
    yield from tests_given_up(old, new)


def lets_out_by_score_alone(before: str, after: str, old: Policy, new: Policy) -> bool:
    """Tell whether a change lets out no answer that was held back for another reason than its score.

    Args:
        before: the policy's text before the change.
        after: its text after it.
        old: the policy before the change.
        new: the one after it.
    """
    rules = {rule.id: rule for rule in new.hand_offs if not rule.is_shadow}
    live = [rule for rule in old.hand_offs if not (rule.is_shadow or rule.is_built_in)]
    if any(_touched(before, after, old)) or any(not_only_added(old, new)):
        return False
    return all(rule.id in rules and _stops_as_much(old, rule, new, rules[rule.id]) for rule in live)


def _stops_as_much(old: Policy, rule: Rule, new: Policy, now: Rule) -> bool:
    if _done(rule) != _done(now) or rule.trigger is not now.trigger:
        return False
    # Only of a rule for low confidence the answers below its number count as what a score decides.
    is_bet_on = rule.trigger is Trigger.LOW_CONFIDENCE
    return _form(new, now) == _form(old, rule) if is_bet_on else _words(now) == _words(rule)


def _words(rule: Rule) -> str:
    return " ".join(rule.when.text.split())


def _narrowed(old: Policy, new: Policy) -> Iterator[str]:
    """Yield the rules of which a change makes less than a proposal may, or more than one at a time."""
    rules = {rule.id: rule for rule in new.hand_offs if not rule.is_shadow}
    changed = []
    for rule in old.hand_offs:
        if rule.is_shadow or rule.is_built_in:
            continue
        now = rules.get(rule.id)
        is_same = now is not None and _form(new, now) == _form(old, rule)
        if now is None or not is_same or now.role != rule.role:
            changed.append(rule.id)
        if not (is_same or _may_rest(old, rule)):
            yield f"{rule.id} protects people or carries a promise: it is not for a proposal to change"
        elif now is not None:
            yield from _weakened(old, rule, now)
    if len(changed) > 1:
        yield f"a proposal narrows or moves one rule at a time, and this one {', '.join(changed)}"


def _may_rest(policy: Policy, rule: Rule) -> bool:
    return rule.trigger in MAY_REST and not any(is_score(policy, name) for name in rule.reads)


def _weakened(policy: Policy, rule: Rule, now: Rule) -> Iterator[str]:
    """Yield what else a rule does, or whom it asks, that a change takes from it."""
    if _done(rule) != _done(now):
        yield f"what {rule.id} does besides its condition and its role is not for a proposal to change"
    # A further condition may bring a high-stakes rule another derived trigger, under which it is protected.
    is_kept = rule.trigger is now.trigger or (_may_rest(policy, rule) and now.trigger in PROTECTING)
    if not is_kept:
        yield f"the trigger of {rule.id} is not for a proposal to change"
    if now.role != rule.role and not _may_decide(policy, rule, now.role):
        yield f"{rule.id} protects people, and {now.role} decides no rule of its kind"


def _done(rule: Rule) -> tuple[object, ...]:
    effects = [reason.effect for reason in rule.reasons]
    return rule.effect, effects, rule.also_to, rule.severity, rule.notice


def _may_decide(policy: Policy, rule: Rule, role: str | None) -> bool:
    """Tell whether a role may decide a rule: one that protects people stays with roles of its trigger."""
    if role is None or role in rule.also_to:
        return False
    kin = {one.role for one in policy.hand_offs if one.trigger is rule.trigger and not one.is_shadow}
    return rule.trigger not in PROTECTING or role in kin


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
    words = _words(rule)
    limits = {limit.fact for limit in limits_of_rule(policy, rule)}
    bounded = sum(1 for _ in limits_of_rule(policy, rule))
    held = [atom for atom in atoms(rule.when.formula) if isinstance(atom, Order) and atom.fact in limits]
    if len(held) != bounded:
        # One of them stands under a `not`, where a higher number stops less.
        return words
    for fact in limits:
        words = re.sub(rf"(?<![\w.]){re.escape(fact)}(\s*<=?\s*)\d*\.?\d+", rf"{fact}\g<1>#", words)
    return words
