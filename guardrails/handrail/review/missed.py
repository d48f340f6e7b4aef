"""What got past: error among passed answers, in all and by declared slice, and the alarm when it grows."""

from collections.abc import Mapping, Sequence

import numpy as np

from handrail.confidence.calibration.artefact import SlicePart
from handrail.confidence.calibration.drift import Drift, watch
from handrail.confidence.calibration.fit.arrays import Floats
from handrail.confidence.calibration.fit.false_pass_rate import missed_rate
from handrail.review.calibrate_log import LoggedAnswer

EVERYTHING = "all"


def passed_error(rows: Sequence[LoggedAnswer], predicted: Floats) -> SlicePart:
    """Error among the passed answers of some rows; `predicted` is P(wrong) of each row, foretold."""
    return _part(EVERYTHING, rows, predicted, None)


def by_slice(
    rows: Sequence[LoggedAnswer], predicted: Floats, caps: Mapping[str, float]
) -> tuple[SlicePart, ...]:
    """The same for each slice, by name. A slice whose estimated error is above its cap is handed off."""
    names = sorted({row.slice for row in rows if row.slice is not None} | caps.keys())
    parts = []
    for name in names:
        places = [index for index, row in enumerate(rows) if row.slice == name]
        parts.append(_part(name, [rows[index] for index in places], predicted[places], caps.get(name)))
    return tuple(parts)


def _part(name: str, rows: Sequence[LoggedAnswer], predicted: Floats, cap: float | None) -> SlicePart:
    places = [index for index, row in enumerate(rows) if not row.escalated]
    passed = [rows[index] for index in places]
    found = missed_rate(
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
        audits=found.audits,
        is_handed_off=cap is not None and found.rate is not None and found.rate > cap,
    )


def watch_log(rows: Sequence[LoggedAnswer], drift: Drift) -> tuple[Drift, LoggedAnswer | None]:
    """Run the alarm over passed answers in order of time; returns its state and the row that set it off."""
    for row in rows:
        if row.escalated:
            continue
        drift = watch(
            drift,
            is_passed=True,
            probability=row.audit_probability,
            is_audited=row.audited,
            is_wrong=row.is_wrong,
        )
        if drift.is_alarm:
            return drift, row
    return drift, None
