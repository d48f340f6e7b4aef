"""How sure one answer is: the cheapest measure first, more only where it could change what happens."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from handrail.confidence import score
from handrail.confidence.apply import Call, apply
from handrail.confidence.tiers import Look, Purse, Replies, second_look
from handrail.policy import Policy
from handrail.records import Confidence, Draft, Message, Speaker
from handrail.session.needs import NeedSamples, Steps

if TYPE_CHECKING:
    from handrail.confidence.artefact import Calibration


@dataclass(frozen=True, slots=True, kw_only=True)
class Certainty:
    """How confidence is measured under one policy: its second look and the calibration in force."""

    look: Look = field(default_factory=Look)
    calibration: "Calibration | None" = None


def certainty_of(policy: Policy) -> Certainty:
    """Return how a policy wants confidence measured; second looks centre on its calibrated threshold."""
    threshold = policy.constants.get("model.threshold")
    known = float(threshold) if isinstance(threshold, Decimal) else None
    return Certainty(look=Look(check=policy.self_check, threshold=known))


def measure(
    certainty: Certainty, draft: Draft, messages: Sequence[Message], purse: Purse
) -> Steps[Confidence]:
    """Measure the confidence of one draft.

    Args:
        certainty: how.
        draft: the answer, without its self-check.
        messages: what the model was asked, for asking it again.
        purse: what is left of the exchange's budget.
    """
    looking = second_look(draft, score(draft), certainty.look, purse=purse)
    try:
        ask = next(looking)
        while True:
            replies: Replies = yield NeedSamples(
                messages=tuple(messages),
                count=ask.count,
                temperature=ask.temperature,
                instruction=ask.instruction,
                wants_logprobs=ask.wants_logprobs,
                seconds=ask.seconds,
            )
            ask = looking.send(replies)
    except StopIteration as stop:
        confidence: Confidence = stop.value
    if certainty.calibration is None:
        return confidence
    whose = Call(model=draft.model or "", prompt_sha256=prompt_sha256(messages))
    return apply(certainty.calibration, confidence, call=whose)


def prompt_sha256(messages: Sequence[Message]) -> str:
    """Return the digest of the developer's own part of a request; a calibration holds for one prompt only."""
    own = "\x1e".join(message.text for message in messages if message.speaker is Speaker.SYSTEM)
    return hashlib.sha256(own.encode("utf-8", "surrogatepass")).hexdigest()
