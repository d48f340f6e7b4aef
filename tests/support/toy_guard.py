"""A guard of a few words, for tests of what carries messages to a guard and back.

`SECRET-…` in an answer or in a call's arguments is handed off, `MASK-…` is masked; in the input `STOP` hands
off, `HIDE-…` is masked, and a call of `wire_money` needs a person.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from handrail.guard import Outcome
from handrail.records import (
    Decision,
    Draft,
    Effect,
    FaultKind,
    Handoff,
    Message,
    PolicyRef,
    Reason,
    Stage,
    ToolCall,
    Trigger,
)

NOTICE = "A person will look at this and answer you."
SECRET = re.compile(r"SECRET-\w+")
MASK = re.compile(r"MASK-\w+")
HIDE = re.compile(r"HIDE-\w+")


@dataclass
class ToyGuard:
    """`begun`, `finished` and `tickets` count what was asked of it."""

    wants_logprobs: bool = False
    instruction: str | None = None
    hands_off_faults: bool = False
    stream: str = "hold"
    begun: int = 0
    finished: list[tuple[Draft, ...]] = field(default_factory=list)
    tickets: list[str] = field(default_factory=list)

    @property
    def policy(self) -> "ToyGuard":
        """A policy with nothing but its way with streams."""
        return self

    def begin(self, messages: Sequence[Message], /, *, exchange: str | None = None) -> "ToyCall":
        self.begun += 1
        return ToyCall(self, tuple(messages))

    async def abegin(self, messages: Sequence[Message], /, *, exchange: str | None = None) -> "ToyCall":
        return self.begin(messages)

    def hand_off(self, stage: Stage, trigger: Trigger) -> Outcome:
        self.tickets.append(f"T{len(self.tickets) + 1}")
        handoff = Handoff(ticket=self.tickets[-1], role="finance_lead", triggers=(trigger,), notice=NOTICE)
        reason = Reason(rule="toy", effect=Effect.HAND_OFF, trigger=trigger)
        decision = Decision(stage=stage, effect=Effect.HAND_OFF, policy=POLICY, reasons=(reason,))
        return Outcome(exchange="E1", decision=decision, handoff=handoff, notice=NOTICE)


POLICY = PolicyRef(name="toy", version="1", sha256="0" * 64)


class ToyCall:
    def __init__(self, guard: ToyGuard, messages: tuple[Message, ...]) -> None:
        self._guard, self.exchange = guard, "E1"
        self.messages = tuple(_hidden(message) for message in messages)
        self.wants_logprobs, self.instruction = guard.wants_logprobs, guard.instruction
        self.outcome: Outcome | None = None
        if any("STOP" in m.text or m.unreadable for m in messages):
            self.outcome = guard.hand_off(Stage.INPUT, Trigger.SENSITIVE_DATA)
            self.messages = ()

    def asks(self, model: str, endpoint: str = "") -> None:
        """A toy learns nothing of models."""

    def used(self, usage: object) -> None:
        """A toy keeps no log."""

    def refused_logprobs(self) -> None:
        self.wants_logprobs = False

    def stream(self) -> "ToyCutter":
        return ToyCutter()

    def finish(self, drafts: Sequence[Draft], *, ask: object = None, wants_json: bool = False) -> Outcome:
        self._guard.finished.append(tuple(drafts))
        for draft in drafts:
            told = [draft.text, draft.refusal or "", *draft.asides, *(c.arguments for c in draft.tool_calls)]
            is_fault = self._guard.hands_off_faults and draft.fault not in (None, FaultKind.UNREADABLE)
            if any(map(SECRET.search, told)) or is_fault:
                return self._guard.hand_off(Stage.ANSWER, Trigger.SENSITIVE_DATA)
            if any(call.name == "wire_money" for call in draft.tool_calls):
                return self._guard.hand_off(Stage.TOOL, Trigger.HIGH_STAKES)
        decision = Decision(stage=Stage.ANSWER, effect=Effect.PASS, policy=POLICY)
        return Outcome(
            exchange="E1", decision=decision, drafts=tuple(self._released(draft) for draft in drafts)
        )

    async def afinish(
        self, drafts: Sequence[Draft], *, ask: object = None, wants_json: bool = False
    ) -> Outcome:
        return self.finish(drafts, ask=ask, wants_json=wants_json)

    def _released(self, draft: Draft) -> Draft:
        text = draft.text
        if self.instruction is not None:
            text = text.partition("\nconfidence:")[0]
        return replace(
            draft,
            text=MASK.sub("[masked]", text),
            asides=tuple(MASK.sub("[masked]", aside) for aside in draft.asides),
            refusal=draft.refusal and MASK.sub("[masked]", draft.refusal),
            tool_calls=tuple(_masked(call, MASK) for call in draft.tool_calls),
        )


class ToyCutter:
    """Holds from the first capital letter on that could begin a word it looks for."""

    def __init__(self) -> None:
        self.released = 0
        self._is_holding = False

    def feed_all(self, chunks: Sequence[str]) -> int:
        for chunk in chunks:
            self._is_holding = self._is_holding or "S" in chunk or "M" in chunk
            self.released += not self._is_holding
        return self.released


def _hidden(message: Message) -> Message:
    calls = tuple(_masked(call, HIDE) for call in message.tool_calls)
    return replace(message, text=HIDE.sub("[hidden]", message.text), tool_calls=calls)


def _masked(call: ToolCall, pattern: re.Pattern[str]) -> ToolCall:
    word = "[masked]" if pattern is MASK else "[hidden]"
    return replace(call, arguments=pattern.sub(word, call.arguments))
