"""What a simulated exchange leaves in the audit log: its decision, and what people or the clock do later."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from handrail.records import Confidence, Effect
from handrail.store.audit.entry import event_of
from handrail.testing.simulated_exchange import SimulatedExchange
from handrail.tickets.ports import DecisionEntry

TENANT = "default"
MODEL, PROMPT, METHOD = "simulated-model", "0" * 64, "simulated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A case that people may read: a ticket of a role, or a passed answer that was drawn."""

    exchange: SimulatedExchange
    is_ticket: bool
    role: str


def decided(exchange: SimulatedExchange, rng: np.random.Generator, audit_rate: float) -> DecisionEntry:
    """Return the entry of an exchange's decision, and note in the exchange what becomes of it."""
    decision = exchange.decision
    is_held = any(reason.effect is Effect.HAND_OFF for reason in decision.reasons)
    is_blocked = not decision.effect.is_released and not is_held
    chance = 1.0 if is_held else audit_rate
    exchange.is_held = is_held
    exchange.is_stopped = is_held or is_blocked
    scored = {
        "score": exchange.score,
        "method": METHOD,
        "model": MODEL,
        "prompt_sha256": PROMPT,
        "audit_probability": chance,
        "audit_floor": audit_rate,
        "audit_lowest": None,
        "audited": is_held or bool(rng.random() < chance),
        "escalated": is_held,
        "signals": {},
    }
    return DecisionEntry(
        decision=decision,
        exchange=exchange.id,
        tenant=TENANT,
        at=exchange.at,
        customer=exchange.customer or None,
        grant=exchange.grant or None,
        model=MODEL,
        confidence=Confidence(value=exchange.score, method=METHOD),
        scored=None if is_blocked else scored,
        ticket=exchange.id if is_held else None,
    )


def record_of(entry: DecisionEntry) -> Mapping[str, Any]:
    """Return a decision's entry as an export of the audit log holds it."""
    event = event_of(entry, _hashed)
    return {
        "tenant": event.tenant,
        "ticket": event.ticket,
        "version": event.version,
        "kind": event.kind,
        "actor": event.actor,
        "role": event.role,
        "at": event.at.isoformat(),
        "data": dict(event.data),
    }


def event_record(
    case: Held, kind: str, at: datetime, actor: str, data: Mapping[str, object]
) -> Mapping[str, Any]:
    """Return what somebody, or the clock where `actor` is empty, did with a case in the role of the case."""
    return {
        "tenant": TENANT,
        "ticket": case.exchange.id if case.is_ticket else "",
        "version": 2,
        "kind": kind,
        "actor": actor,
        "role": case.role,
        "at": at.isoformat(),
        "data": dict(data),
    }


def _hashed(*values: str) -> str:
    return hashlib.sha256("|".join(values).encode()).hexdigest()
