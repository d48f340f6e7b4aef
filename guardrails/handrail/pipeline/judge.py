"""What comes out: every draft of a model's answer and every call it proposes, judged together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from handrail.confidence.cascade import Budget, measure
from handrail.confidence.scorers import verbalised
from handrail.pipeline.decoded import fixed_in, scan_decoded
from handrail.pipeline.exchange import Exchange
from handrail.pipeline.facts import gather
from handrail.pipeline.found import types_in
from handrail.pipeline.gate import decide_call, on_call
from handrail.pipeline.needs import Steps
from handrail.pipeline.readings import UNGROUNDED, FactInputs
from handrail.pipeline.screen import Screened
from handrail.pipeline.second_reader import stated_twice
from handrail.pipeline.sureness import sureness
from handrail.pipeline.withhold import (
    Downstream,
    WriteParts,
    call_cannot_mask,
    cannot_mask,
    is_of,
    redacted_types,
)
from handrail.policy.runtime.merge import merge
from handrail.records import (
    Context,
    Decision,
    Draft,
    Effect,
    Evidence,
    FaultKind,
    Finding,
    Message,
    Part,
    Place,
    ProposedCall,
    Stage,
    ToolCall,
)
from handrail.signals.faults import read_fault
from handrail.tickets.masking import UNMASKED

SLICE = "slice"
"""Fact of the context that names the declared slice of an exchange."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The answer's decision; `drafts` are what the caller may have, redacted where the policy says so."""

    decision: Decision
    evidence: Evidence
    drafts: tuple[Draft, ...] = ()


def judge(
    exchange: Exchange,
    drafts: Sequence[Draft],
    screened: Screened,
    *,
    wants_json: bool = False,
    write: Callable[[WriteParts], None] | None = None,
) -> Steps[Judged]:
    """Decide on what the model produced: every draft's text and every call it proposes.

    Args:
        exchange: its state so far.
        drafts: every choice of the answer.
        screened: what went in.
        wants_json: anything but JSON is a fault.
        write: puts what is released into the caller's own values, where that differs from what they hold; an
            answer for which it fails is not judged.
    """
    budget = exchange.pipeline.cascade.self_check.budget
    if exchange.pipeline.reads_confidence:
        budget = replace(budget)
    read = [_read(exchange, draft, screened, wants_json=wants_json) for draft in drafts]
    read = read or [Draft(fault=FaultKind.EMPTY)]
    decisions: list[Decision] = []
    per_draft: list[Evidence] = []
    for index, draft in enumerate(read):
        evidence = yield from _weigh(exchange, draft, screened, Place(part=Part.ANSWER, index=index), budget)
        decisions += yield from _decide(exchange, evidence)
        per_draft.append(evidence)
    decisions += _unjudged(exchange, per_draft, decisions)
    decision = _merged(decisions)
    worst, each = _most_telling(per_draft, decisions, decision)
    first = next((at for at, one in enumerate(each) if not one[1].effect.is_released), 0)
    if each:
        call, own = each[first]
        others = [] if decision.effect.is_released else [*each[:first], *each[first + 1 :]]
        beside = [_proposed(exchange, worst, *one) for one in others if one[1].effect is not Effect.BLOCK]
        worst = replace(on_call(exchange.pipeline, worst, call), beside=tuple(beside))
        # A ticket is about this call: another call's amounts must not stand in for its own.
        decision = replace(decision, facts={**decision.facts, **own.facts})
    exchange.evidence = worst
    if not decision.effect.is_released:
        return Judged(decision=decision, evidence=worst)
    if write is not None and (masks(exchange, decision) or screened.instruction is not None):
        write(_writer(exchange, decision, screened))
    return Judged(decision=decision, evidence=worst, drafts=_released(exchange, read, decision))


def _unjudged(
    exchange: Exchange, judged: Sequence[Evidence], decisions: Sequence[Decision]
) -> list[Decision]:
    """Return a decision for whatever nothing could read, or a mask cannot stand on."""
    policy, drafts = exchange.pipeline.policy, [one.draft for one in judged if one.draft is not None]
    found = [
        policy.unsure(Stage.ANSWER, f"content that cannot be read: {code}")
        for code in sorted({code for draft in drafts for code in draft.unreadable})
    ]
    decided = _merged(decisions)
    # Only what a rule says is masked.
    given = downstream(exchange, decided) if decided.reasons else None
    if given is not None and given.types and any(cannot_hold(given, one) for one in judged):
        found.append(policy.unsure(Stage.ANSWER, "a number or a key cannot be masked"))
    return found


def _merged(decisions: Sequence[Decision]) -> Decision:
    return merge(decisions) if len(decisions) > 1 else decisions[0]


def cannot_hold(given: Downstream, evidence: Evidence) -> bool:
    """True when something that is to be masked in an answer is a number or a key."""
    draft = evidence.draft
    if draft is None:
        return False
    own = [
        f
        for f in evidence.findings
        if f.place is not None and f.place.part is Part.ANSWER and is_of(f, given.types)
    ]
    traced = (replace(f, start=a, end=b) for f in own for a, b in draft.placed(f.start, f.end))
    if own and cannot_mask(traced, given.types, (*draft.fixed, *fixed_in(draft.told))):
        return True
    return any(call_cannot_mask(call, given.scanner, given.types, given.is_own) for call in draft.tool_calls)


def slice_of(context: Context) -> str | None:
    """Return the declared slice that the caller states in the context's facts, None for none."""
    named = context.facts.get(SLICE)
    return named if isinstance(named, str) and named else None


def downstream(exchange: Exchange, decision: Decision) -> Downstream:
    """Return what writes an answer as the caller may have it."""
    pipeline = exchange.pipeline
    return Downstream(
        scanner=pipeline.scanner,
        types=redacted_types(decision, pipeline.read_out),
        vault=exchange.vault,
        # A pseudonym would be given back with those of the caller's own values.
        hide=pipeline.hide(None),
    )


def masks(exchange: Exchange, decision: Decision) -> bool:
    """True when a released answer differs from what the model wrote."""
    return decision.effect is Effect.REDACT or bool(exchange.vault)


def _writer(exchange: Exchange, decision: Decision, screened: Screened) -> WriteParts:
    given = downstream(exchange, decision)
    if screened.instruction is None:
        return given.parts
    # The number of a self-check is no part of the answer.
    return lambda text, spans, runs: [verbalised.strip(one)[0] for one in given.parts(text, spans, runs)]


def _released(exchange: Exchange, drafts: Sequence[Draft], decision: Decision) -> tuple[Draft, ...]:
    if decision.effect is Effect.PASS and not exchange.vault:
        return tuple(drafts)
    given = downstream(exchange, decision)
    return tuple(given.draft(draft) for draft in drafts)


def _read(exchange: Exchange, draft: Draft, screened: Screened, *, wants_json: bool) -> Draft:
    if screened.instruction is not None and draft.self_reported is None:
        text, value = verbalised.strip(draft.text)
        draft = replace(draft, text=text, self_reported=value)
    if exchange.vault:
        # What would run is judged, not the pseudonyms that the model was given.
        restore = exchange.vault.restore_arguments
        calls = tuple(replace(call, arguments=restore(call.arguments)) for call in draft.tool_calls)
        draft = replace(draft, tool_calls=calls)
    fault = draft.fault or read_fault(draft, wants_json=wants_json)
    return draft if fault is draft.fault else replace(draft, fault=fault)


def _weigh(
    exchange: Exchange, draft: Draft, screened: Screened, place: Place, budget: Budget
) -> Steps[Evidence]:
    pipeline, before = exchange.pipeline, screened.evidence
    findings = tuple(
        [replace(finding, place=place) for finding in scan_decoded(pipeline.scanner, draft.words)]
    )
    if pipeline.reads_grounding:
        findings += _ungrounded(draft, screened.messages, place)
    values, spans = yield from stated_twice(pipeline.policy, draft, screened.messages, budget, exchange.now)
    findings += tuple([replace(finding, place=place) for finding in spans])
    sure = sureness(pipeline.policy, draft, spans, was_asked=exchange.asked_logprobs)
    confidence = None
    if pipeline.reads_confidence and draft.fault is None:
        named = slice_of(before.context)
        confidence = yield from measure(pipeline.cascade, draft, screened.messages, budget, named_slice=named)
    return replace(
        before,
        draft=draft,
        findings=before.findings + findings,
        confidence=confidence,
        stated={**values, **sure},
        shown="\n".join([stream.shown for stream in exchange.streams]),
    )


def _ungrounded(draft: Draft, messages: Sequence[Message], place: Place) -> tuple[Finding, ...]:
    """Return a finding for every amount, date, id and address of an answer that no message supports."""
    from handrail.confidence.scorers.grounding import Sources

    sources = Sources(message.text for message in messages)
    return tuple(
        Finding(
            type=UNGROUNDED,
            category=UNMASKED,
            start=claim.start,
            end=claim.end,
            note=str(claim.kind),
            place=place,
        )
        for claim in sources.ground(draft.text).unsupported
    )


def _decide(exchange: Exchange, evidence: Evidence) -> Steps[list[Decision]]:
    """Decide on one draft's text, then on each of its calls."""
    pipeline, policy = exchange.pipeline, exchange.pipeline.policy
    calls = evidence.draft.tool_calls if evidence.draft else ()
    of_calls = [on_call(pipeline, evidence, call) for call in calls]
    proposed = types_in(Part.ARGUMENTS, [found for one in of_calls for found in one.findings])
    inputs = FactInputs(evidence=evidence, now=exchange.now, proposed=proposed)
    facts, _ = yield from gather(policy, pipeline.declared.at_stage[Stage.ANSWER], inputs)
    decisions = [policy.decide(facts, Stage.ANSWER)]
    for call, of_call in zip(calls, of_calls, strict=True):
        inputs = FactInputs(
            evidence=of_call,
            now=exchange.now,
            call=call,
            proposed=proposed,
            tool_kinds=pipeline.tool_kinds,
        )
        decision, _ = yield from decide_call(pipeline, call, inputs)
        decisions.append(decision)
    return decisions


def _most_telling(
    per_draft: Sequence[Evidence], decisions: Sequence[Decision], merged: Decision
) -> tuple[Evidence, list[tuple[ToolCall, Decision]]]:
    """Pick the draft behind the strictest decision, with its calls and the decision on each alone."""
    at = 0
    for evidence in per_draft if len(decisions) > 1 else ():
        calls = evidence.draft.tool_calls if evidence.draft else ()
        block = decisions[at : at + 1 + len(calls)]
        at += len(block)
        if any(decision.effect is merged.effect for decision in block) or evidence is per_draft[-1]:
            return evidence, list(zip(calls, block[1:], strict=True))
    return per_draft[0], []


def _proposed(exchange: Exchange, evidence: Evidence, call: ToolCall, own: Decision) -> ProposedCall:
    """Return a call as it is judged alone: with the findings in its arguments."""
    found = on_call(exchange.pipeline, evidence, call).findings
    mine = tuple(one for one in found if one.place is not None and one.place.part is Part.ARGUMENTS)
    return ProposedCall(call=call, decision=own, findings=mine)
