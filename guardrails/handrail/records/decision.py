"""What was decided about an exchange, and what it rests on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import TypeAlias

from handrail.records.confidence import Confidence
from handrail.records.enums import Effect, Severity, Stage, Trigger
from handrail.records.exchange import CallCost, Context, Draft, Message, ToolCall
from handrail.records.finding import Finding, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount in one currency (ISO 4217 code, upper case); amounts of two currencies do not compare."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A fact that could not be had, and why (a code or a short phrase, never scanned text)."""

    why: str


AMBIGUOUS = "ambiguous"
"""Why a stated fact is unknown: the answer can be read in two ways."""

NOT_SAID = "not_said"
"""Why a stated fact has no value: the answer does not state it, so it does not apply."""

FactValue: TypeAlias = bool | Decimal | timedelta | time | date | Money | str | frozenset[str] | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One rule's part in a decision. `finding_types` are the types or categories the rule names."""

    rule: str
    effect: Effect
    trigger: Trigger
    severity: Severity = Severity.MEDIUM
    role: str | None = None
    because: str = ""
    finding_types: frozenset[str] = frozenset()
    facts_read: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRef:
    """Which policy decided: its name, its label and the sha256 of its canonical content."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the policy says about one stage of one exchange.

    `role` owns the hand-off, `co_approvers` must agree too; `shadow` holds what rules in shadow mode would
    have done; `answers` holds the answer of each business decision that was taken. `parts` are the
    decisions that this one was merged from, none if it was taken as it is.
    """

    stage: Stage
    effect: Effect
    policy: PolicyRef
    reasons: tuple[Reason, ...] = ()
    role: str | None = None
    co_approvers: tuple[str, ...] = ()
    shadow: tuple[Reason, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, FactValue] = field(default_factory=dict)
    parts: "tuple[Decision, ...]" = field(default=(), repr=False, compare=False)

    @property
    def is_released(self) -> bool:
        """True when the caller may have the answer, unchanged or redacted."""
        return self.effect.is_released


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """What the caller gets in place of an answer: ticket, deciding role, and what to tell the person.

    `joined` says that the ticket was open already; `spooled` that the store was out of reach and the ticket
    lies in the spool under this id; `done` that the action was carried out and its result is what waits.
    """

    ticket: str
    role: str
    triggers: tuple[Trigger, ...]
    notice: str
    due: datetime | None = None
    joined: bool = False
    spooled: bool = False
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedCall:
    """A call that was proposed in one turn with the one in question, with the decision on it alone.

    `findings` are those in its arguments.
    """

    call: ToolCall
    decision: Decision
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that was seen of one exchange when it was decided; what a ticket is made from.

    `call` is the tool call in question, `done` one that was carried out and whose result is in question, as
    `draft`. `shown` is what the person had already been shown of a stream, `adapter` the name of what the
    call came through, `cost` what it took. `language` is that of the person's new words: a code, `unknown` if
    no heads were trained on it, None if nothing tells. `stated` is what the answer states of facts, by name.
    `beside` are the other calls of the turn that a person may decide on; what is blocked is not among them.
    `told` is what was found, with its text, in the arguments of calls that were made: read only for people.
    """

    exchange: str
    context: Context
    messages: tuple[Message, ...] = ()
    draft: Draft | None = None
    call: ToolCall | None = None
    done: ToolCall | None = None
    findings: tuple[Finding, ...] = ()
    signals: tuple[Signal, ...] = ()
    confidence: Confidence | None = None
    shown: str = ""
    adapter: str = ""
    language: str | None = None
    stated: Mapping[str, FactValue] = field(default_factory=dict)
    cost: CallCost | None = field(default=None, compare=False)
    beside: tuple[ProposedCall, ...] = ()
    told: tuple[tuple[Finding, str], ...] = ()


def strictest(effects: Iterable[Effect]) -> Effect:
    """Return the strictest of some effects, `pass` of none; pure."""
    return max(effects, key=attrgetter("strictness"), default=Effect.PASS)


def owners(reasons: Sequence[Reason]) -> tuple[str | None, tuple[str, ...]]:
    """Return the role of the most severe reason, the first of equals, and the other roles in order; pure."""
    handing = [reason for reason in reasons if reason.effect is Effect.HAND_OFF and reason.role]
    if not handing:
        return None, ()
    owner = max(handing, key=attrgetter("severity.rank")).role
    roles = dict.fromkeys(reason.role for reason in handing if reason.role and reason.role != owner)
    return owner, tuple(roles)
