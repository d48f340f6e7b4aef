"""What a person is about to decide, what it comes to, and the receipt for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from handrail.service.reviewer import Level
from handrail.tickets.lifecycle import State
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A decision before it counts.

    Args:
        verdict: what they decide.
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
        readback: the person's own words for what they decide, where much is at stake.
        opened_at: when they began to read.
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
        )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A step that was taken.

    Until `undo_until` a decision can be undone and nothing runs; a claim holds until `until`.
    """

    ticket: str
    reference: str
    state: State
    version: int
    waits_for: tuple[str, ...] = ()
    undo_until: datetime | None = None
    until: datetime | None = None
