"""What programs get of several tickets, of queues, holds and tokens."""

from typing import Self

from handrail.inbox.rest.answered import Answered, ReceiptAnswer
from handrail.service import Load, Pause, QueueHealth, Receipt, TokenRecord
from handrail.service.batch import BatchLine, BatchResult
from handrail.service.managing import Attention


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


class Loads(Answered):
    """What each person has and did of late, and whether somebody seems tired."""

    loads: tuple[Load, ...]
    attention: tuple[Attention, ...]


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
