"""What programs get of several tickets, of queues, holds and tokens."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Self

from pydantic import JsonValue

from handrail.inbox.rest.answered import Answered, ReceiptAnswer
from handrail.review.changes.proposal import Proposal, without_folder
from handrail.service import Load, Pause, QueueHealth, Receipt, TokenRecord
from handrail.service.batch import BatchLine, BatchResult
from handrail.service.managing import Attention
from handrail.service.policy_standing import PolicyStanding
from handrail.store.outbox import OutboxMessage


class NextAnswer(Answered):
    """The ticket that was claimed, null where none waits."""

    receipt: ReceiptAnswer | None

    @classmethod
    def of(cls, receipt: Receipt | None) -> Self:
        """Return it; pure."""
        return cls(receipt=ReceiptAnswer.of(receipt) if receipt is not None else None)


class BatchPreviewAnswer(Answered):
    """What a batch comes to, ticket by ticket; `refused` is a code for why one cannot be in it."""

    rule: str
    tool: str
    lines: tuple[BatchLine, ...]


class BatchAnswer(Answered):
    """What became of each ticket of a batch."""

    tickets: tuple[BatchResult, ...]


class Queues(Answered):
    """How each role's queue stands."""

    queues: tuple[QueueHealth, ...]


class ReviewAnswer(Answered):
    """A week's review: figures, what to do first, and proposals; as `handrail review --json` has it."""

    week: str
    review: dict[str, JsonValue]


class ProposalAnswer(Answered):
    """A change that a review proposes, or a note of what people may do, which cannot be accepted.

    `result` is the SHA-256 of the policy's text after the change; it goes with an acceptance. `problems` say
    why a change is not ready.
    """

    id: str
    kind: str
    title: str
    why: str
    effect: str
    replay: str
    suggestion: str
    diff: str
    result: str
    is_note: bool
    is_ready: bool
    problems: tuple[str, ...]
    tests: tuple[str, ...]
    tickets: tuple[str, ...]
    accepted_by: tuple[str, ...]

    @classmethod
    def of(cls, one: Proposal, accepted_by: tuple[str, ...]) -> Self:
        """Return it without the names of folders; pure."""
        same = {name: getattr(one, name) for name in cls.model_fields if name not in ("diff", "accepted_by")}
        return cls.model_validate({**same, "diff": without_folder(one.diff), "accepted_by": accepted_by})


class ProposalsAnswer(Answered):
    """What a week's review proposes; what was declined is left out.

    `is_elsewhere` says that another version of the policy than the file's is in force, so that nothing is
    proposed as a change of it.
    """

    week: str
    is_elsewhere: bool
    needs_two: bool
    proposals: tuple[ProposalAnswer, ...]


class AcceptedAnswer(Answered):
    """Where an accepted change stands; `waits_for` is empty once it was written into the policy."""

    id: str
    title: str
    by: tuple[str, ...]
    effective: date
    is_written: bool
    waits_for: str


class DeclinedAnswer(Answered):
    """The proposal that no later review shows."""

    id: str


class Loads(Answered):
    """What each person has and did of late, and whether somebody seems tired."""

    loads: tuple[Load, ...]
    attention: tuple[Attention, ...]


class Placed(Answered):
    """The reference of a seeded case."""

    reference: str


class PoliciesAnswer(Answered):
    """The policy in force with what a check of it says, then the other versions."""

    policies: tuple[PolicyStanding, ...]


class AuditProblem(Answered):
    """Something that is wrong with the audit log, or with what it says of the store."""

    where: str
    what: str


class AuditAnswer(Answered):
    """What a check of the audit log found.

    Where `is_whole` is false, on PostgreSQL, one tenant's own entries were seen, and an entry that was taken
    out between those of others is found by `handrail audit verify` alone.
    """

    entries: int
    is_intact: bool
    is_whole: bool
    problems: tuple[AuditProblem, ...]


class DeadLetter(Answered):
    """A notice that was given up; `error` is a code."""

    id: str
    ticket: str
    kind: str
    role: str
    at: datetime
    attempts: int
    error: str


class DeadLetters(Answered):
    """The notices that were given up."""

    letters: tuple[DeadLetter, ...]

    @classmethod
    def of(cls, messages: Iterable[OutboxMessage]) -> Self:
        """Return them; pure."""
        return cls(letters=tuple(DeadLetter.model_validate(one) for one in messages))


class Replayed(Answered):
    """How many notices are sent again."""

    count: int


class Holds(Answered):
    """What is on hold; an empty role is everything."""

    holds: tuple[Pause, ...]


class Tokens(Answered):
    """One's own API tokens."""

    tokens: tuple[TokenRecord, ...]


class NewTokenAnswer(Answered):
    """An API token that was just made; `text` is shown this once and kept nowhere."""

    text: str
    token: TokenRecord
