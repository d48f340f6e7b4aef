"""A simulated quarter of which nothing is changed: what the review finds, against what is so."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from benchmarks.review_certified import Attempts, attempt
from benchmarks.review_log import COSTS, log_of, stage_of
from benchmarks.review_slices import SliceRisks, frequent_slices, week_of

from handrail.records import Effect, FactValue
from handrail.review.evidence.candidate import MISSING, NEEDLESS, Candidate
from handrail.review.evidence.log_review import ALPHA, LogReview, LogSettings, WeekFindings
from handrail.review.log.review_log import ReviewLog
from handrail.testing.plants import TOO_LOW, plant
from handrail.testing.quarter import Quarter, QuarterSettings, WeekTruth
from handrail.testing.simulated_people import staff

WEEKS = 13
DRIFT_WEEK, DRIFT = 4, 5.0
"""The odds of a wrong answer are five times as high from the fifth week on."""
ATTACK_WEEK = 6
AUDIT_RATE = 0.2
POLICIES = (
    ("support", (NEEDLESS, MISSING)),
    ("banking", (NEEDLESS, MISSING)),
    ("clinic", (NEEDLESS,)),
    ("support", (TOO_LOW, MISSING)),
    ("clinic", (TOO_LOW,)),
)
STAMPERS, HONEST = 2, 6


@dataclass(slots=True, kw_only=True)
class Watched:
    """What a quarter showed, against its truth. Weeks count from 0; None where nothing was found.

    `risks` holds for each week the true share that the threshold in force at its beginning would have passed
    wrong: one that is certified by the end of a week is in force from the next one on.
    """

    covered: list[bool] = field(default_factory=list)
    is_drifting: bool = False
    rules: dict[str, int | None] = field(default_factory=dict)
    stampers: dict[str, int | None] = field(default_factory=dict)
    drift: int | None = None
    false: list[str] = field(default_factory=list)
    findings: int = 0
    risks: list[float] = field(default_factory=list)
    is_calm: list[bool] = field(default_factory=list)
    thresholds: list[float] = field(default_factory=list)
    suspended: int = 0
    likely: list[bool] = field(default_factory=list)
    attempts: Attempts = field(default_factory=Attempts)
    slices: SliceRisks = field(default_factory=SliceRisks)

    @property
    def is_above(self) -> bool:
        """Whether the promise was broken: in a week without a change, or over all weeks together."""
        calm = [risk for risk, is_calm in zip(self.risks, self.is_calm, strict=True) if is_calm]
        return max(calm, default=0.0) > ALPHA or float(np.mean(self.risks)) > ALPHA

    @property
    def is_ever_above(self) -> bool:
        """Whether any single week lay above, the first one after a sudden change included."""
        return max(self.risks) > ALPHA


def watch(seed: int) -> Watched:
    """Play a quarter of which nothing is changed, and hold what the review finds against what is so."""
    name, kinds = POLICIES[seed % len(POLICIES)]
    has_plants, drifts, attacked = seed % 2 == 0, (seed // 2) % 2 == 1, (seed // 4) % 3 == 0
    settings = QuarterSettings(
        seed=seed,
        drift_week=DRIFT_WEEK if drifts else None,
        drift=DRIFT,
        attack_week=ATTACK_WEEK if attacked else None,
        people=staff(honest=HONEST, stampers=STAMPERS if seed % 7 else 0),
    )
    quarter = Quarter(plant(name, kinds if has_plants else ()), settings)
    review = LogReview(LogSettings.of(quarter.policy, costs=COSTS))
    seen = Watched(is_drifting=drifts)
    truths: list[WeekTruth] = []
    seen.stampers = {one.name: None for one in settings.people if one.catches < 0.5}
    seen.rules = {one.kind: None for one in quarter.planted.plants}
    in_force = math.inf
    told: dict[str, set[int]] = {}
    for week in range(WEEKS):
        played = quarter.play(audit_rate=AUDIT_RATE)
        truth, log = played.truth, log_of(played.records)
        truths.append(truth)
        seen.risks.append(_risk(log, truth, in_force))
        seen.is_calm.append(not ((drifts and week >= DRIFT_WEEK) or (attacked and week >= ATTACK_WEEK)))
        seen.slices.weeks.append(week_of(log, truth, review.certificate.slices, is_calm=seen.is_calm[-1]))
        found = review.take(log)
        if week == 0:
            for one in frequent_slices(log):
                review.certificate.follow(one)
        in_force = found.threshold
        _hold_week(seen, found, truth, week, is_expected=attacked or (drifts and week >= DRIFT_WEEK))
        if found.has_drifted and drifts and week >= DRIFT_WEEK and seen.drift is None:
            seen.drift = week
        for candidate in found.rules:
            seen.findings += 1
            _hold_rule(seen, quarter, candidate, truths, week)
        for candidate in review.rules.likely:
            if candidate.place not in told.setdefault(candidate.kind, set()):
                told[candidate.kind].add(candidate.place)
                seen.likely.append(_is_so(quarter, candidate, truths)[0])
    attempt(quarter, quarter.planted.text, review, seen.attempts)
    return seen


def _hold_week(seen: Watched, found: WeekFindings, truth: WeekTruth, week: int, *, is_expected: bool) -> None:
    rate = float(truth.is_wrong[~truth.is_held].mean())
    seen.covered.append(found.missed.low <= rate <= found.missed.high)
    seen.thresholds.append(found.threshold)
    seen.suspended += found.is_suspended
    for person in found.readers:
        seen.findings += 1
        if person in seen.stampers:
            seen.stampers[person] = week
        else:
            seen.false.append(f"reader {person}")
    if found.has_drifted:
        seen.findings += 1
        if not is_expected:
            seen.false.append("drift")


def _risk(log: ReviewLog, truth: WeekTruth, threshold: float) -> float:
    by_score = log.is_passed | log.is_unsure_only
    return float((truth.chance * by_score * (truth.score >= threshold)).mean())


def _hold_rule(
    seen: Watched, quarter: Quarter, candidate: Candidate, truths: list[WeekTruth], week: int
) -> None:
    is_so, mean, planted = _is_so(quarter, candidate, truths)
    if not is_so:
        seen.false.append(f"{candidate.kind} {candidate.rule} {candidate.condition} ({mean:.2f})")
    elif planted > 0.5:
        for kind in (MISSING,) if candidate.kind == MISSING else (NEEDLESS, TOO_LOW):
            if seen.rules.get(kind, 0) is None:
                seen.rules[kind] = week


def _is_so(quarter: Quarter, candidate: Candidate, truths: list[WeekTruth]) -> tuple[bool, float, float]:
    """Tell whether a finding is so, by the mean chance of a wrong answer where it holds, over all weeks.

    Returns also that mean, and the share of these cases that the planted fault is about.
    """
    inside, planted = [], []
    for truth in truths:
        for facts, chance in zip(truth.facts, truth.chance, strict=True):
            if candidate.condition.holds(facts) and _is_about(candidate, quarter, facts):
                inside.append(float(chance))
                planted.append(_is_planted(quarter, candidate.kind, facts))
    mean = float(np.mean(inside)) if inside else math.nan
    is_so = mean < COSTS.break_even if candidate.kind == NEEDLESS else mean > COSTS.break_even
    return is_so, mean, float(np.mean(planted)) if planted else 0.0


def _is_about(candidate: Candidate, quarter: Quarter, facts: Mapping[str, FactValue]) -> bool:
    decision = quarter.policy.decide(facts, stage_of(facts))
    if candidate.kind == MISSING:
        return decision.effect.is_released
    rules = [reason.rule for reason in decision.reasons if reason.effect is Effect.HAND_OFF]
    return rules == [candidate.rule]


def _is_planted(quarter: Quarter, kind: str, facts: Mapping[str, FactValue]) -> bool:
    """Tell whether the planted policy and the right one differ here, in the way of a kind."""
    stage = stage_of(facts)
    is_stopped = not quarter.policy.decide(facts, stage).effect.is_released
    should_stop = not quarter.reference.decide(facts, stage).effect.is_released
    return (is_stopped and not should_stop) if kind == NEEDLESS else (should_stop and not is_stopped)
