"""The whole of one ticket as a person reads it: frozen data, masked for their roles."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from handrail.service.permissions import Operation
from handrail.service.queries import ListRow
from handrail.service.reviewer import Level
from handrail.store.tickets.seeded import SeededOutcome
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import Attempt
from handrail.tickets.resolution import TicketEvent
from handrail.tickets.ticket import ConfidenceRecord, Ticket, TicketView, ToolCallRecord, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One argument of the action, whole, and how a form edits it.

    Args:
        name: the argument's name.
        kind: `text`, `long_text`, `number`, `whole_number`, `yes_no`, `choice`, `date` or `json`.
        text: its present value as the role may see it: a text as it is, anything else as JSON.
        is_given: whether the action has it.
        is_masked: whether something of it is masked; a new value then replaces all of it.
        is_required: whether the tool cannot be called without it.
        choices: the values to choose from.
        minimum: the smallest number, as text; empty for none.
        maximum: the greatest number, as text; empty for none.
        describes: what the tool's schema says of it.
    """

    name: str
    kind: str
    text: str
    is_given: bool = True
    is_masked: bool = False
    is_required: bool = False
    choices: tuple[str, ...] = ()
    minimum: str = ""
    maximum: str = ""
    describes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartScreen:
    """One of the things that were proposed together, to be decided on its own.

    Args:
        part: its name in a decision: `call-1` is the action itself, `answer` the words that came with it.
        tool: the tool, empty for the words.
        fields: the call's arguments, as for the action.
        text: the words, empty for a call.
        digest: what a decision on it is bound to, empty where its arguments cannot be read.
        effect: what the policy says of it alone: `pass`, `redact` or `hand_off`.
        rules: the rules that say so.
        allowed: the verdicts it may get.
        ticket: its own ticket once it was decided, empty before.
        reference: the reference of that ticket.
        state: where that ticket stands, None before.
    """

    part: str
    tool: str
    fields: tuple[Field, ...]
    text: str
    digest: str
    effect: str
    rules: tuple[str, ...]
    allowed: tuple[Verdict, ...]
    ticket: str = ""
    reference: str = ""
    state: State | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CitedRule:
    """One rule that stopped the exchange, with its place in the policy where that is still known.

    `when` is its condition as the file writes it, `line` 0 where its place is not known.
    """

    rule: str
    effect: str
    trigger: str
    severity: str
    role: str
    because: str
    unknown: tuple[str, ...]
    is_conflict: bool
    when: str = ""
    source: str = ""
    answer: str = ""
    policy: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where a text shows evidence: characters from `start` to `end` of the shown text, and its type."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptLine:
    """One message of the conversation with its marks, in order and without overlaps."""

    index: int
    speaker: str
    text: str
    is_cut: bool
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTicket:
    """A similar ticket that has ended, and how."""

    id: str
    reference: str
    role: str
    rule: str
    tool: str
    state: State
    verdict: str
    decided_at: datetime | None
    minutes: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketScreen:
    """One ticket on one screen.

    Args:
        view: where it stands, with the ticket masked for the reviewer's roles; `view.ticket` None if erased.
        reference: the reference people say.
        role: the role that the reviewer acts in here, empty if none.
        headline: in few words, what is proposed.
        why: the first rule's reason, in the policy's words.
        fields: the action's arguments, empty where none is proposed.
        parts: everything that was proposed together, the action first; empty where the action came alone.
        divides: whether the parts can still be decided here, each on its own.
        action: the tool's name, empty where none is proposed.
        draft: the answer that is held back; empty while `needs_own_answer`.
        needs_own_answer: whether they must write their own answer before they see the draft and decide on it.
        own_answer: what they wrote before they saw it.
        seeded: how a seeded case was decided; None for a real ticket, and while nobody has decided.
        rules: why it was stopped.
        lines: the conversation.
        confidence: how sure the assistant was, None where it was not measured.
        said: what the assistant last said.
        promised: what it promised.
        told: what the customer was told when the ticket was opened.
        tried: the calls it had made, with results.
        unknown: what is not known.
        attempts: what came in since.
        others: what else the same customer waits for.
        similar: past tickets of the same rule and tool.
        history: what was done so far, views included.
        operations: what the reviewer may do now; what is not in it has no place on a page.
        needs: how surely it must be them, for each verdict they may give.
        reasons: preset reason codes for each verdict.
        unmaskable: fields of which something is masked and may be unmasked with a reason.
        undo_until: until when the last decision can be undone.
        now: when all this was read.
    """

    view: TicketView
    reference: str
    role: str
    headline: str
    why: str
    action: str
    fields: tuple[Field, ...]
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
    attempts: tuple[Attempt, ...]
    others: tuple[ListRow, ...]
    similar: tuple[PastTicket, ...]
    history: tuple[TicketEvent, ...]
    operations: frozenset[Operation]
    needs: Mapping[Verdict, Level]
    reasons: Mapping[Verdict, tuple[str, ...]]
    unmaskable: tuple[str, ...]
    now: datetime
    undo_until: datetime | None = None
    needs_own_answer: bool = False
    own_answer: str = ""
    seeded: SeededOutcome | None = None

    @property
    def ticket(self) -> Ticket | None:
        """The ticket's own record, masked for the reviewer's roles; None once it was erased."""
        return self.view.ticket

    @property
    def is_mine(self) -> bool:
        """True when a decision may be given at once: nobody else has claimed it."""
        return Operation.DECIDE in self.operations
