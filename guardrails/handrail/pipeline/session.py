"""One guarded call: screen what goes in, judge what comes out, gate what acts. Pure but for its questions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from handrail.confidence.cascade import Purse
from handrail.confidence.scorers import verbalised
from handrail.errors import CheckFailed
from handrail.pipeline.certainty import NOTE_NAME, measure, slice_of
from handrail.pipeline.cutter import Cutter
from handrail.pipeline.facts import Seen, gather, types_in
from handrail.pipeline.grounding import ungrounded
from handrail.pipeline.merge import merge
from handrail.pipeline.needs import NeedConversation, Steps
from handrail.pipeline.pipeline import Engine
from handrail.pipeline.release import released_draft, released_text
from handrail.pipeline.results import Gated, Judged, Screened
from handrail.pipeline.withhold import Hide, scan_messages, upstream
from handrail.records import (
    Context,
    Decision,
    Draft,
    Evidence,
    FactValue,
    FaultKind,
    Finding,
    Message,
    Part,
    Place,
    Speaker,
    Stage,
    ToolCall,
    Unknown,
)
from handrail.scan.vault import Vault
from handrail.signals import read_signals
from handrail.signals.faults import read_fault
from handrail.tickets.action import canonical_arguments
from handrail.tickets.masking import words_of
from handrail.tickets.ports import ConversationState, ConversationStatus


class Session:
    """The course of one exchange. Each method is a generator of needs that returns a decision.

    Args:
        engine: what all calls share.
        exchange: id of this exchange.
        context: whose call it is.
        now: the moment it is judged at.
    """

    def __init__(self, engine: Engine, *, exchange: str, context: Context, now: datetime) -> None:
        self._engine, self._now = engine, now
        self._evidence = Evidence(exchange=exchange, context=context)
        self._cutters: list[Cutter] = []
        self._vault = Vault()
        self._hide: Hide = self._vault.hide if engine.redaction == "pseudonym" else engine.hide

    @property
    def evidence(self) -> Evidence:
        """What was seen so far."""
        return self._evidence

    def screen(self, messages: Sequence[Message]) -> Steps[Screened]:
        """Decide on what goes in; returns what may go upstream."""
        policy, scanner = self._engine.policy, self._engine.remembered
        status = yield from self._status()
        messages = _with_note(tuple(messages), status)
        evidence = replace(
            self._evidence,
            messages=messages,
            findings=scan_messages(scanner, messages),
            signals=read_signals(messages),
        )
        self._evidence = evidence
        facts, _ = yield from gather(
            policy, self._engine.declared[Stage.INPUT], Seen(evidence=evidence, now=self._now)
        )
        decision = policy.decide(facts, Stage.INPUT)
        for kind in sorted({kind for message in messages for kind in message.unreadable}):
            decision = merge((decision, policy.unsure(Stage.INPUT, f"content that cannot be read: {kind}")))
        if _has_person(status):
            return Screened(decision=decision, evidence=evidence, pending=status)
        if not decision.is_released:
            return Screened(decision=decision, evidence=evidence)
        asks_itself = policy.self_check == "verbalised" and self._engine.reads_confidence
        return Screened(
            decision=decision,
            evidence=evidence,
            messages=upstream(
                messages,
                evidence.findings,
                scanner=scanner,
                masked_now=self._engine.masked_in(decision),
                withheld=self._engine.withheld,
                hide=self._hide,
            ),
            instruction=verbalised.instruction() if asks_itself else None,
            wants_logprobs=self._engine.reads_confidence,
        )

    def cutter(self) -> Cutter:
        """Start releasing one streamed choice of the answer."""
        # A pseudonym is given back only in the whole answer.
        self._cutters.append(Cutter(self._engine.scanner, None) if self._vault else self._engine.cutter())
        return self._cutters[-1]

    def told(self, text: str, decision: Decision) -> str:
        """One text of a released answer as the caller may have it."""
        return released_text(text, decision, self._engine, self._vault)

    @property
    def has_pseudonyms(self) -> bool:
        """True when the model was given pseudonyms, so that its answer has to be rewritten."""
        return bool(self._vault)

    def judge(
        self, drafts: Sequence[Draft], screened: Screened, *, wants_json: bool = False
    ) -> Steps[Judged]:
        """Decide on what the model produced: every draft's text and every call it proposes."""
        purse = Purse(self._engine.certainty.look.budget)
        read = [self._read(draft, screened, wants_json=wants_json) for draft in drafts]
        read = read or [Draft(fault=FaultKind.EMPTY)]
        decisions: list[Decision] = []
        per_draft: list[Evidence] = []
        for index, draft in enumerate(read):
            evidence = yield from self._weigh(draft, screened, index, purse)
            decisions += yield from self._decide(evidence)
            per_draft.append(evidence)
        decision = merge(decisions)
        worst, call = _most_telling(per_draft, decisions, decision)
        if call is not None:
            worst = self._on_call(worst, call)
        self._evidence = worst
        released = (
            tuple(released_draft(draft, decision, self._engine, self._vault) for draft in read)
            if decision.is_released
            else ()
        )
        return Judged(decision=decision, evidence=worst, drafts=released)

    def gate(self, call: ToolCall, proposed: Evidence | None, *, is_authorised: bool = False) -> Steps[Gated]:
        """Decide whether an action may run, on the evidence with which a model proposed it, if one did."""
        policy = self._engine.policy
        status = ConversationStatus() if is_authorised else (yield from self._status())
        evidence = replace(proposed or self._evidence, context=self._evidence.context)
        evidence = self._on_call(evidence, call)
        self._evidence = evidence
        seen = Seen(evidence=evidence, now=self._now, call=call, is_bare=proposed is None)
        facts, totals = yield from gather(policy, self._engine.declared_for(call.name), seen)
        decision = merge([policy.decide(facts, Stage.TOOL), *self._unreadable(call)])
        pending = status if _has_person(status) else None
        return Gated(decision=decision, evidence=evidence, seen=totals, pending=pending)

    def regate(self, call: ToolCall, recorded: Mapping[str, FactValue]) -> Steps[Decision]:
        """Decide on an approved action by today's policy; facts that are gone are taken from the record.

        The call's id is the ticket's, under which the ledger holds it if it is reserved already.
        """
        policy = self._engine.policy
        self._evidence = replace(self._evidence, call=call)
        seen = Seen(evidence=self._evidence, now=self._now, call=call, is_bare=True, reserved=call.id)
        fresh, _ = yield from gather(policy, self._engine.declared_for(call.name), seen)
        known = {name: value for name, value in fresh.items() if not isinstance(value, Unknown)}
        return policy.decide({**fresh, **recorded, **known}, Stage.TOOL)

    def _status(self) -> Steps[ConversationStatus]:
        context = self._evidence.context
        if context.conversation is None:
            return ConversationStatus()
        status: ConversationStatus = yield NeedConversation(
            tenant=context.tenant, conversation=context.conversation
        )
        return status

    def _read(self, draft: Draft, screened: Screened, *, wants_json: bool) -> Draft:
        if screened.instruction is not None and draft.self_reported is None:
            text, value = verbalised.strip(draft.text)
            draft = replace(draft, text=text, self_reported=value)
        if self._vault:
            # What would run is judged, not the pseudonyms that the model was given.
            calls = tuple(
                replace(call, arguments=self._vault.restore_arguments(call.arguments))
                for call in draft.tool_calls
            )
            draft = replace(draft, tool_calls=calls)
        return replace(draft, fault=draft.fault or read_fault(draft, wants_json=wants_json))

    def _weigh(self, draft: Draft, screened: Screened, index: int, purse: Purse) -> Steps[Evidence]:
        findings = self._scan(words_of(draft), Part.ANSWER, index)
        if self._engine.reads_grounding:
            findings += ungrounded(draft, screened.messages, index)
        confidence = None
        if self._engine.reads_confidence and draft.fault is None:
            part = slice_of(screened.evidence.context)
            confidence = yield from measure(
                self._engine.certainty, draft, screened.messages, purse, part=part
            )
        return replace(
            screened.evidence,
            draft=draft,
            findings=screened.evidence.findings + findings,
            confidence=confidence,
            shown="\n".join(cutter.shown for cutter in self._cutters),
        )

    def _decide(self, evidence: Evidence) -> Steps[list[Decision]]:
        policy = self._engine.policy
        calls = evidence.draft.tool_calls if evidence.draft else ()
        of_calls = [self._on_call(evidence, call) for call in calls]
        proposed = types_in(Part.ARGUMENTS, (found for one in of_calls for found in one.findings))
        seen = Seen(evidence=evidence, now=self._now, proposed=proposed)
        facts, _ = yield from gather(policy, self._engine.declared[Stage.ANSWER], seen)
        decisions = [policy.decide(facts, Stage.ANSWER)]
        for call, of_call in zip(calls, of_calls, strict=True):
            seen = Seen(evidence=of_call, now=self._now, call=call, proposed=proposed)
            facts, _ = yield from gather(policy, self._engine.declared_for(call.name), seen)
            decisions.append(merge([policy.decide(facts, Stage.TOOL), *self._unreadable(call)]))
        return decisions

    def _on_call(self, evidence: Evidence, call: ToolCall) -> Evidence:
        """The same evidence about one of its calls: of arguments, only the findings in that call's."""
        others = tuple(f for f in evidence.findings if f.place is None or f.place.part is not Part.ARGUMENTS)
        return replace(evidence, call=call, findings=others + self._scan(call.arguments, Part.ARGUMENTS, 0))

    def _unreadable(self, call: ToolCall) -> list[Decision]:
        try:
            canonical_arguments(call.arguments)
        except CheckFailed as error:
            return [self._engine.policy.unsure(Stage.TOOL, f"arguments of {call.name}: {error.why}")]
        return []

    def _scan(self, text: str, part: Part, index: int) -> tuple[Finding, ...]:
        place = Place(part=part, index=index)
        return tuple(replace(finding, place=place) for finding in self._engine.scanner.scan(text))


def _has_person(status: ConversationStatus) -> bool:
    return status.state in (ConversationState.PENDING, ConversationState.HUMAN)


def _with_note(messages: tuple[Message, ...], status: ConversationStatus) -> tuple[Message, ...]:
    if status.state is not ConversationState.RETURNED or not status.note:
        return messages
    first = next((i for i, m in enumerate(messages) if m.speaker is not Speaker.SYSTEM), len(messages))
    note = Message(speaker=Speaker.SYSTEM, text=status.note, name=NOTE_NAME)
    return (*messages[:first], note, *messages[first:])


def _most_telling(
    per_draft: Sequence[Evidence], decisions: Sequence[Decision], merged: Decision
) -> tuple[Evidence, ToolCall | None]:
    """Pick the draft behind the strictest decision and the call that brought it about, else its first."""
    at = 0
    for evidence in per_draft:
        calls = evidence.draft.tool_calls if evidence.draft else ()
        block = decisions[at : at + 1 + len(calls)]
        at += len(block)
        if any(decision.effect is merged.effect for decision in block) or evidence is per_draft[-1]:
            call = next(
                (call for call, d in zip(calls, block[1:], strict=True) if d.effect.strictness >= 2), None
            )
            return evidence, call or next(iter(calls), None)
    return per_draft[-1], None
