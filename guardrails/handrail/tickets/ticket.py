"""The ticket: everything a person needs to decide, and nothing a role may not see without asking.

Texts outside `Sealed` are masked. `Sealed` holds them unmasked, encrypted, shown once the audit log says so.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Literal, Self

from pydantic import Field

from handrail.records import (
    Confidence,
    Decision,
    Finding,
    Message,
    Reason,
    Severity,
    Trigger,
)
from handrail.tickets.fact_record import FactRecord
from handrail.tickets.lifecycle import State
from handrail.tickets.masking import STATED
from handrail.tickets.model import TicketModel

SCHEMA_VERSION: Literal[1] = 1
SUMMARY_LIMIT, LONGEST_TEXT = 1200, 2000
_RETIRED = frozenset({"consent_export", "labels", "locale", "response_schema", "reversible"})


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
    REVISE = "revise"


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

    @classmethod
    def of(cls, message: Message, index: int) -> Self:
        """Return the record of a message and the calls it makes, shortened to `LONGEST_TEXT`; pure."""
        calls = "".join(f"\n→ {call.name}({call.arguments})" for call in message.tool_calls)
        text = f"{message.text}{calls}".strip()
        is_cut = len(text) > LONGEST_TEXT
        return cls(index=index, speaker=str(message.speaker), text=text[:LONGEST_TEXT], cut=is_cut)


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

    @property
    def is_quoted(self) -> bool:
        """True when the quote is what was written, and no mask."""
        return self.kind == STATED and self.quote != f"[{self.kind}]"

    @classmethod
    def of(cls, finding: Finding, number: int, *, words: str = "") -> Self:
        """Return the record of the finding with this number, its text masked; pure.

        Args:
            finding: the finding.
            number: its place among the findings.
            words: its text, already masked; kept only where a reader should look at it.
        """
        place = finding.place
        return cls(
            id=number,
            kind=finding.type,
            category=finding.category,
            part=str(place.part) if place else "",
            index=place.index if place else 0,
            start=finding.start,
            end=finding.end,
            quote=words if words and finding.type == STATED else f"[{finding.type}]",
            score=finding.score,
        )


class ProposedAction(TicketModel):
    """What would be done if a person approves; `digest` binds their resolution to it.

    `arguments` is the whole JSON text, masked where sensitive, never shortened. `parameters` is the JSON
    Schema that edits of it are held against, as text; empty where the tool declares none.
    """

    RETIRED: ClassVar[frozenset[str]] = _RETIRED

    tool: str
    arguments: str
    parameters: str = ""
    call: str = ""
    digest: str
    amounts: Mapping[str, FactRecord] = Field(default_factory=dict)


class ProposedPart(TicketModel):
    """A call that was proposed in one turn with a ticket's action and is decided on its own.

    `part` names it within the ticket; `effect` and `rules` are what the policy says of it alone.
    """

    part: str
    action: ProposedAction
    effect: str
    rules: tuple[str, ...] = ()
    facts: Mapping[str, FactRecord] = Field(default_factory=dict)


class ConfidenceRecord(TicketModel):
    """How sure the assistant was, and how that was measured."""

    score: float | None
    method: str
    threshold: float | None = None
    calibration: str | None = None
    missing: tuple[str, ...] = ()

    @classmethod
    def of(cls, confidence: Confidence) -> Self:
        """Return the record of a measurement; pure."""
        return cls(
            score=confidence.value,
            method=confidence.method,
            threshold=confidence.threshold,
            calibration=confidence.calibration,
            missing=confidence.missing,
        )


class ReasonRecord(TicketModel):
    """One rule's part: why it stopped the exchange, in the policy's own words."""

    rule: str
    effect: str
    trigger: Trigger
    severity: Severity
    role: str | None = None
    because: str = ""
    unknown: tuple[str, ...] = ()

    @classmethod
    def of(cls, reason: Reason) -> Self:
        """Return the record of a reason; pure."""
        return cls(
            rule=reason.rule,
            effect=str(reason.effect),
            trigger=reason.trigger,
            severity=reason.severity,
            role=reason.role,
            because=reason.because,
            unknown=reason.unknown,
        )


class PolicyRecord(TicketModel):
    """The policy that stopped the exchange: name, label, content hash, rules and what they conflict about."""

    name: str
    version: str
    sha256: str
    rules: tuple[ReasonRecord, ...] = ()
    conflict: tuple[str, ...] = ()

    @classmethod
    def of(cls, decision: Decision) -> Self:
        """Return the record of the policy behind a decision; pure."""
        policy = decision.policy
        return cls(
            name=policy.name,
            version=policy.version,
            sha256=policy.sha256,
            rules=tuple(ReasonRecord.of(reason) for reason in decision.reasons),
            conflict=tuple(r.rule for r in decision.reasons if r.trigger is Trigger.POLICY_CONFLICT),
        )


class RouteStep(TicketModel):
    """One step of the way to the present role."""

    role: str
    why: str
    at: datetime


class Promise(TicketModel):
    """What the person on the other side was told, and by when it holds."""

    text: str
    by: datetime | None = None


class Sealed(TicketModel):
    """The unmasked texts, and the values behind the spans (same order as `Ticket.evidence`).

    `pieces` are those in which each value stands where it was found in a run of them, in the same order.
    `parts` holds the arguments of `Ticket.parts`, in their order.
    """

    customer: str | None = None
    conversation: str | None = None
    arguments: str = ""
    draft_answer: str = ""
    shown: str = ""
    lines: tuple[MessageRecord, ...] = ()
    tried: tuple[ToolCallRecord, ...] = ()
    values: tuple[str, ...] = ()
    pieces: tuple[tuple[str, ...], ...] = ()
    parts: tuple[str, ...] = ()


class Ticket(TicketModel):
    """A hand-off as a durable record, version 1.

    `role` is whose turn it is, `co_approvers` agree too; `excluded` may not decide. Work begins by `start_by`
    and is over at `decide_by`. `done`: the last call tried was carried out, `draft_answer` is its result.
    `beside` names the tools of the calls that were proposed together with `action` and do not run with it;
    `parts` are those of them that a person may decide on. `part_of` is the ticket this one was a part of.
    """

    RETIRED: ClassVar[frozenset[str]] = _RETIRED

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
    action: ProposedAction | None = None
    beside: tuple[str, ...] = ()
    parts: tuple[ProposedPart, ...] = ()
    part_of: str = ""
    done: bool = False
    confidence: ConfidenceRecord | None = None
    policy: PolicyRecord
    facts: Mapping[str, FactRecord] = Field(default_factory=dict)
    lines: tuple[MessageRecord, ...] = ()
    wanted: str = ""
    mask: Mapping[str, str] = Field(default_factory=dict)
    allowed: tuple[Verdict, ...] = (Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT, Verdict.ANSWER)
    approvals_needed: int = 1
    excluded: tuple[str, ...] = ()
    promise: Promise
    sealed: Sealed | None = Field(default=None, repr=False)


class ResolutionRecord(TicketModel):
    """What a person last decided; `changes` tells of an edit, masked. It is final once all have agreed.

    `parts` are the tickets of the calls that were decided with it, by the names of these parts.
    """

    verdict: Verdict
    person: str
    role: str
    decided_at: datetime
    is_final: bool
    changes: tuple[str, ...] = ()
    answer: str = ""
    message_to_user: str = ""
    message_to_agent: str = ""
    note: str = ""
    reason_code: str = ""
    parts: Mapping[str, str] = Field(default_factory=dict)


class TicketView(TicketModel):
    """A ticket with where it stands now, as a reviewer gets it: without `sealed`, or None once it was erased.

    `digest` is that of the action as it stands: an edit by an earlier approver has changed it.
    `duplicate_of` is the ticket whose decision settles this one. While the state is `resolved`,
    the resolution takes effect at `lease_until`. `extended`: it was given more time, which happens once.
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
    resolution: ResolutionRecord | None = None
    duplicate_of: str | None = None
    reference: str = ""
    extended: bool = False
    round: int = 1


def schema() -> dict[str, object]:
    """Return the JSON Schema of a ticket; pure."""
    return Ticket.model_json_schema()
