"""What a middleware knows of the calls it lets through or stops."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from langchain.agents.middleware import ModelRequest
from langchain_core.messages import ToolMessage
from langgraph.config import get_config

from handrail.guard import Outcome
from handrail.guard.tool import arguments_json
from handrail.records import Handoff, ToolCall
from handrail.tickets.ports import Settlement
from handrail_adapters.langchain.tools import stopped_message, stopped_text
from handrail_adapters.langchain_agents.waiting import TICKET_KEY, exchange_id

EDITED = "A person changed this action before it ran; what follows is the result of the changed action. "


def guarded_request(request: ModelRequest[Any], wrap: Callable[[Any], Any]) -> ModelRequest[Any]:
    """Return a request whose model is wrapped, also after another middleware put in a model of its own."""

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
    """Return an id for the model call that follows these messages; the same again when a node runs again."""
    thread = thread_id()
    last = messages[-1].id if messages else None
    return None if thread is None or last is None else exchange_id(thread, last)


def call_of(request: Any) -> ToolCall:
    """Return the call that a request is about."""
    call = request.tool_call
    return ToolCall(id=call["id"] or call["name"], name=call["name"], arguments=arguments_json(call["args"]))


def ticket_of(request: Any) -> str | None:
    """Return the ticket on which a call stands in the conversation, None for a call of the model's own."""
    state = request.state
    messages = state.get("messages", []) if isinstance(state, dict) else getattr(state, "messages", state)
    for message in reversed(messages):
        if any(call["id"] == request.tool_call["id"] for call in getattr(message, "tool_calls", ())):
            found = message.additional_kwargs.get(TICKET_KEY)
            return found if isinstance(found, str) else None
    return None


def with_arguments(request: Any, arguments: Any) -> Any:
    """Return the request with the arguments that were approved."""
    return request.override(tool_call={**request.tool_call, "args": dict(arguments)})


def next_step(messages: list[Any]) -> str:
    """Tell where the graph goes on after a decision."""
    if isinstance(messages[-1], ToolMessage):
        return "model"
    return "tools" if messages[-1].tool_calls else "end"


def settlement_of(result: object) -> Settlement:
    """Tell how an action ended; a tool that returns its own error leaves that unknown."""
    failed = isinstance(result, ToolMessage) and result.status == "error"
    return Settlement.UNKNOWN if failed else Settlement.DONE


def must_have_run(result: object) -> None:
    """Leave the outcome unknown if the tool says that it failed."""
    if isinstance(result, ToolMessage) and result.status == "error":
        raise ToolFailed(result)


class ToolFailed(Exception):
    """A tool returned an error; carries what it returned."""

    def __init__(self, result: ToolMessage) -> None:
        super().__init__("the tool failed")
        self.result = result


def refused(outcome: Outcome, request: Any) -> ToolMessage:
    """Return what the model is told of a call that was stopped."""
    call = request.tool_call
    text = stopped_text(outcome.notice, outcome.handoff)
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


def told_edited(result: Any) -> Any:
    """Return a result that says that another call was carried out than the model proposed."""
    if isinstance(result, ToolMessage) and isinstance(result.content, str):
        return result.model_copy(update={"content": EDITED + result.content})
    return result
