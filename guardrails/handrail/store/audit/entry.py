"""A decision as an entry of the log; what cannot be written becomes an entry that says so."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from handrail.policy.runtime.record import write_fact
from handrail.records import Decision
from handrail.store.audit.chain import FIELDS, Event, entry_row
from handrail.store.prepared import Unstorable
from handrail.store.tables import audit

FAULT: Final = "decision.fault"
UNWRITABLE: Final = (Unstorable, ValueError, TypeError, ArithmeticError, RecursionError)
"""What an entry that no database can hold is refused with."""

_LENGTHS: Final[Mapping[str, int]] = {
    name: length for name in FIELDS if (length := getattr(audit.c[name].type, "length", None)) is not None
}


class LoggedDecision(NamedTuple):
    """A decision on its way into the log; it is written out when its batch is."""

    decision: Decision
    exchange: str
    tenant: str
    at: datetime
    scored: Mapping[str, object] | None = None

    def event(self) -> Event:
        """Return the entry."""
        decision = self.decision
        data: dict[str, object] = {
            "exchange": self.exchange,
            "stage": decision.stage.value,
            "effect": decision.effect.value,
            "rules": [reason.rule for reason in decision.reasons],
            "shadow": [reason.rule for reason in decision.shadow],
            "answers": dict(decision.answers),
            "policy": decision.policy.sha256,
            "facts": {name: write_fact(value) for name, value in decision.facts.items()},
        }
        if self.scored is not None:
            data["scored"] = self.scored
        return Event(tenant=self.tenant, kind=f"decision.{decision.effect.value}", at=self.at, data=data)

    def fault(self, why: str) -> Event:
        """Return the entry that stands for one that cannot be written: codes and a digest, no text."""
        decision = self.decision
        data: dict[str, object] = {
            "exchange": hashlib.sha256(self.exchange.encode("utf-8", "surrogatepass")).hexdigest()[:32],
            "stage": decision.stage.value,
            "effect": decision.effect.value,
            "policy": decision.policy.sha256,
            "fault": why,
        }
        return Event(tenant=_plain(self.tenant)[: _LENGTHS["tenant"]], kind=FAULT, at=self.at, data=data)


def storable(logged: LoggedDecision) -> Event:
    """Return a decision's entry, the fault entry if no database could hold it; pure."""
    try:
        event = logged.event()
        row: Mapping[str, Any] = entry_row(event, writer="", seq=1, prev="")
    except UNWRITABLE as error:
        return logged.fault(type(error).__name__)
    if any("\0" in str(row[name]) or len(str(row[name])) > most for name, most in _LENGTHS.items()):
        return logged.fault("Unstorable")
    return event


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "?")
