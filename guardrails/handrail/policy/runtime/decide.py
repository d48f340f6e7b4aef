"""What a policy says of one business decision and of one rule: three-valued, pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handrail.policy.language.compile import KnownFacts
from handrail.policy.runtime.rules import BusinessDecision, BusinessRule, Condition, Rule, Statement
from handrail.records import Effect, FactValue, Reason, Severity, Trigger, Unknown


@dataclass(frozen=True, slots=True)
class DecisionResult:
    """The outcome of one business decision: its reasons, and its answer if it has one."""

    reasons: tuple[Reason, ...] = ()
    answer: str | None = None

    @property
    def is_doubt(self) -> bool:
        """True when it hands off because something is unknown or not covered, and for no other reason."""
        return self.answer is None and all(reason.trigger is Trigger.UNSURE for reason in self.reasons)


DOES_NOT_APPLY = DecisionResult()


def unsure(rule: str, role: str, because: str, *, unknown: tuple[str, ...] = ()) -> Reason:
    """Return the reason that hands off because something could not be judged."""
    return Reason(
        rule=rule,
        effect=Effect.HAND_OFF,
        trigger=Trigger.UNSURE,
        severity=Severity.LOW,
        role=role,
        because=because,
        facts_read=unknown,
        unknown=unknown,
    )


def because_unknown(names: Sequence[str], facts: Mapping[str, FactValue]) -> str:
    """Say which facts are unknown and why; holds codes only."""
    parts = []
    for name in names:
        value = facts.get(name)
        why = "not_given" if value is None else "does_not_fit"
        if isinstance(value, Unknown):
            why = value.why
        parts.append(f"{name} ({why})")
    return f"unknown: {', '.join(parts)}" if parts else "amounts in different currencies do not compare"


def reasons_of(
    rule: Rule, verdict: bool | None, known: KnownFacts, facts: Mapping[str, FactValue], if_unsure: str
) -> tuple[Reason, ...]:
    """Return the reasons that a rule of `hand_offs` gives for its verdict."""
    if verdict is None:
        names = rule.when.unknown(known)
        return (unsure(rule.id, if_unsure, because_unknown(names, facts), unknown=names),)
    return rule.reasons if verdict else ()


def judge_statement(statement: Statement, known: KnownFacts) -> tuple[Reason, ...]:
    """Return the reason that a broken statement about the facts gives, if it is broken for certain."""
    verdict = statement.that.test(known)
    return () if verdict is None or verdict is statement.holds else (statement.broken,)


def judge_decision(
    decision: BusinessDecision,
    known: KnownFacts,
    facts: Mapping[str, FactValue],
    if_unsure: str,
    *,
    with_shadow: bool = False,
) -> DecisionResult:
    """Take a business decision.

    `live(r)` is `true(r) and no live rule overrides r`, in Kleene logic. Different live answers are a
    conflict; a rule that may be live and would answer otherwise makes the decision unsure; no live rule is
    a gap, unless the rules speak of calls of other tools.
    """
    applies = decision.applies.test(known)
    if applies is False:
        return DOES_NOT_APPLY
    if applies is None:
        return _unsure(decision, decision.applies, known, facts, if_unsure)
    live = liveness(decision, known, with_shadow=with_shadow)
    certain = [rule for rule in decision.rules if live.get(rule.id) is True]
    possible = [rule for rule in decision.rules if rule.id in live and live[rule.id] is None]
    answers = {rule.answer for rule in certain}
    if len(answers) > 1:
        return DecisionResult(decision.conflict(_in_file_order(certain)))
    if not answers and not possible:
        speaks = decision.speaks is None or decision.speaks.test(known) is not False
        return DecisionResult((decision.gap,)) if speaks else DOES_NOT_APPLY
    doubtful = [rule for rule in _in_file_order(possible) if rule.answer not in answers]
    if doubtful:
        names = _unknown_with_overriding(doubtful, decision, known)
        reason = unsure(doubtful[0].id, if_unsure, because_unknown(names, facts), unknown=names)
        return DecisionResult((reason,))
    given = tuple(reason for rule in _in_file_order(certain) for reason in rule.reasons)
    return DecisionResult(given, certain[0].answer)


def liveness(
    decision: BusinessDecision, known: KnownFacts, *, with_shadow: bool = False
) -> Mapping[str, bool | None]:
    """Return for each rule of a decision whether it is live: yes, no, or None for unknown."""
    live: dict[str, bool | None] = {}
    for rule in decision.rules:
        if rule.is_shadow and not with_shadow:
            continue
        verdict = rule.when.test(known)
        if verdict is not False and rule.overridden_by:
            overriding = [live[name] for name in rule.overridden_by if name in live]
            if True in overriding:
                verdict = False
            elif None in overriding:
                verdict = None
        live[rule.id] = verdict
    return live


def _in_file_order(rules: Sequence[BusinessRule]) -> Sequence[BusinessRule]:
    return rules if len(rules) < 2 else sorted(rules, key=lambda rule: rule.when.line)


def _unknown_with_overriding(
    rules: Sequence[BusinessRule], decision: BusinessDecision, known: KnownFacts
) -> tuple[str, ...]:
    """Return what is unknown of rules and of those that may override them."""
    by_id = {rule.id: rule for rule in decision.rules}
    found: dict[str, None] = {}
    seen: set[str] = set()
    waiting = list(rules)
    while waiting:
        rule = waiting.pop(0)
        if rule.id not in seen:
            seen.add(rule.id)
            found.update(dict.fromkeys(rule.when.unknown(known)))
            waiting += [by_id[name] for name in rule.overridden_by]
    return tuple(found)


def _unsure(
    decision: BusinessDecision,
    condition: Condition,
    known: KnownFacts,
    facts: Mapping[str, FactValue],
    if_unsure: str,
) -> DecisionResult:
    names = condition.unknown(known)
    return DecisionResult((unsure(decision.name, if_unsure, because_unknown(names, facts), unknown=names),))
