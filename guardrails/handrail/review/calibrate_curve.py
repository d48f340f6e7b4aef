"""The curve from score to probability, from logged verdicts, and predictions that no verdict made itself."""

from collections.abc import Sequence

import numpy as np

from handrail.confidence.calibration.artefact import IsotonicPart, PlattPart
from handrail.confidence.calibration.fit.arrays import Flags, Floats, logits
from handrail.confidence.calibration.fit.metrics import log_loss
from handrail.confidence.calibration.fit.platt import ISOTONIC_FROM, Scale, fit_isotonic, fit_platt, scale_of
from handrail.review.calibrate_log import LoggedAnswer

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
