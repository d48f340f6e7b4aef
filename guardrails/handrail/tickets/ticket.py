"""The ticket: everything a person needs to decide, and nothing a role may not see without asking.

Every text outside `Sealed` is masked. `Sealed` holds the same texts as they were; a store keeps it encrypted
apart from the rest and shows it only after the unmasking is in the audit log.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from handrail.records import Severity, Trigger
from handrail.tickets.lifecycle import State
from handrail.tickets.values import FactRecord

SCHEMA_VERSION: Literal[1] = 1
SUMMARY_LIMIT = 1200


class TicketModel(BaseModel):
    """Settings shared by every part of a ticket."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OnExpiry(StrEnum):
    """The safe default when nobody decides in time. There is no `approve`."""

    DENY = "deny"
    HOLD = "hold"
    WITHHOLD = "withhold"
    PARTIAL = "partial"
    CALLBACK = "callback"


class Verdict(StrEnum):
    """What a person may decide."""

    APPROVE = "approve"
    EDIT = "edit"
    REJECT = "reject"
    ANSWER = "answer"


class Summary(TicketModel):
    """Situation, background, assessment, request: the whole case in at most 1200 characters."""

    situation: str = ""
    background: str = ""
    assessment: str = ""
    request: str = ""


class MessageRecord(TicketModel):
    """One message; `index` is its place in the exchange, `cut` says that it was shortened."""

    index: int
    speaker: str
    text: str
    cut: bool = False


class ToolCallRecord(TicketModel):
    """One tool call the assistant had made, and what came back."""

    tool: str
    arguments: str
    result: str = ""


class FindingRecord(TicketModel):
    """One piece of evidence: where it lies, what it is, masked text, and a keyed hash to compare by.

    `start` and `end` count characters of the text named by `part` and `index` as it was in the exchange.
    """

    id: int
    kind: str
    category: str
    part: str
    index: int
    start: int
    end: int
    quote: str
    keyed_hash: str = ""
    score: float = 1.0


class Action(TicketModel):
    """What would be done if a person approves; `digest` binds their decision to it.

    `arguments` is the whole JSON text, masked where sensitive, never shortened. `reversible` is None when the
    policy does not say.
    """

    tool: str
    arguments: str
    call: str = ""
    digest: str
    reversible: bool | None = None
    amounts: Mapping[str, FactRecord] = Field(default_factory=dict)


class ConfidenceRecord(TicketModel):
    """How sure the assistant was, and how that was measured."""

    score: float | None
    method: str
    threshold: float | None = None
    calibration: str | None = None
    missing: tuple[str, ...] = ()


class ReasonRecord(TicketModel):
    """One rule's part: why it stopped the exchange, in the policy's own words."""

    rule: str
    effect: str
    trigger: Trigger
    severity: Severity
    role: str | None = None
    because: str = ""
    unknown: tuple[str, ...] = ()


class PolicyRecord(TicketModel):
    """The policy that stopped the exchange: name, label, content hash, rules and what they conflict about."""

    name: str
    version: str
    sha256: str
    rules: tuple[ReasonRecord, ...] = ()
    conflict: tuple[str, ...] = ()


class RouteStep(TicketModel):
    """One step of the way to the present role."""

    role: str
    why: str
    at: datetime


class Promise(TicketModel):
    """What the person on the other side was told, and by when it holds."""

    text: str
    by: datetime | None = None


class Labels(TicketModel):
    """What a weekly look at the ticket found; filled in afterwards."""

    verdict: str = ""
    cause: str = ""
    should_have_escalated: bool | None = None
    fix_target: str = ""


class Sealed(TicketModel):
    """The unmasked texts, and the values behind the spans (same order as `Ticket.evidence`)."""

    customer: str | None = None
    conversation: str | None = None
    arguments: str = ""
    draft_answer: str = ""
    shown: str = ""
    lines: tuple[MessageRecord, ...] = ()
    tried: tuple[ToolCallRecord, ...] = ()
    values: tuple[str, ...] = ()


class Ticket(TicketModel):
    """A hand-off as a durable record, version 1.

    `role` is whose turn it is, `co_approvers` must agree too; `excluded` may not decide. `start_by` is when
    work must have begun, `warn_at` when half of the time to decide has gone, `decide_by` when it is over.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    id: str
    tenant: str
    dedupe_key: str
    exchange: str
    trigger: Trigger
    triggers: tuple[Trigger, ...]
    reason_code: str
    severity: Severity
    role: str
    co_approvers: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()
    route: tuple[RouteStep, ...] = ()
    created_at: datetime
    start_by: datetime | None = None
    warn_at: datetime | None = None
    decide_by: datetime | None = None
    on_expiry: OnExpiry = OnExpiry.HOLD
    summary: Summary = Summary()
    tried: tuple[ToolCallRecord, ...] = ()
    promised: tuple[str, ...] = ()
    said: str = ""
    open_questions: tuple[str, ...] = ()
    contingency: tuple[str, ...] = ()
    evidence: tuple[FindingRecord, ...] = ()
    signals: tuple[str, ...] = ()
    draft_answer: str = ""
    shown: str = ""
    action: Action | None = None
    confidence: ConfidenceRecord | None = None
    policy: PolicyRecord
    facts: Mapping[str, FactRecord] = Field(default_factory=dict)
    lines: tuple[MessageRecord, ...] = ()
    wanted: str = ""
    locale: str = ""
    mask: Mapping[str, str] = Field(default_factory=dict)
    allowed: tuple[Verdict, ...] = (Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT, Verdict.ANSWER)
    response_schema: Mapping[str, object] = Field(default_factory=dict)
    approvals_needed: int = 1
    excluded: tuple[str, ...] = ()
    promise: Promise
    labels: Labels = Labels()
    consent_export: bool = False
    sealed: Sealed | None = Field(default=None, repr=False)


class TicketView(TicketModel):
    """A ticket with where it stands now, as a reviewer gets it.

    `ticket.sealed` is None; `ticket` itself is None once the data subject was erased. `digest` is that of the
    action as it stands: an edit by an earlier approver has changed it.
    """

    id: str
    tenant: str
    ticket: Ticket | None
    digest: str
    state: State
    version: int
    role: str
    level: int
    waiting_for: tuple[str, ...]
    agreed: tuple[str, ...]
    claimed_by: str | None = None
    lease_until: datetime | None = None
    start_by: datetime | None = None
    warn_at: datetime | None = None
    decide_by: datetime | None = None
    updated_at: datetime
    erased: bool = False


def schema() -> dict[str, object]:
    """Return the JSON Schema of a ticket; pure."""
    return Ticket.model_json_schema()
