"""A node for your own graphs: it stands after the guarded model and waits for a person."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from handrail_adapters.langchain.messages import get_handoff
from handrail_adapters.langchain_agents.waiting import TicketWait, continuation

if TYPE_CHECKING:
    from handrail.guard import Guard


class HandoffNode:
    """A LangGraph node. If the last message is a hand-off, it pauses until the ticket is decided.

    Put it after the node that calls a `GuardedChatModel`, and lead on from it as from the model: an approved
    action is then a tool call in the last message, and a tool of `guard_tool` runs it once, by the approval.
    A `ToolNode` with tools that are not guarded ends no ticket: guard them, or give it `wrap_tool_call` and
    `awrap_tool_call` of a `HandoffMiddleware`.

    Args:
        guard: whose tickets they are.
        reviewer: returns the name of the person behind a resume; see `HandoffMiddleware`.
        messages: name of the state's list of messages.
    """

    def __init__(
        self, guard: "Guard", *, reviewer: Callable[[], str] | None = None, messages: str = "messages"
    ) -> None:
        self._waiting, self._messages = TicketWait(guard=guard, reviewer=reviewer), messages

    def __call__(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """Return the messages that go on from a decision, nothing if there is no hand-off."""
        last = state[self._messages][-1]
        handoff = get_handoff(last)
        if handoff is None:
            return {}
        return {self._messages: list(continuation(last, handoff, self._waiting.resolution(handoff)))}
