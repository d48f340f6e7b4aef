"""A pytest plugin: every tool that is made of a function is behind the gate."""

import functools
import sys
from typing import Any

import agents
import agents.decorators
import agents.tool

from handrail_adapters.agents_sdk import guard_tool
from peers.pass_all import guard


def pytest_configure() -> None:
    """Put the gate before every tool that is made from now on."""
    guard()
    original = agents.tool.function_tool

    @functools.wraps(original)
    def function_tool(*args: Any, **options: Any) -> Any:
        made = original(*args, **options)
        if isinstance(made, agents.FunctionTool):
            return guard_tool(made, guard())
        return lambda fn: guard_tool(made(fn), guard())

    loaded = [module for name, module in sys.modules.items() if name.partition(".")[0] == "agents"]
    for module in loaded:
        for name, value in vars(module).copy().items():
            if value is original:
                setattr(module, name, function_tool)
