"""What was seen of an exchange: messages, drafts, findings, signals, confidence and the values of facts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import TypeAlias

from handrail.records.enums import FaultKind, Part, SignalKind, Speaker


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount in one currency (ISO 4217 code, upper case); amounts of two currencies do not compare."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A fact that could not be had, and why (a code or a short phrase, never scanned text)."""

    why: str


FactValue: TypeAlias = bool | Decimal | timedelta | time | Money | str | frozenset[str] | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The text a span refers to: the part and, where there are several, its index."""

    part: Part
    index: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something a scanner saw; `start` and `end` (exclusive) count characters of the caller's text.

    `type` is exact (`email`, `us_ssn`, `health`), `category` is what policies usually name (`identifier`,
    `financial`, `credential`, `network`, `health`, `legal`, `personnel`). `score` lies in 0..1.
    """

    type: str
    category: str
    start: int
    end: int
    score: float = 1.0
    scanner: str = "handrail"
    note: str = ""
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A sign in the person's words, with its span in that message."""

    kind: SignalKind
    start: int
    end: int
    score: float = 1.0
    place: Place | None = None


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
class ToolCall:
    """A call that a model proposes or a program makes; `arguments` is the JSON text as given."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a conversation; `unreadable` names content kinds that no scanner here can read."""

    speaker: Speaker
    text: str = ""
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a model produced, before anybody may see it; `self_reported` is its own number, 0..1.

    `asides` are words of the model beside its answer: reasoning, transcripts, notes on sources. They are
    scanned and redacted as the answer is, but are no part of it.
    """

    text: str = ""
    asides: tuple[str, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    refusal: str | None = None
    finish_reason: str | None = None
    logprobs: tuple[TokenLogprob, ...] | None = None
    self_reported: float | None = None
    model: str | None = None
    fault: FaultKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a guarded function may return to hand over log-probabilities with its text."""

    text: str
    logprobs: tuple[TokenLogprob, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Whose call it is: tenant, customer and conversation, with facts the caller states."""

    tenant: str = "default"
    customer: str | None = None
    conversation: str | None = None
    facts: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


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
