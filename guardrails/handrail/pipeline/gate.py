"""What acts: one call of a tool, judged where it is proposed and again where it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from handrail.errors import CheckFailed
from handrail.pipeline.decoded import scan_decoded
from handrail.pipeline.exchange import Exchange
from handrail.pipeline.facts import Totals, gather
from handrail.pipeline.needs import WITH_A_PERSON, Steps, conversation_status
from handrail.pipeline.pipeline import Pipeline
from handrail.pipeline.readings import FactInputs
from handrail.policy import Policy
from handrail.policy.language.sources import OtherThan, ToolArgument, ToolFindings, ToolName
from handrail.policy.runtime.merge import merge
from handrail.records import (
    Decision,
    Evidence,
    FactValue,
    Part,
    Place,
    Stage,
    ToolCall,
    Unknown,
)
from handrail.tickets.action import FrozenAction
from handrail.tickets.ports import ConversationStatus, LedgerQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """One action's decision, with the totals it was decided on."""

    decision: Decision
    evidence: Evidence
    totals: Mapping[LedgerQuery, FactValue] = field(default_factory=dict)
    pending: ConversationStatus | None = None


def gate(exchange: Exchange, call: ToolCall, proposed: Evidence | None) -> Steps[Gated]:
    """Decide whether an action may run, on the evidence with which a model proposed it, if one did."""
    pipeline, context = exchange.pipeline, exchange.evidence.context
    status = yield from conversation_status(context)
    evidence = on_call(pipeline, replace(proposed or exchange.evidence, context=context), call)
    if evidence.draft is not None:
        # The calls that were proposed beside it are gated one by one: each has its own fate.
        evidence = replace(evidence, draft=replace(evidence.draft, tool_calls=(call,)))
    exchange.evidence = evidence
    inputs = FactInputs(
        evidence=evidence,
        now=exchange.now,
        call=call,
        is_bare=proposed is None,
        tool_kinds=pipeline.tool_kinds,
    )
    decision, totals = yield from decide_call(pipeline, call, inputs)
    pending = status if status.state in WITH_A_PERSON else None
    return Gated(decision=decision, evidence=evidence, totals=totals, pending=pending)


def regate(exchange: Exchange, call: ToolCall, recorded: Mapping[str, FactValue]) -> Steps[Decision]:
    """Decide on an approved action by today's policy; facts that are gone are taken from the record.

    What comes from an argument is read from the action as it is now: where that cannot be read it is unknown,
    whatever an earlier one said. The call's id is the name under which the ledger holds it, if it is
    reserved already.
    """
    policy = exchange.pipeline.policy
    exchange.evidence = on_call(exchange.pipeline, exchange.evidence, call)
    inputs = FactInputs(
        evidence=exchange.evidence,
        now=exchange.now,
        call=call,
        is_bare=True,
        reserved=call.id,
        tool_kinds=exchange.pipeline.tool_kinds,
    )
    fresh, _ = yield from gather(policy, exchange.pipeline.declared.for_tool(call.name), inputs)
    gone = {
        name: recorded[name]
        for name, value in fresh.items()
        if isinstance(value, Unknown) and name in recorded and not is_of_arguments(policy, name)
    }
    return policy.decide({**recorded, **fresh, **gone}, Stage.TOOL)


def is_of_arguments(policy: Policy, name: str) -> bool:
    """Tell whether a fact is read from the arguments of a call."""
    fact = policy.facts.get(name)
    source = fact.source if fact is not None else None
    if isinstance(source, OtherThan):
        return is_of_arguments(policy, source.found) or is_of_arguments(policy, source.of)
    return isinstance(source, ToolArgument | ToolFindings | ToolName)


def decide_call(pipeline: Pipeline, call: ToolCall, inputs: FactInputs) -> Steps[tuple[Decision, Totals]]:
    """Decide on one call; one whose arguments cannot be read is unsure, whatever else the policy says."""
    policy = pipeline.policy
    facts, totals = yield from gather(policy, pipeline.declared.for_tool(call.name), inputs)
    decision = policy.decide(facts, Stage.TOOL)
    try:
        FrozenAction.of(call)
    except CheckFailed as error:
        why = f"arguments of {call.name}: {error.why}"
        decision = merge([decision, policy.unsure(Stage.TOOL, why)])
    return decision, totals


def on_call(pipeline: Pipeline, evidence: Evidence, call: ToolCall) -> Evidence:
    """The same evidence about one call: of arguments, only the findings in that call's."""
    place = Place(part=Part.ARGUMENTS)
    others = [f for f in evidence.findings if f.place is None or f.place.part is not Part.ARGUMENTS]
    found = [replace(finding, place=place) for finding in scan_decoded(pipeline.scanner, call.arguments)]
    if call.shown:
        # What is shown stands nowhere in the arguments themselves.
        found += [
            replace(finding, start=0, end=len(call.arguments), place=place)
            for finding in pipeline.scanner.scan(call.shown)
        ]
    return replace(evidence, call=call, findings=(*others, *found), beside=())
