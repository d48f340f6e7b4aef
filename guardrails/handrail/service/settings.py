"""What a deployment says of its reviewers' work: reasons to choose from, and what needs a fresh sign-in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

from handrail.records import Severity
from handrail.tickets.ticket import Verdict

REASONS: Mapping[Verdict, tuple[str, ...]] = MappingProxyType(
    {
        Verdict.APPROVE: ("as_policy_says", "goodwill", "verified_with_customer"),
        Verdict.EDIT: ("wrong_amount", "wrong_details", "wording"),
        Verdict.REJECT: ("not_covered", "no_evidence", "suspected_fraud", "duplicate", "wrong_customer"),
        Verdict.ANSWER: ("answered_by_person", "needs_explanation"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """How a deployment's people work.

    Args:
        reasons: the reason codes for each verdict.
        reasons_of: those of single roles, where they are others.
        step_up_from: from which severity on an approval needs a fresh sign-in; None for none.
        longest_delay: how long a decision may wait before it takes effect.
        policy: file or name of the policy, whose text the proposals of a review change; empty for none.
    """

    reasons: Mapping[Verdict, tuple[str, ...]] = field(default_factory=lambda: REASONS)
    reasons_of: Mapping[str, Mapping[Verdict, tuple[str, ...]]] = field(default_factory=dict)
    step_up_from: Severity | None = Severity.HIGH
    longest_delay: timedelta = timedelta(minutes=1)
    policy: str = ""

    def reasons_for(self, role: str) -> Mapping[Verdict, tuple[str, ...]]:
        """Return the reason codes that a role chooses from, for each verdict; pure."""
        return {**self.reasons, **self.reasons_of.get(role, {})}
