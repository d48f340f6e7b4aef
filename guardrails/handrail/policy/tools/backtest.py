"""Runs a policy over a log of decisions: what it would have handed off, to whom, and what that adds up to."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from handrail.policy.runtime.log_row import FAULT, LogRow, UnreadableRow, read_row
from handrail.policy.runtime.merge import merge
from handrail.policy.runtime.policy import Policy
from handrail.policy.runtime.record import read_fact
from handrail.records import Decision, Effect, FactValue, Stage

STOPPED = (Effect.HAND_OFF, Effect.BLOCK)
DECIDED, WITHOUT_FACTS, UNREADABLE = "decided", "without_facts", "unreadable"


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
    """What a policy would have done. `newly` and `no_longer` count records whose recorded outcome differs.

    `recorded_hand_offs` counts what was handed off at the time; `without_facts` those of them of which only
    the ticket is on record, so that they were not decided again.
    """

    records: int = 0
    recorded_hand_offs: int = 0
    without_facts: int = 0
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedRow:
    """What a policy says of one row, and what was recorded: codes only, so that rows can be kept and counted.

    `state` is `decided`, `without_facts` or `unreadable`. `stopping` and `shadow` are rules, `unknown` facts.
    """

    line: int
    state: str
    day: str = ""
    exchange: str = ""
    effect: str = ""
    hands_off: bool = False
    roles: tuple[str, ...] = ()
    stopping: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    was: str = ""
    was_rules: tuple[str, ...] = ()


def try_row(line: int, record: object, policy: Policy) -> TriedRow | None:
    """Say what a policy makes of one record of a log, None for one that is no decision; pure."""
    try:
        row = read_row(record)
    except UnreadableRow:
        return TriedRow(line=line, state=UNREADABLE)
    if row is None or not row.is_decision or row.outcome == FAULT:
        return None
    told = {"line": line, "day": day_of(row.at), "exchange": row.exchange, "was": row.effect}
    if row.facts is None:
        return TriedRow(**told, state=WITHOUT_FACTS)  # type: ignore[arg-type]
    decision = _again(row, policy)
    stopping = [reason for reason in decision.reasons if reason.effect in STOPPED]
    return TriedRow(
        **told,  # type: ignore[arg-type]
        state=DECIDED,
        effect=decision.effect.value,
        hands_off=any(reason.effect is Effect.HAND_OFF for reason in stopping),
        roles=tuple(role for role in (decision.role, *decision.co_approvers) if role),
        stopping=tuple(dict.fromkeys(reason.rule for reason in stopping)),
        shadow=tuple(dict.fromkeys(reason.rule for reason in decision.shadow)),
        unknown=tuple(dict.fromkeys(name for reason in stopping for name in reason.unknown)),
        was_rules=row.rules,
    )


def day_of(at: str) -> str:
    """Return the day of a moment in UTC, as all days of a log are counted; empty if it is none. Pure."""
    if at.endswith(("+00:00", "Z")):
        return at[:10]
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return ""
    return (moment if moment.tzinfo is None else moment.astimezone(UTC)).date().isoformat()


def _again(row: LogRow, policy: Policy) -> Decision:
    """Take a decision again, part by part where it was merged of several."""
    parts = [
        policy.unsure(_stage(part), str(part["unsure"]))
        if "unsure" in part
        else policy.decide(read_facts(part.get("facts") or {}, policy), _stage(part))
        for part in row.parts or ({"stage": row.stage, "facts": row.facts},)
    ]
    return merge(parts) if len(parts) > 1 else parts[0]


def _stage(part: Mapping[str, Any]) -> Stage:
    return Stage(part["stage"]) if part.get("stage") in tuple(Stage) else Stage.ANSWER


def backtest(records: Iterable[tuple[int, object]], policy: Policy) -> Backtest:
    """Run a policy over recorded decisions; pure.

    Args:
        records: the number and the record of each line; see `handrail.policy.runtime.log_row`.
        policy: the policy to try.
    """
    tried = (try_row(line, record, policy) for line, record in records)
    return counted((row for row in tried if row is not None), policy)


def as_decided(row: LogRow, policy: Policy) -> LogRow:
    """Return a row with what a policy makes of its facts in place of what was recorded; pure.

    Tried with another policy, `newly` and `no_longer` then count what differs between the two policies. What
    cannot be decided again, and what is not to be compared, stays as it is.
    """
    if row.facts is None or not row.effect or not row.is_decision or row.outcome == FAULT:
        return row
    decision = _again(row, policy)
    stopping = (reason.rule for reason in decision.reasons if reason.effect in STOPPED)
    return replace(row, effect=decision.effect.value, rules=tuple(dict.fromkeys(stopping)))


def counted(rows: Iterable[TriedRow], policy: Policy) -> Backtest:
    """Add up what a policy said of every row; pure."""
    result = Backtest()
    per_day: dict[str, Counter[str]] = defaultdict(Counter)
    days: set[str] = set()
    decided, alone = set[str](), set[str]()
    for row in rows:
        if row.state == UNREADABLE:
            result.unreadable.append(row.line)
        elif row.state == WITHOUT_FACTS:
            alone.add(row.exchange)
        else:
            days.add(row.day)
            _count(result, row)
            if row.was == Effect.HAND_OFF:
                result.recorded_hand_offs += 1
                decided.add(row.exchange)
            for role in row.roles:
                per_day[role][row.day] += 1
    result.without_facts = len(alone - decided)
    result.recorded_hand_offs += result.without_facts
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


def _count(result: Backtest, row: TriedRow) -> None:
    result.records += 1
    result.by_rule.update(row.stopping)
    result.in_shadow.update(row.shadow)
    result.unknown.update(row.unknown)
    result.hand_offs += row.hands_off
    result.blocks += row.effect == Effect.BLOCK
    was_stopped = row.was in STOPPED
    if not row.was:
        return
    if row.stopping and not was_stopped:
        result.newly += 1
        result.newly_by_rule.update(row.stopping)
    elif was_stopped and not row.stopping:
        result.no_longer += 1
        result.no_longer_by_rule.update(set(row.was_rules))
