"""How sure one answer is: the cheapest measure first, more only inside a grey band and within a budget."""

from collections.abc import Sequence
from dataclasses import dataclass

from handrail.confidence import score
from handrail.policy import Policy
from handrail.records import Confidence, Draft, Message
from handrail.session.needs import Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Certainty:
    """How confidence is measured for one policy."""


def measure(
    certainty: Certainty, policy: Policy, draft: Draft, messages: Sequence[Message]
) -> Steps[Confidence]:
    """Measure the confidence of one draft."""
    yield from ()
    return score(draft)
