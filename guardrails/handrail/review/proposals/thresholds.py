"""Thresholds of confidence to move: down to what is certified, or up to where a person's look pays."""

import math
from collections.abc import Iterator
from contextlib import suppress

from handrail.review.changes.patches import NotPatchable, threshold_set
from handrail.review.changes.policy_in_force import PolicyInForce
from handrail.review.changes.proposal import Grounds, Proposal
from handrail.review.evidence.certified import Certified, is_kept
from handrail.review.evidence.log_review import LogReview
from handrail.review.evidence.score_limits import ScoreLimit, score_limits, whole_limits
from handrail.review.log.review_log import WRONG

LEAST_MOVE = 0.02
"""A threshold that would move by less is left as it is."""


def proposed_thresholds(review: LogReview, now: PolicyInForce) -> Iterator[Proposal]:
    """Yield a change of each rule that holds confidence against a number, whatever the slice.

    None where the limits rest on what is certified of a slice: they are moved together.
    """
    limits = tuple(score_limits(now.policy))
    if any(is_kept(one, limits) for one in now.certified.slices):
        return
    for limit in whole_limits(now.policy):
        with suppress(NotPatchable):
            proposal = _to_certified(limit, review, now) or _to_worth(limit, review, now)
            if proposal is not None:
                yield proposal


def _to_certified(limit: ScoreLimit, review: LogReview, now: PolicyInForce) -> Proposal | None:
    if math.isinf(now.certified.whole):
        return None
    threshold = rounded_up(now.certified.whole)
    if abs(limit.limit - threshold) < LEAST_MOVE:
        return None
    settings = review.settings
    grounds = Grounds(
        kind="threshold",
        title=f"Set the threshold of {limit.rule} to {threshold:.3f} (now {limit.limit:g})",
        why=(
            f"Certified with probability {1 - settings.delta:.0%}: of answers that a score decides at most "
            f"{settings.alpha:.0%} are then passed and wrong. The promise ends when the model changes."
        ),
        effect=f"At most {settings.alpha:.0%} of such answers are passed and wrong.",
        about=limit.rule,
        wrong=_wrong_between(review, limit.limit, threshold),
    )
    patch = now.tried(threshold_set(now.text, limit.rule, limit.fact, threshold))
    return now.change(grounds, patch, certified=Certified(whole=threshold))


def _to_worth(limit: ScoreLimit, review: LogReview, now: PolicyInForce) -> Proposal | None:
    worth = review.worth_above(limit.limit + LEAST_MOVE)
    if worth is None:
        return None
    grounds = Grounds(
        kind="likely_threshold",
        title=f"Raise the threshold of {limit.rule} to {worth.cautious:.3f} (now {limit.limit:g})",
        why=(
            f"By {worth.verdicts} verdicts, {worth.wrong} of them wrong, a person's look pays below a "
            f"confidence of {worth.score:.2f} ({worth.low:.2f} to {worth.high:.2f}, 80 % interval)."
        ),
        effect=f"Below it {review.settings.costs.break_even:.0%} or more of the answers should be wrong.",
        about=limit.rule,
        wrong=_wrong_between(review, limit.limit, worth.cautious),
    )
    return now.change(grounds, now.tried(threshold_set(now.text, limit.rule, limit.fact, worth.cautious)))


def rounded_up(threshold: float) -> float:
    """Return a threshold as a policy writes it: rounded up, which keeps the promise as well; pure."""
    return math.ceil(threshold * 1000) / 1000


def _wrong_between(review: LogReview, one: float, other: float) -> float:
    """Return the share of wrong ones among read answers with a score between two limits.

    One more answer is counted, at the share from which on a look pays: nothing is concluded from none.
    """
    seen = review.decided_by_score()
    inside = (seen.score >= min(one, other)) & (seen.score < max(one, other))
    wrong = int((seen.verdict[inside] == WRONG).sum())
    return (wrong + review.settings.costs.break_even) / (int(inside.sum()) + 1)
