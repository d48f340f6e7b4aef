"""Sends one recorded conversation through a guard: every turn is screened and judged, every call gated."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from handrail.errors import StoreUnavailable
from handrail.guard import Guard, Outcome
from handrail.policy import Policy
from handrail.records import Draft, Effect, Message, Reason, Speaker, Stage, ToolCall, Trigger
from handrail.replay.facts import CurrentFacts, FactSourceFactory
from handrail.replay.records import RecordedConversation
from handrail.replay.tau2 import TRANSFER
from handrail.tickets.ports import Settlement, TicketStore
from handrail.tickets.ticket import Ticket

_STOPS = (Effect.HAND_OFF, Effect.BLOCK)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedCall:
    """The recorded call at which rules stopped a run."""

    message: int
    tool: str
    rules: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class ReplayedRun:
    """How one run went until it was stopped: turns, and in how many of them each trigger and rule fired.

    `micros` are microseconds by turn.
    `gold_rules` are the rules that the run's gold list breaks, with the tool; None without a gold list.
    `gold_unsure` counts calls of the gold list that could not be judged.
    """

    record: RecordedConversation
    exchanges: int = 0
    hand_offs: Counter[Trigger] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    blocks: int = 0
    is_handed_off: bool = False
    stop: StoppedCall | None = None
    gold_rules: frozenset[tuple[str, str]] | None = None
    gold_unsure: int = 0
    micros: list[float] = field(default_factory=list)


_AGREED = (
    Message(speaker=Speaker.ASSISTANT, text="Shall I go ahead?"),
    Message(speaker=Speaker.USER, text="Yes, please."),
)


class _NoSpool:
    """A store in memory is always reachable; if it were not, no spool would keep the ticket."""

    def put(self, ticket: Ticket) -> None:
        raise StoreUnavailable("replay")


class Replayer:
    """Replays records against one policy, each with facts of its own.

    Args:
        policy: the rules.
        store: where tickets of the replay go; use one that is thrown away.
        now: the moment at which everything happens, None for the present one.
        facts: makes the fact source of a record.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        store: TicketStore,
        now: datetime | None,
        facts: FactSourceFactory | None = None,
    ) -> None:
        self._make, self._facts = facts, CurrentFacts()
        self._rules = _ActionRules(policy)
        clock: Callable[[], datetime] | None = (lambda: now) if now is not None else None
        self._guard = Guard(policy, store=store, spool=_NoSpool(), facts=self._facts, clock=clock)

    def run(self, record: RecordedConversation) -> ReplayedRun:
        """Replay one record until a rule stops one of its calls, then its gold list, if it has one.

        Raises:
            CheckFailed: the record's fact source could not make sense of it.
        """
        result = ReplayedRun(record=record)
        self._start(record)
        results = _results(record.messages)
        # What was done before counts towards limits, for a customer or for all: each record has its own.
        own = f"line-{record.line}"
        with self._guard.context(customer=f"{record.task}/{record.line}", tenant=own):
            for index, message in enumerate(record.messages):
                if message.speaker is Speaker.ASSISTANT:
                    self._turn(result, index, message)
                if result.stop is not None:
                    break
                for call in message.tool_calls:
                    if (answer := results.get((index, call.id))) is not None:
                        self._facts.observe(call, answer)
            if record.gold is not None:
                self._gold(result, record.gold)
        return result

    def _start(self, record: RecordedConversation) -> None:
        self._facts.follow(self._make, record.raw)

    def _turn(self, result: ReplayedRun, index: int, message: Message) -> None:
        began = time.perf_counter()
        outcomes = self._judged(result.record.messages[:index], message)
        result.micros.append((time.perf_counter() - began) * 1e6)
        result.exchanges += 1
        reasons = [reason for outcome in outcomes for reason in outcome.decision.reasons]
        result.hand_offs.update({reason.trigger for reason in reasons if reason.effect is Effect.HAND_OFF})
        result.rules.update({reason.rule for reason in reasons if reason.effect is not Effect.PASS})
        result.blocks += any(outcome.is_blocked for outcome in outcomes)
        result.is_handed_off = result.is_handed_off or any(outcome.handoff for outcome in outcomes)
        if any(call.name == TRANSFER for call in message.tool_calls):
            # The assistant has handed over by itself: that is no forbidden call.
            result.is_handed_off = True
            return
        rules = self._rules.stopping(outcomes)
        if message.tool_calls and rules:
            result.stop = StoppedCall(message=index, tool=message.tool_calls[0].name, rules=rules)

    def _judged(self, before: tuple[Message, ...], message: Message) -> list[Outcome]:
        """Return the outcomes of one turn; a recorded call is judged even if the input was handed off."""
        call = self._guard.begin(before)
        outcomes = [call.outcome] if call.outcome is not None else []
        if call.outcome is not None and not message.tool_calls:
            return outcomes
        reason = "tool_calls" if message.tool_calls else "stop"
        draft = Draft(text=message.text, tool_calls=message.tool_calls, finish_reason=reason)
        outcome = call.finish([draft])
        outcomes.append(outcome)
        if outcome.is_released:
            outcomes += self._gated(message.tool_calls)
        return outcomes

    def _gated(self, calls: Iterable[ToolCall]) -> list[Outcome]:
        stopped = []
        for call in calls:
            passed = self._guard.gate(call)
            if isinstance(passed, Outcome):
                stopped.append(passed)
            else:
                passed.settle(Settlement.DONE)
        return stopped

    def _gold(self, result: ReplayedRun, gold: tuple[ToolCall, ...]) -> None:
        """Note the rules that the gold list breaks; it lists calls only, so consent is supposed."""
        self._start(result.record)
        self._facts.suppose_said()
        broken: set[tuple[str, str]] = set()
        for call in gold:
            if call.name == TRANSFER:
                continue
            asked = self._guard.begin((*result.record.messages, *_AGREED))
            outcome = asked.finish([Draft(tool_calls=(call,))])
            rules = self._rules.stopping([outcome])
            broken.update((rule, call.name) for rule in rules)
            result.gold_unsure += not outcome.is_released and not rules
            self._facts.assume(call)
        result.gold_rules = frozenset(broken)


class _ActionRules:
    """Which rules of a policy are about actions."""

    def __init__(self, policy: Policy) -> None:
        stages = {rule.id: rule.when.stage for rule in policy.hand_offs}
        for decision in policy.decisions.values():
            stages.update((rule.id, decision.stage) for rule in decision.rules)
        self._about_actions = frozenset(rule for rule, stage in stages.items() if stage is Stage.TOOL)

    def stopping(self, outcomes: Iterable[Outcome]) -> tuple[str, ...]:
        """Return the rules that forbid a call or hand it off, but not those that fired on an unknown."""
        reasons = (reason for outcome in outcomes for reason in outcome.decision.reasons)
        return tuple(dict.fromkeys(reason.rule for reason in reasons if self._stops(reason)))

    def _stops(self, reason: Reason) -> bool:
        is_unsure = reason.trigger is Trigger.UNSURE or bool(reason.unknown)
        return reason.rule in self._about_actions and reason.effect in _STOPS and not is_unsure


def _results(messages: tuple[Message, ...]) -> dict[tuple[int, str], str]:
    """Return each call's recorded answer by its message and id; ids may come twice in a record."""
    waiting: dict[str, int] = {}
    found: dict[tuple[int, str], str] = {}
    for index, message in enumerate(messages):
        for call in message.tool_calls:
            waiting[call.id] = index
        if message.speaker is Speaker.TOOL and message.tool_call_id in waiting:
            found[waiting.pop(message.tool_call_id), message.tool_call_id] = message.text
    return found
