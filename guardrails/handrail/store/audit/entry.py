"""A decision as an entry of the log; what cannot be written becomes an entry that says so."""

# Version 2 of an entry's data. What version 1 (0.1, without `v`) had keeps its name and its form:
#
#     exchange stage effect rules shadow answers policy facts scored
#
# Version 2 adds `v`, and what there is of:
#
#     reasons shadow_reasons role co_approvers    each rule's part, and who decides
#     parts                                       of a merged decision: what each part rested on
#     confidence                                  value, method, missing signals, threshold, calibration
#     latency_us asked usage                      by part; how often the model was asked; as the provider says
#     model adapter ticket authorised grant
#     customer conversation                       keyed hashes
#
# Where the facts of a policy come from is written once by each process, as an entry `config.facts`.

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from handrail.policy.runtime.record import write_fact, write_parts, write_reason
from handrail.records import Confidence, Decision
from handrail.store.audit.chain import FIELDS, Event, entry_row
from handrail.store.prepared import Unstorable
from handrail.store.tables import audit
from handrail.tickets.ports import DecisionEntry

VERSION: Final = 2
FAULT: Final = "decision.fault"
SOURCES: Final = "config.facts"
UNWRITABLE: Final = (Unstorable, ValueError, TypeError, ArithmeticError, RecursionError)
"""What an entry that no database can hold is refused with."""

_LENGTHS: Final[Mapping[str, int]] = {
    name: length for name in FIELDS if (length := getattr(audit.c[name].type, "length", None)) is not None
}

Hashed = Callable[..., str]


def event_of(entry: DecisionEntry, hashed: Hashed) -> Event:
    """Return the event of a decision; pure.

    Args:
        entry: the decision.
        hashed: gives the keyed hash of a tenant and an id.
    """
    decision = entry.decision
    data: dict[str, object] = {
        "v": VERSION,
        "exchange": entry.exchange,
        "stage": decision.stage.value,
        "effect": decision.effect.value,
        "rules": [reason.rule for reason in decision.reasons],
        "shadow": [reason.rule for reason in decision.shadow],
        "answers": dict(decision.answers),
        "policy": decision.policy.sha256,
        "facts": {name: write_fact(value) for name, value in decision.facts.items()},
    }
    more = {**_rules(decision), **_taken(entry), **_whose(entry, hashed)}
    data.update((name, value) for name, value in more.items() if value)
    return Event(tenant=entry.tenant, kind=f"decision.{decision.effect.value}", at=entry.at, data=data)


def _rules(decision: Decision) -> dict[str, object]:
    return {
        "reasons": [write_reason(reason) for reason in decision.reasons],
        "shadow_reasons": [write_reason(reason) for reason in decision.shadow],
        "role": decision.role,
        "co_approvers": list(decision.co_approvers),
        "parts": write_parts(decision),
    }


def _taken(entry: DecisionEntry) -> dict[str, object]:
    cost = entry.cost
    return {
        "confidence": _confidence(entry.confidence),
        "scored": entry.scored,
        "latency_us": dict(cost.latency_us) if cost is not None else None,
        "asked": cost.asked if cost is not None else None,
        "usage": dict(cost.usage) if cost is not None else None,
        "model": entry.model,
        "adapter": entry.adapter,
        "ticket": entry.ticket,
        "authorised": entry.is_authorised,
        "grant": entry.grant,
    }


def _confidence(found: Confidence | None) -> dict[str, object] | None:
    if found is None:
        return None
    values = {
        "value": found.value,
        "method": found.method,
        "missing": list(found.missing),
        "threshold": found.threshold,
        "calibration": found.calibration,
    }
    return {name: value for name, value in values.items() if value not in (None, [])}


def _whose(entry: DecisionEntry, hashed: Hashed) -> dict[str, object]:
    return {
        "customer": subject_of(hashed, entry.tenant, entry.customer),
        "conversation": conversation_of(hashed, entry.tenant, entry.conversation),
    }


def subject_of(hashed: Hashed, tenant: str, customer: str | None) -> str | None:
    """Return what stands for a customer in the log: half of the keyed hash that erasures name; pure."""
    return hashed(tenant, "customer", customer)[:32] if customer is not None else None


def conversation_of(hashed: Hashed, tenant: str, conversation: str | None) -> str | None:
    """Return what stands for a conversation in the log; pure."""
    return hashed(tenant, conversation)[:32] if conversation is not None else None


def sources_of(entry: DecisionEntry) -> Event:
    """Return the event that says where the facts of a decision's policy come from; pure."""
    data = {"v": VERSION, "policy": entry.decision.policy.sha256, "sources": dict(entry.sources)}
    return Event(tenant="default", kind=SOURCES, at=entry.at, data=data)


def fault_of(entry: DecisionEntry, why: str) -> Event:
    """Return the event that stands for one that cannot be written: codes and a digest, no text; pure."""
    decision = entry.decision
    data: dict[str, object] = {
        "v": VERSION,
        "exchange": hashlib.sha256(entry.exchange.encode("utf-8", "surrogatepass")).hexdigest()[:32],
        "stage": decision.stage.value,
        "effect": decision.effect.value,
        "policy": decision.policy.sha256,
        "fault": why,
    }
    return Event(tenant=_plain(entry.tenant)[: _LENGTHS["tenant"]], kind=FAULT, at=entry.at, data=data)


def storable(entry: DecisionEntry, hashed: Hashed) -> Event:
    """Return a decision's event, the fault if no database could hold it; pure."""
    try:
        event = event_of(entry, hashed)
        row: Mapping[str, Any] = entry_row(event, writer="", seq=1, prev="")
    except UNWRITABLE as error:
        return fault_of(entry, type(error).__name__)
    if any("\0" in str(row[name]) or len(str(row[name])) > most for name, most in _LENGTHS.items()):
        return fault_of(entry, "Unstorable")
    return event


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "?")
