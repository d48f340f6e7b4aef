"""One exchange with a model: its messages, what the model produced, and whose call it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from handrail.records.confidence import TokenLogprob
from handrail.records.enums import FaultKind, Speaker

NOTE_NAME = "handrail"
"""Name of a message by which handrail tells the model what a person has decided."""


SETTING_NAME = "setting "
"""Begins the name of a message that stands for what a program set in a request, such as its tools."""

Span: TypeAlias = tuple[int, int]
"""Start and end (exclusive) in a text, in characters."""

Run: TypeAlias = tuple[Span, ...]
"""Pieces of a text that a reader may take for one: also judged without what lies between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call that a model proposes or a program makes; `arguments` is the JSON text as given.

    `unreadable` says which of its arguments could not be read, and why: names and codes. `parameters` is the
    JSON Schema of the tool's arguments, as text, where it is known, and `shown` what the classes of its
    arguments make of these when they are written out; a call is the same call without either.
    """

    id: str
    name: str
    arguments: str
    unreadable: tuple[str, ...] = ()
    parameters: str = field(default="", repr=False, compare=False)
    shown: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a conversation; `unreadable` names content kinds that no scanner here can read.

    `fixed` are spans of its text that cannot hold a mask, such as numbers and keys; `runs` are pieces of it
    that are also read as one.
    """

    speaker: Speaker
    text: str = ""
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    unreadable: tuple[str, ...] = ()
    fixed: tuple[Span, ...] = ()
    runs: tuple[Run, ...] = ()

    @property
    def words(self) -> str:
        """Its text, then each run as one; findings in it are counted in this."""
        return self.text + _as_one(self.text, self.runs) if self.runs else self.text

    def behind(self, start: int, end: int) -> tuple[str, ...]:
        """Return what stands in the text behind a span of `words`: several pieces where a run is meant."""
        return tuple(self.text[a:b] for a, b in places(self.text, self.runs, start, end))


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a model produced, before anybody may see it; `self_reported` is its own number, 0..1.

    `asides` are words of the model beside its answer: reasoning, transcripts, notes on sources. They are
    scanned and redacted as the answer is, but are no part of it. `unreadable` are codes of what nothing could
    read; `fixed` are spans of `told` that cannot hold a mask, such as numbers and the keys of a mapping;
    `runs` are pieces of it that are also read as one.
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
    fixed: tuple[Span, ...] = ()
    runs: tuple[Run, ...] = ()

    @property
    def answer(self) -> str:
        """Its text and, on a line of its own, its refusal."""
        if self.refusal is None:
            return self.text
        return f"{self.text}\n{self.refusal}" if self.text else self.refusal

    @property
    def told(self) -> str:
        """Its text, its refusal and its asides, each on a line of its own."""
        return self.answer + "".join(f"\n{aside}" for aside in self.asides) if self.asides else self.answer

    @property
    def words(self) -> str:
        """Everything it says, then each run as one; findings in it are counted in this."""
        told = self.told
        return told + _as_one(told, self.runs) if self.runs else told

    def behind(self, start: int, end: int) -> tuple[str, ...]:
        """Return what stands in `told` behind a span of `words`: several pieces where a run is meant."""
        told = self.told
        return tuple(told[a:b] for a, b in places(told, self.runs, start, end))

    def placed(self, start: int, end: int) -> tuple[Span, ...]:
        """Return where in `told` a span of `words` lies."""
        return places(self.told, self.runs, start, end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a guarded function may return to hand over log-probabilities with its text."""

    text: str
    logprobs: tuple[TokenLogprob, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCost:
    """What a call took: microseconds by part, how often the model was asked, and usage as the provider says.

    `usage` holds the provider's own names, nested ones joined by dots, and its numbers.
    """

    latency_us: Mapping[str, int] = field(default_factory=dict)
    asked: int = 0
    usage: Mapping[str, float] = field(default_factory=dict)


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


def _as_one(text: str, runs: Sequence[Run]) -> str:
    return "".join("\n" + "".join(text[start:end] for start, end in run) for run in runs)


def places(text: str, runs: Sequence[Run], start: int, end: int) -> tuple[Span, ...]:
    """Return where in a text lies what was found in its words, which go on behind it with its runs; pure."""
    if end <= len(text):
        return ((start, end),)
    at, found = len(text), []
    for run in runs:
        # A line break stands before each run.
        at += 1
        for piece_start, piece_end in run:
            length = piece_end - piece_start
            first, last = max(start - at, 0), min(end - at, length)
            if first < last:
                found.append((piece_start + first, piece_start + last))
            at += length
    return tuple(found)


def first_new(messages: Sequence[Message]) -> int:
    """Return the index of the first message after the assistant's last one; pure.

    What the assistant is to go on with, at the very end, is no turn of its own.
    """
    end = len(messages)
    while end and messages[end - 1].speaker is Speaker.ASSISTANT:
        end -= 1
    for index in range(end - 1, -1, -1):
        if messages[index].speaker is Speaker.ASSISTANT:
            return index + 1
    return 0
