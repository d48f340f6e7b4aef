"""An alarm that sounds when passed answers go wrong more often than promised, however often it is read.

A CUSUM of bets at the threshold in force: M <- max(M, 1) * (1 + lambda * (a * e / pi - alpha)), averaged
over lambda. While P(passed and wrong) <= alpha each factor has expectation at most 1, so the mean number of
answers until a false alarm is at least the level. (E-detectors: Shin, Ramdas and Rinaldo, 2203.03532.)
"""

import math
from dataclasses import dataclass, replace

BETS = (0.01, 0.03, 0.1)

LEVEL = 20_800
"""A year of 400 answers a week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """State of the alarm; `logs` are logarithms of M, one a bet. `is_alarm` never goes back by itself."""

    alpha: float
    level: float = LEVEL
    logs: tuple[float, ...] = (0.0,) * len(BETS)
    is_alarm: bool = False


def watch(drift: Drift, *, is_passed: bool, probability: float, is_sampled: bool, is_wrong: bool) -> Drift:
    """Take in one answer; pure.

    Args:
        drift: the state before it.
        is_passed: it scored at least the threshold in force.
        probability: the probability with which it could be drawn, above 0 if it was.
        is_sampled: the draw.
        is_wrong: the verdict, read only if it was drawn.

    Raises:
        ValueError: it was drawn although its probability is 0.
    """
    if is_sampled and probability <= 0:
        raise ValueError("an answer was drawn although its probability is 0")
    loss = 1.0 / probability if is_passed and is_sampled and is_wrong else 0.0
    logs = tuple(
        max(log, 0.0) + math.log1p(bet * (loss - drift.alpha))
        for log, bet in zip(drift.logs, BETS, strict=True)
    )
    peak = max(logs)
    mean = peak + math.log(math.fsum(math.exp(log - peak) for log in logs) / len(logs))
    return replace(drift, logs=logs, is_alarm=drift.is_alarm or mean >= math.log(drift.level))
