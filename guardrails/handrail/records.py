"""Frozen values that every part of handrail hands to the next; no behaviour beyond their own reading."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

EMPTY: Mapping[str, object] = MappingProxyType({})


class Effect(StrEnum):
    """What a decision does, from mild to strict; several are merged by strictness, never averaged."""

    PASS = "pass"
    REDACT = "redact"
    HAND_OFF = "hand_off"
    BLOCK = "block"

    @property
    def strictness(self) -> int:
        """Position in the order pass < redact < hand_off < block."""
        return _STRICTNESS[self]


_STRICTNESS = {effect: rank for rank, effect in enumerate(Effect)}


def strictest(effects: Iterable[Effect]) -> Effect:
    """Return the strictest of some effects, `pass` of none."""
    return max(effects, key=_STRICTNESS.__getitem__, default=Effect.PASS)


class Trigger(StrEnum):
    """Why a rule stops an exchange."""

    LOW_CONFIDENCE = "low_confidence"
    HIGH_STAKES = "high_stakes"
    SENSITIVE_DATA = "sensitive_data"
    POLICY_CONFLICT = "policy_conflict"
    COMPLAINT = "complaint"
    ASKS_FOR_HUMAN = "asks_for_human"
    NEVER_AI = "never_ai"
    FAULT = "fault"
    UNSURE = "unsure"


class Severity(StrEnum):
    """How much is at stake; decides which of several rules owns a ticket."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """0 for low, 1 for medium, 2 for high."""
        return ("low", "medium", "high").index(self.value)


class Stage(StrEnum):
    """Where in a guarded call a decision is taken."""

    INPUT = "input"
    ANSWER = "answer"
    TOOL = "tool"


class Speaker(StrEnum):
    """Who a message comes from. (`role` is kept for people who answer tickets.)"""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


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


class Part(StrEnum):
    """Which text of an exchange a span lies in."""

    MESSAGE = "message"
    ANSWER = "answer"
    ARGUMENTS = "arguments"


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


class SignalKind(StrEnum):
    """What a conversation can show beside its words' literal meaning."""

    ASKS_FOR_HUMAN = "asks_for_human"
    COMPLAINT = "complaint"
    DISPUTE = "dispute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A sign in the person's words, with its span in that message."""

    kind: SignalKind
    start: int
    end: int
    score: float = 1.0
    place: Place | None = None


class FaultKind(StrEnum):
    """How a model call can go wrong."""

    ERROR = "error"
    TIMEOUT = "timeout"
    REFUSAL = "refusal"
    TRUNCATED = "truncated"
    INVALID_OUTPUT = "invalid_output"
    EMPTY = "empty"
    UNREADABLE = "unreadable"


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
    facts: Mapping[str, object] = field(default_factory=lambda: EMPTY)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One rule's part in a decision. `finding_types` are the types or categories the rule names."""

    rule: str
    effect: Effect
    trigger: Trigger
    severity: Severity = Severity.MEDIUM
    role: str | None = None
    because: str = ""
    finding_types: frozenset[str] = frozenset()
    facts_read: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRef:
    """Which policy decided: its name, its label and the sha256 of its canonical content."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the policy says about one stage of one exchange.

    `role` owns the hand-off, `co_approvers` must agree too; `shadow` holds what rules in shadow mode would
    have done; `answers` holds the answer of each business decision that was taken.
    """

    stage: Stage
    effect: Effect
    policy: PolicyRef
    reasons: tuple[Reason, ...] = ()
    role: str | None = None
    co_approvers: tuple[str, ...] = ()
    shadow: tuple[Reason, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, FactValue] = field(default_factory=dict)

    @property
    def is_released(self) -> bool:
        """True when the caller may have the answer, unchanged or redacted."""
        return self.effect in (Effect.PASS, Effect.REDACT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """What the caller gets in place of an answer: the ticket, the role that decides and what to tell the person.

    `joined` says that the ticket was open already; `spooled` that the store was out of reach and the ticket
    lies in the spool under this id.
    """

    ticket: str
    role: str
    triggers: tuple[Trigger, ...]
    notice: str
    due: datetime | None = None
    joined: bool = False
    spooled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that was seen of one exchange when it was decided; what a ticket is made from.

    `call` is the tool call in question, `shown` what the person had already been shown of a stream, `sources`
    where each fact came from.
    """

    exchange: str
    context: Context
    messages: tuple[Message, ...] = ()
    draft: Draft | None = None
    call: ToolCall | None = None
    findings: tuple[Finding, ...] = ()
    signals: tuple[Signal, ...] = ()
    confidence: Confidence | None = None
    shown: str = ""
