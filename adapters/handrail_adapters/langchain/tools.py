"""LangChain tools behind the gate: an action runs only if the policy lets it or a person authorised it."""

import inspect
import json
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from weakref import WeakKeyDictionary

from langchain_core.callbacks import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langchain_core.tools.base import _DirectlyInjectedToolArg
from pydantic import ConfigDict, SkipValidation

from handrail.errors import ActionFailed, TicketError, TicketNotFound
from handrail.guard import Outcome, read_call
from handrail.guard.context import current
from handrail.guard.fits import is_approved
from handrail.records import Handoff, ToolCall
from handrail.tickets.ports import ResolutionView
from handrail.wire.handoff import WITHHELD, handoff_body
from handrail_adapters.langchain.inner_tool import InnerRun

if TYPE_CHECKING:
    from handrail.guard import Guard

EDITED = "A person changed this action before it ran; what follows is the result of the changed action. "
_DECIDED = "handrail-"


def call_id_of(ticket: str) -> str:
    """Return the id of the call that a person's decision on a ticket becomes."""
    return f"{_DECIDED}{ticket}"


def ticket_of_call(tool_call_id: str | None) -> str | None:
    """Return the ticket whose decision became a call of this id, None for any other call."""
    is_decided = tool_call_id is not None and tool_call_id.startswith(_DECIDED)
    return tool_call_id.removeprefix(_DECIDED) if is_decided and tool_call_id is not None else None


def guard_tool(tool: BaseTool, guard: "Guard") -> BaseTool:
    """Return a tool like this one that acts only if the guard lets it; the tool given is not changed.

    When it may not act, its result tells the model so; the ticket stands in `additional_kwargs["handoff"]`.
    A call that `HandoffNode` made of a decision runs as it was approved, once, and its ticket ends with it.
    The guard also learns how to carry the action out after a person's approval (`guard.authorised`).
    """
    register(tool, guard)
    guard.declare_tool(tool.name, tool.metadata)
    return GuardedTool(**guarded_fields(tool), inner=tool, guard=guard)


def guarded_fields(tool: BaseTool) -> dict[str, Any]:
    """Return the fields by which a tool is known to a model and a framework."""
    shown = {name: getattr(tool, name) for name in BaseTool.model_fields}
    if shown["args_schema"] is None:
        shown["args_schema"] = tool.get_input_schema()
    return shown


def parameters_of(tool: BaseTool | None) -> str:
    """Return the JSON Schema of the arguments that a model may give a tool, as text; empty if it has none."""
    if tool is None:
        return ""
    kind: Any = tool.args_schema
    known = _SCHEMAS.get(kind) if isinstance(kind, type) else None
    if known is not None:
        return known
    try:
        shown: Any = tool.tool_call_schema
        found = json.dumps(shown if isinstance(shown, dict) else shown.model_json_schema())
    except Exception:  # noqa: BLE001 - a schema is code of the tool's; without it names alone are compared
        return ""
    if isinstance(kind, type):
        _SCHEMAS[kind] = found
    return found


_SCHEMAS: "WeakKeyDictionary[type, str]" = WeakKeyDictionary()


class _Given(NamedTuple):
    """What a run was given, on its way through LangChain's own run."""

    tool_input: str | dict[str, Any]
    tool_call_id: str | None


def _given(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Given:
    """Return what a run was given, also where `_run` is called past LangChain's run."""
    if args and isinstance(args[0], _Given):
        return args[0]
    return _Given(kwargs if kwargs else str(args[0]) if args else {}, None)


_NO_CONFIG: RunnableConfig = {}


class GuardedTool(BaseTool):
    """A tool behind the gate; make it with `guard_tool`."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    inner: SkipValidation[BaseTool]
    guard: SkipValidation[Any]

    def _to_args_and_kwargs(
        self, tool_input: str | dict[str, Any], tool_call_id: str | None
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        # LangChain's own run tells callbacks of `_run`; what the tool inside would refuse, it refuses here.
        if type(self.inner).run is BaseTool.run:
            self.inner._to_args_and_kwargs(tool_input, tool_call_id)
        return (_Given(tool_input, tool_call_id),), {}

    @property
    def _injected_args_keys(self) -> frozenset[str]:
        return self.inner._injected_args_keys

    def _run(
        self,
        *args: Any,
        config: RunnableConfig = _NO_CONFIG,
        run_manager: CallbackManagerForToolRun | None = None,
        **kwargs: Any,
    ) -> Any:
        failed: list[BaseException] = []
        tool_input, tool_call_id = _given(args, kwargs)
        try:
            inner = InnerRun(self.inner, tool_call_id, config, run_manager)
            return self._as_output(self._guarded(tool_input, tool_call_id, inner))
        except BaseException as error:  # noqa: BLE001 - whatever it is, its text is judged
            failed.append(error)
        if _pauses_graph(failed[0]):
            raise failed.pop()
        raise self.guard.told(failed.pop())

    async def _arun(
        self,
        *args: Any,
        config: RunnableConfig = _NO_CONFIG,
        run_manager: AsyncCallbackManagerForToolRun | None = None,
        **kwargs: Any,
    ) -> Any:
        failed: list[BaseException] = []
        tool_input, tool_call_id = _given(args, kwargs)
        try:
            inner = InnerRun(self.inner, tool_call_id, config, run_manager)
            return self._as_output(await self._aguarded(tool_input, tool_call_id, inner))
        except BaseException as error:  # noqa: BLE001 - whatever it is, its text is judged
            failed.append(error)
        if _pauses_graph(failed[0]):
            raise failed.pop()
        raise self.guard.told(failed.pop())

    def _as_output(self, given: Any) -> Any:
        return (given, None) if self.response_format == "content_and_artifact" else given

    def _guarded(self, tool_input: Any, tool_call_id: str | None, inner: InnerRun) -> Any:
        """Run the tool if it may run, and judge what it returns."""
        call, tool_input = self._read(tool_input, tool_call_id)
        ticket = _decided_ticket(tool_call_id)
        found = self._found(ticket) if ticket else None
        if ticket and found and not _is_another(found, call):
            return self._decided(ticket, found, call, partial(inner.run, tool_input))
        permit = self.guard.gate(call)
        if isinstance(permit, Outcome):
            return self._stopped(permit, tool_call_id)
        try:
            with permit:
                result = completed(inner.run(tool_input))
        except ToolFailed as failed:
            result = failed.result
        given = self.guard.judge_result(call, result)
        return self._withheld(given, tool_call_id) if isinstance(given, Outcome) else given.value

    async def _aguarded(self, tool_input: Any, tool_call_id: str | None, inner: InnerRun) -> Any:
        """Run the tool if it may run, and judge what it returns."""
        call, tool_input = self._read(tool_input, tool_call_id)
        ticket = _decided_ticket(tool_call_id)
        found = await self._afound(ticket) if ticket else None
        if ticket and found and not _is_another(found, call):
            return await self._adecided(ticket, found, call, partial(inner.arun, tool_input))
        permit = await self.guard.agate(call)
        if isinstance(permit, Outcome):
            return self._stopped(permit, tool_call_id)
        try:
            async with permit:
                result = completed(await inner.arun(tool_input))
        except ToolFailed as failed:
            result = failed.result
        given = await self.guard.ajudge_result(call, result)
        return self._withheld(given, tool_call_id) if isinstance(given, Outcome) else given.value

    def _found(self, ticket: str) -> ResolutionView | None:
        try:
            return cast("ResolutionView | None", self.guard.resolution(ticket))
        except TicketNotFound:
            # An id that only looks like a decided call's: the call is gated as any other.
            return None

    def _decided(self, ticket: str, found: ResolutionView, call: ToolCall, run: Callable[[], Any]) -> Any:
        if found.verdict not in ("approve", "edit"):
            return self._error("Not carried out: a person decided otherwise. Do not retry it.", call)
        try:
            with self.guard.authorised(ticket):
                self.guard.gate(call)
                result = completed(run())
        except ToolFailed as failed:
            result = failed.result
        except (TicketError, ActionFailed) as error:
            return self._error(f"Not carried out now: {error}. Do not retry it.", call)
        given = self.guard.judge_result(call, result)
        if isinstance(given, Outcome):
            return self._withheld(given, call.id)
        return told_edited(given.value) if found.verdict == "edit" else given.value

    async def _afound(self, ticket: str) -> ResolutionView | None:
        try:
            return cast("ResolutionView | None", await self.guard.aresolution(ticket))
        except TicketNotFound:
            # An id that only looks like a decided call's: the call is gated as any other.
            return None

    async def _adecided(
        self, ticket: str, found: ResolutionView, call: ToolCall, run: Callable[[], Awaitable[Any]]
    ) -> Any:
        if found.verdict not in ("approve", "edit"):
            return self._error("Not carried out: a person decided otherwise. Do not retry it.", call)
        try:
            async with self.guard.aauthorised(ticket):
                await self.guard.agate(call)
                result = completed(await run())
        except ToolFailed as failed:
            result = failed.result
        except (TicketError, ActionFailed) as error:
            return self._error(f"Not carried out now: {error}. Do not retry it.", call)
        given = await self.guard.ajudge_result(call, result)
        if isinstance(given, Outcome):
            return self._withheld(given, call.id)
        return told_edited(given.value) if found.verdict == "edit" else given.value

    def _error(self, text: str, call: ToolCall) -> ToolMessage:
        return ToolMessage(text, name=self.name, tool_call_id=call.id, status="error")

    def _read(
        self, tool_input: str | dict[str, Any], tool_call_id: str | None
    ) -> tuple[ToolCall, str | dict[str, Any]]:
        """Return the call, and the input with copies of what the model proposed, to run."""
        names = list(self.inner.args)
        given = {names[0]: tool_input} if isinstance(tool_input, str) and names else tool_input
        # What a framework injects (state, stores, ids) is no part of the action that the model proposed. The
        # runtime goes by the parameter's name alone, so that it stands among the tool's arguments.
        shown = {
            name: value
            for name, value in cast("dict[str, Any]", given or {}).items()
            if name in names and not isinstance(value, _DirectlyInjectedToolArg)
        }
        parameters = parameters_of(self.inner)
        call, copies = read_call(tool_call_id or self.name, self.name, shown, parameters=parameters)
        return call, tool_input if isinstance(tool_input, str) else {**tool_input, **copies}

    def _stopped(self, outcome: Outcome, tool_call_id: str | None) -> Any:
        return self._told(stopped_text(outcome.notice, outcome.handoff), outcome, tool_call_id)

    def _withheld(self, outcome: Outcome, tool_call_id: str | None) -> Any:
        return self._told(withheld_text(outcome.notice), outcome, tool_call_id)

    def _told(self, text: str, outcome: Outcome, tool_call_id: str | None) -> Any:
        if tool_call_id is None:
            return text
        return stopped_message(text, outcome.handoff, name=self.name, tool_call_id=tool_call_id)


def _pauses_graph(error: BaseException) -> bool:
    """Tell whether this is no error, but how LangGraph leaves a step to come back to it."""
    errors = sys.modules.get("langgraph.errors")
    return errors is not None and isinstance(error, errors.GraphBubbleUp)


def _decided_ticket(tool_call_id: str | None) -> str | None:
    """Return the ticket whose decision became this call, None for any other call."""
    # Whoever holds the approval already, as `HandoffMiddleware` does, runs it by the gate.
    return ticket_of_call(tool_call_id) if current().authorisation is None else None


def _is_another(found: ResolutionView, call: ToolCall) -> bool:
    """Tell whether a call is not the one that was approved, and so is gated by itself."""
    return found.verdict in ("approve", "edit") and not is_approved(found, call)


def told_edited(result: Any) -> Any:
    """Return a result that says that a person changed the action before it ran."""
    if isinstance(result, ToolMessage) and isinstance(result.content, str):
        return result.model_copy(update={"content": EDITED + result.content})
    return result


def stopped_text(notice: str, handoff: Handoff | None) -> str:
    """Return what the model is told of an action that did not run."""
    why = "a person must decide first" if handoff else "the policy does not allow it"
    return f"Not carried out: {why}. Tell the user: {notice}"


def withheld_text(notice: str) -> str:
    """Return what the model is told of an action that is done and whose result nobody may see yet."""
    return f"{WITHHELD} Tell the user: {notice}"


def stopped_message(text: str, handoff: Handoff | None, *, name: str, tool_call_id: str) -> ToolMessage:
    """Return the tool message of an action that did not run, or whose result is withheld."""
    extra = {"handoff": handoff_body(handoff)} if handoff else {"blocked": True}
    return ToolMessage(text, name=name, tool_call_id=tool_call_id, status="error", additional_kwargs=extra)


class ToolFailed(Exception):
    """A tool returned an error, so whether anything was done is unknown; carries what it returned."""

    def __init__(self, result: ToolMessage) -> None:
        super().__init__("the tool failed")
        self.result = result


def completed(result: Any) -> Any:
    """Return what a tool returned.

    Raises:
        ToolFailed: it is an error that the tool caught itself.
    """
    if isinstance(result, ToolMessage) and result.status == "error":
        raise ToolFailed(result)
    return result


def register(tool: BaseTool, guard: "Guard") -> None:
    """Teach a guard how to carry an action of this tool out after a person's approval."""

    def act(**arguments: Any) -> Any:
        return tool.invoke(arguments)

    async def aact(**arguments: Any) -> Any:
        return await tool.ainvoke(arguments)

    has_only_async = getattr(tool, "coroutine", None) is not None and getattr(tool, "func", None) is None
    fn: Any = aact if has_only_async else act
    # The action is what an approval names; an argument that is left out there is left to the tool.
    fn.__signature__ = inspect.Signature([inspect.Parameter("_given", inspect.Parameter.VAR_KEYWORD)])
    guard.tool(name=tool.name)(fn)
