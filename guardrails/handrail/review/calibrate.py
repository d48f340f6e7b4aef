"""A decision log made into a calibration: curve, certified threshold, coming audits, missed errors."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from handrail.confidence.calibration.artefact import (
    Calibration,
    CombinerPart,
    DriftPart,
    GuaranteePart,
    IsotonicPart,
    LogRange,
    PlattPart,
    TermPart,
)
from handrail.confidence.calibration.drift import Drift
from handrail.confidence.calibration.fit.arrays import Flags, Floats, logits
from handrail.confidence.calibration.fit.combining import WEIGHTS_FROM, Signal, fit_combiner
from handrail.confidence.calibration.fit.metrics import log_loss
from handrail.confidence.calibration.fit.platt import ISOTONIC_FROM, Scale, fit_isotonic, fit_platt, scale_of
from handrail.confidence.combine import Combiner, Kind
from handrail.errors import ConfigError
from handrail.review.calibrate_log import LoggedAnswer, periods, settled
from handrail.review.guarantee import (
    Effort,
    Promise,
    absorb_periods,
    begin_bets,
    coming_plan,
    part_of,
    resume,
)
from handrail.review.missed import by_slice, passed_error, watch_log

_FOLDS = 5


def fit_curve(rows: Sequence[LoggedAnswer]) -> PlattPart | IsotonicPart:
    """MAP Platt; from 500 verdicts on isotonic where it has the better log-loss on held-out fifths."""
    place, known, right, weight = _arrays(rows)
    scale = scale_of(place)
    if known.sum() >= ISOTONIC_FROM * _FOLDS / (_FOLDS - 1) and _is_isotonic_better(
        place[known], right[known], scale
    ):
        steps = fit_isotonic(place[known], right[known])
        return IsotonicPart(knots=tuple(steps.knots.tolist()), values=tuple(steps.values.tolist()))
    line = fit_platt(place[known], right[known], scale, importance=weight[known])
    return PlattPart(mean=scale.mean, sd=scale.sd, slope=line.slope, intercept=line.intercept)


def cross_fitted(rows: Sequence[LoggedAnswer]) -> Floats:
    """P(wrong) of each row, from the verdicts of every other row but one half: it has no part in its own."""
    place, known, right, weight = _arrays(rows)
    scale = scale_of(place)
    predicted = np.empty(len(rows))
    half = np.arange(len(rows)) % 2 == 0
    for mine in (half, ~half):
        others = known & ~mine
        line = fit_platt(place[others], right[others], scale, importance=weight[others])
        predicted[mine] = 1.0 - line.chances(place[mine])
    return predicted


def _arrays(rows: Sequence[LoggedAnswer]) -> tuple[Floats, Flags, Flags, Floats]:
    place = logits(np.array([row.score for row in rows]))
    known = np.array([row.is_known for row in rows], dtype=np.bool_)
    right = np.array([not row.is_wrong for row in rows], dtype=np.bool_)
    weight = np.array([1.0 / row.audit_probability if row.is_known else 0.0 for row in rows])
    total = weight.sum()
    # Weights undo the choice of what was checked; their sum stays the number of verdicts, against the prior.
    return place, known, right, weight * (known.sum() / total) if total > 0 else weight


def _is_isotonic_better(place: Floats, right: Flags, scale: Scale) -> bool:
    fold = np.arange(len(place)) % _FOLDS
    lines, steps = np.empty(len(place)), np.empty(len(place))
    for index in range(_FOLDS):
        inside, outside = fold == index, fold != index
        lines[inside] = fit_platt(place[outside], right[outside], scale).chances(place[inside])
        steps[inside] = fit_isotonic(place[outside], right[outside]).chances(place[inside])
    return log_loss(steps, right) < log_loss(lines, right)


_STATED = frozenset({"self_reported", "agreement", "judged"})
_LENGTHS = frozenset({"brevity"})


def kind_of(name: str) -> Kind:
    """How a logged signal is read, by its name; anything unknown is a probability from log-probabilities."""
    if name in _LENGTHS:
        return "length"
    return "stated" if name in _STATED else "logprob"


def fit_from_rows(rows: Sequence[LoggedAnswer], verdicts: int) -> tuple[Combiner, int]:
    """Learn weights from the earliest rows that hold enough verdicts; returns them and how many rows that is.

    Raises:
        ConfigError: too few verdicts, or no signals.
    """
    wanted = max(verdicts, WEIGHTS_FROM)
    known = [index for index, row in enumerate(rows) if row.is_known]
    if len(known) < wanted:
        raise ConfigError(f"combining needs {wanted} verdicts, the log holds {len(known)}")
    names = sorted({name for row in rows for name in row.signals})
    if not names:
        raise ConfigError("combining needs signals, the log holds none")
    taken = known[wanted - 1] + 1
    head = rows[:taken]
    signals = [
        Signal(
            name=name,
            kind=kind_of(name),
            values=np.array([_number(row.signals.get(name)) for row in head]),
        )
        for name in names
    ]
    labelled = known[:wanted]
    return fit_combiner(signals, labelled, np.array([not rows[index].is_wrong for index in labelled])), taken


def _number(raw: float | None) -> float:
    return float("nan") if raw is None else raw


POOL_SHARE, POOL_LIMIT = 0.25, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is promised and what it may cost.

    Args:
        promise: target and delta.
        effort: audits a week.
        slice_caps: for a declared slice, the error among passed answers above which it is handed off.
        grace_days: how long a verdict may take before it counts as wrong.
        combine: learn to combine the logged signals; begins a new run of bets.
        fit_verdicts: verdicts that the combiner is learned from; they are not used for the bound.
    """

    promise: Promise = field(default_factory=Promise)
    effort: Effort = field(default_factory=Effort)
    slice_caps: Mapping[str, float] = field(default_factory=dict)
    grace_days: float = 14.0
    combine: bool = False
    fit_verdicts: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a calibration speaks of: answers of one model to one prompt, measured in one way."""

    model: str
    prompt_sha256: str
    method: str


def subject_of(row: LoggedAnswer) -> Subject:
    """Subject of one logged answer."""
    return Subject(model=row.model, prompt_sha256=row.prompt_sha256, method=row.method)


def calibrate(
    rows: Sequence[LoggedAnswer],
    settings: Settings,
    *,
    now: datetime,
    previous: Calibration | None = None,
    subject: Subject | None = None,
) -> Calibration:
    """Calibrate from a sorted log; pure.

    With a previous calibration of the same subject and promise the bets go on from the first row it has not
    seen. Otherwise they begin anew, with a smaller share of delta: the earliest quarter of the rows, 200 at
    most, then sets the grid and is not bet on, and with `combine` neither are the rows that the combiner was
    learned from.

    Args:
        rows: the log, from `read_log`.
        settings: promise and costs.
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
    """Rows with the scores that count, the part that is bet on, and the bets before them."""

    rows: Sequence[LoggedAnswer]
    bet_on: Sequence[LoggedAnswer]
    part: GuaranteePart | None
    start: int
    combiner: Combiner | None = None
    combiner_part: CombinerPart | None = None
    goes_on: bool = False


def _goes_on(previous: Calibration | None, subject: Subject, settings: Settings) -> bool:
    return (
        previous is not None
        and not previous.withdrawn
        and not settings.combine
        and (previous.model, previous.prompt_sha256, previous.method)
        == (subject.model, subject.prompt_sha256, subject.method)
        and (previous.guarantee.target, previous.guarantee.delta)
        == (settings.promise.target, settings.promise.delta)
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


def _begun(previous: Calibration | None, rows: Sequence[LoggedAnswer], settings: Settings) -> _Run:
    start = 1 if previous is None else previous.guarantee.start + 1
    if not settings.combine:
        held_back = min(int(len(rows) * POOL_SHARE), POOL_LIMIT)
        return _Run(rows=rows, bet_on=rows[held_back:], part=None, start=start)
    combiner, held_back = fit_from_rows(rows, settings.fit_verdicts)
    rescored = [replace_score(row, combiner) for row in rows]
    terms = tuple(
        TermPart(
            name=term.name,
            kind=term.kind,
            mean=term.mean,
            sd=term.sd,
            weight=term.weight,
            if_missing=term.if_missing,
        )
        for term in combiner.terms
    )
    part = CombinerPart(terms=terms, intercept=combiner.intercept)
    return _Run(
        rows=rescored,
        bet_on=rescored[held_back:],
        part=None,
        start=start,
        combiner=combiner,
        combiner_part=part,
    )


def replace_score(row: LoggedAnswer, combiner: Combiner) -> LoggedAnswer:
    """The row with the score that a combiner gives its signals; 0 where every signal is missing."""
    return row.model_copy(update={"score": combiner.combine(row.signals) or 0.0})


def _concluded(
    run: _Run, subject: Subject, settings: Settings, now: datetime, previous: Calibration | None
) -> Calibration:
    scores = np.array([row.score for row in run.rows])
    curve = fit_curve(run.rows)
    wealth = resume(run.part) if run.part else begin_bets(_pool(run), settings.promise, start=run.start)
    wealth = absorb_periods(wealth, tuple(periods(run.bet_on)) if run.bet_on else ())
    predicted = cross_fitted(run.rows)
    plan = coming_plan(wealth, scores, predicted, settings.effort, weekly=_weekly(run.rows))
    state = Drift(alpha=settings.promise.target)
    if run.goes_on and previous is not None and previous.drift is not None:
        state = replace(state, logs=previous.drift.logs)
    # What was passed before any threshold was certified was never promised to be right.
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
        "guarantee": part_of(
            wealth,
            plan,
            settings.promise,
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
    """Scores that set the grid: those of the rows that are not bet on, which come first."""
    held_back = run.rows[: len(run.rows) - len(run.bet_on)] or run.rows
    return np.array([row.score for row in held_back])


def _weekly(rows: Sequence[LoggedAnswer]) -> float:
    days = max((rows[-1].at - rows[0].at).total_seconds() / 86_400, 7.0)
    return len(rows) * 7.0 / days
