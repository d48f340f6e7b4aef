"""The closed sets of words that records use."""

from enum import StrEnum


class Effect(StrEnum):
    """What a decision does, from mild to strict; several are merged by strictness, never averaged."""

    PASS = "pass"
    REDACT = "redact"
    HAND_OFF = "hand_off"
    BLOCK = "block"

    strictness: int
    """Position in the order pass < redact < hand_off < block."""
    is_released: bool
    """True when the caller may have the answer, unchanged or redacted."""


for _rank, _effect in enumerate(Effect):
    _effect.strictness, _effect.is_released = _rank, _effect in (Effect.PASS, Effect.REDACT)


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

    rank: int
    """0 for low, 1 for medium, 2 for high."""


for _rank, _severity in enumerate(Severity):
    _severity.rank = _rank


class Stage(StrEnum):
    """Where in a guarded call a decision is taken."""

    INPUT = "input"
    ANSWER = "answer"
    TOOL = "tool"
    RESULT = "result"


class Speaker(StrEnum):
    """Who a message comes from. (`role` is kept for people who answer tickets.)"""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Part(StrEnum):
    """Which text of an exchange a span lies in."""

    MESSAGE = "message"
    ANSWER = "answer"
    ARGUMENTS = "arguments"
    RESULT = "result"


class SignalKind(StrEnum):
    """What a conversation can show beside its words' literal meaning."""

    ASKS_FOR_HUMAN = "asks_for_human"
    COMPLAINT = "complaint"
    DISPUTE = "dispute"
    AGGRIEVED = "aggrieved"
    REPEATS = "repeats"
    LEGAL_THREAT = "legal_threat"
    EMERGENCY = "emergency"
    OVERRIDES_RULE = "overrides_rule"
    INJECTION = "injection"


class FaultKind(StrEnum):
    """How a model call can go wrong."""

    ERROR = "error"
    TIMEOUT = "timeout"
    REFUSAL = "refusal"
    TRUNCATED = "truncated"
    INVALID_OUTPUT = "invalid_output"
    EMPTY = "empty"
    UNREADABLE = "unreadable"
