"""Everything that a log proposes, each kind in a module of its own, the surest first."""

from collections.abc import Iterator, Sequence

from handrail.policy import Policy
from handrail.review.log_review import LogReview
from handrail.review.policy_in_force import PolicyInForce
from handrail.review.proposal import Proposal
from handrail.review.proposed_rules import proposed_rules
from handrail.review.proposed_thresholds import proposed_thresholds


def propose_changes(
    review: LogReview, policy: Policy, text: str, *, file: str, rows: Sequence[object] = (), weeks: int = 1
) -> tuple[Proposal, ...]:
    """Return what a log speaks for, as changes of the policy in force.

    Args:
        review: the log, followed to its end.
        policy: the policy in force.
        text: its text.
        file: its name, for the diff.
        rows: past decisions, on which each change is tried.
        weeks: how many weeks these are of.
    """
    certified = review.certificate.under(policy.ref.sha256)
    now = PolicyInForce(policy=policy, text=text, file=file, rows=rows, weeks=weeks, certified=certified)
    return tuple(sorted(_all(review, now), key=lambda one: one.kind.startswith("likely_")))


def _all(review: LogReview, now: PolicyInForce) -> Iterator[Proposal]:
    yield from proposed_rules(review, now)
    yield from proposed_thresholds(review, now)
