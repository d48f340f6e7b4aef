"""The calibration that a policy names, read from beside the policy file."""

import hashlib
import math
from typing import TYPE_CHECKING

from handrail.errors import ConfigError
from handrail.guard.scanning import scanner_of
from handrail.pipeline import Engine
from handrail.pipeline.certainty import certainty_of
from handrail.policy import Policy
from handrail.scan import Scanner

if TYPE_CHECKING:
    from handrail.confidence.calibration.artefact import Calibration

ANSWER = "answer"
"""Name under `thresholds:` of the calibration that speaks of answers."""


def engine_of(policy: Policy, scanner: Scanner | None = None) -> Engine:
    """Return what every call under a policy shares, with the policy's calibration if there is one.

    Args:
        policy: the policy.
        scanner: what finds sensitive data; by default handrail's own with the policy's additions.

    Raises:
        ConfigError: as `calibration_of`.
    """
    certainty = certainty_of(policy, calibration_of(policy), is_logged=is_audited(policy))
    return Engine(policy=policy, scanner=scanner or scanner_of(policy), certainty=certainty)


def is_audited(policy: Policy) -> bool:
    """True when answers under a policy are drawn to be checked: it names a calibration or an `audit_rate`."""
    named = ANSWER in (policy.content.get("thresholds") or {})
    return policy.reads_confidence and (named or policy.audit_rate is not None)


def calibration_of(policy: Policy) -> "Calibration | None":
    """Read the calibration of answers that a policy was loaded with, None if it has none.

    Raises:
        ConfigError: the file cannot be read, is no calibration, or has changed since the policy was loaded.
    """
    file = policy.calibrations.get(ANSWER)
    if file is None:
        return None
    from handrail.confidence.calibration.artefact import read

    try:
        data = file.path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file.path}: cannot be read: {error.strerror or 'unknown'}") from None
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise ConfigError(f"{file.path}: has changed since the policy was loaded; load the policy again")
    calibration = read(data, source=str(file.path))
    stated = policy.constants.get("model.threshold")
    if stated is None or not math.isclose(float(str(stated)), calibration.threshold, rel_tol=1e-12):
        raise ConfigError(f"{file.path}: threshold: does not follow from the rest of the calibration")
    return calibration
