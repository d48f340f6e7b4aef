"""A person's resolution, what reviewers see in lists, and the note by which the assistant resumes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal, Protocol, TypeGuard

from handrail.records import Money
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import ResolutionView
from handrail.tickets.ticket import ProposedAction, Ticket, Verdict

VALID_FOR = timedelta(hours=24)
GIVEN: Mapping[Verdict, Literal["approve", "edit", "reject", "answer", "revise"]] = {
    Verdict.APPROVE: "approve",
    Verdict.EDIT: "edit",
    Verdict.REJECT: "reject",
    Verdict.ANSWER: "answer",
    Verdict.REVISE: "revise",
}
"""What callers and customers are told of a verdict."""


class People(Protocol):
    """Who fills which role."""

    def members(self, role: str) -> frozenset[str]:
        """Return the people of a role; raises RoleError for a role that nobody fills."""


class CoversRoles(Protocol):
    """People whose roles may settle what other roles are asked; without it each role settles its own."""

    def covering(self, role: str) -> tuple[str, ...]:
        """Return the roles that cover this one, the nearest first, itself not among them."""


class KnowsIdentities(Protocol):
    """People who go by more names than the id by which roles list them."""

    def identities(self, person: str) -> frozenset[str]:
        """Return the normalised names that are the same person as this name; see `handrail.text.identity`."""


class KnowsAbsences(Protocol):
    """People some of whom are away, with a delegate who acts for them."""

    def away_until(self, person: str, now: datetime) -> date | None:
        """Return the last day of a person's present absence, None while they are there."""

    def acts_for(self, person: str, since: datetime, until: datetime) -> frozenset[str]:
        """Return those whose delegate a person was at some time from `since` to `until`."""


# Asked at every step of a ticket: `isinstance` on a protocol costs a hundred times as much.
def covers_roles(people: People) -> TypeGuard[CoversRoles]:
    """Return whether these people's roles may settle what other roles are asked."""
    return hasattr(people, "covering")


def knows_identities(people: People) -> TypeGuard[KnowsIdentities]:
    """Return whether these people go by more names than one."""
    return hasattr(people, "identities")


def knows_absences(people: People) -> TypeGuard[KnowsAbsences]:
    """Return whether some of these people may be away."""
    return hasattr(people, "away_until") and hasattr(people, "acts_for")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartResolution:
    """What a person settles about one part of a ticket: a call that was proposed with its action.

    Args:
        part: the part's name, `call-2` and so on; `answer` for the words that came with the calls.
        verdict: approve, edit or reject.
        changes: new values of single arguments, for `edit`.
        arguments: the whole new arguments as JSON, for `edit`; in place of `changes`.
        answer: the new words, for `edit` of the answer.
        reason_code: one of the reasons; the assistant reads it.
        message_to_agent: what the assistant reads.
        digest: the digest of the call the person saw.
        amounts: what a ledger shall count; None for what the call holds.
    """

    part: str
    verdict: Verdict
    changes: Mapping[str, object] = field(default_factory=dict)
    arguments: str = ""
    answer: str = ""
    reason_code: str = ""
    message_to_agent: str = ""
    digest: str = ""
    amounts: Mapping[str, Money | Decimal] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What a person settles about a ticket.

    Args:
        verdict: what they decided. No one interprets their words: the verdict alone counts.
        answer: text for the customer: needed by `answer`, and by `edit` where no action is proposed.
        changes: new values of single arguments, for `edit`.
        arguments: the whole new arguments as JSON, for `edit`; in place of `changes`.
        amounts: what a ledger shall count for an edited action; unchanged if None.
        digest: the digest of the action the person saw; a ticket that has moved on is then refused.
        idempotency_key: the same key again is the same resolution, not a second one.
        valid_for: how long the resolution may wait to be carried out.
        opened_at: when the person began to read.
        readback: the person's own words for what they decided, where a high stake asks for it.
        takes_effect_in: how long it can be undone before it takes effect.
        parts: what is settled about each of the ticket's parts; without any, none of them ever runs.
    """

    verdict: Verdict
    reason_code: str = ""
    note: str = ""
    message_to_user: str = ""
    message_to_agent: str = ""
    answer: str = ""
    changes: Mapping[str, object] = field(default_factory=dict)
    arguments: str = ""
    amounts: Mapping[str, Money | Decimal] | None = None
    digest: str = ""
    idempotency_key: str = ""
    valid_for: timedelta = VALID_FOR
    opened_at: datetime | None = None
    readback: str = ""
    takes_effect_in: timedelta = timedelta(0)
    parts: tuple[PartResolution, ...] = ()


class ReadEdit(Protocol):
    """Reads an edited action, with the policy and the tools of whoever records the edit."""

    def __call__(
        self, tool: str, arguments: str, before: Mapping[str, Money | Decimal], /
    ) -> Mapping[str, Money | Decimal]:
        """Return what a ledger counts of it, raises NotAllowed where it cannot be carried out or read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRow:
    """One line of a list: where a ticket stands, without its content."""

    id: str
    tenant: str
    state: State
    version: int
    role: str
    level: int
    severity: int
    trigger: str
    reason_code: str
    created_at: datetime
    decide_by: datetime | None
    claimed_by: str | None
    reference: str = ""
    tool: str = ""
    snoozed_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows and, if there are more, the cursor to go on from."""

    rows: tuple[TicketRow, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketEvent:
    """One recorded event of a ticket."""

    kind: str
    version: int
    at: datetime
    actor: str
    role: str
    data: Mapping[str, object]


_ENDS = {
    State.DECIDED: "It is about to be carried out; do not carry it out yourself.",
    State.APPLYING: "It is being carried out; do not carry it out yourself.",
    State.APPLIED: "It has been carried out; do not do it again.",
    State.FAILED: "Carrying it out failed and had no effect; a person looks at it.",
    State.OUTCOME_UNKNOWN: "Whether it took effect is not known; do not repeat it.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledPart:
    """A call that was decided with a ticket: its own ticket, where it stands, and its resolution if any."""

    ticket: str
    state: State
    action: ProposedAction | None
    resolution: ResolutionView | None


def resume_note(
    state: State, ticket: Ticket | None, resolution: ResolutionView, parts: Sequence[SettledPart] = ()
) -> str:
    """Return what the assistant is told of a resolution when it takes the conversation over again; pure."""
    if resolution.verdict == "expired":
        return "A case in this conversation was handed to a person. Nobody decided in time; nothing was done."
    if resolution.verdict == "withdrawn":
        return (
            "The customer withdrew a request in this conversation that was with a person. Nothing was done; "
            "do not do it unless they ask for it again."
        )
    who = resolution.role.replace("_", " ")
    action = ticket.action if ticket else None
    told = [
        f"A person ({who}) decided on {resolution.decided_at:%Y-%m-%d %H:%M} UTC: "
        f"{_decided(action, resolution)}",
        *_more(state, action, resolution),
    ]
    for part in parts:
        told += _of_part(part)
    left = left_over(resolution.beside, parts)
    if left:
        told.append(
            f"What you proposed with it was not carried out: {', '.join(left)}. "
            "Propose it again if it is still wanted."
        )
    return " ".join(told)


def _more(state: State, action: ProposedAction | None, resolution: ResolutionView) -> list[str]:
    """Return what the assistant is told of one decision beside the decision itself."""
    told = [_ENDS[state]] if state in _ENDS else []
    if action is not None and resolution.answer and resolution.verdict != "answer":
        told.append(f"The customer reads: “{resolution.answer}”")
    if resolution.reason_code and resolution.verdict in ("reject", "revise"):
        told.append(f"Reason: {resolution.reason_code}.")
    if resolution.instruction:
        told.append(f"Their instruction: {resolution.instruction}")
    elif resolution.message_to_agent:
        told.append(f"Their message for you: {resolution.message_to_agent}")
    return told


def _of_part(part: SettledPart) -> list[str]:
    if part.resolution is None or part.resolution.verdict in ("expired", "cancelled", "withdrawn"):
        tool = part.action.tool if part.action else "Another call"
        waits = part.resolution is None
        return [f"{tool} {'still waits for a person' if waits else 'was not done'}; do not carry it out."]
    said = _decided(part.action, part.resolution)
    return [f"Of what you proposed with it, {said}", *_more(part.state, part.action, part.resolution)]


def left_over(beside: Sequence[str], parts: Sequence[SettledPart]) -> tuple[str, ...]:
    """Return the tools of the calls that nobody decided on; pure."""
    left = list(beside)
    for part in parts:
        if part.action is not None and part.action.tool in left:
            left.remove(part.action.tool)
    return tuple(left)


def _decided(action: ProposedAction | None, resolution: ResolutionView) -> str:
    match resolution.verdict:
        case "reject":
            return f"{action.tool if action else 'your answer'} was rejected. Do not try it again."
        case "revise":
            return (
                f"{f'{action.tool} was' if action else 'your answer was'} not approved as proposed; "
                "propose it anew as they say"
            )
        case "answer":
            return f"they answered the customer themselves: “{resolution.answer}”"
        case _ if action is None:
            return f"the answer to the customer is: “{resolution.answer}”"
        case "edit":
            changed = f" (changed: {', '.join(resolution.changed)})" if resolution.changed else ""
            edited = f"{action.tool} was approved as {resolution.arguments}{changed}"
            return f"{edited}, in place of {action.arguments}."
        case _:
            return f"{action.tool} {action.arguments} was approved."
