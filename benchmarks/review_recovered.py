"""A simulated quarter that begins under a bad policy: what accepting the proposals brings back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from benchmarks.review_certified import risk_of
from benchmarks.review_log import COSTS, log_of, stage_of

from handrail.policy import Policy, loads
from handrail.records import Effect, FactValue
from handrail.review.changes.patches import NotPatchable, proved, retired, threshold_set
from handrail.review.evidence.candidate import NEEDLESS, Candidate
from handrail.review.evidence.log_review import ALPHA, LogReview, LogSettings
from handrail.review.evidence.score_limits import score_limits
from handrail.review.proposals.rules import changed_text
from handrail.review.proposals.thresholds import LEAST_MOVE
from handrail.testing.plants import MISSING, TOO_LAX, TOO_LOW, plant
from handrail.testing.quarter import Quarter, QuarterSettings, WeekTruth
from handrail.testing.simulated_people import staff

WEEKS = 8
VERDICTS = 30
AUDIT_RATE = 0.3
BAD = (
    ("support", (NEEDLESS,), 0.05),
    ("support", (TOO_LOW,), 0.05),
    ("support", (MISSING,), 0.05),
    ("banking", (NEEDLESS, MISSING), 0.05),
    ("clinic", (TOO_LAX,), 0.125),
    ("clinic", (NEEDLESS, TOO_LOW), 0.05),
    ("banking", (TOO_LAX,), 0.125),
    ("support", (NEEDLESS, MISSING, TOO_LOW), 0.05),
)
"""What is bad at the beginning, and the share of wrong answers. A threshold that is too lax only costs where
answers are wrong often."""
ATTACK_WEEK = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """Utility of the last week for each exchange: as it began, as it was brought to, and at best.

    `start_weeks` are the utilities of each week under the policy then in force, `raised` counts accepted
    changes after which a certified threshold passed more than it promised.
    """

    bad: tuple[str, ...]
    is_attacked: bool
    start: float
    reached: float
    best: float
    accepted: tuple[str, ...]
    changes: int = 0
    raised: int = 0

    @property
    def gained(self) -> float:
        """What was gained; more than what was lost by the faults counts as that."""
        return min(self.reached, self.best) - self.start

    @property
    def possible(self) -> float:
        """What there was to gain."""
        return self.best - self.start


def recover(seed: int) -> Recovered:
    """Accept what is proposed for eight weeks; of thirty verdicts a week a fifth are rubber-stamped."""
    name, kinds, wrong = BAD[seed % len(BAD)]
    is_attacked = (seed // len(BAD)) % 3 == 2
    settings = QuarterSettings(
        seed=10_000 + seed,
        people=staff(honest=7, stampers=2, experts=1),
        answers_weekly=VERDICTS,
        wrong=wrong,
        attack_week=ATTACK_WEEK if is_attacked else None,
    )
    quarter = Quarter(plant(name, kinds), settings)
    text, policy = quarter.planted.text, quarter.policy
    review = LogReview(LogSettings.of(policy, costs=COSTS))
    accepted: list[str] = []
    raised = 0
    for _ in range(WEEKS):
        played = quarter.play(policy, audit_rate=AUDIT_RATE, first=partial(_is_wanted, review, policy))
        found = review.take(log_of(played.records))
        for words, change in _changes(review, found.rules, accepted):
            certified = review.certificate.under(policy.ref.sha256)
            try:
                changed = change(text, policy)
            except NotPatchable:
                continue
            if changed == text or not proved(text, changed, file=name, certified=certified).is_ready:
                continue
            new = loads(changed)
            raised += _is_raised(review, played.truth, policy, new)
            text, policy = changed, new
            accepted.append(words)
    after = quarter.play(policy, audit_rate=AUDIT_RATE).truth
    return Recovered(
        bad=kinds,
        is_attacked=is_attacked,
        start=_utility(after, quarter.policy),
        reached=_utility(after, policy),
        best=_utility(after, quarter.reference),
        accepted=tuple(accepted),
        changes=len(accepted),
        raised=raised,
    )


def _changes(
    review: LogReview, proved_now: Sequence[Candidate], accepted: Sequence[str]
) -> Iterator[tuple[str, Callable[[str, Policy], str]]]:
    """Yield what is proposed: what is proved, what is worth a try, and trials to end."""
    for candidate in (*proved_now, *review.rules.likely):
        words = f"{candidate.kind} {candidate.rule} {candidate.condition}"
        if words not in accepted:
            yield words, partial(_as_found, candidate)
    for rule in review.rules.failed_trials:
        yield "trial ended", lambda text, _, rule=rule: retired(text, rule)
    yield "threshold raised", partial(_raised, review)


def _as_found(candidate: Candidate, text: str, policy: Policy) -> str:
    return changed_text(text, policy, candidate)


def _raised(review: LogReview, text: str, policy: Policy) -> str:
    for limit in score_limits(policy):
        worth = review.worth_above(limit.limit + LEAST_MOVE)
        if worth is not None:
            return threshold_set(text, limit.rule, limit.fact, worth.cautious)
    return text


def _is_raised(review: LogReview, truth: WeekTruth, old: Policy, new: Policy) -> bool:
    under = review.certificate.under
    was_kept = risk_of(truth, old, under(old.ref.sha256)) <= ALPHA
    return was_kept and risk_of(truth, new, under(new.ref.sha256)) > ALPHA


def _is_wanted(review: LogReview, policy: Policy, facts: Mapping[str, FactValue]) -> bool:
    decision = policy.decide(facts, stage_of(facts))
    rules = [reason.rule for reason in decision.reasons if reason.effect is Effect.HAND_OFF]
    return review.rules.is_wanted(rules, facts)


def _utility(truth: WeekTruth, policy: Policy) -> float:
    """Return what a week costs under a policy, for each exchange: 1 for a stop, more for a wrong answer."""
    total = 0.0
    for facts, chance in zip(truth.facts, truth.chance, strict=True):
        is_stopped = not policy.decide(facts, stage_of(facts)).effect.is_released
        total -= 1.0 if is_stopped else COSTS.missed * float(chance)
    return total / len(truth.facts)


def share_recovered(found: Sequence[Recovered]) -> float:
    """Return what was gained of what could be gained, over some quarters together."""
    possible = sum(one.possible for one in found)
    return float(np.round(sum(one.gained for one in found) / possible, 4)) if possible > 0 else 1.0
