"""How sure one answer is: the cheapest measure first, more only where it could change what happens."""

import hashlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from handrail.confidence.calibration.apply import CalibrationScope, apply
from handrail.confidence.cascade import Ask, InForce, Look, Measured, Purse, Replies
from handrail.confidence.cascade import measure as measured
from handrail.confidence.scorers.score import signals
from handrail.pipeline.needs import NeedSamples, Steps
from handrail.policy import Policy
from handrail.records import Confidence, Context, Draft, Message, Score, Speaker

if TYPE_CHECKING:
    from handrail.confidence.calibration.artefact import Calibration

ASKED_AGAIN = ("agreement", "p_true")
NOTE_NAME = "handrail"
"""Name of the message that tells the model what a person has decided."""

SLICE = "slice"
"""Fact of the context that names the declared slice of an exchange."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certainty:
    """How confidence is measured under one policy.

    Args:
        look: its second look.
        calibration: the one in force.
        is_logged: every score goes into a log that calibration learns from, with all its signals.
    """

    look: Look = field(default_factory=Look)
    calibration: "Calibration | None" = None
    is_logged: bool = False


def certainty_of(
    policy: Policy, calibration: "Calibration | None" = None, *, is_logged: bool = False
) -> Certainty:
    """Return how a policy wants confidence measured; second looks centre on its calibrated threshold."""
    threshold = policy.constants.get("model.threshold")
    known = float(threshold) if isinstance(threshold, Decimal) else None
    look = Look(check=policy.self_check, threshold=known)
    return Certainty(look=look, calibration=calibration, is_logged=is_logged)


def measure(
    certainty: Certainty,
    draft: Draft,
    messages: Sequence[Message],
    purse: Purse,
    *,
    part: str | None = None,
) -> Steps[Confidence]:
    """Measure the confidence of one draft.

    Args:
        certainty: how.
        draft: the answer, without its self-check.
        messages: what the model was asked, for asking it again.
        purse: what is left of the exchange's budget.
        part: the declared slice that the exchange belongs to.
    """
    whose = CalibrationScope(model=draft.model or "", prompt_sha256=prompt_sha256(messages), slice=part)
    steps = _steps(certainty, draft, whose, purse)
    try:
        ask = next(steps)
        while True:
            replies: Replies = yield NeedSamples(
                messages=tuple(messages),
                count=ask.count,
                temperature=ask.temperature,
                instruction=ask.instruction,
                wants_logprobs=ask.wants_logprobs,
                seconds=ask.seconds,
            )
            ask = steps.send(replies)
    except StopIteration as stop:
        found: Measured = stop.value
    if found.score is None or not certainty.is_logged:
        return found.confidence
    score = Score(
        value=found.score,
        method=found.method,
        model=whose.model,
        prompt_sha256=whose.prompt_sha256,
        signals=signals(draft),
    )
    return replace(found.confidence, score=score)


def slice_of(context: Context) -> str | None:
    """Return the declared slice that the caller states in the context's facts, None for none."""
    named = context.facts.get(SLICE)
    return named if isinstance(named, str) and named else None


def _steps(
    certainty: Certainty, draft: Draft, whose: CalibrationScope, purse: Purse
) -> Generator[Ask, Replies, Measured]:
    calibration = certainty.calibration
    if calibration is not None and calibration.method not in ASKED_AGAIN:
        in_force = InForce(calibration=calibration, call=whose)
        return (yield from measured(draft, certainty.look, in_force=in_force, purse=purse))
    # Where asking again is the measure, every answer is measured so, wherever the threshold lies.
    look = certainty.look if calibration is None else replace(certainty.look, threshold=None)
    found = yield from measured(draft, look, purse=purse)
    raw = found.confidence
    if found.score is None and raw.method in ASKED_AGAIN:
        found = replace(found, score=raw.value, method=raw.method)
    if calibration is None:
        return found
    return replace(found, confidence=apply(calibration, raw, scope=whose))


def prompt_sha256(messages: Sequence[Message]) -> str:
    """Return the digest of the developer's own part of a request; a calibration holds for one prompt only."""
    own = "\x1e".join(
        message.text
        for message in messages
        # What a person has decided in this conversation is told in a note; it is no part of the prompt.
        if message.speaker is Speaker.SYSTEM and message.name != NOTE_NAME
    )
    return hashlib.sha256(own.encode("utf-8", "surrogatepass")).hexdigest()
