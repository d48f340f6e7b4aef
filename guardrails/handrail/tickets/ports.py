"""What the guarded way needs of a ticket store; SQLite, PostgreSQL and the in-memory double implement it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol

from handrail.records import CallCost, Confidence, Decision, FactValue, Money, Trigger
from handrail.text.identity import identity

if TYPE_CHECKING:
    from decimal import Decimal

    from handrail.tickets.ticket import Ticket


class ConversationState(StrEnum):
    """Who is speaking in a conversation. While pending or human the assistant sends only the fixed notice."""

    AI = "ai"
    PENDING = "pending"
    HUMAN = "human"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationStatus:
    """State of one conversation; ticket, role and due time while a person has it, `note` once it is returned.

    `reference` is what people say for the ticket.
    `note` is what the assistant must know of the resolution when it takes over again.
    """

    state: ConversationState = ConversationState.AI
    ticket: str | None = None
    role: str | None = None
    due: datetime | None = None
    note: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A further trigger in a conversation whose ticket is open already; it joins that ticket."""

    exchange: str
    at: datetime
    text: str
    triggers: tuple[Trigger, ...] = ()
    rules: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketReceipt:
    """Answer to `open`: the durable ticket's id, owner role and due time; `joined` if it was open before.

    `reference` is what people say for it, empty while the ticket lies in the spool.
    """

    ticket: str
    role: str
    due: datetime | None
    joined: bool
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerQuery:
    """A sum or count over past actions: of tool `tool`, by `key` in dimension `per`, since a moment.

    Actions of a customer count under each of their names, compared normalised: `aliases` are those beside
    `key`.
    `amount` names the fact that is summed; for a count it is empty. `without` leaves one entry out: an action
    that is reserved already is not added to itself.
    """

    fact: str
    kind: Literal["sum", "count"]
    tenant: str
    tool: str
    amount: str
    per: Literal["customer", "conversation", "tenant"]
    key: str
    since: datetime
    without: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Everything by which the actions that count are found, sorted."""
        if self.per != "customer":
            return (self.key,)
        names = (self.key, *self.aliases)
        # Entries of earlier versions hold the name as it was given.
        return tuple(sorted({*names, *map(identity, names)}))


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One action that is reserved or done; `amounts` are the typed facts of its arguments."""

    id: str
    tenant: str
    tool: str
    at: datetime
    customer: str | None = None
    conversation: str | None = None
    digest: str = ""
    ticket: str | None = None
    amounts: "Mapping[str, Money | Decimal]" = field(default_factory=dict)


class Settlement(StrEnum):
    """How a reserved action ended. An unknown outcome keeps counting towards limits."""

    DONE = "done"
    NO_EFFECT = "released"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A resolution that approves an action, given back to be carried out once, under `idempotency_key`.

    `seats` are those who agreed, each as the role they acted in and the role whose place they took; `roles`
    are all of these names. `entry` names what the ledger holds of it. `rules` and `facts` are those of the
    decision that opened the ticket: when today's policy is run again before the action, what the person has
    already judged does not fire a second time.
    """

    ticket: str
    tool: str
    arguments: str
    digest: str
    approved_by_role: str
    roles: tuple[str, ...]
    seats: tuple[tuple[str, str], ...]
    decided_at: datetime
    idempotency_key: str
    entry: str = ""
    edited: bool = False
    tenant: str = "default"
    customer: str | None = None
    conversation: str | None = None
    rules: tuple[str, ...] = ()
    policy_sha256: str = ""
    facts: Mapping[str, FactValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionView:
    """A resolution as the caller and the customer may see it; `changed` names the edited arguments.

    `beside` names the tools of the calls that were proposed with the action and were not carried out. For
    `revise` the `instruction` is what the assistant must do otherwise; ask the model again with it, and what
    it proposes then is judged like any other answer.
    `parts` are the resolutions of the calls that were decided with it: each is a ticket of its own, given
    back by `authorised` under its own id. `undecided` are such tickets that still wait for a person.
    """

    ticket: str
    verdict: Literal["approve", "edit", "reject", "answer", "revise", "expired", "cancelled", "withdrawn"]
    role: str
    decided_at: datetime
    message_to_user: str = ""
    message_to_agent: str = ""
    answer: str = ""
    tool: str = ""
    arguments: str = ""
    changed: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    reason_code: str = ""
    parts: "tuple[ResolutionView, ...]" = ()
    undecided: tuple[str, ...] = ()

    @property
    def instruction(self) -> str:
        """What the assistant must do otherwise, empty unless a person sent its proposal back."""
        return self.message_to_agent if self.verdict == "revise" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionEntry:
    """One decision for the log, with what it rests on: codes, numbers and ids, nobody's words.

    `scored` is the answer's score with its audit draw, see `handrail.guard.samples`; `sources` says where
    each of the policy's facts comes from; `ticket` is the one that the decision opens, joins or gives back;
    `grant` is what a person gave beforehand, where that alone let it pass.
    Customer and conversation leave as keyed hashes.
    """

    decision: Decision
    exchange: str
    tenant: str
    at: datetime
    customer: str | None = None
    conversation: str | None = None
    ticket: str | None = None
    confidence: Confidence | None = None
    model: str | None = None
    scored: Mapping[str, object] | None = None
    cost: CallCost | None = None
    adapter: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    is_authorised: bool = False
    grant: str | None = None


class TicketStore(Protocol):
    """Durable home of tickets, resolutions, ledger and log. Every method is one transaction, safe to repeat.

    All raise `StoreUnavailable` when the store cannot be reached or written.
    """

    def open(self, ticket: "Ticket") -> TicketReceipt:
        """Make a ticket durable; the same dedupe key, or an open ticket of that conversation, joins it."""

    def join(self, tenant: str, ticket: str, attempt: Attempt) -> None:
        """Add a further attempt to an open ticket."""

    def conversation(self, tenant: str, conversation: str) -> ConversationStatus:
        """Tell who is speaking in a conversation."""

    def totals(self, queries: Sequence[LedgerQuery]) -> Mapping[str, FactValue]:
        """Answer ledger queries by fact name; reserved, done and unknown entries count."""

    def reserve(self, entry: LedgerEntry, seen: Mapping[LedgerQuery, FactValue]) -> bool:
        """Reserve an action if the totals it was decided on still hold; False: read and decide again."""

    def settle(self, tenant: str, entry: str, settlement: Settlement) -> None:
        """Say how a reserved action ended."""

    def resolution(self, tenant: str, ticket: str) -> ResolutionView | None:
        """Return what was decided, None while nobody has."""

    def begin(self, tenant: str, ticket: str, *, now: datetime) -> Approval:
        """Move decided to applying, once; raises the TicketError that says why not."""

    def reopen(self, tenant: str, ticket: str, *, roles: tuple[str, ...], why: str, now: datetime) -> None:
        """Move decided back to ready because today's policy asks for more roles."""

    def approved(self, tenant: str, ticket: str) -> Approval:
        """Read the approval that `begin` would give, without using it."""

    def finish(self, tenant: str, ticket: str, settlement: Settlement, *, now: datetime) -> None:
        """Move applying to applied, failed or outcome_unknown."""

    @property
    def log_waits(self) -> bool:
        """True when `log` may wait now, as it does while the store is slow; a hint for event loops."""

    def log(self, entry: DecisionEntry) -> None:
        """Queue a decision for the batched log (bounded; loss window stated by the store)."""

    def log_now(self, entry: DecisionEntry) -> None:
        """Log a decision synchronously: a block, a reserved action, all of them where `log: durable`."""

    def close(self) -> None:
        """Flush the log and let go of the database."""
