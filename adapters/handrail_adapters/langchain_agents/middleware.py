"""The middleware for LangChain agents: guarded model, gated tools, and a pause for a person."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from langchain.agents.middleware import AgentMiddleware, hook_config

from handrail.errors import ActionFailed, ConfigError, TicketError
from handrail.guard import Outcome
from handrail.guard.scope import current
from handrail.tickets.ports import Settlement
from handrail_adapters.langchain.messages import get_handoff
from handrail_adapters.langchain.model import GuardedChatModel
from handrail_adapters.langchain.tools import GuardedTool
from handrail_adapters.langchain_agents.calls import (
    ToolFailed,
    call_of,
    guarded_request,
    model_exchange,
    must_have_run,
    next_step,
    not_run,
    refused,
    rejected,
    settlement_of,
    thread_id,
    ticket_of,
    told_edited,
    with_arguments,
)
from handrail_adapters.langchain_agents.waiting import Waiting, continuation, exchange_id

if TYPE_CHECKING:
    from handrail.guard import Guard

Mode = Literal["message", "interrupt"]


class HandoffMiddleware(AgentMiddleware[Any, Any, Any]):
    """Guards an agent of `create_agent`: its model, and every tool where it runs.

    With `mode="message"` a hand-off ends the turn with the notice. With `mode="interrupt"` the graph pauses
    with a human-in-the-loop request (a checkpointer is needed) and goes on once the ticket is decided: an
    approved action runs, once; an edited one runs edited and the model is told so; a rejected one cannot run.

    Unless `guard.context` names a conversation, the graph's thread is the conversation.

    Args:
        guard: decides.
        mode: what a hand-off does to the graph.
        reviewer: returns the name of the person behind a resume, whose decision is recorded as theirs if the
            ticket's role allows it. Without it people decide in the inbox, and a resume means "look again".
        trusted: kinds of content that may go to the model unread: `image`, `audio`, `file`, `video`.
    """

    def __init__(
        self,
        guard: "Guard",
        *,
        mode: Mode = "message",
        reviewer: Callable[[], str] | None = None,
        trusted: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        if mode not in ("message", "interrupt"):
            raise ConfigError("mode is `message` or `interrupt`")
        self.guard, self.mode, self.trusted = guard, mode, trusted
        self._waiting = Waiting(guard=guard, reviewer=reviewer)

    def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """Ask the guarded model in place of the model."""
        with self._conversation():
            return handler(self._guarded(request))

    async def awrap_model_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """Ask the guarded model in place of the model."""
        with self._conversation():
            return await handler(self._guarded(request))

    @hook_config(can_jump_to=["model", "tools", "end"])
    def after_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """Wait for a person where the model's answer was handed off."""
        last = state["messages"][-1]
        handoff = get_handoff(last)
        if self.mode == "message" or handoff is None:
            return None
        with self._conversation():
            found = self._waiting.resolution(handoff)
        messages = list(continuation(last, handoff, found))
        return {"messages": messages, "jump_to": next_step(messages)}

    @hook_config(can_jump_to=["model", "tools", "end"])
    async def aafter_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """Wait for a person where the model's answer was handed off."""
        last = state["messages"][-1]
        handoff = get_handoff(last)
        if self.mode == "message" or handoff is None:
            return None
        with self._conversation():
            found = await self._waiting.aresolution(handoff)
        messages = list(continuation(last, handoff, found))
        return {"messages": messages, "jump_to": next_step(messages)}

    def wrap_tool_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """Run a tool if the guard lets it, or if a person approved exactly this call."""
        with self._conversation():
            ticket = ticket_of(request)
            if ticket is not None:
                return self._approved(ticket, request, handler)
            if isinstance(request.tool, GuardedTool):
                return handler(request)
            passed = self.guard.gate(call_of(request), exchange=self._exchange(request))
            if isinstance(passed, Outcome):
                return self._stopped(passed, request, handler)
            settlement = Settlement.UNKNOWN
            try:
                result = handler(request)
                settlement = settlement_of(result)
            finally:
                passed.settle(settlement)
            return result

    async def awrap_tool_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """Run a tool if the guard lets it, or if a person approved exactly this call."""
        with self._conversation():
            ticket = ticket_of(request)
            if ticket is not None:
                return await self._aapproved(ticket, request, handler)
            if isinstance(request.tool, GuardedTool):
                return await handler(request)
            passed = await self.guard.agate(call_of(request), exchange=self._exchange(request))
            if isinstance(passed, Outcome):
                return await self._astopped(passed, request, handler)
            settlement = Settlement.UNKNOWN
            try:
                result = await handler(request)
                settlement = settlement_of(result)
            finally:
                await asyncio.to_thread(passed.settle, settlement)
            return result

    def _guarded(self, request: Any) -> Any:
        return guarded_request(request, self._model)

    def _model(self, model: Any) -> Any:
        if isinstance(model, GuardedChatModel):
            return model
        return GuardedChatModel(inner=model, guard=self.guard, trusted=self.trusted, exchange=model_exchange)

    def _stopped(self, outcome: Outcome, request: Any, handler: Callable[[Any], Any]) -> Any:
        if self.mode == "message" or outcome.handoff is None:
            return refused(outcome, request)
        found = self._waiting.resolution(outcome.handoff)
        if found.verdict not in ("approve", "edit"):
            return rejected(found.message_to_agent, outcome.handoff, request)
        return self._approved(outcome.handoff.ticket, request, handler)

    async def _astopped(self, outcome: Outcome, request: Any, handler: Callable[[Any], Any]) -> Any:
        if self.mode == "message" or outcome.handoff is None:
            return refused(outcome, request)
        found = await self._waiting.aresolution(outcome.handoff)
        if found.verdict not in ("approve", "edit"):
            return rejected(found.message_to_agent, outcome.handoff, request)
        return await self._aapproved(outcome.handoff.ticket, request, handler)

    def _approved(self, ticket: str, request: Any, handler: Callable[[Any], Any]) -> Any:
        try:
            with self.guard.authorised(ticket) as action:
                approved = with_arguments(request, action.arguments)
                self._use(approved)
                result = handler(approved)
                must_have_run(result)
        except ToolFailed as failed:
            return failed.result
        except (TicketError, ActionFailed) as error:
            return not_run(error, request)
        return told_edited(result) if action.is_edited else result

    async def _aapproved(self, ticket: str, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        try:
            with self.guard.authorised(ticket) as action:
                approved = with_arguments(request, action.arguments)
                self._use(approved)
                result = await handler(approved)
                must_have_run(result)
        except ToolFailed as failed:
            return failed.result
        except (TicketError, ActionFailed) as error:
            return not_run(error, request)
        return told_edited(result) if action.is_edited else result

    def _use(self, request: Any) -> None:
        # A guarded tool passes its own gate; for any other this is the gate.
        if not isinstance(request.tool, GuardedTool):
            self.guard.gate(call_of(request))

    def _exchange(self, request: Any) -> str:
        return exchange_id(thread_id(), request.tool_call["id"])

    @contextmanager
    def _conversation(self) -> Iterator[None]:
        thread = thread_id()
        if current().context.conversation is not None or thread is None:
            yield
        else:
            with self.guard.context(conversation=str(thread)):
                yield
