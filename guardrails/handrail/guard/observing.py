"""What an observer may know of one decision: ids, kinds, counts and numbers; never a word of the exchange."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from handrail.guard.outcome import Outcome
from handrail.records import Confidence, Decision, Evidence, Handoff, SignalKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One decision and what it rests on. `findings` counts by type; `decision.facts` may hold amounts."""

    exchange: str
    tenant: str
    decision: Decision
    handoff: Handoff | None
    confidence: Confidence | None
    findings: Mapping[str, int]
    signals: tuple[SignalKind, ...]
    model: str | None


Observer: TypeAlias = Callable[[Observation], None]


def observation(outcome: Outcome, evidence: Evidence) -> Observation:
    """Return what an observer may know of an outcome; pure."""
    return Observation(
        exchange=outcome.exchange,
        tenant=evidence.context.tenant,
        decision=outcome.decision,
        handoff=outcome.handoff,
        confidence=evidence.confidence,
        findings=Counter(finding.type for finding in evidence.findings),
        signals=tuple(signal.kind for signal in evidence.signals),
        model=evidence.draft.model if evidence.draft else None,
    )
