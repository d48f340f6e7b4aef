"""The rules that stopped an exchange, with their conditions and places in the policy's file. Pure."""

from handrail.policy import Policy
from handrail.policy.runtime.rules import BusinessDecision, BusinessRule, Rule
from handrail.service.screen import CitedRule
from handrail.tickets.ticket import ReasonRecord, Ticket


def cited(ticket: Ticket, policy: Policy | None) -> tuple[CitedRule, ...]:
    """Return the rules of a ticket; `policy` is the version that stopped it, None where it is not known."""
    return tuple(_cited(reason, ticket, policy) for reason in ticket.policy.rules)


def _cited(reason: ReasonRecord, ticket: Ticket, policy: Policy | None) -> CitedRule:
    rule = _rule(policy, reason.rule) if policy is not None else None
    return CitedRule(
        rule=reason.rule,
        effect=reason.effect,
        trigger=reason.trigger.value,
        severity=reason.severity.value,
        role=reason.role or "",
        because=reason.because,
        unknown=reason.unknown,
        is_conflict=reason.rule in ticket.policy.conflict,
        when=rule.when.text if rule is not None else "",
        source=rule.source if rule is not None else "",
        answer=rule.answer if isinstance(rule, BusinessRule) else "",
        policy=f"{ticket.policy.name} {ticket.policy.version}".strip(),
        line=rule.when.line if rule is not None else 0,
    )


def _rule(policy: Policy, name: str) -> Rule | BusinessRule | None:
    for unit in policy.units:
        if isinstance(unit, Rule) and unit.id == name:
            return unit
        if isinstance(unit, BusinessDecision):
            for rule in unit.rules:
                if rule.id == name:
                    return rule
    return None
