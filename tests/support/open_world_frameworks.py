"""Runnables and tools of frameworks: how a value goes in or comes out, and what is seen of it."""

import asyncio
import json
from typing import Any

from agents import function_tool
from agents.tool_context import ToolContext
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool

from handrail import Guard
from handrail_adapters import agents_sdk
from handrail_adapters.langchain import GuardedRunnable, guard_tool
from support.open_world_functions import Entry, Seen


def runnable_result(guard: Guard | None, value: Any, seen: Seen) -> Any:
    inner: Any = RunnableLambda(lambda given: value)
    return (inner if guard is None else GuardedRunnable(inner, guard)).invoke("Where?")


def runnable_argument(guard: Guard | None, value: Any, seen: Seen) -> Any:
    def run(given: Any) -> str:
        seen.append(given["question"])
        return "Fine."

    inner: Any = RunnableLambda(run)
    return (inner if guard is None else GuardedRunnable(inner, guard)).invoke({"question": value})


def langchain_tool_argument(guard: Guard | None, value: Any, seen: Seen) -> Any:
    @tool
    def look_up(order: Any) -> str:
        """Look."""
        seen.append(order)
        return "Fine."

    return (look_up if guard is None else guard_tool(look_up, guard)).invoke({"order": value})


def langchain_tool_result(guard: Guard | None, value: Any, seen: Seen) -> Any:
    @tool
    def look_up(order: str) -> Any:
        """Look."""
        return value

    return (look_up if guard is None else guard_tool(look_up, guard)).invoke({"order": "7"})


def agents_tool_argument(guard: Guard | None, value: Any, seen: Seen) -> Any:
    return _agents_tool(guard, json.dumps({"order": value}, default=str), seen, "Fine.")


def agents_tool_result(guard: Guard | None, value: Any, seen: Seen) -> Any:
    return _agents_tool(guard, '{"order": "7"}', [], value)


def _agents_tool(guard: Guard | None, arguments: str, seen: Seen, result: Any) -> Any:
    @function_tool(strict_mode=False, failure_error_function=None)
    def look_up(order: Any) -> Any:
        """Look."""
        seen.append(order)
        return result

    made = look_up if guard is None else agents_sdk.guard_tool(look_up, guard)
    context: Any = ToolContext(context=None, tool_name="look_up", tool_call_id="c1", tool_arguments=arguments)
    return asyncio.run(made.on_invoke_tool(context, arguments))


FRAMEWORK_ARGUMENTS: dict[str, Entry] = {
    entry.__name__: entry for entry in (runnable_argument, langchain_tool_argument)
}
FRAMEWORK_RESULTS: dict[str, Entry] = {"runnable_result": runnable_result}
FRAMEWORK_TOOL_RESULTS: dict[str, Entry] = {
    entry.__name__: entry for entry in (langchain_tool_result, agents_tool_result)
}
