"""Runs a policy over a log of decisions: what it would have handed off, to whom, and what that adds up to."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from handrail.policy.runtime.policy import Policy
from handrail.policy.runtime.record import read_fact
from handrail.records import Decision, Effect, FactValue, Stage

STOPPED = (Effect.HAND_OFF, Effect.BLOCK)


@dataclass(slots=True, kw_only=True)
class RoleLoad:
    """Hand-offs to one role: in all, on its busiest day, and what its plan says it can take."""

    hand_offs: int = 0
    busiest_day: str = ""
    on_busiest_day: int = 0
    capacity_per_day: int | None = None

    @property
    def is_over(self) -> bool:
        """True when the busiest day asks for more than the role can take."""
        return self.capacity_per_day is not None and self.on_busiest_day > self.capacity_per_day


@dataclass(slots=True, kw_only=True)
class Backtest:
    """What a policy would have done. `newly` and `no_longer` count records whose recorded outcome differs."""

    records: int = 0
    days: int = 0
    hand_offs: int = 0
    blocks: int = 0
    newly: int = 0
    no_longer: int = 0
    by_rule: Counter[str] = field(default_factory=Counter)
    in_shadow: Counter[str] = field(default_factory=Counter)
    newly_by_rule: Counter[str] = field(default_factory=Counter)
    no_longer_by_rule: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    roles: dict[str, RoleLoad] = field(default_factory=dict)
    unreadable: list[int] = field(default_factory=list)


def backtest(lines: Iterable[tuple[int, Mapping[str, Any] | None]], policy: Policy) -> Backtest:
    """Run a policy over recorded decisions; pure.

    Args:
        lines: line number and record; None for a line that could not be read. A record has `stage` and
            `facts` and, if it is to be compared, `effect`, `reasons` and `at` (ISO 8601).
        policy: the policy to try.
    """
    result = Backtest()
    per_day: dict[str, Counter[str]] = defaultdict(Counter)
    days: set[str] = set()
    for number, record in lines:
        decision = _again(record, policy)
        if record is None or decision is None:
            result.unreadable.append(number)
            continue
        result.records += 1
        day = str(record.get("at", ""))[:10]
        days.add(day)
        _count(result, record, decision)
        for role in filter(None, (decision.role, *decision.co_approvers)):
            per_day[role][day] += 1
    result.days = len(days - {""})
    for role, by_day in per_day.items():
        day, most = by_day.most_common(1)[0]
        plan = policy.roles.get(role)
        result.roles[role] = RoleLoad(
            hand_offs=by_day.total(),
            busiest_day=day,
            on_busiest_day=most,
            capacity_per_day=plan.capacity_per_day if plan else None,
        )
    return result


def _again(record: Mapping[str, Any] | None, policy: Policy) -> Decision | None:
    if record is None or not isinstance(record.get("facts"), Mapping):
        return None
    try:
        stage = Stage(record.get("stage", ""))
    except ValueError:
        return None
    return policy.decide(read_facts(record["facts"], policy), stage)


def read_facts(raw: Mapping[str, Any], policy: Policy) -> dict[str, FactValue]:
    """Read facts written by `write_fact`, or plainly as in a policy's tests; others are left out. Pure."""
    facts: dict[str, FactValue] = {}
    for name, value in raw.items():
        declaration = policy.facts.get(name)
        if declaration is None:
            continue
        if isinstance(value, Mapping) and "kind" in value:
            facts[name] = read_fact(value)
        else:
            facts[name] = declaration.stated(value)
    return facts


def _count(result: Backtest, record: Mapping[str, Any], decision: Decision) -> None:
    stopping = [reason for reason in decision.reasons if reason.effect in STOPPED]
    rules = dict.fromkeys(reason.rule for reason in stopping)
    result.by_rule.update(rules.keys())
    result.in_shadow.update({reason.rule for reason in decision.shadow})
    result.unknown.update({name for reason in stopping for name in reason.unknown})
    result.hand_offs += any(reason.effect is Effect.HAND_OFF for reason in stopping)
    result.blocks += decision.effect is Effect.BLOCK
    if "effect" not in record:
        return
    was_stopped = record["effect"] in STOPPED
    if stopping and not was_stopped:
        result.newly += 1
        result.newly_by_rule.update(rules.keys())
    elif was_stopped and not stopping:
        result.no_longer += 1
        before = record.get("reasons") or ()
        names = {str(reason.get("rule")) for reason in before if isinstance(reason, Mapping)}
        result.no_longer_by_rule.update(names)
