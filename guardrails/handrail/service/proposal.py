"""What a person is about to decide, what it comes to, and the receipt for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self, TypedDict, Unpack

from handrail.errors import CheckFailed
from handrail.service.reviewer import Level
from handrail.store.tickets.seeded import SeededOutcome
from handrail.tickets.lifecycle import State
from handrail.tickets.proposed import FIRST
from handrail.tickets.resolution import PartResolution, Resolution
from handrail.tickets.ticket import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class PartProposal:
    """What is decided about one of a ticket's parts; `TicketScreen.parts` names them.

    Args:
        part: the part's name: `call-1` for the action itself, `call-2` …, `answer` for the words with them.
        verdict: approve, edit or reject.
        changes: new values of single arguments, for `edit`.
        arguments: the whole new arguments as JSON, for `edit`; in place of `changes`.
        answer: the new words, for `edit` of the answer.
        reason_code: one of the reasons; the assistant reads it.
        message_to_agent: what the assistant reads.
        digest: that of the call that was shown.
    """

    part: str
    verdict: Verdict
    changes: Mapping[str, object] = field(default_factory=dict)
    arguments: str = ""
    answer: str = ""
    reason_code: str = ""
    message_to_agent: str = ""
    digest: str = ""


class CommonFields(TypedDict, total=False):
    """What a decision on several parts says of all of them; the fields are those of `Proposal`."""

    message_to_user: str
    note: str
    version: int | None
    previewed: str
    idempotency_key: str
    readback: str
    opened_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A decision before it counts.

    Args:
        verdict: what they decide; of a ticket with parts, what they decide of its own action.
        changes: new values of single arguments, for `edit`.
        arguments: the whole new arguments as JSON, for `edit`; in place of `changes`.
        answer: text for the customer, for `answer` and for `edit` of a draft.
        message_to_user: what the customer reads beside it.
        message_to_agent: what the assistant reads.
        reason_code: one of the reasons, for reports.
        note: for other reviewers.
        digest: that of the action that was shown.
        version: that of the ticket that was shown.
        previewed: the `Preview.token` of what was shown before it counts.
        idempotency_key: the same key again is the same decision.
        readback: the argument that `Preview.readback` names, typed again.
        opened_at: when they began to read.
        parts: what they decide of each of the other calls, `answer` if they let words through. A ticket's
            parts are decided all at once or not at all; without, none of them ever runs.
    """

    verdict: Verdict
    changes: Mapping[str, object] = field(default_factory=dict)
    arguments: str = ""
    answer: str = ""
    message_to_user: str = ""
    message_to_agent: str = ""
    reason_code: str = ""
    note: str = ""
    digest: str = ""
    version: int | None = None
    previewed: str = ""
    idempotency_key: str = ""
    readback: str = ""
    opened_at: datetime | None = None
    parts: tuple[PartProposal, ...] = ()

    @classmethod
    def of_parts(cls, parts: Sequence[PartProposal], **common: Unpack[CommonFields]) -> Self:
        """Return the decision that says of each part, the action itself among them, what becomes of it; pure.

        Args:
            parts: one for each part.
            common: what is said of all of them.

        Raises:
            CheckFailed: nothing is said of the action itself, or a part is named twice.
        """
        said = {one.part: one for one in parts}
        first = said.pop(FIRST, None)
        if first is None or len(said) + 1 != len(parts):
            raise CheckFailed("decide", why=f"each part is decided once, {FIRST} among them")
        return cls(
            verdict=first.verdict,
            changes=first.changes,
            arguments=first.arguments,
            reason_code=first.reason_code,
            message_to_agent=first.message_to_agent,
            parts=tuple(said.values()),
            digest=first.digest,
            **common,
        )

    @property
    def verdicts(self) -> frozenset[Verdict]:
        """What is decided, of the action and of every part."""
        return frozenset({self.verdict, *(one.verdict for one in self.parts)})

    def resolution(self) -> Resolution:
        """Return it as the store records it; pure."""
        return Resolution(
            verdict=self.verdict,
            reason_code=self.reason_code,
            note=self.note,
            message_to_user=self.message_to_user,
            message_to_agent=self.message_to_agent,
            answer=self.answer,
            changes=self.changes,
            arguments=self.arguments,
            digest=self.digest,
            idempotency_key=self.idempotency_key,
            opened_at=self.opened_at,
            readback=self.readback,
            parts=tuple(
                PartResolution(
                    part=one.part,
                    verdict=one.verdict,
                    changes=one.changes,
                    arguments=one.arguments,
                    answer=one.answer,
                    reason_code=one.reason_code,
                    message_to_agent=one.message_to_agent,
                    digest=one.digest,
                )
                for one in self.parts
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PartPreview:
    """What becomes of one call that came with the action; `runs` is empty where it does not run."""

    part: str
    tool: str
    verdict: Verdict
    changes: tuple[str, ...]
    runs: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a decision comes to, before it counts.

    Args:
        changes: what an edit changes, one line for each place: `amount 640 → 590`.
        runs: the tool that will run with its arguments, masked as the role sees them; empty if none will.
        customer_reads: what the customer is told, as they will read it.
        agent_reads: what the assistant is told when it takes over again.
        waits_for: the roles that must agree too before anything runs.
        needs_level: how surely it must be this person.
        warnings: codes of what a person should notice: `irreversible_wording` and the like.
        token: stands for exactly this proposal on exactly this version; `Proposal.previewed` gives it back.
        version: the ticket's version it was made on.
        digest: the digest of the action as it stands, which the decision is bound to.
        binds: what a step-up for it is bound to: exactly this decision of this person.
        parts: what becomes of each of the other calls.
        readback: the argument that must be typed again as it will run; empty where none must.
        readback_of: of which calls, in this order and with commas between.
    """

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
    parts: tuple[PartPreview, ...] = ()
    readback: str = ""
    readback_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A step that was taken.

    Until `undo_until` a decision can be undone and nothing runs; a claim holds until `until`. `seeded` says
    that the ticket was a seeded case, and how it had been decided before.
    """

    ticket: str
    reference: str
    state: State
    version: int
    waits_for: tuple[str, ...] = ()
    undo_until: datetime | None = None
    until: datetime | None = None
    seeded: SeededOutcome | None = None
