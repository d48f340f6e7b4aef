"""Which passed answers are drawn for review: the plan, its probabilities and the draw."""

import hashlib
import hmac
import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingPlan:
    """How answers of one period are drawn for review; fixed before the period begins.

    Args:
        threshold: answers that score at least this are passed; infinity passes none.
        rate: probability of drawing an answer that is passed, or any answer from `lowest` on.
        lowest: answers that score less are not drawn, unless people see all that is handed off.
        has_free_verdicts: what is handed off is judged by people anyway, so its probability is 1.
    """

    threshold: float
    rate: float
    lowest: float = -math.inf
    has_free_verdicts: bool = True

    @property
    def floor(self) -> float:
        """Smallest probability among the answers that are drawn at all."""
        return self.rate

    def passes(self, score: float) -> bool:
        """True when an answer with this score is passed."""
        return score >= self.threshold

    def probability(self, score: float, *, is_handed_off: bool | None = None) -> float:
        """Probability of drawing an answer; log it with the draw, also when the draw says no.

        Args:
            score: what the threshold is held against.
            is_handed_off: whether a person gets this answer anyway; by the threshold alone if not given.
        """
        handed_off = not self.passes(score) if is_handed_off is None else is_handed_off
        if self.has_free_verdicts and handed_off:
            return 1.0
        return self.rate if score >= self.lowest else 0.0

    def draw(self, score: float, unit: float, *, is_handed_off: bool | None = None) -> "SampleDraw":
        """Decide whether one answer is drawn, before anybody has judged it.

        Args:
            score: what the threshold is held against.
            unit: a number drawn evenly from [0, 1), such as `unit_of` gives.
            is_handed_off: as for `probability`.
        """
        probability = self.probability(score, is_handed_off=is_handed_off)
        return SampleDraw(
            probability=probability,
            floor=self.floor,
            lowest=None if math.isinf(self.lowest) else self.lowest,
            is_sampled=unit < probability,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleDraw:
    """One answer's draw, with its probability and those of the plan; all belongs in the decision log."""

    probability: float
    floor: float
    lowest: float | None
    is_sampled: bool


def unit_of(exchange: str, key: bytes) -> float:
    """A number in [0, 1) that looks drawn to whoever does not hold the key, and can be checked later.

    The first 53 bits of HMAC-SHA256 of the exchange's id.
    """
    digest = hmac.digest(key, exchange.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return (int.from_bytes(digest[:7]) >> 3) / 2**53
