"""Frozen values that every part of handrail hands to the next; no behaviour beyond their own reading."""

from handrail.records.confidence import Confidence, Score, TokenLogprob
from handrail.records.decision import (
    Decision,
    Evidence,
    FactValue,
    Handoff,
    Money,
    PolicyRef,
    Reason,
    Unknown,
    owners,
    strictest,
)
from handrail.records.enums import (
    Effect,
    FaultKind,
    Part,
    Severity,
    SignalKind,
    Speaker,
    Stage,
    Trigger,
)
from handrail.records.exchange import NOTE_NAME, Answer, Context, Draft, Message, ToolCall
from handrail.records.finding import Finding, Place, Signal

__all__ = [
    "NOTE_NAME",
    "Answer",
    "Confidence",
    "Context",
    "Decision",
    "Draft",
    "Effect",
    "Evidence",
    "FactValue",
    "FaultKind",
    "Finding",
    "Handoff",
    "Message",
    "Money",
    "Part",
    "Place",
    "PolicyRef",
    "Reason",
    "Score",
    "Severity",
    "Signal",
    "SignalKind",
    "Speaker",
    "Stage",
    "TokenLogprob",
    "ToolCall",
    "Trigger",
    "Unknown",
    "owners",
    "strictest",
]
