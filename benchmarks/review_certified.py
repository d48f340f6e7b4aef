"""Attempts to make more of a certified threshold than was proved: every one of them must fail."""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from benchmarks.review_log import log_of, stage_of

from handrail.policy import Policy, loads
from handrail.records import Effect, Trigger
from handrail.review.changes.patches import NotPatchable, added, narrowed, proved, retired, threshold_set
from handrail.review.evidence.certified import Certified
from handrail.review.evidence.log_review import ALPHA, LogReview
from handrail.review.evidence.score_limits import score_limits, whole_limits
from handrail.review.log.conditions import FactCondition, FactTest
from handrail.testing.quarter import Quarter, WeekTruth

LOWERED, JUST_BELOW, RETIRED, NARROWED, REST, LOOSENED, SLICED = (
    *("lowered", "just below", "retired", "narrowed", "beside it", "let out", "by a slice"),
)


@dataclass(slots=True, kw_only=True)
class Attempts:
    """How many changes were tried by kind, and which of them raised what is certified."""

    made: dict[str, int] = field(default_factory=dict)
    raised: list[str] = field(default_factory=list)

    def note(self, kind: str, *, is_raised: bool) -> None:
        """Count one attempt."""
        self.made[kind] = self.made.get(kind, 0) + 1
        if is_raised:
            self.raised.append(kind)


def attempt(quarter: Quarter, text: str, review: LogReview, attempts: Attempts) -> None:
    """Try the changes on a policy in force: none that is accepted may pass more than alpha and wrong."""
    policy = loads(text)
    certified = review.certificate.under(policy.ref.sha256)
    for kind, after in _texts(text, policy, certified):
        patch = proved(text, after, file="policy", certified=certified)
        attempts.note(kind, is_raised=patch.is_ready)
    for before, after, slices in _of_slices(text, policy, certified):
        patch = proved(before, after, file="policy", certified=slices)
        attempts.note(SLICED, is_raised=patch.is_ready)
    _let_out(quarter, text, policy, review, attempts)


def _of_slices(text: str, policy: Policy, certified: Certified) -> Iterator[tuple[str, str, Certified]]:
    """Yield changes that use what is certified of a slice further than it goes, with the text before each."""
    limit = max(whole_limits(policy), key=lambda one: one.limit, default=None)
    for one in certified.slices:
        if limit is None or math.isinf(one.inside) or math.isinf(one.outside):
            continue
        alone = Certified(slices=(one,))
        value = FactTest(fact=one.slice.fact, operator="in", values=(one.slice.value,))
        rule = FactCondition(tests=(value, FactTest(fact=limit.fact, operator="<=", size=one.inside)))
        kept = added(
            *(text, "in-slice", rule),
            to=policy.if_unsure,
            because="A slice.",
            trigger=Trigger.LOW_CONFIDENCE,
        )
        below = min(limit.limit, one.outside) - 0.002
        yield text, threshold_set(text, limit.rule, limit.fact, below), alone
        yield kept, threshold_set(kept, limit.rule, limit.fact, below), alone
        yield kept, threshold_set(kept, "in-slice", limit.fact, one.inside - 0.002), alone
        yield kept, retired(kept, "in-slice"), alone
        yield kept, text, alone


def _texts(text: str, policy: Policy, certified: Certified) -> Iterator[tuple[str, str]]:
    """Yield changes of the rules that hand off for low confidence, and of what the promise rests on."""
    for limit in score_limits(policy):
        least = min(limit.limit, certified.whole)
        yield LOWERED, threshold_set(text, limit.rule, limit.fact, 0.5 * least)
        yield JUST_BELOW, threshold_set(text, limit.rule, limit.fact, least - 0.002)
        yield RETIRED, retired(text, limit.rule)
        condition = FactCondition(tests=(FactTest(fact=limit.fact, operator=">", size=0.2),))
        yield NARROWED, narrowed(text, limit.rule, condition)
    yield REST, text.replace(f"if_unsure: {policy.if_unsure}", f"if_unsure: {policy.owner}", 1)


def _let_out(quarter: Quarter, text: str, policy: Policy, review: LogReview, attempts: Attempts) -> None:
    """Retire every rule about high stakes, as somebody might, and hold the certificate against the truth."""
    before = review.certificate.under(policy.ref.sha256)
    changed = text
    for rule in policy.hand_offs:
        if rule.trigger is Trigger.HIGH_STAKES and rule.effect is Effect.HAND_OFF and not rule.is_shadow:
            try:
                changed = retired(changed, rule.id)
            except NotPatchable:
                continue
    new = loads(changed)
    was_in_force = copy.deepcopy(review)
    played = quarter.play(new, audit_rate=0.2)
    kept = risk_of(played.truth, policy, before) <= ALPHA
    at_once = risk_of(played.truth, new, review.certificate.under(new.ref.sha256))
    attempts.note(LOOSENED, is_raised=kept and at_once > ALPHA)
    found = was_in_force.take(log_of(played.records))
    later = risk_of(played.truth, new, Certified(whole=found.threshold))
    attempts.note(LOOSENED, is_raised=kept and later > ALPHA)


def risk_of(truth: WeekTruth, policy: Policy, certified: Certified) -> float:
    """Return P(passed and wrong) of a week if what is certified replaces the policy's limits."""
    threshold = certified.whole
    if math.isinf(threshold):
        return 0.0
    decided = [policy.decide(facts, stage_of(facts)) for facts in truth.facts]
    by_score = np.array(
        [
            all(reason.trigger is Trigger.LOW_CONFIDENCE for reason in each.reasons if _stops(reason.effect))
            for each in decided
        ]
    )
    return float((truth.chance * by_score * (truth.score >= threshold)).mean())


def _stops(effect: Effect) -> bool:
    return effect in (Effect.HAND_OFF, Effect.BLOCK)
