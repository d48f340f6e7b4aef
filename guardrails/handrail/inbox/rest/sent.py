"""What programs send: each body and each query as a model that takes nothing it does not know."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, model_validator

from handrail.service import ListQuery, PartProposal, Proposal, Scope, Whose
from handrail.service.batch import MOST
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import Settlement
from handrail.tickets.proposed import MOST_PARTS
from handrail.tickets.ticket import Sealed, Verdict

LONGEST_TEXT = 20_000
Text = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT, pattern=r"\S")]
MaybeText = Annotated[str, Field(max_length=LONGEST_TEXT)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
MaybeName = Annotated[str, Field(max_length=200)]


class Sent(BaseModel):
    """What is sent: nothing beyond its fields, and silent about values in its errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Nothing(Sent):
    """No fields."""


class ReviewQuery(Sent):
    """Which week; the last one that has ended if nothing is said."""

    week: Annotated[str, Field(pattern=r"^([0-9]{4}-W[0-9]{2})?$", description="As 2026-W47.")] = ""


class ProposalName(Sent):
    """A proposal, and the week whose review proposes it."""

    week: Annotated[str, Field(pattern=r"^[0-9]{4}-W[0-9]{2}$", description="As 2026-W47.")]
    proposal: Name


class Acceptance(ProposalName):
    """A change of the policy to accept, as it was shown.

    `result` is the SHA-256 that the proposal was shown with, `effective` the day from which the change
    counts; without it that is the day that the first person named, or today.
    """

    result: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    effective: date | None = None


class TicketsQuery(Sent):
    """Which tickets; the open ones of one's own roles if nothing is said."""

    role: tuple[Name, ...] = ()
    state: tuple[State, ...] = ()
    rule: MaybeName = ""
    trigger: MaybeName = ""
    tool: MaybeName = ""
    customer: Annotated[str, Field(max_length=500, description="Name as the application uses it.")] = ""
    reference: MaybeName = ""
    whose: Whose = Whose.ANYBODY
    due_before: datetime | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=500)] = ""

    @model_validator(mode="after")
    def _has_a_zone(self) -> Self:
        if self.due_before is not None and self.due_before.tzinfo is None:
            raise ValueError("due_before needs a time zone")
        return self

    def query(self) -> ListQuery:
        """Return it as the service takes it; pure."""
        return ListQuery(
            roles=self.role,
            states=self.state,
            rule=self.rule,
            trigger=self.trigger,
            tool=self.tool,
            customer=self.customer,
            reference=self.reference,
            whose=self.whose,
            due_before=self.due_before,
            limit=self.limit,
            cursor=self.cursor or None,
        )


class Question(Sent):
    """What the customer is asked."""

    question: Text


class Information(Sent):
    """What was asked for."""

    answer: Text


class Reassignment(Sent):
    """Which role takes a ticket over; `why` is kept sealed."""

    role: Name
    why: MaybeName = ""


class Duplicate(Sent):
    """The ticket whose decision counts for both."""

    of: Name


class Withdrawal(Sent):
    """What the customer said; it is kept sealed."""

    words: MaybeText = ""


class Outcome(Sent):
    """How an action of unknown outcome ended, after somebody looked it up."""

    outcome: Annotated[Settlement, Field(description="`done`, or `released` if nothing happened.")]

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        if self.outcome is Settlement.UNKNOWN:
            raise ValueError("write done or released")
        return self


class Snooze(Sent):
    """Until when a ticket is put off."""

    until: AwareDatetime


class Extension(Sent):
    """How much more time a ticket gets; `why` is kept sealed."""

    minutes: Annotated[int, Field(ge=1, le=60 * 24 * 7)]
    why: MaybeName = ""

    @property
    def by(self) -> timedelta:
        """The time."""
        return timedelta(minutes=self.minutes)


class Instruction(Sent):
    """What the assistant shall do otherwise."""

    instruction: Text


class NextTicket(Sent):
    """Of which roles the next ticket is wanted; all of one's own if empty."""

    role: tuple[Name, ...] = ()


class Alike(Sent):
    """The same decision for several tickets of one rule and tool."""

    verdict: Verdict
    message_to_user: MaybeText = ""
    message_to_agent: MaybeText = ""
    reason_code: MaybeName = ""
    note: MaybeText = ""

    def proposal(self) -> Proposal:
        """Return it as the service takes it; pure."""
        return Proposal(
            verdict=self.verdict,
            message_to_user=self.message_to_user,
            message_to_agent=self.message_to_agent,
            reason_code=self.reason_code,
            note=self.note,
        )


class BatchWish(Alike):
    """Several tickets, by ids or references, to be decided alike."""

    tickets: Annotated[tuple[Name, ...], Field(min_length=1, max_length=MOST)]


class SeenTicket(Sent):
    """One ticket as its preview showed it."""

    ticket: Name
    digest: MaybeName
    version: Annotated[int, Field(ge=0)]
    previewed: Name


class BatchDecision(Alike):
    """Several tickets as they were shown, decided alike, each recorded on its own."""

    tickets: Annotated[tuple[SeenTicket, ...], Field(min_length=1, max_length=MOST)]


class Hold(Sent):
    """Which role is put on hold or goes on, everything if empty; `why` is on record."""

    role: MaybeName = ""
    why: MaybeName = ""


class TokenWish(Sent):
    """An API token that acts as oneself, with these scopes, for so many days."""

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"\S")]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=len(Scope))]
    days: Annotated[int, Field(ge=1, le=366)] = 90


class Letters(Sent):
    """The ids of notices that were given up."""

    ids: Annotated[tuple[Name, ...], Field(min_length=1, max_length=MOST)]


class TokenName(Sent):
    """The id of a token."""

    id: Name


class Unmasking(Sent):
    """Which texts, and why somebody needs to see them; both are on record before anything is shown."""

    fields: Annotated[tuple[Name, ...], Field(min_length=1, max_length=len(Sealed.model_fields))]
    reason: Text


class PartDecision(Sent):
    """A decision on one part of a ticket: approve, edit or reject; `digest` is that of the part as shown."""

    part: Name
    verdict: Verdict
    changes: Mapping[Name, JsonValue] = {}
    arguments: MaybeText = ""
    answer: MaybeText = ""
    reason_code: MaybeName = ""
    message_to_agent: MaybeText = ""
    digest: MaybeName = ""

    def proposal(self) -> PartProposal:
        """Return it as the service takes it; pure."""
        return PartProposal(**{name: getattr(self, name) for name in type(self).model_fields})


class Decision(Sent):
    """A decision. It counts only with the `digest`, `version` and `previewed` that its preview answered.

    Of a ticket with several parts, `verdict` is that of its own action and `parts` says what becomes of each
    of the others; without `parts` none of these ever runs.
    """

    verdict: Verdict
    changes: Mapping[Name, JsonValue] = {}
    arguments: MaybeText = ""
    answer: MaybeText = ""
    message_to_user: MaybeText = ""
    message_to_agent: MaybeText = ""
    reason_code: MaybeName = ""
    note: MaybeText = ""
    readback: MaybeText = ""
    digest: MaybeName = ""
    version: Annotated[int, Field(ge=0)] | None = None
    previewed: MaybeName = ""
    parts: Annotated[tuple[PartDecision, ...], Field(max_length=MOST_PARTS + 1)] = ()

    def proposal(self, *, version: int | None = None, key: str = "") -> Proposal:
        """Return it as the service takes it; pure.

        Args:
            version: that of the ticket that was shown, if the request said so elsewhere.
            key: the same key again is the same decision.
        """
        apart = {"version", "parts"}
        said = {name: getattr(self, name) for name in type(self).model_fields if name not in apart}
        shown = self.version if self.version is not None else version
        parts = tuple(part.proposal() for part in self.parts)
        return Proposal(**said, version=shown, idempotency_key=key, parts=parts)
