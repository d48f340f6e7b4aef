"""Turns a decision log into a calibration: its curve, certified threshold and coming audits."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from handrail.confidence.calibration.artefact import (
    Calibration,
    CombinerPart,
    DriftPart,
    GuaranteePart,
    LogRange,
)
from handrail.confidence.calibration.combine import Combiner
from handrail.confidence.calibration.drift import Drift
from handrail.confidence.calibration.fit.arrays import Floats
from handrail.confidence.calibration.fit.plans import plan_samples_only, plan_with_free_verdicts
from handrail.confidence.calibration.fit.sequential_bounds import (
    Answers,
    Wealth,
    absorb,
    begin,
    grid_of,
    level_of_start,
    verdicts_needed,
)
from handrail.confidence.calibration.sampling import SamplingPlan
from handrail.errors import ConfigError
from handrail.review.calibration.curve import cross_fitted, fit_curve, fit_from_rows
from handrail.review.calibration.decision_log import AuditPeriod, LoggedAnswer, periods, settled
from handrail.review.calibration.false_passes import by_slice, passed_error, watch_log

POOL_SHARE, POOL_LIMIT = 0.25, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskBound:
    """P(passed and wrong) <= `target`, with probability 1 - `delta` for all refits and restarts together."""

    target: float = 0.05
    delta: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditBudget:
    """Audits that a week can afford, and whether people judge everything that is handed off anyway."""

    audits: float = 20.0
    has_free_verdicts: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationSettings:
    """What a calibration promises and what it may cost.

    Args:
        bound: target and delta.
        budget: audits that people can do in a week.
        slice_caps: for a declared slice, the error among passed answers above which it is handed off.
        grace_days: how long a verdict may take before it counts as wrong.
        combine: learn to combine the logged signals; begins a new run of bets.
        fit_verdicts: verdicts that the combiner is learned from; they are not used for the bound.
    """

    bound: RiskBound = field(default_factory=RiskBound)
    budget: AuditBudget = field(default_factory=AuditBudget)
    slice_caps: Mapping[str, float] = field(default_factory=dict)
    grace_days: float = 14.0
    combine: bool = False
    fit_verdicts: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Which answers a calibration covers: of one model, to one prompt, measured by one method."""

    model: str
    prompt_sha256: str
    method: str


def subject_of(row: LoggedAnswer) -> Subject:
    """Return the subject of one logged answer."""
    return Subject(model=row.model, prompt_sha256=row.prompt_sha256, method=row.method)


def calibrate(
    rows: Sequence[LoggedAnswer],
    settings: CalibrationSettings,
    *,
    now: datetime,
    previous: Calibration | None = None,
    subject: Subject | None = None,
) -> Calibration:
    """Calibrate from a sorted log; pure.

    With a previous calibration of the same subject and bound, its bets go on from the first row that it has
    not seen. Otherwise a new run of bets begins, with a smaller share of delta. The earliest quarter of the
    rows, 200 at most, then sets the grid of thresholds and is not bet on; with `combine`, the rows that the
    combiner was fitted to take that place.

    Args:
        rows: the log, from `read_log`.
        settings: bound and costs.
        now: when this calibration is made.
        previous: the calibration in force.
        subject: whose answers to calibrate; those of the last row if not given.

    Raises:
        ConfigError: no rows of this subject, or none that the previous calibration has not seen.
    """
    subject = subject or subject_of(rows[-1])
    mine = [row for row in rows if subject_of(row) == subject]
    if previous is not None and (previous.model, previous.prompt_sha256) == (
        subject.model,
        subject.prompt_sha256,
    ):
        seen_until = previous.log_range.last
        if previous.withdrawn or _goes_on(previous, subject, settings):
            mine = [row for row in mine if row.at > seen_until]
    if not mine:
        raise ConfigError("the log holds no new answers of this model, prompt and method")
    mine = list(settled(mine, settings.grace_days))
    if not mine:
        raise ConfigError("the verdicts of the first new answers are still to come")
    run = (
        _resumed(previous, mine)
        if _goes_on(previous, subject, settings)
        else _begun(previous, mine, settings)
    )
    return _concluded(run, subject, settings, now, previous)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Run:
    """A run of bets: its rows with their scores, the rows that are bet on, and the bets made before them."""

    rows: Sequence[LoggedAnswer]
    bet_on: Sequence[LoggedAnswer]
    part: GuaranteePart | None
    start: int
    combiner: Combiner | None = None
    combiner_part: CombinerPart | None = None
    goes_on: bool = False


def _goes_on(previous: Calibration | None, subject: Subject, settings: CalibrationSettings) -> bool:
    return (
        previous is not None
        and not previous.withdrawn
        and not settings.combine
        and (previous.model, previous.prompt_sha256, previous.method)
        == (subject.model, subject.prompt_sha256, subject.method)
        and (previous.guarantee.target, previous.guarantee.delta)
        == (settings.bound.target, settings.bound.delta)
    )


def _resumed(previous: Calibration | None, rows: Sequence[LoggedAnswer]) -> _Run:
    assert previous is not None
    return _Run(
        rows=rows,
        bet_on=rows,
        part=previous.guarantee,
        start=previous.guarantee.start,
        combiner_part=previous.combiner,
        goes_on=True,
    )


def _begun(previous: Calibration | None, rows: Sequence[LoggedAnswer], settings: CalibrationSettings) -> _Run:
    start = 1 if previous is None else previous.guarantee.start + 1
    if not settings.combine:
        held_back = min(int(len(rows) * POOL_SHARE), POOL_LIMIT)
        return _Run(rows=rows, bet_on=rows[held_back:], part=None, start=start)
    combiner, held_back = fit_from_rows(rows, settings.fit_verdicts)
    rescored = [_rescored(row, combiner) for row in rows]
    return _Run(
        rows=rescored,
        bet_on=rescored[held_back:],
        part=None,
        start=start,
        combiner=combiner,
        combiner_part=CombinerPart.of(combiner),
    )


def _rescored(row: LoggedAnswer, combiner: Combiner) -> LoggedAnswer:
    """Return the row with the combiner's score of its signals; 0 if every signal is missing."""
    return row.model_copy(update={"score": combiner.combine(row.signals) or 0.0})


def _concluded(
    run: _Run, subject: Subject, settings: CalibrationSettings, now: datetime, previous: Calibration | None
) -> Calibration:
    scores = np.array([row.score for row in run.rows])
    curve = fit_curve(run.rows)
    wealth = _resume(run.part) if run.part else _begin_bets(_pool(run), settings.bound, start=run.start)
    wealth = _absorb_periods(wealth, tuple(periods(run.bet_on)) if run.bet_on else ())
    predicted = cross_fitted(run.rows)
    plan = _coming_plan(wealth, scores, predicted, settings.budget, weekly=_weekly(run.rows))
    state = Drift(alpha=settings.bound.target)
    if run.goes_on and previous is not None and previous.drift is not None:
        state = replace(state, logs=previous.drift.logs)
    # Answers that were passed before a threshold was certified are not covered by the bound.
    is_promised = run.goes_on and run.part is not None and run.part.threshold is not None
    state, cause = watch_log(run.bet_on if is_promised else (), state)
    earlier = run.part.verdicts if run.part else 0
    document = {
        "model": subject.model,
        "prompt_sha256": subject.prompt_sha256,
        "method": "combined" if run.combiner_part else subject.method,
        "created": now,
        "log_range": LogRange(
            first=previous.log_range.first if run.goes_on and previous else run.rows[0].at,
            last=run.rows[-1].at,
        ),
        "curve": curve,
        "combiner": run.combiner_part,
        "guarantee": _part_of(
            wealth,
            plan,
            settings.bound,
            start=run.start,
            verdicts=earlier + sum(row.is_known for row in run.bet_on),
        ),
        "passed_error": passed_error(run.rows, predicted),
        "slices": by_slice(run.rows, predicted, settings.slice_caps),
        "drift": DriftPart(logs=state.logs),
        "withdrawn": f"drift alarm at {cause.at.isoformat()}" if cause is not None else "",
    }
    unnamed = Calibration.model_validate({"id": "", **document})
    digest = hashlib.sha256(unnamed.model_dump_json().encode()).hexdigest()
    return unnamed.model_copy(update={"id": digest[:16]})


def _pool(run: _Run) -> Floats:
    """Return the scores that set the grid: those of the earliest rows, which are not bet on."""
    held_back = run.rows[: len(run.rows) - len(run.bet_on)] or run.rows
    return np.array([row.score for row in held_back])


def _weekly(rows: Sequence[LoggedAnswer]) -> float:
    days = max((rows[-1].at - rows[0].at).total_seconds() / 86_400, 7.0)
    return len(rows) * 7.0 / days


def _begin_bets(pool: Floats, bound: RiskBound, *, start: int) -> Wealth:
    """Begin the `start`-th run of bets on a grid from unlabelled scores."""
    level = level_of_start(bound.delta, start)
    return begin(grid_of(pool), alpha=bound.target, delta=level)


def _resume(part: GuaranteePart) -> Wealth:
    """Return the bets where an earlier calibration ended."""
    return Wealth(
        grid=np.array(part.grid),
        log_wealth=np.array(part.log_wealth),
        is_certified=np.array(part.is_certified),
        alpha=part.target,
        delta=part.level,
        answers=part.answers,
    )


def _absorb_periods(wealth: Wealth, periods: Sequence[AuditPeriod]) -> Wealth:
    """Bet through several periods, each under the plan that was logged with it."""
    for period in periods:
        plan = SamplingPlan(
            threshold=math.inf,
            rate=period.floor,
            lowest=-math.inf if period.lowest is None else period.lowest,
            has_free_verdicts=period.lowest is None,
        )
        wealth = absorb(wealth, _answers_of(period.rows), plan)
    return wealth


def _answers_of(rows: Sequence[LoggedAnswer]) -> Answers:
    """Return rows as arrays."""
    return Answers(
        scores=np.array([row.score for row in rows]),
        probabilities=np.array([row.audit_probability for row in rows]),
        is_sampled=np.array([row.audited for row in rows], dtype=np.bool_),
        is_wrong=np.array([row.is_wrong for row in rows], dtype=np.bool_),
    )


def _coming_plan(
    wealth: Wealth, pool: Floats, predicted: Floats | None, budget: AuditBudget, *, weekly: float
) -> SamplingPlan:
    """Audit plan for a week of about `weekly` answers that score as the pool does."""
    if budget.has_free_verdicts:
        return plan_with_free_verdicts(wealth, pool, samples=budget.audits, answers=weekly)
    return plan_samples_only(wealth, pool, predicted, samples=budget.audits, answers=weekly)


def _part_of(
    wealth: Wealth, plan: SamplingPlan, bound: RiskBound, *, start: int, verdicts: int
) -> GuaranteePart:
    """Return the bets, the threshold they certify and the coming plan, as a calibration stores them."""
    threshold = wealth.threshold
    return GuaranteePart(
        target=bound.target,
        delta=bound.delta,
        level=wealth.delta,
        start=start,
        threshold=None if math.isinf(threshold) else threshold,
        needed=verdicts_needed(wealth),
        rate=plan.rate,
        lowest=None if math.isinf(plan.lowest) else plan.lowest,
        has_free_verdicts=plan.has_free_verdicts,
        grid=tuple(wealth.grid.tolist()),
        log_wealth=tuple(map(tuple, wealth.log_wealth.tolist())),
        is_certified=tuple(wealth.is_certified.tolist()),
        answers=wealth.answers,
        verdicts=verdicts,
    )
