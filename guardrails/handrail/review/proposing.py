"""Everything that a log and its tickets propose, each kind in a module of its own."""

from collections.abc import Iterator, Sequence

from handrail.policy import Policy
from handrail.review.cases import ReviewCase
from handrail.review.log_figures import detector_figures
from handrail.review.log_review import LogReview
from handrail.review.policy_in_force import PolicyInForce
from handrail.review.proposal import Proposal
from handrail.review.proposed_detectors import proposed_detectors
from handrail.review.proposed_grants import proposed_grants
from handrail.review.proposed_knowledge import proposed_knowledge
from handrail.review.proposed_prompts import proposed_prompts
from handrail.review.proposed_reading import proposed_reading
from handrail.review.proposed_roles import proposed_roles
from handrail.review.proposed_rules import proposed_rules
from handrail.review.proposed_slices import proposed_slices
from handrail.review.proposed_staffing import proposed_staffing
from handrail.review.proposed_thresholds import proposed_thresholds
from handrail.review.review_log import ReviewLog


def propose_changes(log: ReviewLog, review: LogReview, now: PolicyInForce) -> tuple[Proposal, ...]:
    """Return what a log speaks for, as changes of the policy in force, the surest first.

    Args:
        log: its decisions.
        review: the log, followed to its end.
        now: the policy in force.
    """
    found = _changes(log, review, now)
    return tuple(sorted(found, key=lambda one: one.kind.startswith("likely_")))


def _changes(log: ReviewLog, review: LogReview, now: PolicyInForce) -> Iterator[Proposal]:
    yield from proposed_rules(review, now)
    yield from proposed_thresholds(review, now)
    yield from proposed_slices(review, now)
    yield from proposed_roles(log, now)


def propose_notes(
    log: ReviewLog, review: LogReview, policy: Policy, *, cases: Sequence[ReviewCase] = (), weeks: int = 1
) -> tuple[Proposal, ...]:
    """Return what a log and its tickets say to people, outside the policy's file.

    Args:
        log: the decisions of some weeks.
        review: the log, followed to its end.
        policy: the policy in force.
        cases: the tickets of the same weeks, with their texts masked.
        weeks: how many weeks these are.
    """
    return (
        *proposed_reading(review),
        *proposed_staffing(log, policy),
        *proposed_prompts(cases, weeks=weeks),
        *proposed_knowledge(cases, weeks=weeks),
        *proposed_detectors(detector_figures(log), weeks=weeks),
        *proposed_grants(log, review.settings.costs, weeks=weeks),
    )
