"""One exchange with a model: its messages, what the model produced, and whose call it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from handrail.records.confidence import TokenLogprob
from handrail.records.enums import FaultKind, Speaker

NOTE_NAME = "handrail"
"""Name of a message by which handrail tells the model what a person has decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call that a model proposes or a program makes; `arguments` is the JSON text as given."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a conversation; `unreadable` names content kinds that no scanner here can read."""

    speaker: Speaker
    text: str = ""
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a model produced, before anybody may see it; `self_reported` is its own number, 0..1.

    `asides` are words of the model beside its answer: reasoning, transcripts, notes on sources. They are
    scanned and redacted as the answer is, but are no part of it. `unreadable` are codes of what nothing could
    read; `fixed` are spans of `words` that cannot hold a mask, such as numbers and the keys of a mapping.
    """

    text: str = ""
    asides: tuple[str, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    refusal: str | None = None
    finish_reason: str | None = None
    logprobs: tuple[TokenLogprob, ...] | None = None
    self_reported: float | None = None
    model: str | None = None
    fault: FaultKind | None = None
    unreadable: tuple[str, ...] = ()
    fixed: tuple[tuple[int, int], ...] = ()

    @property
    def answer(self) -> str:
        """Its text and, after it, its refusal."""
        return f"{self.text}{self.refusal or ''}"

    @property
    def words(self) -> str:
        """Everything it says, in the order in which findings in it are counted."""
        return self.answer + "".join(f"\n{aside}" for aside in self.asides)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a guarded function may return to hand over log-probabilities with its text."""

    text: str
    logprobs: tuple[TokenLogprob, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Whose call it is: tenant, customer and conversation, with facts the caller states.

    `aliases` are other names of the same customer, such as an e-mail address or the id in another system.
    """

    tenant: str = "default"
    customer: str | None = None
    conversation: str | None = None
    facts: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    aliases: tuple[str, ...] = ()

    @property
    def customer_names(self) -> tuple[str, ...]:
        """The customer's id and aliases, none if nobody is named."""
        return ((self.customer,) if self.customer is not None else ()) + self.aliases
