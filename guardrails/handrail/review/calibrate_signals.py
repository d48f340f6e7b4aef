"""A combiner learned from the signals in a log, on rows that the bound then leaves out."""

from collections.abc import Sequence

import numpy as np

from handrail.confidence.calibration.fit.combining import WEIGHTS_FROM, Signal, fit_combiner
from handrail.confidence.combine import Combiner, Kind
from handrail.errors import ConfigError
from handrail.review.calibrate_log import LoggedAnswer

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
