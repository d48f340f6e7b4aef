"""The OpenAI Agents SDK behind the guard: tools with tickets for approvals, and a guardrail on final answers.

The model is guarded by its client: `OpenAIResponsesModel(name, openai_client=guard_openai(client, guard))`.
"""

import copy
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from handrail.errors import ActionFailed, MissingExtra, TicketError
from handrail.guard import Outcome, arguments_json
from handrail.guard.context import through
from handrail.guard.fits import ais_about
from handrail.guard.results import draft_of
from handrail.http.handed_off import find_handoff, recall, remember
from handrail.records import Draft, Handoff, ToolCall
from handrail.tickets.action import proposal_key
from handrail.tickets.ports import Settlement
from handrail.wire.handoff import WITHHELD, handoff_body

if TYPE_CHECKING:
    from handrail.guard import Guard

try:
    from agents import FunctionTool, GuardrailFunctionOutput, OutputGuardrail, RunState, ToolApprovalItem
    from agents.util._approvals import evaluate_function_tool_approval
except ImportError as error:
    raise MissingExtra("agents", "openai-agents") from error


def guard_tool(tool: FunctionTool, guard: "Guard") -> FunctionTool:
    """Return a guarded copy of a tool: it runs if the policy lets it or a person approved exactly this call.

    A call that needs a person interrupts the run as any tool with `needs_approval` does. The ticket decides
    when the run is resumed, whatever the state says: a rejected call cannot run, an approved one runs once,
    with the arguments as the person left them. A tool that asks for approval by itself goes on to ask: both
    gates apply.
    """
    guarded = copy.copy(tool)
    guarded.needs_approval = _Approval(tool, guard)
    guarded.on_invoke_tool = _Invoker(tool, guard, guarded)
    guard.declare_tool(tool.name, getattr(tool, "mcp_annotations", None))
    return guarded


class _Approval:
    """Asks the gate, and then what the tool itself asks, in the SDK's own way."""

    def __init__(self, tool: FunctionTool, guard: "Guard") -> None:
        self.own = tool.needs_approval
        self._tool, self._guard = tool, guard

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Approval":
        return _Approval(copy.deepcopy(self._tool, memo), self._guard)

    async def __call__(self, context: Any, parameters: dict[str, Any], call_id: str) -> bool:
        call = _call(call_id, self._tool.name, arguments_json(parameters), self._tool)
        passed = await _gate(self._guard, call)
        if isinstance(passed, Outcome):
            # A call that joined another's ticket does not run, and the model is told so where it would.
            return await _waits_for(self._guard, passed, call) is not None
        # It is gated again where it runs; until then nothing is reserved.
        await passed.asettle(Settlement.NO_EFFECT)
        if isinstance(self.own, bool):
            return self.own
        asked = await evaluate_function_tool_approval(self._tool, context, json.dumps(parameters), call_id)
        return asked.outcome != "invoke"


class _Invoker:
    """Runs a tool behind the gate; the SDK binds it to each copy of the guarded tool, whose settings hold."""

    def __init__(self, tool: FunctionTool, guard: "Guard", bound: FunctionTool) -> None:
        self._tool, self._guard, self._bound = tool, guard, bound

    def __agents_bind_function_tool__(self, bound: FunctionTool) -> "_Invoker":
        return self if bound is self._bound else _Invoker(self._tool, self._guard, bound)

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Invoker":
        return _Invoker(copy.deepcopy(self._tool, memo), self._guard, copy.deepcopy(self._bound, memo))

    async def __call__(self, context: Any, arguments: str) -> Any:
        call = _call(context.tool_call_id, self._tool.name, arguments, self._tool)
        passed = await _gate(self._guard, call)
        if not isinstance(passed, Outcome):
            async with passed:
                result = await self._run(context, arguments)
            return await _given(self._guard, self._tool, arguments, result)
        ticket = await _waits_for(self._guard, passed, call)
        if ticket is None:
            return f"Not carried out: {passed.notice}"
        return await self._approved(ticket, context)

    async def _run(self, context: Any, arguments: str) -> Any:
        bind = getattr(self._tool.on_invoke_tool, "__agents_bind_function_tool__", None)
        return await (bind(self._bound) if bind else self._tool.on_invoke_tool)(context, arguments)

    async def _approved(self, ticket: str, context: Any) -> Any:
        name = self._tool.name
        try:
            async with self._guard.aauthorised(ticket) as action:
                if action.tool != name:
                    raise ActionFailed(f"the ticket approves {action.tool}")
                arguments = json.dumps(dict(action.arguments))
                await self._guard.agate(ToolCall(id=ticket, name=name, arguments=arguments))
                result = await self._run(context, arguments)
            result = await _given(self._guard, self._tool, arguments, result)
        except (TicketError, ActionFailed) as error:
            return f"Not carried out: {error}. Do not retry it."
        if not action.is_edited:
            return result
        return f"A person changed this action before it ran. Result of the changed action: {result}"


def _call(call_id: str, name: str, arguments: str, tool: FunctionTool | None = None) -> ToolCall:
    parameters = json.dumps(tool.params_json_schema) if tool is not None else ""
    return ToolCall(id=call_id, name=name, arguments=arguments, parameters=parameters)


def _exchange(call: ToolCall) -> str:
    # A run that is resumed asks again, and must find the same ticket.
    return proposal_key(call, within="agents")


async def _gate(guard: "Guard", call: ToolCall) -> Any:
    exchange = _exchange(call)
    passed = await guard.agate(call, exchange=exchange)
    if isinstance(passed, Outcome) and passed.handoff is not None:
        remember(passed.handoff, under=exchange)
    return passed


async def _waits_for(guard: "Guard", outcome: Outcome, call: ToolCall) -> str | None:
    """Return the ticket on which a call waits; None if it is blocked, or joined that of another call."""
    if outcome.handoff is None or outcome.is_blocked:
        return None
    ticket = outcome.handoff.ticket
    is_own = not outcome.handoff.joined or await ais_about(guard.store, ticket, call)
    return ticket if is_own else None


async def _given(guard: "Guard", tool: FunctionTool, arguments: str, result: Any) -> Any:
    given = await guard.ajudge_result(ToolCall(id=tool.name, name=tool.name, arguments=arguments), result)
    return f"{WITHHELD} {given.notice}" if isinstance(given, Outcome) else given.value


async def decided(
    guard: "Guard", state: RunState[Any, Any], *, timeout_s: float = 0.0
) -> Sequence[ToolApprovalItem]:
    """Put what people decided into the state of an interrupted run; returns the calls that still wait.

    Among these are calls without a ticket, which wait because their tool itself asks for approval.

    Args:
        guard: whose tickets they are, in the context in which they were opened.
        state: `result.to_state()`; run the agent with it once nothing waits.
        timeout_s: how long to wait for each decision.
    """
    waiting = []
    for item in state.get_interruptions():
        call: Any = item.raw_item
        proposed = _call(call.call_id, item.tool_name or "", call.arguments)
        passed = await _gate(guard, proposed)
        if not isinstance(passed, Outcome):
            await passed.asettle(Settlement.NO_EFFECT)
            if _asks_by_itself(item):
                # Whoever answers that approves it in the state.
                waiting.append(item)
            else:
                # The SDK holds what is no JSON object before it asks the gate, which lets it pass.
                state.approve(item)
            continue
        ticket = await _waits_for(guard, passed, proposed)
        found = ticket and await guard.wait(ticket, timeout_s=timeout_s)
        if not found:
            waiting.append(item)
        elif found.verdict in ("approve", "edit"):
            state.approve(item)
        else:
            told = found.message_to_agent or found.answer or "no reason was given"
            state.reject(item, rejection_message=f"A person decided otherwise: {told}")
    return waiting


def _asks_by_itself(item: ToolApprovalItem) -> bool:
    tools = [tool for tool in getattr(item.agent, "tools", ()) if isinstance(tool, FunctionTool)]
    approvals = [tool.needs_approval for tool in tools if tool.name == item.tool_name]
    return not approvals or not all(isinstance(one, _Approval) and one.own is False for one in approvals)


def handoff_output_guardrail(guard: "Guard") -> OutputGuardrail[Any]:
    """Return a guardrail that judges an agent's final answer, for models that cannot be guarded themselves.

    An answer of any type is read whole, and stopped as well where a part of it would have to be masked. A run
    that is streamed shows its words before any guardrail is asked: guard the model's client there.
    """

    async def judge(context: Any, agent: Any, output: Any) -> GuardrailFunctionOutput:
        draft = draft_of(output)
        with through("agents_sdk"):
            call = await guard.abegin([])
        outcome = call.outcome or await call.afinish([draft])
        told = handoff_body(outcome.handoff) if outcome.handoff else None
        is_same = outcome.is_released and _told(outcome.drafts[0]) == _told(draft)
        return GuardrailFunctionOutput(output_info={"handoff": told}, tripwire_triggered=not is_same)

    return OutputGuardrail(guardrail_function=judge, name="handrail")


def _told(draft: Draft) -> tuple[object, ...]:
    return draft.text, draft.asides, draft.refusal, draft.tool_calls


def get_handoff(result: object) -> Handoff | None:
    """Return the hand-off of a run: in its result, streamed or whole, in an error, or behind a tripwire.

    It is the one on which the run waits, or the one that stands in place of its answer. None means an answer.
    Another process than the one in which the model's client handed off finds the ticket, and not its role.

    Raises:
        ConfigError: no hand-off could stand in this, and what to pass instead.
    """
    told = find_handoff(result) if isinstance(result, BaseException) else None
    run: Any = getattr(result, "run_data", None) if isinstance(result, BaseException) else result
    if told is not None or (run is None and result is not None):
        return told
    if not hasattr(run, "raw_responses") or getattr(run, "is_complete", True) is False:
        return find_handoff(run)
    calls = [_call_of(item) for item in getattr(run, "interruptions", ())]
    waits = [recall(_exchange(call)) for call in calls if call is not None]
    answer = find_handoff([*run.output_guardrail_results, *run.raw_responses[-1:]])
    return next((one for one in waits if one is not None), answer)


def _call_of(item: Any) -> ToolCall | None:
    call = item.raw_item
    is_of_function = bool(item.tool_name and getattr(call, "call_id", None) and hasattr(call, "arguments"))
    return _call(call.call_id, item.tool_name, call.arguments) if is_of_function else None
