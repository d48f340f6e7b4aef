"""LangChain tools behind the gate: an action runs only if the policy lets it or a person authorised it."""

import inspect
import json
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool
from pydantic import ConfigDict, SkipValidation

from handrail.guard import Outcome, read_call
from handrail.records import Handoff, ToolCall
from handrail.wire.handoff import WITHHELD, handoff_body

if TYPE_CHECKING:
    from handrail.guard import Guard


def guard_tool(tool: BaseTool, guard: "Guard") -> BaseTool:
    """Return a tool like this one that acts only if the guard lets it; the tool given is not changed.

    When it may not act, its result tells the model so; the ticket stands in `additional_kwargs["handoff"]`.
    The guard also learns how to carry the action out after a person's approval (`guard.authorised`).
    """
    _register(tool, guard)
    return GuardedTool(**guarded_fields(tool), inner=tool, guard=guard)


def guarded_fields(tool: BaseTool) -> dict[str, Any]:
    """Return the fields by which a tool is known to a model and a framework."""
    shown = {name: getattr(tool, name) for name in BaseTool.model_fields if name != "callbacks"}
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


class GuardedTool(BaseTool):
    """A tool behind the gate; make it with `guard_tool`."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    inner: SkipValidation[BaseTool]
    guard: SkipValidation[Any]

    def run(
        self, tool_input: str | dict[str, Any], *args: Any, tool_call_id: str | None = None, **kwargs: Any
    ) -> Any:
        """Run the tool if it may run."""
        call, tool_input = self._read(tool_input, tool_call_id)
        permit = self.guard.gate(call)
        if isinstance(permit, Outcome):
            return self._stopped(permit, tool_call_id)
        try:
            with permit:
                result = completed(self.inner.run(tool_input, *args, tool_call_id=tool_call_id, **kwargs))
        except ToolFailed as failed:
            result = failed.result
        given = self.guard.judge_result(call, result)
        return self._withheld(given, tool_call_id) if isinstance(given, Outcome) else given.value

    async def arun(
        self, tool_input: str | dict[str, Any], *args: Any, tool_call_id: str | None = None, **kwargs: Any
    ) -> Any:
        """Run the tool if it may run."""
        call, tool_input = self._read(tool_input, tool_call_id)
        permit = await self.guard.agate(call)
        if isinstance(permit, Outcome):
            return self._stopped(permit, tool_call_id)
        try:
            async with permit:
                result = completed(
                    await self.inner.arun(tool_input, *args, tool_call_id=tool_call_id, **kwargs)
                )
        except ToolFailed as failed:
            result = failed.result
        given = await self.guard.ajudge_result(call, result)
        return self._withheld(given, tool_call_id) if isinstance(given, Outcome) else given.value

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        return self.run(kwargs if kwargs else str(args[0]) if args else {})

    async def _arun(self, *args: Any, **kwargs: Any) -> Any:
        return await self.arun(kwargs if kwargs else str(args[0]) if args else {})

    def _read(
        self, tool_input: str | dict[str, Any], tool_call_id: str | None
    ) -> tuple[ToolCall, str | dict[str, Any]]:
        """Return the call, and the input with copies of what the model proposed, to run."""
        names = list(self.inner.args)
        given = {names[0]: tool_input} if isinstance(tool_input, str) and names else tool_input
        # What a framework injects (state, stores, ids) is no part of the action that the model proposed.
        shown = {name: value for name, value in cast("dict[str, Any]", given or {}).items() if name in names}
        parameters = parameters_of(self.inner)
        call, copies = read_call(tool_call_id or self.name, self.name, shown, parameters=parameters)
        return call, tool_input if isinstance(tool_input, str) else {**tool_input, **copies}

    def _stopped(self, outcome: Outcome, tool_call_id: str | None) -> Any:
        return self._told(stopped_text(outcome.notice, outcome.handoff), outcome, tool_call_id)

    def _withheld(self, outcome: Outcome, tool_call_id: str | None) -> Any:
        return self._told(withheld_text(outcome.notice), outcome, tool_call_id)

    def _told(self, text: str, outcome: Outcome, tool_call_id: str | None) -> Any:
        if tool_call_id is None:
            return (text, None) if self.response_format == "content_and_artifact" else text
        return stopped_message(text, outcome.handoff, name=self.name, tool_call_id=tool_call_id)


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


def _register(tool: BaseTool, guard: "Guard") -> None:
    def act(**arguments: Any) -> Any:
        return tool.invoke(arguments)

    async def aact(**arguments: Any) -> Any:
        return await tool.ainvoke(arguments)

    has_only_async = getattr(tool, "coroutine", None) is not None and getattr(tool, "func", None) is None
    fn: Any = aact if has_only_async else act
    # The action is what an approval names; an argument that is left out there is left to the tool.
    fn.__signature__ = inspect.Signature([inspect.Parameter("_given", inspect.Parameter.VAR_KEYWORD)])
    guard.tool(name=tool.name)(fn)
