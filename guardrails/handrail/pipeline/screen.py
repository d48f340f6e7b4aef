"""What goes in: scanned, decided on, and what of it may go to the model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from handrail.confidence.scorers import verbalised
from handrail.pipeline.exchange import Exchange
from handrail.pipeline.facts import gather
from handrail.pipeline.hearing import hear_conversation
from handrail.pipeline.needs import WITH_A_PERSON, Steps, conversation_status
from handrail.pipeline.readings import FactInputs
from handrail.pipeline.together import Joint, scan_together
from handrail.pipeline.withhold import Upstream, redacted_types
from handrail.policy.runtime.merge import merge
from handrail.records import (
    NOTE_NAME,
    Decision,
    Evidence,
    Finding,
    Message,
    Speaker,
    Stage,
)
from handrail.tickets.ports import ConversationState, ConversationStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """The input's decision; `messages` may go upstream (empty if nothing may).

    `pending` is set when a person has this conversation: the assistant then sends only the fixed notice.
    """

    decision: Decision
    evidence: Evidence
    messages: tuple[Message, ...] = ()
    pending: ConversationStatus | None = None
    instruction: str | None = None
    wants_logprobs: bool = False


def screen(exchange: Exchange, messages: Sequence[Message], joint: Joint | None = None) -> Steps[Screened]:
    """Decide on what goes in; returns what may go upstream.

    Args:
        exchange: its state so far.
        messages: what would go to the model.
        joint: says which of the messages are judged as one text.
    """
    pipeline, policy = exchange.pipeline, exchange.pipeline.policy
    status = yield from conversation_status(exchange.evidence.context)
    scanned = scan_together(pipeline.history_scanner, messages, joint() if joint else ())
    messages, findings = _with_note(scanned.messages, scanned.findings, status)
    heard = hear_conversation(messages, pipeline.listening, pipeline.withheld)
    findings = (*findings, *heard.topics)
    evidence = replace(
        exchange.evidence,
        messages=messages,
        findings=findings,
        signals=heard.signals,
        language=heard.language,
    )
    exchange.evidence = evidence
    inputs = FactInputs(evidence=evidence, now=exchange.now)
    facts, _ = yield from gather(policy, pipeline.declared.at_stage[Stage.INPUT], inputs)
    decision = policy.decide(facts, Stage.INPUT)
    for kind in sorted({kind for message in messages for kind in message.unreadable}):
        decision = merge((decision, policy.unsure(Stage.INPUT, f"content that cannot be read: {kind}")))
    sent = Upstream(
        scanner=pipeline.history_scanner,
        masked_now=redacted_types(decision, pipeline.read_in),
        withheld=pipeline.withheld,
        hide=pipeline.hide(exchange.vault),
    )
    if sent.cannot_mask(messages, findings):
        decision = merge((decision, policy.unsure(Stage.INPUT, "a number or a key cannot be masked")))
    if status.state in WITH_A_PERSON:
        return Screened(decision=decision, evidence=evidence, pending=status)
    if not decision.effect.is_released:
        return Screened(decision=decision, evidence=evidence)
    asks_itself = policy.self_check == "verbalised" and pipeline.reads_confidence
    return Screened(
        decision=decision,
        evidence=evidence,
        messages=_upstream(sent, evidence),
        instruction=verbalised.instruction() if asks_itself else None,
        wants_logprobs=pipeline.reads_confidence,
    )


def _upstream(sent: Upstream, evidence: Evidence) -> tuple[Message, ...]:
    messages = evidence.messages
    # The arguments of earlier calls are scanned only when they are sent, so no finding tells of them yet.
    if not evidence.findings and not any(message.tool_calls for message in messages):
        return messages
    return sent.messages(messages, evidence.findings)


def _with_note(
    messages: tuple[Message, ...], findings: tuple[Finding, ...], status: ConversationStatus
) -> tuple[tuple[Message, ...], tuple[Finding, ...]]:
    """Put a person's note before what was said; the findings move on with their messages."""
    if status.state is not ConversationState.RETURNED or not status.note:
        return messages, findings
    first = next((i for i, m in enumerate(messages) if m.speaker is not Speaker.SYSTEM), len(messages))
    note = Message(speaker=Speaker.SYSTEM, text=status.note, name=NOTE_NAME)
    moved = tuple(
        replace(one, place=replace(one.place, index=one.place.index + 1))
        if one.place is not None and one.place.index >= first
        else one
        for one in findings
    )
    return (*messages[:first], note, *messages[first:]), moved
