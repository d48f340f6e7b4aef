"""Array types of this package, and log-odds of whole arrays."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from handrail.confidence.scorers.logprobs import EDGE

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]


def logits(probabilities: npt.ArrayLike) -> Floats:
    """Log-odds of probabilities, kept `EDGE` from 0 and 1; NaN stays NaN."""
    held = np.clip(np.asarray(probabilities, dtype=np.float64), EDGE, 1.0 - EDGE)
    return np.asarray(np.log(held) - np.log1p(-held), dtype=np.float64)


def sigmoids(values: npt.ArrayLike) -> Floats:
    """Probabilities of log-odds."""
    from scipy.special import expit

    return np.asarray(expit(values), dtype=np.float64)
