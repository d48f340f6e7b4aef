"""Fits the curve from a score to P(right), and the combiner of several signals into one score."""

from collections.abc import Sequence

import numpy as np

from handrail.confidence.calibration.artefact import IsotonicPart, PlattPart
from handrail.confidence.calibration.combine import Combiner, Kind
from handrail.confidence.calibration.fit.arrays import Flags, Floats, logits
from handrail.confidence.calibration.fit.combining import WEIGHTS_FROM, Signal, fit_combiner
from handrail.confidence.calibration.fit.metrics import log_loss
from handrail.confidence.calibration.fit.platt import ISOTONIC_FROM, Scale, fit_isotonic, fit_platt, scale_of
from handrail.errors import ConfigError
from handrail.review.calibration.decision_log import LoggedAnswer

_FOLDS = 5


def fit_curve(rows: Sequence[LoggedAnswer]) -> PlattPart | IsotonicPart:
    """Fit MAP Platt scaling, or isotonic regression if its log-loss is lower.

    Isotonic regression needs 500 verdicts; the losses are those of five held-out folds.
    """
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
    """Predict P(wrong) of each row by a curve that was fitted to the other half (two-fold cross-fitting)."""
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
    # Inverse probabilities undo the choice of what was checked. Their sum stays the number of verdicts, so
    # that the prior keeps its weight against them.
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
    """Return how a logged signal is read, by its name; unknown ones are log-probabilities."""
    if name in _LENGTHS:
        return "length"
    return "stated" if name in _STATED else "logprob"


def fit_from_rows(rows: Sequence[LoggedAnswer], verdicts: int) -> tuple[Combiner, int]:
    """Fit weights to the earliest rows with enough verdicts; return them and the number of rows.

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
