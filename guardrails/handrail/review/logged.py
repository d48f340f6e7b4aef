"""A store's record as calibration reads it: every scored answer, with what people said of it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from handrail.errors import ConfigError
from handrail.store.samples import scored, verdicts

if TYPE_CHECKING:
    from handrail.confidence.calibration.artefact import Calibration, SlicePart
    from handrail.review.calibrate_log import LoggedAnswer
    from handrail.store.caller import CallerStore


def lines_of(store: "CallerStore", tenant: str, since: datetime | None = None) -> Iterator[str]:
    """Yield one JSON line per scored answer, by time; see `calibrate_log.LoggedAnswer`.

    An exchange that was asked again under its own id counts once, as it was first decided.

    Args:
        store: whose record.
        tenant: whose answers.
        since: leave out what was decided before.
    """
    store.flush()
    with store.read(tenant) as tx:
        said, seen = verdicts(tx), set[str]()
        for at, exchange, row in scored(tx, since):
            if exchange in seen:
                continue
            seen.add(exchange)
            verdict = said.get(exchange)
            line = {"exchange": exchange, "at": at.isoformat(), **row}
            yield json.dumps(line if verdict is None else {**line, "verdict": verdict.value})


def read_store(
    store: "CallerStore", tenant: str, since: datetime | None = None
) -> "tuple[LoggedAnswer, ...]":
    """Read a store's scored answers, sorted by time; none if there are none.

    Raises:
        ConfigError: a row that cannot be read.
    """
    from handrail.review.calibrate_log import read_log

    lines = list(lines_of(store, tenant, since))
    return read_log(lines, source="store") if lines else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """Error among the answers that were passed; `waiting` of those to be checked have no verdict yet.

    `alarm` is when the drift alarm of the calibration in force went off, None while it has not.
    """

    error: "SlicePart"
    waiting: int
    alarm: datetime | None = None


def missed(
    rows: "Sequence[LoggedAnswer]", calibration: "Calibration | None" = None, *, grace_days: float = 14.0
) -> Missed | None:
    """Estimate the error among passed answers from those that people checked; None while nobody checked any.

    Augmented inverse-probability weighting with its interval; P(wrong) of an answer that nobody checked is
    foretold from other answers' scores and verdicts. Only answers up to the first that still waits for its
    verdict count, since those that wait are no random choice; after `grace_days` one counts as wrong.

    Args:
        rows: scored answers of one period, sorted by time.
        calibration: the one in force, whose drift alarm goes on through newer answers.
        grace_days: how long a verdict may take.
    """
    passed = [row for row in rows if not row.escalated]
    if not any(row.is_known for row in passed):
        return None
    from handrail.confidence.calibration.drift import Drift
    from handrail.review.calibrate import cross_fitted
    from handrail.review.calibrate_log import settled
    from handrail.review.missed import passed_error, watch_log

    waiting = sum(row.audited and row.verdict is None for row in passed)
    sure = settled(passed, grace_days)
    if not any(row.is_known for row in sure):
        return None
    until = sure[-1].at
    seen = [row for row in rows if row.at <= until]
    error = passed_error(seen, cross_fitted(seen))
    if calibration is None or calibration.withdrawn:
        return Missed(error=error, waiting=waiting)
    logs = calibration.drift.logs if calibration.drift is not None else None
    state = Drift(alpha=calibration.guarantee.target)
    newer = [row for row in sure if row.at > calibration.log_range.last]
    _, cause = watch_log(newer, state if logs is None else replace(state, logs=logs))
    return Missed(error=error, waiting=waiting, alarm=cause.at if cause is not None else None)


def some(rows: "tuple[LoggedAnswer, ...]", tenant: str) -> "tuple[LoggedAnswer, ...]":
    """Return the rows.

    Raises:
        ConfigError: there are none.
    """
    if not rows:
        raise ConfigError(
            f"no scored answer of tenant {tenant!r} is on record; a policy that names `thresholds:` or an "
            "`audit_rate:` puts them there"
        )
    return rows
