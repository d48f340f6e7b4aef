"""The whole way of one answer's confidence: the first look, the calibration in force, a second look."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from handrail.confidence.apply import Call, apply, score_of
from handrail.confidence.scoring import score, signals
from handrail.confidence.tiers import Ask, Look, Purse, Replies, second_look
from handrail.records import Confidence, Draft

if TYPE_CHECKING:
    from handrail.confidence.artefact import Calibration


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What came of it; `score` and `method` are for the decision log, before calibration."""

    confidence: Confidence
    score: float | None
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """The calibration in force and the call it is held against."""

    calibration: "Calibration"
    call: Call


def measure(
    draft: Draft,
    look: Look,
    *,
    in_force: InForce | None = None,
    labels: Sequence[str] = (),
    purse: Purse | None = None,
) -> Generator[Ask, Replies, Measured]:
    """Measure one answer; yields what to ask the model and is sent the replies.

    Without a calibration the second look centres on the policy's threshold and may raise or lower. With one
    the value is calibrated first, and the second look, around the certified threshold, may only lower: what
    is passed then stays within what was certified. What the calibration does not speak for stays unknown.

    Args:
        draft: the answer, without its self-check.
        look: how the policy wants answers checked.
        in_force: the calibration, if there is one.
        labels: the labels the answer must be one of.
        purse: what is left of the exchange's budget.
    """
    first = score(draft, labels=labels)
    if in_force is None:
        confidence = yield from second_look(draft, first, look, purse=purse)
        return Measured(confidence=confidence, score=first.value, method=first.method)
    calibration = in_force.calibration
    seen = signals(draft, labels=labels) if calibration.combiner is not None else {}
    certified = apply(calibration, first, call=in_force.call, signals=seen)
    held = replace(look, threshold=certified.threshold, only_lowers=True)
    confidence = yield from second_look(draft, certified, held, purse=purse)
    raw = score_of(calibration, first, seen)
    method = calibration.method if raw is not None else first.method
    return Measured(confidence=confidence, score=first.value if raw is None else raw, method=method)
