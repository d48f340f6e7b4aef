"""What a tool returned: judged before anybody sees it, by the rules that read results. The action is done."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from handrail.pipeline.decoded import fixed_in, scan_decoded
from handrail.pipeline.exchange import Exchange
from handrail.pipeline.facts import gather
from handrail.pipeline.gate import on_call
from handrail.pipeline.needs import Steps
from handrail.pipeline.readings import FactInputs
from handrail.pipeline.withhold import Downstream, cannot_mask, redacted_types
from handrail.policy.language.sources import ResultAmounts
from handrail.policy.runtime.merge import merge
from handrail.records import Decision, Draft, Evidence, Part, Place, Stage, ToolCall
from handrail.text.stated_amounts import stated_amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What a call returned.

    Args:
        call: what was carried out.
        draft: every text of the result, as a draft whose words are judged.
        data: reads the result as JSON data; only called where a rule needs it.
        proposed: the evidence with which a model proposed the call, None if none did.
        reserved: the call's ledger entry, empty if it has none.
    """

    call: ToolCall
    draft: Draft
    data: Callable[[], object]
    proposed: Evidence | None = None
    reserved: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedReturn:
    """A result's decision, and what was seen."""

    decision: Decision
    evidence: Evidence


def judge_return(exchange: Exchange, returned: Returned) -> Steps[JudgedReturn]:
    """Decide on what a tool returned, by the rules that read it."""
    pipeline, call = exchange.pipeline, returned.call
    before = replace(returned.proposed or exchange.evidence, context=exchange.evidence.context)
    before = replace(before, exchange=exchange.evidence.exchange)
    exchange.evidence = _of_result(before, returned)
    place = Place(part=Part.RESULT)
    found = tuple(replace(one, place=place) for one in scan_decoded(pipeline.scanner, returned.draft.words))
    weighed = on_call(pipeline, before, call)
    weighed = replace(weighed, findings=weighed.findings + found)
    exchange.evidence = _of_result(weighed, returned)
    declared = pipeline.declared.for_result(call.name)
    sums = any(isinstance(fact.source, ResultAmounts) for fact in declared)
    data = returned.data()
    inputs = FactInputs(
        evidence=weighed,
        now=exchange.now,
        call=call,
        is_bare=returned.proposed is None,
        reserved=returned.reserved,
        returned=data,
        sums=stated_amounts(data) if sums else (),
        tool_kinds=pipeline.tool_kinds,
    )
    facts, _ = yield from gather(pipeline.policy, declared, inputs)
    decisions = [pipeline.policy.decide(facts, Stage.RESULT)]
    decisions += _unjudged(exchange, returned.draft, decisions[0])
    return JudgedReturn(decision=merge(decisions), evidence=exchange.evidence)


def downstream_of_result(exchange: Exchange, decision: Decision) -> Downstream:
    """Return what writes a result as the caller may have it."""
    pipeline = exchange.pipeline
    types = redacted_types(decision, pipeline.read_back)
    return Downstream(scanner=pipeline.scanner, types=types, vault=None, hide=pipeline.hide(None))


def _unjudged(exchange: Exchange, draft: Draft, decision: Decision) -> list[Decision]:
    policy = exchange.pipeline.policy
    found = [
        policy.unsure(Stage.RESULT, f"a result that cannot be read: {code}")
        for code in dict.fromkeys(draft.unreadable)
    ]
    types = redacted_types(decision, exchange.pipeline.read_back)
    own = [f for f in exchange.evidence.findings if f.place is not None and f.place.part is Part.RESULT]
    if cannot_mask(own, types, (*draft.fixed, *fixed_in(draft.told))):
        found.append(policy.unsure(Stage.RESULT, "a number or a key of a result cannot be masked"))
    return found


def _of_result(evidence: Evidence, returned: Returned) -> Evidence:
    """What a ticket about the result is made from: the result in place of the answer, the call as done."""
    findings = tuple(f for f in evidence.findings if f.place is None or f.place.part is not Part.ANSWER)
    return replace(
        evidence, call=None, done=returned.call, draft=returned.draft, findings=findings, confidence=None
    )
