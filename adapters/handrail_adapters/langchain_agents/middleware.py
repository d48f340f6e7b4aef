"""The middleware for LangChain agents: guarded model, gated tools, and a pause for a person."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Self

from langchain.agents.middleware import AgentMiddleware, ModelRequest, hook_config
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool
from langgraph.config import get_config
from langgraph.prebuilt.tool_node import INVALID_TOOL_NAME_ERROR_TEMPLATE

from handrail.errors import ActionFailed, ConfigError, TicketError
from handrail.guard import Outcome, read_call
from handrail.guard.context import current
from handrail.guard.fits import ais_about, is_about, is_approved
from handrail.records import Handoff, ToolCall
from handrail.tickets.action import proposal_key
from handrail.tickets.ports import ResolutionView
from handrail_adapters.langchain.messages import get_handoff
from handrail_adapters.langchain.model import GuardedChatModel
from handrail_adapters.langchain.tools import (
    GuardedTool,
    ToolFailed,
    completed,
    parameters_of,
    register,
    stopped_message,
    stopped_text,
    ticket_of_call,
    told_edited,
    withheld_text,
)
from handrail_adapters.langchain_agents.node import gates_tools
from handrail_adapters.langchain_agents.permits import CallChanged, as_permitted, held
from handrail_adapters.langchain_agents.waiting import TICKET_KEY, TicketWait, continuation, exchange_id

if TYPE_CHECKING:
    from handrail.guard import Guard


def guarded_request(request: ModelRequest[Any], wrap: Callable[[Any], Any]) -> ModelRequest[Any]:
    """Return a request whose model is wrapped, even if another middleware replaces the model."""

    class GuardedRequest(ModelRequest[Any]):
        def __init__(self, **given: Any) -> None:
            super().__init__(**{**given, "model": wrap(given["model"])})

        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, wrap(value) if name == "model" else value)

    return GuardedRequest(**{field.name: getattr(request, field.name) for field in fields(request)})


def thread_id() -> object:
    """Return the thread of the running graph, None outside one."""
    try:
        return get_config().get("configurable", {}).get("thread_id")
    except RuntimeError:
        return None


def model_exchange(messages: Any) -> str | None:
    """Return an id for the model call that follows these messages; a node that runs again gets the same."""
    thread = thread_id()
    last = messages[-1].id if messages else None
    return None if thread is None or last is None else exchange_id(thread, last)


def call_of(request: Any) -> ToolCall:
    """Return the call that a request is about."""
    call = request.tool_call
    parameters = parameters_of(request.tool)
    return read_call(call["id"] or call["name"], call["name"], call["args"], parameters=parameters)[0]


def frozen(request: Any) -> Any:
    """Return the request with copies of its arguments, which nobody can change while the gate waits."""
    call = request.tool_call
    _, copies = read_call("", "", call["args"])
    kept = all(copies[name] is value for name, value in call["args"].items())
    return request if kept else with_arguments(request, copies)


def declare(tools: Iterable[Any], guard: "Guard") -> None:
    """Let the guard note what tools declare of themselves; an MCP server's hints stand in their metadata."""
    for tool in tools:
        if isinstance(tool, BaseTool):
            guard.declare_tool(tool.name, tool.metadata)


def ticket_of(request: Any) -> str | None:
    """Return the ticket behind a call that a person decided, None for a call of the model's own."""
    state = request.state
    messages = state.get("messages", []) if isinstance(state, dict) else getattr(state, "messages", state)
    for message in reversed(messages):
        if any(call["id"] == request.tool_call["id"] for call in getattr(message, "tool_calls", ())):
            found = message.additional_kwargs.get(TICKET_KEY)
            # Of several calls that were decided together each has a ticket of its own.
            return (ticket_of_call(request.tool_call["id"]) or found) if isinstance(found, str) else None
    return None


def with_arguments(request: Any, arguments: Any) -> Any:
    """Return the request with the arguments that were approved."""
    return request.override(tool_call={**request.tool_call, "args": dict(arguments)})


def next_step(messages: list[Any]) -> str:
    """Tell where the graph goes on after a decision."""
    if isinstance(messages[-1], ToolMessage):
        return "model"
    return "tools" if messages[-1].tool_calls else "end"


def refused(outcome: Outcome, request: Any) -> ToolMessage:
    """Return what the model is told of a call that was stopped."""
    call = request.tool_call
    text = stopped_text(outcome.notice, outcome.handoff)
    return stopped_message(text, outcome.handoff, name=call["name"], tool_call_id=call["id"])


def withheld(outcome: Outcome, request: Any) -> ToolMessage:
    """Return what the model is told of a call that was carried out and whose result nobody may see yet."""
    call, text = request.tool_call, withheld_text(outcome.notice)
    return stopped_message(text, outcome.handoff, name=call["name"], tool_call_id=call["id"])


def rejected(reason: str, handoff: Handoff, request: Any) -> ToolMessage:
    """Return what the model is told of a call that a person rejected."""
    call = request.tool_call
    text = f"A person rejected this action: {reason or 'no reason was given'}. It was not carried out."
    return stopped_message(text, handoff, name=call["name"], tool_call_id=call["id"])


def not_run(error: Exception, request: Any) -> ToolMessage:
    """Return what the model is told of an approved call that cannot be carried out now."""
    call = request.tool_call
    text = f"Not carried out now: {error}. Do not retry it."
    return ToolMessage(text, name=call["name"], tool_call_id=call["id"], status="error")


def _must_be_known(request: Any, result: Any) -> None:
    """Accept what a tool returned.

    Raises:
        ActionFailed: the graph knows no tool of this name any more, so that nothing was done.
    """
    unknown = INVALID_TOOL_NAME_ERROR_TEMPLATE.partition("{available_tools}")[0]
    said = unknown.format(requested_tool=request.tool_call["name"])
    if request.tool is None and isinstance(result, ToolMessage) and result.text.startswith(said):
        raise ActionFailed(f"this agent has no tool {request.tool_call['name']}")


def _must_be_for(tool: str, request: Any) -> None:
    if tool != request.tool_call["name"]:
        raise ActionFailed(f"the ticket approves {tool}")


Mode = Literal["message", "interrupt"]


class _Pauses(AgentMiddleware[Any, Any, Any]):
    """The step after the model at which a graph waits for a person."""

    _conversation: Callable[[], AbstractContextManager[None]]
    _waiting: TicketWait

    @hook_config(can_jump_to=["model", "tools", "end"])
    def after_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        """Wait for a person where the model's answer was handed off."""
        last = state["messages"][-1]
        handoff = get_handoff(last)
        if handoff is None:
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
        if handoff is None:
            return None
        with self._conversation():
            found = await self._waiting.aresolution(handoff)
        messages = list(continuation(last, handoff, found))
        return {"messages": messages, "jump_to": next_step(messages)}


@cache
def _pausing(kind: type) -> Any:
    """Return a class with the step at which its graph waits: LangChain looks for hooks in the class."""
    return kind if issubclass(kind, _Pauses) else type(kind.__name__, (kind, _Pauses), {})


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

    def __new__(cls, guard: "Guard", *, mode: Mode = "message", **_: Any) -> Self:
        """Return a middleware that adds a step to the agent's graph only if the graph may have to pause."""
        kind: Any = cls
        made: Self = super().__new__(_pausing(kind) if mode == "interrupt" else kind)
        return made

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
        self._waiting = TicketWait(guard=guard, reviewer=reviewer)
        gates_tools(guard)

    def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """Ask the guarded model in place of the model."""
        with self._conversation():
            return handler(self._guarded(request))

    async def awrap_model_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """Ask the guarded model in place of the model."""
        with self._conversation():
            return await handler(self._guarded(request))

    def wrap_tool_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """Run a tool if the guard lets it, or if a person approved exactly this call."""
        with self._conversation():
            ticket = ticket_of(request)
            if ticket is not None and self._is_as_decided(self.guard.resolution(ticket), request):
                return self._approved(ticket, request, handler)
            if isinstance(request.tool, GuardedTool):
                return handler(request)
            request = frozen(request)
            declare([request.tool], self.guard)
            permit = self.guard.gate(call_of(request), exchange=self._exchange(request))
            if isinstance(permit, Outcome):
                return self._stopped(permit, request, handler)
            going, holds = held(request, self.guard)
            try:
                with permit:
                    result = completed(as_permitted(handler(going), holds))
            except ToolFailed as failed:
                result = failed.result
            except CallChanged as changed:
                return changed.result
            return self._given(request, result)

    async def awrap_tool_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """Run a tool if the guard lets it, or if a person approved exactly this call."""
        with self._conversation():
            ticket = ticket_of(request)
            if ticket is not None and self._is_as_decided(await self.guard.aresolution(ticket), request):
                return await self._aapproved(ticket, request, handler)
            if isinstance(request.tool, GuardedTool):
                return await handler(request)
            request = frozen(request)
            declare([request.tool], self.guard)
            permit = await self.guard.agate(call_of(request), exchange=self._exchange(request))
            if isinstance(permit, Outcome):
                return await self._astopped(permit, request, handler)
            going, holds = held(request, self.guard)
            try:
                async with permit:
                    result = completed(as_permitted(await handler(going), holds))
            except ToolFailed as failed:
                result = failed.result
            except CallChanged as changed:
                return changed.result
            return await self._agiven(request, result)

    @staticmethod
    def _is_as_decided(found: ResolutionView | None, request: Any) -> bool:
        """Tell whether a call is still the one that was decided; another one is gated by itself."""
        is_approved_one = found is not None and found.verdict in ("approve", "edit")
        return not is_approved_one or is_approved(found, call_of(request))

    def _given(self, request: Any, result: Any) -> Any:
        # A guarded tool judges what it returns itself. A permitted one does too, for who watches its run, and
        # other middleware may have changed that.
        if isinstance(request.tool, GuardedTool):
            return result
        given = self.guard.judge_result(call_of(request), result)
        return withheld(given, request) if isinstance(given, Outcome) else given.value

    async def _agiven(self, request: Any, result: Any) -> Any:
        if isinstance(request.tool, GuardedTool):
            return result
        given = await self.guard.ajudge_result(call_of(request), result)
        return withheld(given, request) if isinstance(given, Outcome) else given.value

    def _guarded(self, request: Any) -> Any:
        declare(request.tools, self.guard)
        # After a turn that ended with the notice, `guard.authorised` carries out what a person approved.
        for tool in request.tools:
            if isinstance(tool, BaseTool) and tool.name not in self.guard.tools:
                register(tool, self.guard)
        return guarded_request(request, self._model)

    def _model(self, model: Any) -> Any:
        if isinstance(model, GuardedChatModel):
            return model
        return GuardedChatModel(inner=model, guard=self.guard, trusted=self.trusted, exchange=model_exchange)

    def _stopped(self, outcome: Outcome, request: Any, handler: Callable[[Any], Any]) -> Any:
        if self.mode == "message" or outcome.handoff is None:
            return refused(outcome, request)
        if not is_about(self.guard.store, outcome.handoff.ticket, call_of(request)):
            return refused(outcome, request)
        found = self._waiting.resolution(outcome.handoff)
        if found.verdict not in ("approve", "edit"):
            return rejected(found.message_to_agent, outcome.handoff, request)
        return self._approved(outcome.handoff.ticket, request, handler)

    async def _astopped(self, outcome: Outcome, request: Any, handler: Callable[[Any], Any]) -> Any:
        if self.mode == "message" or outcome.handoff is None:
            return refused(outcome, request)
        if not await ais_about(self.guard.store, outcome.handoff.ticket, call_of(request)):
            return refused(outcome, request)
        found = await self._waiting.aresolution(outcome.handoff)
        if found.verdict not in ("approve", "edit"):
            return rejected(found.message_to_agent, outcome.handoff, request)
        return await self._aapproved(outcome.handoff.ticket, request, handler)

    def _approved(self, ticket: str, request: Any, handler: Callable[[Any], Any]) -> Any:
        try:
            with self.guard.authorised(ticket) as action:
                approved = with_arguments(request, action.arguments)
                _must_be_for(action.tool, request)
                if not isinstance(approved.tool, GuardedTool):
                    self.guard.gate(call_of(approved))
                given = handler(held(approved, self.guard)[0])
                _must_be_known(approved, given)
                result = completed(given)
        except ToolFailed as failed:
            return self._given(approved, failed.result)
        except (TicketError, ActionFailed) as error:
            return not_run(error, request)
        result = self._given(approved, result)
        return told_edited(result) if action.is_edited else result

    async def _aapproved(self, ticket: str, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        try:
            async with self.guard.aauthorised(ticket) as action:
                approved = with_arguments(request, action.arguments)
                _must_be_for(action.tool, request)
                # A guarded tool passes its own gate; for any other this is the gate.
                if not isinstance(approved.tool, GuardedTool):
                    await self.guard.agate(call_of(approved))
                given = await handler(held(approved, self.guard)[0])
                _must_be_known(approved, given)
                result = completed(given)
        except ToolFailed as failed:
            return await self._agiven(approved, failed.result)
        except (TicketError, ActionFailed) as error:
            return not_run(error, request)
        result = await self._agiven(approved, result)
        return told_edited(result) if action.is_edited else result

    def _exchange(self, request: Any) -> str:
        return proposal_key(call_of(request), within=str(thread_id()))

    @contextmanager
    def _conversation(self) -> Iterator[None]:
        thread = thread_id()
        if current().context.conversation is not None or thread is None:
            yield
        else:
            with self.guard.context(conversation=str(thread)):
                yield
