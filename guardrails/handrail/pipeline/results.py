"""What the steps of a session come to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from handrail.records import Decision, Draft, Evidence, FactValue, Message
from handrail.tickets.ports import ConversationStatus, LedgerQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """The input's decision; `messages` may go upstream (empty if nothing may).

    `pending` is set when a person has this conversation: the assistant then sends only the fixed notice.
    """

    decision: Decision
    evidence: Evidence
    messages: tuple[Message, ...] = ()
    pending: ConversationStatus | None = None
    instruction: str | None = None
    wants_logprobs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The answer's decision; `drafts` are what the caller may have, redacted where the policy says so."""

    decision: Decision
    evidence: Evidence
    drafts: tuple[Draft, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """One action's decision, with the totals it was decided on."""

    decision: Decision
    evidence: Evidence
    seen: Mapping[LedgerQuery, FactValue] = field(default_factory=dict)
    pending: ConversationStatus | None = None
