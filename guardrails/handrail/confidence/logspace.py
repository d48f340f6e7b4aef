"""Arithmetic with log-probabilities that loses nothing near certainty."""

import math
from collections.abc import Iterable

EDGE = 1e-9
"""Probabilities are kept this far from 0 and 1 before a logit; a wider clip ties the surest answers."""


def is_logprob(value: float) -> bool:
    """True for a usable natural-log probability: not NaN and not above 0, but for rounding."""
    return value <= 1e-6


def log_sum(values: Iterable[float]) -> float:
    """Natural log of a sum of probabilities given as logs; -inf of none."""
    terms = [value for value in values if value > -math.inf]
    if not terms:
        return -math.inf
    peak = max(terms)
    return peak + math.log(math.fsum(math.exp(term - peak) for term in terms))


def probability(logprob: float) -> float:
    """Probability of a log-probability, unrounded; what rounding put above 0 counts as certain."""
    return math.exp(min(logprob, 0.0))


def logit(value: float) -> float:
    """Log-odds of a probability, kept `EDGE` from either end so that it is finite and never falls."""
    held = min(max(value, EDGE), 1.0 - EDGE)
    return math.log(held) - math.log1p(-held)


def logit_of_log(logprob: float) -> float:
    """Log-odds of a log-probability: l - log(1 - exp(l)), finite at 0 and below any probability of use."""
    held = min(max(logprob, math.log(EDGE)), math.log1p(-EDGE))
    return held - math.log(-math.expm1(held))


def sigmoid(value: float) -> float:
    """Probability of log-odds, without overflow on either side."""
    if value >= 0:
        return 1.0 / (1.0 + math.exp(-value))
    grown = math.exp(value)
    return grown / (1.0 + grown)
