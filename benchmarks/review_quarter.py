"""Two runs through a simulated quarter: one that only watches, one in which proposals are accepted."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from handrail.policy import Policy, loads
from handrail.policy.runtime.log_row import read_row
from handrail.records import Effect, FactValue, Stage
from handrail.review.log_review import ALPHA, LogReview, LogSettings, limits_of
from handrail.review.patches import NotPatchable, added, narrowed
from handrail.review.review_log import ReviewLog, review_log
from handrail.review.rule_search import MISSING, NEEDLESS, Candidate, Costs
from handrail.testing.plants import plant
from handrail.testing.quarter import Quarter, QuarterSettings, WeekTruth
from handrail.testing.simulated_people import staff

COSTS = Costs(missed=4.0)
WEEKS, RECOVERY_WEEKS = 13, 8
DRIFT_WEEK, DRIFT = 4, 5.0
"""The odds of a wrong answer are five times as high from the fifth week on."""
AUDIT_RATE = 0.2
POLICIES = (
    ("support", ("needless", "missing")),
    ("banking", ("needless", "missing")),
    ("clinic", ("needless",)),
)
STAMPERS, HONEST = 2, 6


@dataclass(slots=True, kw_only=True)
class Watched:
    """What a quarter showed, against its truth. Weeks count from 0; None where nothing was found."""

    covered: list[bool] = field(default_factory=list)
    is_drifting: bool = False
    rules: dict[str, int | None] = field(default_factory=dict)
    stampers: dict[str, int | None] = field(default_factory=dict)
    drift: int | None = None
    false: list[str] = field(default_factory=list)
    findings: int = 0
    above: bool = False
    weeks_above_drifting: int = 0
    certified_raised: int = 0
    thresholds: list[float] = field(default_factory=list)


def watch(seed: int) -> Watched:
    """Play a quarter of which nothing is changed, and hold what the review finds against what is so."""
    name, kinds = POLICIES[seed % len(POLICIES)]
    has_plants, drifts, attacked = seed % 2 == 0, (seed // 2) % 2 == 1, (seed // 4) % 3 == 0
    settings = QuarterSettings(
        seed=seed,
        drift_week=DRIFT_WEEK if drifts else None,
        drift=DRIFT,
        attack_week=6 if attacked else None,
        people=staff(honest=HONEST, stampers=STAMPERS if seed % 5 else 0),
    )
    quarter = Quarter(plant(name, kinds if has_plants else ()), settings)
    review = LogReview(LogSettings(costs=COSTS, reads=limits_of(quarter.policy)))
    seen = Watched(is_drifting=drifts)
    truths: list[WeekTruth] = []
    seen.stampers = {one.name: None for one in settings.people if one.catches < 0.5}
    seen.rules = {one.kind: None for one in quarter.planted.plants}
    for week in range(WEEKS):
        played = quarter.play(audit_rate=AUDIT_RATE)
        truths.append(played.truth)
        log = _log(played.records)
        found = review.take(log)
        truth = played.truth
        rate = float(truth.is_wrong[~truth.is_held].mean())
        seen.covered.append(found.missed.low <= rate <= found.missed.high)
        _hold_threshold(seen, log, truth, found.threshold, is_changed=drifts and week >= DRIFT_WEEK)
        for person in found.readers:
            seen.findings += 1
            if person in seen.stampers:
                seen.stampers[person] = week
            else:
                seen.false.append(f"reader {person}")
        if found.has_drifted:
            seen.findings += 1
            if drifts and week >= DRIFT_WEEK:
                seen.drift = week
            elif not attacked:
                seen.false.append("drift")
        for candidate in found.rules:
            seen.findings += 1
            _hold_rule(seen, quarter, candidate, truths, week)
    return seen


def _hold_threshold(
    seen: Watched, log: ReviewLog, truth: WeekTruth, threshold: float, *, is_changed: bool
) -> None:
    by_score = log.is_passed | log.is_unsure_only
    risk = float((truth.chance * by_score * (truth.score >= threshold)).mean())
    if risk > ALPHA:
        seen.above |= not is_changed
        seen.weeks_above_drifting += is_changed
    seen.thresholds.append(threshold)


def _hold_rule(
    seen: Watched, quarter: Quarter, candidate: Candidate, truths: list[WeekTruth], week: int
) -> None:
    """Tell whether a finding is so: by the mean chance of a wrong answer where it holds, over all weeks."""
    inside, planted = [], []
    for truth in truths:
        for facts, chance in zip(truth.facts, truth.chance, strict=True):
            if candidate.condition.holds(facts) and _is_about(candidate, quarter, facts):
                inside.append(float(chance))
                planted.append(_is_planted(quarter, candidate.kind, facts))
    mean = float(np.mean(inside)) if inside else math.nan
    is_so = mean < COSTS.break_even if candidate.kind == NEEDLESS else mean > COSTS.break_even
    if not is_so:
        seen.false.append(f"{candidate.kind} {candidate.rule} {candidate.condition} ({mean:.2f})")
    elif np.mean(planted) > 0.5 and seen.rules.get(candidate.kind, 0) is None:
        seen.rules[candidate.kind] = week


def _is_about(candidate: Candidate, quarter: Quarter, facts: Mapping[str, FactValue]) -> bool:
    decision = quarter.policy.decide(facts, Stage.TOOL if "tool.name" in facts else Stage.ANSWER)
    if candidate.kind == MISSING:
        return decision.effect.is_released
    rules = [reason.rule for reason in decision.reasons if reason.effect is Effect.HAND_OFF]
    return rules == [candidate.rule]


def _is_planted(quarter: Quarter, kind: str, facts: Mapping[str, FactValue]) -> bool:
    """Tell whether the planted policy and the right one differ here, in the way of a kind."""
    stage = Stage.TOOL if "tool.name" in facts else Stage.ANSWER
    is_stopped = not quarter.policy.decide(facts, stage).effect.is_released
    should_stop = not quarter.reference.decide(facts, stage).effect.is_released
    return (is_stopped and not should_stop) if kind == NEEDLESS else (should_stop and not is_stopped)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """Utility of the last week for each exchange: as it began, as it was brought to, and at best."""

    start: float
    reached: float
    best: float
    accepted: tuple[str, ...]


BAD = (("support", ("needless",)), ("banking", ("needless",)), ("clinic", ("needless",)))
"""A rule that hands off a quarter of the traffic and need not."""


def recover(seed: int) -> Recovered:
    """Accept what is proposed for eight weeks; of thirty verdicts a week a fifth are rubber-stamped."""
    name, kinds = BAD[seed % len(BAD)]
    people = staff(honest=7, stampers=2, experts=1)
    settings = QuarterSettings(seed=10_000 + seed, people=people, answers_weekly=30, wrong=0.05)
    quarter = Quarter(plant(name, kinds), settings)
    text = quarter.planted.text
    policy = quarter.policy
    review = LogReview(LogSettings(costs=COSTS, reads=limits_of(policy)))
    accepted: list[str] = []
    truth: WeekTruth | None = None
    for _ in range(RECOVERY_WEEKS):
        played = quarter.play(policy, audit_rate=0.03, first=partial(_is_wanted, review, policy))
        truth = played.truth
        for candidate in review.take(_log(played.records)).rules:
            changed = _patched(text, policy, candidate, place=len(accepted))
            if changed is not None:
                text, policy = changed, loads(changed)
                accepted.append(f"{candidate.kind} {candidate.rule} {candidate.condition}")
    assert truth is not None
    after = quarter.play(policy, audit_rate=0.03).truth
    return Recovered(
        start=_utility(after, quarter.policy),
        reached=_utility(after, policy),
        best=_utility(after, quarter.reference),
        accepted=tuple(accepted),
    )


def _is_wanted(review: LogReview, policy: Policy, facts: Mapping[str, FactValue]) -> bool:
    decision = policy.decide(facts, Stage.TOOL if "tool.name" in facts else Stage.ANSWER)
    rules = [reason.rule for reason in decision.reasons if reason.effect is Effect.HAND_OFF]
    return review.rules.is_wanted(rules, facts)


def _patched(text: str, policy: Policy, candidate: Candidate, *, place: int) -> str | None:
    try:
        if candidate.kind == NEEDLESS:
            return narrowed(text, candidate.rule, candidate.condition)
        words = "People found these wrong more often than a look is worth."
        return added(text, f"found-{place}", candidate.condition, to=policy.if_unsure, because=words)
    except NotPatchable:
        return None


def _utility(truth: WeekTruth, policy: Policy) -> float:
    """Return what a week costs under a policy, for each exchange: 1 for a stop, more for a wrong answer."""
    total = 0.0
    for facts, chance in zip(truth.facts, truth.chance, strict=True):
        stage = Stage.TOOL if "tool.name" in facts else Stage.ANSWER
        is_stopped = not policy.decide(facts, stage).effect.is_released
        total -= 1.0 if is_stopped else COSTS.missed * float(chance)
    return total / len(truth.facts)


def _log(records: tuple[object, ...]) -> ReviewLog:
    return review_log([row for row in map(read_row, records) if row is not None])
