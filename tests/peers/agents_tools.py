"""A pytest plugin: every tool that is made of a function is behind the gate."""

import functools
from typing import Any

import agents
import agents.tool

from handrail_adapters.agents_sdk import guard_tool
from peers.pass_all import counted, guard


def pytest_configure() -> None:
    """Put the gate before every tool that is made from now on."""
    original = agents.tool.function_tool

    @functools.wraps(original)
    def function_tool(*args: Any, **options: Any) -> Any:
        made = original(*args, **options)
        if isinstance(made, agents.FunctionTool):
            return guard_tool(counted(made), guard())

        def decorated(fn: Any) -> Any:
            return guard_tool(counted(made(fn)), guard())

        return decorated

    agents.tool.function_tool = function_tool
    agents.function_tool = function_tool
