"""A calibration put to use on one answer. No numpy: this runs inside every guarded call."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from handrail.records import Confidence

if TYPE_CHECKING:
    from handrail.confidence.calibration.artefact import Calibration


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationScope:
    """What a calibration must fit: the model that answered, the prompt's digest, and the declared slice."""

    model: str
    prompt_sha256: str
    slice: str | None = None


def apply(
    calibration: "Calibration",
    confidence: Confidence,
    *,
    scope: CalibrationScope,
    signals: Mapping[str, float | None] | None = None,
) -> Confidence:
    """Turn a raw confidence into a calibrated one that carries the threshold it must reach.

    The value is the calibrated probability; `threshold` is the calibrated probability of the certified
    score, and a score below that one never gets a value that reaches it. Where the calibration does not speak
    for this answer the value is None, and `method` says why: another model or prompt, another method of
    measuring, a calibration that was withdrawn, a slice whose error is above its cap, or too few verdicts to
    certify anything.

    Args:
        calibration: the artefact.
        confidence: what was measured.
        scope: whose answer it is.
        signals: every signal of the answer by name, where the calibration combines several.
    """
    why = _mismatch(calibration, scope)
    if why is not None:
        return _unknown(calibration, confidence, why)
    raw = score_of(calibration, confidence, signals)
    if raw is None:
        known = confidence.value is not None
        return _unknown(
            calibration, confidence, "uncalibrated: another method" if known else confidence.method
        )
    part = calibration.guarantee
    if part.threshold is None:
        return _unknown(calibration, confidence, f"nothing certified: {part.needed} more verdicts at least")
    value, threshold = calibration.probability(raw), calibration.probability(part.threshold)
    if raw < part.threshold:
        # Rounding, or a flat curve, may put both at one number; the promise is about the score.
        value = min(value, math.nextafter(threshold, 0.0))
    return replace(confidence, value=value, threshold=threshold, calibration=calibration.id)


def score_of(
    calibration: "Calibration", confidence: Confidence, signals: Mapping[str, float | None] | None = None
) -> float | None:
    """The score that a calibration's threshold is held against; log this one. None if a signal is missing."""
    if calibration.combiner is not None:
        return calibration.combiner.combine(signals or {})
    return confidence.value if confidence.method == calibration.method else None


def _mismatch(calibration: "Calibration", scope: CalibrationScope) -> str | None:
    if calibration.withdrawn:
        return f"calibration withdrawn: {calibration.withdrawn}"
    if scope.model != calibration.model:
        return "uncalibrated: another model"
    if scope.prompt_sha256 != calibration.prompt_sha256:
        return "uncalibrated: another prompt"
    if any(part.name == scope.slice and part.is_handed_off for part in calibration.slices):
        return "slice above its cap"
    return None


def _unknown(calibration: "Calibration", confidence: Confidence, why: str) -> Confidence:
    missing = (*confidence.missing, "calibration")
    return replace(confidence, value=None, method=why, missing=missing, calibration=calibration.id)
