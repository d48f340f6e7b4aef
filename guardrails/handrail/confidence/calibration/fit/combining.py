"""Learning a combiner's weights from verdicts, with a prior that knows which signals are worth more."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from handrail.confidence.calibration.combine import STATED_EDGE, Combiner, Kind, Term
from handrail.confidence.calibration.fit.arrays import Flags, Floats, logits
from handrail.confidence.calibration.fit.platt import Prior, map_weights, scale_of

WEIGHTS_FROM = 25
"""Fewest verdicts for learned weights; with fewer, one signal alone is used."""

_WEIGHT_SD, _INTERCEPT_SD = 0.35, 2.0
_WITH_LABEL = {"label": 1.0}
_WITHOUT_LABEL = {
    "self_reported": 0.7,
    "sequence": 0.7,
    "agreement": 0.7,
    "p_true": 0.7,
    "judged": 0.7,
    "perplexity": 0.3,
    "brevity": 0.2,
}
_OTHER = 0.25


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signal:
    """One signal of many answers, shape (n,), NaN where it is missing; how it is read, and its name."""

    name: str
    kind: Kind
    values: Floats

    def readings(self) -> Floats:
        """What weights apply to; see `combine.reading`."""
        if self.kind == "length":
            return np.asarray(-np.log(np.maximum(self.values, 1.0)), dtype=np.float64)
        if self.kind == "stated":
            return logits(np.clip(self.values, STATED_EDGE, 1 - STATED_EDGE))
        return logits(self.values)


def prior_weights(names: Sequence[str]) -> dict[str, float]:
    """Expected weight of each signal before any verdict, in log-odds per spread.

    With a label's log-probability: 1 for it and .25 for any other. Without: .7 for what speaks of the answer
    itself (its span, the model's own number, P(True), a judge, agreement), .3 for the perplexity of a whole
    output with its reasoning, .2 for brevity, .25 for any other.
    """
    known = _WITH_LABEL if "label" in names else _WITHOUT_LABEL
    return {name: known.get(name, _OTHER) for name in names}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Column:
    """A column of the regression: what it holds, and the prior of its weight."""

    values: Floats
    mean: float
    sd: float = _WEIGHT_SD


def fit_combiner(signals: Sequence[Signal], labelled: Sequence[int], is_right: Flags) -> Combiner:
    """Most probable weights; centres and spreads come from all answers, labelled or not.

    A weight that came out below 0 is set to 0, so that a surer signal never lowers confidence. A signal that
    is missing in some answers has a weight of its own for that, and a constant one is left out.

    Args:
        signals: the signals of n answers.
        labelled: places of the answers with a verdict.
        is_right: their verdicts, in that order.
    """
    usable = [signal for signal in signals if _varies(signal.values)]
    expected = prior_weights([signal.name for signal in usable])
    places = np.asarray(labelled, dtype=np.intp)
    columns = [_Column(values=np.ones(len(places)), mean=0.0, sd=_INTERCEPT_SD)]
    scales = [scale_of(signal.readings()) for signal in usable]
    for signal, scale in zip(usable, scales, strict=True):
        standard = scale.standard(signal.readings()[places])
        is_missing = np.isnan(standard)
        columns.append(_Column(values=np.where(is_missing, 0.0, standard), mean=expected[signal.name]))
        columns.append(_Column(values=is_missing.astype(np.float64), mean=0.0))
    prior = Prior(mean=np.array([c.mean for c in columns]), sd=np.array([c.sd for c in columns]))
    weights = map_weights(np.column_stack([c.values for c in columns]), is_right, prior)
    terms = [
        Term(
            name=signal.name,
            kind=signal.kind,
            mean=scale.mean,
            sd=scale.sd,
            weight=max(float(weights[1 + 2 * index]), 0.0),
            if_missing=float(weights[2 + 2 * index]),
        )
        for index, (signal, scale) in enumerate(zip(usable, scales, strict=True))
    ]
    return Combiner(terms=tuple(terms), intercept=float(weights[0]))


def _varies(values: Floats) -> bool:
    known = values[~np.isnan(values)]
    return len(known) > 1 and bool(known.min() < known.max())
