"""What others do, written anew from their documentation, for comparison only."""

from collections.abc import Sequence

import numpy as np

from handrail.confidence.calibration.fit import metrics
from handrail.confidence.calibration.fit.arrays import Flags, Floats
from handrail.confidence.calibration.fit.combining import Signal

TRIALS = 100


def searched_weights(
    signals: Sequence[Signal], seen: np.ndarray, is_right: Flags, rng: np.random.Generator
) -> Floats:
    """Weighted mean of raw scores; weights on the simplex searched for the best AUROC on the verdicts."""
    columns = np.column_stack([_raw(signal) for signal in signals])
    best, found = -1.0, np.full(columns.shape[1], 1 / columns.shape[1])
    for weights in rng.dirichlet(np.ones(columns.shape[1]), TRIALS):
        value = metrics.auroc(columns[seen] @ weights, is_right)
        if value > best:
            best, found = value, weights
    return columns @ found


def f1_threshold(scores: Floats, is_wrong: Flags) -> float:
    """Threshold with the best F1 of "passed and right" on the verdicts; promises no level of risk."""
    order = np.argsort(-scores)
    right = np.cumsum(~is_wrong[order])
    precision, recall = right / np.arange(1, len(order) + 1), right / max(int(right[-1]), 1)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(scores[order][int(np.argmax(f1))])


def _raw(signal: Signal) -> Floats:
    values = 1 / np.maximum(signal.values, 1.0) if signal.kind == "length" else signal.values
    return np.nan_to_num(values, nan=0.5)
