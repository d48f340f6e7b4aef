"""How sure an answer is, and what that was measured from."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogprob:
    """One output token: its UTF-8 bytes (it may end inside a character), log-probability and rivals.

    Without `data` the token is taken to be its own text.
    """

    token: str
    logprob: float
    data: bytes = b""
    top: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if not self.data:
            object.__setattr__(self, "data", self.token.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a calibrated threshold is held against: a measure as it was taken, and whose answer it is of.

    `prompt_sha256` is the digest of the developer's own part of the request, `signals` are the measures that
    a calibration may combine; missing ones are None.
    """

    value: float
    method: str
    model: str
    prompt_sha256: str
    signals: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """Probability that an answer is right, how it was had, and which signals were missing.

    `value` is None when nothing could measure it: the fact is then *unknown*, never 0. `score` is what was
    measured before any calibration, None if nothing was.
    """

    value: float | None
    method: str
    missing: tuple[str, ...] = ()
    threshold: float | None = None
    calibration: str | None = None
    score: Score | None = field(default=None, compare=False)
