"""Several signals made into one number, by weights learned from verdicts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from handrail.confidence.scorers.logprobs import logit, sigmoid

Kind: TypeAlias = Literal["logprob", "stated", "length"]
"""How a signal is read: a probability from log-probabilities, a stated or counted one, a count of tokens."""

STATED_EDGE = 0.01
"""Stated and counted probabilities are kept this far from 0 and 1: "100 %" is a habit, not evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One signal's part: `weight` times its log-odds in spreads `sd` around `mean`, or `if_missing`."""

    name: str
    kind: Kind
    mean: float
    sd: float
    weight: float
    if_missing: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Combiner:
    """A weighted sum in log-odds. A missing signal drops its term; it never counts as 0."""

    terms: tuple[Term, ...]
    intercept: float

    def combine(self, signals: Mapping[str, float | None]) -> float | None:
        """Probability of being right; None if every signal is missing."""
        total, seen = self.intercept, 0
        for term in self.terms:
            raw = signals.get(term.name)
            if raw is None or math.isnan(raw):
                total += term.if_missing
                continue
            total += term.weight * (reading(raw, term.kind) - term.mean) / term.sd
            seen += 1
        return sigmoid(total) if seen else None


def reading(raw: float, kind: Kind) -> float:
    """The number that weights apply to: log-odds of a probability, minus the log of a length in tokens."""
    if kind == "length":
        return -math.log(max(raw, 1.0))
    return logit(min(max(raw, STATED_EDGE), 1 - STATED_EDGE) if kind == "stated" else raw)
