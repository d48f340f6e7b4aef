"""Tickets, roles and people for tests of the desk, over a real store."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from handrail.records import (
    Context,
    Decision,
    Effect,
    Evidence,
    Message,
    PolicyRef,
    Reason,
    Severity,
    Speaker,
    Stage,
    ToolCall,
    Trigger,
)
from handrail.store import Actor, SqlStore
from handrail.tickets.compose import compose
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Ticket, Verdict

START = datetime(2026, 11, 24, 9, tzinfo=UTC)
POLICY = PolicyRef(name="shop", version="1", sha256="ab" * 32)


@dataclass(frozen=True)
class Role:
    name: str = ""
    answer_within: timedelta | None = None
    backup: str | None = None
    hours: str | None = None
    holidays: str | None = None


ROLES = {
    "finance_lead": Role("finance_lead", timedelta(hours=4), "supervisor"),
    "supervisor": Role("supervisor", timedelta(hours=1), "process_owner"),
    "process_owner": Role("process_owner", timedelta(hours=2)),
    "queue_manager": Role("queue_manager", timedelta(minutes=30)),
}


@dataclass(frozen=True)
class Plan:
    roles: Mapping[str, Role]
    if_unsure: str = "queue_manager"
    time_zone: str = "UTC"


@dataclass(frozen=True)
class People:
    by_role: Mapping[str, frozenset[str]]

    def members(self, role: str) -> frozenset[str]:
        return self.by_role.get(role, frozenset())


PEOPLE = People(
    {
        "finance_lead": frozenset({"fay", "finn"}),
        "supervisor": frozenset({"sue"}),
        "process_owner": frozenset({"petra"}),
        "queue_manager": frozenset({"quinn"}),
    }
)


def ticket(
    name: str,
    *,
    at: datetime = START,
    role: str = "finance_lead",
    tenant: str = "default",
    words: str = "Refund the headphones",
    severity: Severity = Severity.MEDIUM,
    trigger: Trigger = Trigger.HIGH_STAKES,
) -> Ticket:
    """Make a ticket that proposes a refund."""
    evidence = Evidence(
        exchange=name,
        context=Context(tenant=tenant, customer=f"customer {name}", conversation=f"conversation {name}"),
        messages=(Message(speaker=Speaker.USER, text=words),),
        call=ToolCall(id="c1", name="issue_refund", arguments='{"amount": "640", "order": "1182"}'),
    )
    reason = Reason(
        rule="big-refund",
        effect=Effect.HAND_OFF,
        trigger=trigger,
        severity=severity,
        role=role,
        because=words,
    )
    decision = Decision(stage=Stage.TOOL, effect=Effect.HAND_OFF, policy=POLICY, reasons=(reason,), role=role)
    return compose(evidence, decision, notice="A person looks at it.", now=at, id=name, policy=Plan(ROLES))


def actor(person: str, at: datetime) -> Actor:
    """Say who acts, and when."""
    return Actor(person=person, people=PEOPLE, now=at)


def approve(store: SqlStore, name: str, *, by: str = "fay", at: datetime, tenant: str = "default") -> None:
    """Claim and approve a ticket."""
    store.claim(tenant, name, actor(by, at))
    store.resolve(tenant, name, Resolution(verdict=Verdict.APPROVE, reason_code="ok"), actor(by, at))
