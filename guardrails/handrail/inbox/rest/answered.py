"""What programs get: each answer as a model, masked for whoever asks, nothing but what is named here."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict

from handrail.records import Severity, Trigger
from handrail.service import (
    Level,
    ListPage,
    PartPreview,
    PartScreen,
    Preview,
    Receipt,
    Reviewer,
    Scope,
    TicketScreen,
)
from handrail.service.permissions import Operation
from handrail.service.screen import CitedRule, PastTicket, TranscriptLine
from handrail.service.screen import Field as ActionField
from handrail.tickets.lifecycle import State
from handrail.tickets.ticket import ConfidenceRecord, ResolutionRecord, Sealed, ToolCallRecord, Verdict


class Answered(BaseModel):
    """What is answered."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Me(Answered):
    """Who asks, and what they may do from here."""

    person: str
    tenant: str
    roles: tuple[str, ...]
    scopes: tuple[Scope, ...]
    is_manager: bool
    level: Level

    @classmethod
    def of(cls, who: Reviewer, roles: tuple[str, ...]) -> Self:
        """Return who asks; `roles` are those whose tickets they may act on; pure."""
        return cls(
            person=who.person,
            tenant=who.tenant,
            roles=roles,
            scopes=tuple(sorted(who.scopes)),
            is_manager=who.is_manager,
            level=who.level,
        )


class Line(Answered):
    """One line of a list; `headline` is masked."""

    id: str
    reference: str
    state: State
    version: int
    role: str
    level: int
    severity: str
    trigger: str
    rule: str
    tool: str
    headline: str
    created_at: datetime
    decide_by: datetime | None
    claimed_by: str | None
    is_mine: bool
    is_snoozed: bool


class Tickets(Answered):
    """One page of a list; `cursor` goes on from it, null at the end."""

    rows: tuple[Line, ...]
    cursor: str | None
    now: datetime

    @classmethod
    def of(cls, page: ListPage) -> Self:
        """Return a page; pure."""
        return cls.model_validate(page)


class Counts(Answered):
    """For each of one's roles how many tickets are in each state, of those that have not ended."""

    roles: Mapping[str, Mapping[State, int]]


class SeededAnswer(Answered):
    """A case that was placed to see how people decide: how it had been decided, and how it was now."""

    expected: Verdict
    verdict: Verdict
    is_right: bool


class Joined(Answered):
    """What came in while the ticket was open."""

    at: datetime
    text: str
    triggers: tuple[Trigger, ...]
    rules: tuple[str, ...]
    note: str


class Step(Answered):
    """One step on record."""

    kind: str
    version: int
    at: datetime
    actor: str
    role: str


class TicketAnswer(Answered):
    """One ticket, masked for whoever asks; `digest` is what a decision is bound to."""

    id: str
    reference: str
    state: State
    version: int
    digest: str
    is_erased: bool
    trigger: Trigger | None
    severity: Severity | None
    role: str
    acting_role: str
    level: int
    waiting_for: tuple[str, ...]
    agreed: tuple[str, ...]
    claimed_by: str | None
    lease_until: datetime | None
    decide_by: datetime | None
    updated_at: datetime
    duplicate_of: str | None
    resolution: ResolutionRecord | None
    undo_until: datetime | None
    headline: str
    why: str
    action: str
    fields: tuple[ActionField, ...]
    parts: tuple[PartScreen, ...]
    divides: bool
    draft: str
    rules: tuple[CitedRule, ...]
    lines: tuple[TranscriptLine, ...]
    confidence: ConfidenceRecord | None
    said: str
    promised: tuple[str, ...]
    told: str
    tried: tuple[ToolCallRecord, ...]
    unknown: tuple[str, ...]
    attempts: tuple[Joined, ...]
    others: tuple[Line, ...]
    similar: tuple[PastTicket, ...]
    history: tuple[Step, ...]
    operations: tuple[Operation, ...]
    needs: Mapping[Verdict, Level]
    reasons: Mapping[Verdict, tuple[str, ...]]
    unmaskable: tuple[str, ...]
    needs_own_answer: bool
    own_answer: str
    seeded: SeededAnswer | None
    now: datetime

    @classmethod
    def of(cls, screen: TicketScreen) -> Self:
        """Return a ticket; pure."""
        view, held = screen.view, screen.ticket
        same = {
            name: getattr(screen, name)
            for name in cls.model_fields
            if name not in _FROM_VIEW and hasattr(screen, name)
        }
        return cls.model_validate(
            {
                **same,
                **{name: getattr(view, name) for name in _FROM_VIEW},
                "is_erased": view.erased,
                "acting_role": screen.role,
                "trigger": held.trigger if held is not None else None,
                "severity": held.severity if held is not None else None,
                "operations": tuple(sorted(screen.operations)),
            }
        )


_FROM_VIEW = (
    "id", "state", "version", "digest", "role", "level", "waiting_for", "agreed", "claimed_by", "lease_until",
    "decide_by", "updated_at", "duplicate_of", "resolution",
)  # fmt: skip


class ReceiptAnswer(Answered):
    """What a step came to; until `undo_until` a decision can be undone and nothing runs."""

    ticket: str
    reference: str
    state: State
    version: int
    waits_for: tuple[str, ...]
    undo_until: datetime | None
    seeded: SeededAnswer | None

    @classmethod
    def of(cls, receipt: Receipt) -> Self:
        """Return a receipt; pure."""
        return cls.model_validate(receipt)


class PreviewAnswer(Answered):
    """What a decision comes to; `token`, `version` and `digest` go with the decision."""

    changes: tuple[str, ...]
    runs: str
    customer_reads: str
    agent_reads: str
    waits_for: tuple[str, ...]
    needs_level: Level
    warnings: tuple[str, ...]
    token: str
    version: int
    digest: str
    binds: str
    parts: tuple[PartPreview, ...]
    readback: str
    readback_of: tuple[str, ...]

    @classmethod
    def of(cls, preview: Preview) -> Self:
        """Return a preview; pure."""
        return cls.model_validate(preview)


class Unmasked(Answered):
    """The unmasked texts of the fields that were asked for."""

    fields: Mapping[str, object]

    @classmethod
    def of(cls, sealed: Sealed, fields: tuple[str, ...]) -> Self:
        """Return the texts of these fields only; pure."""
        shown = sealed.model_dump(mode="json", include=set(fields))
        return cls(fields=shown)


class ProblemAnswer(BaseModel):
    """Why something was not done: a fixed code, and words without content (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    candidates: tuple[str, ...] = ()
