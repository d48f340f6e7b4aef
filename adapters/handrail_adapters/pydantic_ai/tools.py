"""Tools that run only if the policy lets them or a person approved exactly this call."""

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_ai.exceptions import ApprovalRequired
from pydantic_ai.tools import DeferredToolRequests, DeferredToolResults, ToolApproved, ToolDenied
from pydantic_ai.toolsets import WrapperToolset

from handrail.errors import ActionFailed, TicketError
from handrail.guard import Outcome, arguments_json, read_call
from handrail.guard.fits import ais_about
from handrail.records import ToolCall
from handrail.wire.handoff import WITHHELD

if TYPE_CHECKING:
    from handrail.guard import Guard

TICKET = "handrail_ticket"


@dataclass
class GuardedToolset(WrapperToolset[Any]):
    """Wraps a toolset: `GuardedToolset(FunctionToolset([issue_refund]), guard)`.

    A call that needs a person is deferred: the run ends with `DeferredToolRequests` (name it in the agent's
    `output_type`), whose metadata hold the ticket. `decided` turns the person's decision into results for
    the next run. The ticket decides there, whatever the results say: a rejected call cannot run, an approved
    one runs once, with the arguments as the person left them.
    """

    guard: "Guard"

    async def get_tools(self, ctx: Any) -> dict[str, Any]:
        """Return the tools; the guard notes what an MCP server declares of each."""
        tools: dict[str, Any] = await super().get_tools(ctx)
        for name, tool in tools.items():
            self.guard.declare_tool(name, (tool.tool_def.metadata or {}).get("annotations"))
        return tools

    async def call_tool(self, name: str, tool_args: dict[str, Any], ctx: Any, tool: Any) -> Any:
        """Run a tool through the gate."""
        parameters = json.dumps(tool.tool_def.parameters_json_schema)
        call, arguments = read_call(ctx.tool_call_id or name, name, tool_args, parameters=parameters)
        ticket = (ctx.tool_call_metadata or {}).get(TICKET) if ctx.tool_call_approved else None
        # A ticket that was opened for another call says nothing about this one, which is gated by itself.
        if ticket is not None and await ais_about(self.guard.store, ticket, call):
            return await self._approved(ticket, name, ctx, tool)
        passed = await self.guard.agate(call)
        if not isinstance(passed, Outcome):
            async with passed:
                result = await self.wrapped.call_tool(name, arguments, ctx, tool)
            return await self._given(call, result)
        if passed.handoff is None or passed.is_blocked:
            return f"Not carried out: {passed.notice}"
        handoff = passed.handoff
        if handoff.joined and not await ais_about(self.guard.store, handoff.ticket, call):
            return f"Not carried out, another call waits for a person first: {passed.notice}"
        raise ApprovalRequired({TICKET: handoff.ticket, "role": handoff.role, "notice": handoff.notice})

    async def _given(self, call: ToolCall, result: Any) -> Any:
        given = await self.guard.ajudge_result(call, result)
        return f"{WITHHELD} {given.notice}" if isinstance(given, Outcome) else given.value

    async def _approved(self, ticket: str, name: str, ctx: Any, tool: Any) -> Any:
        try:
            async with self.guard.aauthorised(ticket) as action:
                if action.tool != name:
                    raise ActionFailed(f"the ticket approves {action.tool}")
                call = ToolCall(id=ticket, name=name, arguments=arguments_json(dict(action.arguments)))
                await self.guard.agate(call)
                result = await self.wrapped.call_tool(name, dict(action.arguments), ctx, tool)
            result = await self._given(call, result)
        except (TicketError, ActionFailed) as error:
            return f"Not carried out: {error}. Do not retry it."
        if not action.is_edited:
            return result
        return f"A person changed this action before it ran. Result of the changed action: {result}"


async def decided(
    guard: "Guard", requests: DeferredToolRequests, *, timeout_s: float = 0.0
) -> DeferredToolResults:
    """Return what people decided about deferred calls; what nobody decided in time is left out.

    Args:
        guard: whose tickets they are, in the context in which they were opened.
        requests: a run's output. What remains is `requests.remaining(results)`.
        timeout_s: how long to wait for each decision.
    """
    results = DeferredToolResults()
    waiting = [call for call in requests.approvals if TICKET in requests.metadata.get(call.tool_call_id, {})]
    tickets = [requests.metadata[call.tool_call_id][TICKET] for call in waiting]
    found = await asyncio.gather(*(guard.wait(ticket, timeout_s=timeout_s) for ticket in tickets))
    for call, ticket, resolution in zip(waiting, tickets, found, strict=True):
        if resolution is None:
            continue
        if resolution.verdict in ("approve", "edit"):
            results.approvals[call.tool_call_id] = ToolApproved()
            results.metadata[call.tool_call_id] = {TICKET: ticket}
        else:
            told = resolution.message_to_agent or resolution.answer or "no reason was given"
            results.approvals[call.tool_call_id] = ToolDenied(f"A person decided otherwise: {told}")
    return results
