"""What a session asks its driver for; the sync and the async driver answer the same four questions."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from handrail.records import Evidence, Message
from handrail.tickets.ports import LedgerQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedConversation:
    """Who speaks in this conversation? Answer: `ConversationStatus`."""

    tenant: str
    conversation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedHistory:
    """What do these sums and counts over past actions come to? Answer: mapping of fact name to value."""

    queries: tuple[LedgerQuery, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedFacts:
    """What does the caller know of these facts? Answer: mapping of name to raw value; missing is unknown."""

    names: tuple[str, ...]
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedSamples:
    """Ask the model again. Answer: `handrail.confidence.cascade.Replies`, empty when it could not be asked.

    `instruction` is put to the model in place of the request where it is given (a question about the proposed
    answer). `seconds` is what is left of the exchange's time for this.
    """

    messages: tuple[Message, ...]
    count: int
    temperature: float
    instruction: str | None = None
    wants_logprobs: bool = False
    seconds: float | None = None


Need: TypeAlias = NeedConversation | NeedHistory | NeedFacts | NeedSamples

T = TypeVar("T")
Steps: TypeAlias = Generator[Need, Any, T]
