"""Holds what runs against what the gate let by: other middleware may change a call on its way to the tool."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from langchain_core.tools import BaseTool
from pydantic import SkipValidation

from handrail.errors import ActionFailed, CheckFailed
from handrail.guard import Outcome, read_call
from handrail.records import ToolCall
from handrail.tickets.action import FrozenAction
from handrail_adapters.langchain.inner_tool import InnerRun
from handrail_adapters.langchain.tools import GuardedTool, guarded_fields

if TYPE_CHECKING:
    from handrail.guard import Guard


class CallChanged(ActionFailed):
    """The permitted call did not run: another took its place, was gated by itself, and returned `result`."""

    def __init__(self, result: Any) -> None:
        super().__init__("another call ran in its place")
        self.result = result


@dataclass(slots=True)
class HeldPermit:
    """What the gate let by, and whether something else came to the tool."""

    action: FrozenAction
    is_changed: bool = False


class PermittedTool(GuardedTool):
    """A tool that runs what was permitted, and gates anything else anew."""

    permit: SkipValidation[HeldPermit]

    def _guarded(self, tool_input: Any, tool_call_id: str | None, inner: InnerRun) -> Any:
        """Run the tool if this is what was permitted, or may run by itself."""
        if not self._is_permitted(tool_input):
            return super()._guarded(tool_input, tool_call_id, inner)
        call, tool_input = self._read(tool_input, tool_call_id)
        result = inner.run(tool_input)
        given = self.guard.judge_result(call, result)
        return self._withheld(given, tool_call_id) if isinstance(given, Outcome) else given.value

    async def _aguarded(self, tool_input: Any, tool_call_id: str | None, inner: InnerRun) -> Any:
        """Run the tool if this is what was permitted, or may run by itself."""
        if not self._is_permitted(tool_input):
            return await super()._aguarded(tool_input, tool_call_id, inner)
        call, tool_input = self._read(tool_input, tool_call_id)
        result = await inner.arun(tool_input)
        given = await self.guard.ajudge_result(call, result)
        return self._withheld(given, tool_call_id) if isinstance(given, Outcome) else given.value

    def _is_permitted(self, tool_input: str | dict[str, Any]) -> bool:
        call, _ = self._read(tool_input, None)
        try:
            is_same = FrozenAction.of(call) == self.permit.action
        except CheckFailed:
            is_same = False
        self.permit.is_changed |= not is_same
        return is_same


def as_permitted(result: Any, permit: HeldPermit | None) -> Any:
    """Return a result of the permitted call.

    Raises:
        CallChanged: it is another call's.
    """
    if permit is not None and permit.is_changed:
        raise CallChanged(result)
    return result


def held(request: Any, guard: "Guard") -> tuple[Any, HeldPermit | None]:
    """Return a request whose tool, also one that takes its place, runs its present call and gates any other.

    The permit is None where nothing is to be held: a guarded tool gates by itself.
    """
    if not isinstance(request.tool, BaseTool) or isinstance(request.tool, GuardedTool):
        return request, None
    try:
        permit = HeldPermit(FrozenAction.of(_seen_by(request.tool, request.tool_call)))
    except CheckFailed:
        return request, None

    def wrap(tool: Any) -> Any:
        if not isinstance(tool, BaseTool) or isinstance(tool, GuardedTool):
            return tool
        return PermittedTool(**guarded_fields(tool), inner=tool, guard=guard, permit=permit)

    return _wrapping(request, wrap), permit


def _seen_by(tool: BaseTool, call: Any) -> ToolCall:
    names = set(tool.args)
    given = {name: value for name, value in call["args"].items() if name in names}
    return read_call(call["id"] or call["name"], tool.name, given)[0]


def _wrapping(request: Any, wrap: Callable[[Any], Any]) -> Any:
    kind: Any = type(request)

    class PermittedRequest(kind):  # type: ignore[misc]
        def __init__(self, **given: Any) -> None:
            super().__init__(**{**given, "tool": wrap(given["tool"])})

    return PermittedRequest(**{one.name: getattr(request, one.name) for one in fields(request)})
