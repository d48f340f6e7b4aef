"""A node for your own graphs: it stands after the guarded model and waits for a person."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.tools import BaseTool

from handrail.errors import ConfigError
from handrail_adapters.langchain.messages import get_handoff
from handrail_adapters.langchain.tools import guard_tool
from handrail_adapters.langchain_agents.waiting import TicketWait, continuation

if TYPE_CHECKING:
    from handrail.guard import Guard

_GATING: "WeakSet[Guard]" = WeakSet()


def gates_tools(guard: "Guard") -> None:
    """Note that a middleware gates tools that are not guarded by themselves, by the approval too."""
    _GATING.add(guard)


class HandoffNode:
    """A LangGraph node. If the last message is a hand-off, it pauses until the ticket is decided.

    Put it after the node that calls a `GuardedChatModel`, and lead on from it as from the model: an approved
    action is then a tool call in the last message, and a tool of `guard_tool` runs it once, by the approval.
    With `tools` the node runs an approved action itself, and the last message is what the tool returned: lead
    on from it to the model. So the graph's own `ToolNode` may hold tools that are not guarded.

    A `ToolNode` with tools that nobody guards would pay and end no ticket. So a call of a tool that is not
    guarded here is never handed on: guard it, name it in `tools`, or give the `ToolNode` the
    `wrap_tool_call` and `awrap_tool_call` of a `HandoffMiddleware`. The node knows names and not what a
    `ToolNode` holds: one with the unguarded tool is not noticed where the guard guards another of that name,
    or gates tools by a middleware elsewhere.

    Args:
        guard: whose tickets they are.
        reviewer: returns the name of the person behind a resume; see `HandoffMiddleware`.
        messages: name of the state's list of messages.
        tools: tools whose approved actions this node runs.
    """

    def __init__(
        self,
        guard: "Guard",
        *,
        reviewer: Callable[[], str] | None = None,
        messages: str = "messages",
        tools: Sequence[BaseTool] = (),
    ) -> None:
        self._waiting, self._messages = TicketWait(guard=guard, reviewer=reviewer), messages
        self._guard, self._tools = guard, {tool.name: guard_tool(tool, guard) for tool in tools}

    def __call__(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """Return the messages that go on from a decision, nothing if there is no hand-off.

        Raises:
            ConfigError: the approved action is one of a tool that nobody guards here; it was not begun.
        """
        last = state[self._messages][-1]
        handoff = get_handoff(last)
        if handoff is None:
            return {}
        going = list(continuation(last, handoff, self._waiting.resolution(handoff)))
        return {self._messages: [*going, *self._run(going[-1])]}

    def _run(self, last: BaseMessage) -> list[BaseMessage]:
        """Return what the approved actions returned that this node runs itself."""
        calls = last.tool_calls if isinstance(last, AIMessage) else []
        for call in calls:
            name = call["name"]
            if name not in self._guard.tools and self._guard not in _GATING:
                raise ConfigError(
                    f"{name} is not guarded here: ToolNode([guard_tool({name}, guard)]), or "
                    f"HandoffNode(guard, tools=[{name}])"
                )
        return [self._tools[call["name"]].invoke(call) for call in calls if call["name"] in self._tools]
