"""A calibration as one versioned JSON document, with the curve that turns a score into a probability."""

import bisect
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    computed_field,
    model_validator,
)

from handrail.confidence.calibration.combine import Combiner, Kind, Term
from handrail.confidence.calibration.sampling import SamplingPlan
from handrail.confidence.scorers.logprobs import logit, sigmoid
from handrail.errors import ConfigError

Share = Annotated[float, Field(gt=0, lt=1)]
Chance = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TermPart(_Part):
    """One signal of a combined score; see `combine.Term`."""

    name: str
    kind: Kind
    mean: float
    sd: Annotated[float, Field(gt=0)]
    weight: Annotated[float, Field(ge=0)]
    if_missing: float = 0.0


class CombinerPart(_Part):
    """How several signals become the score; see `combine.Combiner`."""

    terms: tuple[TermPart, ...]
    intercept: float

    def combine(self, signals: Mapping[str, float | None]) -> float | None:
        """Probability of being right; None if every signal is missing. See `Combiner.combine`."""
        terms = tuple(Term(**term.model_dump()) for term in self.terms)
        return Combiner(terms=terms, intercept=self.intercept).combine(signals)

    @classmethod
    def of(cls, combiner: Combiner) -> "CombinerPart":
        """Describe a combiner."""
        terms = tuple(TermPart.model_validate(term, from_attributes=True) for term in combiner.terms)
        return cls(terms=terms, intercept=combiner.intercept)


class PlattPart(_Part):
    """sigmoid(slope * (logit(score) - mean) / sd + intercept)."""

    kind: Literal["platt"] = "platt"
    mean: float
    sd: Annotated[float, Field(gt=0)]
    slope: Annotated[float, Field(ge=0)]
    intercept: float

    def probability(self, score: float) -> float:
        """Probability of being right for a score in 0..1."""
        return sigmoid(self.slope * (logit(score) - self.mean) / self.sd + self.intercept)


class IsotonicPart(_Part):
    """Straight lines through (`knots`, `values`), both rising; knots are log-odds of the score."""

    kind: Literal["isotonic"] = "isotonic"
    knots: Annotated[tuple[float, ...], Field(min_length=1)]
    values: Annotated[tuple[Chance, ...], Field(min_length=1)]

    def probability(self, score: float) -> float:
        """Probability of being right for a score in 0..1."""
        place = logit(score)
        after = bisect.bisect_right(self.knots, place)
        if after == 0:
            return self.values[0]
        if after == len(self.knots):
            return self.values[-1]
        left, right = self.knots[after - 1], self.knots[after]
        low, high = self.values[after - 1], self.values[after]
        return min(high, low + (high - low) * (place - left) / (right - left))


class GuaranteePart(_Part):
    """The promise P(passed and wrong) <= target, and the bets behind it; see `fit.sequential_bounds`.

    `threshold` is on the score; None passes nothing, for `needed` more verdicts without an error at least.
    `rate`, `lowest` and `has_free_verdicts` are the sampling plan of the coming period. `level` is the share
    of `delta` that this start may use.
    """

    target: Share
    delta: Share
    level: Share
    start: Annotated[int, Field(ge=1)] = 1
    threshold: float | None
    needed: Annotated[int, Field(ge=0)] = 0
    rate: Annotated[float, Field(gt=0, le=1)] = 1.0
    lowest: float | None = None
    has_free_verdicts: bool = True
    grid: tuple[float, ...]
    log_wealth: tuple[tuple[float, ...], ...]
    is_certified: tuple[bool, ...]
    answers: int
    verdicts: int


class DriftPart(_Part):
    """State of the drift alarm; see `drift.Drift`."""

    logs: tuple[float, ...]


class SlicePart(_Part):
    """Error among the passed answers of one declared slice, and whether it is handed off because of it."""

    name: str
    cap: Share | None = None
    rate: Chance | None
    low: Chance
    high: Chance
    passed: int
    audits: int
    is_handed_off: bool


class LogRange(_Part):
    """First and last moment of the log rows that a calibration has seen."""

    first: AwareDatetime
    last: AwareDatetime


class Calibration(_Part):
    """One calibration of one model with one prompt. `id` is a digest of everything else in it.

    `withdrawn` says why it must not be used any more, empty while it may.
    """

    version: Literal[1] = 1
    id: str
    model: str
    prompt_sha256: str
    method: str
    created: AwareDatetime
    log_range: LogRange
    curve: Annotated[PlattPart | IsotonicPart, Field(discriminator="kind")]
    combiner: CombinerPart | None = None
    guarantee: GuaranteePart
    passed_error: SlicePart | None = None
    slices: tuple[SlicePart, ...] = ()
    drift: DriftPart | None = None
    withdrawn: str = ""

    @model_validator(mode="before")
    @classmethod
    def _without_threshold(cls, document: object) -> object:
        if not isinstance(document, dict):
            return document
        return {name: value for name, value in document.items() if name != "threshold"}

    @computed_field  # type: ignore[prop-decorator]
    @property
    def threshold(self) -> float:
        """Probability of being right that an answer must reach; 1 while nothing is certified or may be used.

        A policy reads it as `model.threshold`.
        """
        part = self.guarantee
        return 1.0 if part.threshold is None or self.withdrawn else self.probability(part.threshold)

    def probability(self, score: float) -> float:
        """Probability of being right for a score in 0..1; never falls as the score rises."""
        return self.curve.probability(score)

    @property
    def plan(self) -> SamplingPlan:
        """Which answers of the coming period are drawn for review."""
        part = self.guarantee
        return SamplingPlan(
            threshold=float("inf") if part.threshold is None or self.withdrawn else part.threshold,
            rate=part.rate,
            lowest=float("-inf") if part.lowest is None else part.lowest,
            has_free_verdicts=part.has_free_verdicts,
        )


def read(text: str | bytes, *, source: str = "<calibration>") -> Calibration:
    """Read a calibration from JSON.

    Raises:
        ConfigError: it is not one; names the first field that is wrong, never its value.
    """
    try:
        return Calibration.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "document"
        raise ConfigError(f"{source}: {place}: {first['type']}") from error


def write(calibration: Calibration) -> str:
    """Write a calibration as JSON, ending in a line break."""
    return calibration.model_dump_json(indent=1) + "\n"
