"""False passes: answers that were passed and wrong; estimated in all and by slice, and watched for a rise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from handrail.confidence.calibration.artefact import Calibration, SlicePart
from handrail.confidence.calibration.drift import Drift, watch
from handrail.confidence.calibration.fit.arrays import Floats
from handrail.confidence.calibration.fit.false_pass_rate import false_pass_rate
from handrail.review.calibration.curve import cross_fitted
from handrail.review.calibration.decision_log import LoggedAnswer, settled

EVERYTHING = "all"


def passed_error(rows: Sequence[LoggedAnswer], predicted: Floats) -> SlicePart:
    """Estimate the error among the passed answers of some rows; `predicted` holds P(wrong) of each row."""
    return _part(EVERYTHING, rows, predicted, None)


def by_slice(
    rows: Sequence[LoggedAnswer], predicted: Floats, caps: Mapping[str, float]
) -> tuple[SlicePart, ...]:
    """Estimate it for each slice, by name. A slice whose estimated error is above its cap is handed off."""
    names = sorted({row.slice for row in rows if row.slice is not None} | caps.keys())
    parts = []
    for name in names:
        places = [index for index, row in enumerate(rows) if row.slice == name]
        parts.append(_part(name, [rows[index] for index in places], predicted[places], caps.get(name)))
    return tuple(parts)


def _part(name: str, rows: Sequence[LoggedAnswer], predicted: Floats, cap: float | None) -> SlicePart:
    places = [index for index, row in enumerate(rows) if not row.escalated]
    passed = [rows[index] for index in places]
    found = false_pass_rate(
        np.array([row.audit_probability for row in passed]),
        np.array([row.audited for row in passed], dtype=np.bool_),
        np.array([row.is_wrong for row in passed], dtype=np.bool_),
        predicted=predicted[places],
    )
    return SlicePart(
        name=name,
        cap=cap,
        rate=found.rate,
        low=found.low,
        high=found.high,
        passed=found.count,
        audits=found.sampled,
        is_handed_off=cap is not None and found.rate is not None and found.rate > cap,
    )


def watch_log(rows: Sequence[LoggedAnswer], drift: Drift) -> tuple[Drift, LoggedAnswer | None]:
    """Run the drift alarm over passed answers; return its state and the row that set it off, if any."""
    for row in rows:
        if row.escalated:
            continue
        drift = watch(
            drift,
            is_passed=True,
            probability=row.audit_probability,
            is_sampled=row.audited,
            is_wrong=row.is_wrong,
        )
        if drift.is_alarm:
            return drift, row
    return drift, None


@dataclass(frozen=True, slots=True, kw_only=True)
class FalsePasses:
    """Error among the answers that were passed; `waiting` of those to be checked have no verdict yet.

    `alarm` is when the drift alarm of the calibration in force went off, None while it has not.
    """

    error: SlicePart
    waiting: int
    alarm: datetime | None = None


def false_passes(
    rows: Sequence[LoggedAnswer], calibration: Calibration | None = None, *, grace_days: float = 14.0
) -> FalsePasses | None:
    """Estimate the error among passed answers from those that people checked; None while nobody checked any.

    The estimate is augmented inverse-probability weighting with its interval; P(wrong) of an answer that
    nobody checked is predicted from other answers' scores and verdicts. Answers count up to the first that
    still waits for its verdict, because those that wait are no random sample; one that waits for more than
    `grace_days` counts as wrong.

    Args:
        rows: scored answers of one period, sorted by time.
        calibration: the one in force, whose drift alarm goes on through newer answers.
        grace_days: how long a verdict may take.
    """
    passed = [row for row in rows if not row.escalated]
    if not any(row.is_known for row in passed):
        return None
    waiting = sum(row.audited and row.verdict is None for row in passed)
    sure = settled(passed, grace_days)
    if not any(row.is_known for row in sure):
        return None
    until = sure[-1].at
    seen = [row for row in rows if row.at <= until]
    error = passed_error(seen, cross_fitted(seen))
    if calibration is None or calibration.withdrawn:
        return FalsePasses(error=error, waiting=waiting)
    logs = calibration.drift.logs if calibration.drift is not None else None
    state = Drift(alpha=calibration.guarantee.target)
    newer = [row for row in sure if row.at > calibration.log_range.last]
    _, cause = watch_log(newer, state if logs is None else replace(state, logs=logs))
    return FalsePasses(error=error, waiting=waiting, alarm=cause.at if cause is not None else None)
