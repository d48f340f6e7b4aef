"""Thresholds of confidence to move: down to what is certified, or up to where a person's look pays."""

import math
from collections.abc import Iterator
from contextlib import suppress

from handrail.review.changes.patches import NotPatchable, PolicyPatch, threshold_set
from handrail.review.changes.policy_in_force import PolicyInForce
from handrail.review.changes.proposal import Grounds, Proposal
from handrail.review.evidence.certified import Certified, is_kept, rounded_up
from handrail.review.evidence.log_review import LogReview
from handrail.review.evidence.score_limits import ScoreLimit, score_limits, whole_limits
from handrail.review.figures.measure import Share, share
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
    patch = now.tried(threshold_set(now.text, limit.rule, limit.fact, threshold))
    seen = _read_between(review, limit.limit, threshold)
    grounds = Grounds(
        kind="threshold",
        title=f"Set the threshold of {limit.rule} to {threshold:.3f} (now {limit.limit:g})",
        why=(
            f"Certified with probability {1 - settings.delta:.0%}: of answers that a score decides at most "
            f"{settings.alpha:.0%} are then passed and wrong. The promise ends when the model changes."
        ),
        effect=(
            f"At most {settings.alpha:.0%} of such answers are passed and wrong."
            f"{_errors_moved(patch, seen, now.weeks)}"
        ),
        about=limit.rule,
        wrong=_wrong(seen, review),
    )
    return now.change(grounds, patch, certified=Certified(whole=threshold))


def _to_worth(limit: ScoreLimit, review: LogReview, now: PolicyInForce) -> Proposal | None:
    worth = review.worth_above(limit.limit + LEAST_MOVE)
    if worth is None:
        return None
    patch = now.tried(threshold_set(now.text, limit.rule, limit.fact, worth.cautious))
    seen = _read_between(review, limit.limit, worth.cautious)
    grounds = Grounds(
        kind="likely_threshold",
        title=f"Raise the threshold of {limit.rule} to {worth.cautious:.3f} (now {limit.limit:g})",
        why=(
            f"By {worth.verdicts} verdicts, {worth.wrong} of them wrong, a person's look pays below a "
            f"confidence of {worth.score:.2f} ({worth.low:.2f} to {worth.high:.2f}, 80 % interval)."
        ),
        effect=(
            f"Below it {review.settings.costs.break_even:.0%} or more of the answers should be wrong."
            f"{_errors_moved(patch, seen, now.weeks)}"
        ),
        about=limit.rule,
        wrong=_wrong(seen, review),
    )
    return now.change(grounds, patch)


def _read_between(review: LogReview, one: float, other: float) -> Share:
    """Return how many of the read answers with a score between two limits were wrong."""
    seen = review.decided_by_score()
    inside = (seen.score >= min(one, other)) & (seen.score < max(one, other))
    return share(int((seen.verdict[inside] == WRONG).sum()), int(inside.sum()))


def _wrong(seen: Share, review: LogReview) -> float:
    """Return which share is wrong, with one more answer at the share from which on a look pays.

    Nothing is concluded from none.
    """
    return (seen.count + review.settings.costs.break_even) / (seen.total + 1)


def _errors_moved(patch: PolicyPatch, seen: Share, weeks: int) -> str:
    """Say how many wrong answers a change stops or lets out, by those that were read of the same scores."""
    tried = patch.tried
    moved = tried.newly - tried.no_longer if tried is not None else 0
    if not moved:
        return ""
    what = "Of what it stops more" if moved > 0 else "Of what it stops no more"
    if not seen.total:
        return f" {what} nobody has read any, so how many of it are wrong is not known."
    weekly = abs(moved) / max(1, weeks)
    return (
        f" {what}, {seen.low * weekly:.1f} to {seen.high * weekly:.1f} answers a week are wrong, by {seen}."
    )
