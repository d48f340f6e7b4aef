"""Who watches the run of a LangChain tool sees what its caller may have: results, errors, and no more."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from langchain_core.tracers import BaseTracer
from langchain_core.tracers.schemas import Run

from handrail import Guard
from handrail_adapters.langchain import guard_tool
from handrail_adapters.langchain_agents import HandoffMiddleware
from support.open_world import MAIL, guard_of
from support.scripted_chat import ScriptedChat

SECRET = MAIL.needle
EFFECTS = ("hand_off", "redact")


class Watcher(BaseTracer):
    """Keeps every run, as a tracer would send it."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def _persist_run(self, run: Run) -> None:
        self.told.append(all_of(run))


def all_of(run: Run) -> str:
    """What a tracer knows of a run and of those beneath it."""
    own = f"{run.name} {run.inputs!r} {run.outputs!r} {run.error!r} {run.events!r} {run.extra!r}"
    return " ".join([own, *map(all_of, run.child_runs)])


class Listener(BaseCallbackHandler):
    """Keeps what callbacks are told of a tool's end."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def on_tool_end(self, output: Any, **_: Any) -> None:
        self.told.append(repr(output))

    def on_tool_error(self, error: BaseException, **_: Any) -> None:
        self.told.append(f"{error!r} {error.__cause__!r} {error.__context__!r}")


@pytest.fixture(params=EFFECTS)
def guard(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Guard]:
    made = guard_of(tmp_path, request.param, judges_results=True)
    yield made
    made.close()


def returns(order: str) -> str:
    """Look an order up."""
    return f"order {order} of {SECRET}"


def fails(order: str) -> str:
    """Look an order up."""
    raise ValueError(f"no order {order} of {SECRET}")


def refuses(order: str) -> str:
    """Look an order up."""
    raise ToolException(f"no order {order} of {SECRET}")


def tool_of(fn: Callable[..., str], **options: Any) -> BaseTool:
    return StructuredTool.from_function(fn, name="look_up", **options)


def seen(tool: BaseTool, ask: Callable[[BaseTool, Any], object]) -> str:
    """All that the caller and whoever watches can see of one run."""
    tracer, listener = Watcher(), Listener()
    try:
        told = repr(ask(tool, {"callbacks": [tracer, listener]}))
    except Exception as error:  # noqa: BLE001 - an error is seen like a result
        told = f"{error!r} {error.__cause__!r} {error.__context__!r}"
    assert tracer.told, "the run is traced"
    assert listener.told, "callbacks are told of its end"
    return " ".join([told, *tracer.told, *listener.told])


ASKS: dict[str, Callable[[BaseTool, Any], object]] = {
    "invoke": lambda tool, config: tool.invoke({"order": "7"}, config),
    "ainvoke": lambda tool, config: asyncio.run(tool.ainvoke({"order": "7"}, config)),
    "call": lambda tool, config: tool.invoke(
        {"name": "look_up", "args": {"order": "7"}, "id": "c1", "type": "tool_call"}, config
    ),
    "run": lambda tool, config: tool.run({"order": "7"}, callbacks=config["callbacks"]),
}


@pytest.mark.parametrize("fn", [returns, fails, refuses])
@pytest.mark.parametrize("options", [{}, {"handle_tool_error": True}], ids=["plain", "handled"])
def test_bypass_who_watches_a_guarded_tool_sees_what_is_released(
    guard: Guard, fn: Callable[..., str], options: dict[str, Any]
) -> None:
    inner = tool_of(fn, **options)
    for ask in ASKS.values():
        assert SECRET in seen(inner, ask), "the control must leak"
        assert SECRET not in seen(guard_tool(inner, guard), ask)


def test_bypass_callbacks_set_on_the_inner_tool_see_only_what_was_released(guard: Guard) -> None:
    listener = Listener()
    tool = guard_tool(tool_of(returns, callbacks=[listener]), guard)
    tool.invoke({"order": "7"})
    assert listener.told
    assert SECRET not in " ".join(listener.told)


@pytest.mark.parametrize("fn", [returns, refuses])
def test_bypass_who_watches_an_agent_sees_no_more_of_its_tools(guard: Guard, fn: Callable[..., str]) -> None:
    def run(middleware: list[Any]) -> str:
        call = {"name": "look_up", "args": {"order": "7"}, "id": "c1", "type": "tool_call"}
        model = ScriptedChat(script=[AIMessage("", tool_calls=[call]), AIMessage("Done.")])
        agent: Any = create_agent(model, [tool_of(fn, handle_tool_error=True)], middleware=middleware)
        tracer = Watcher()
        told = agent.invoke({"messages": [("user", "Where is order 7?")]}, {"callbacks": [tracer]})
        return repr(told) + " ".join(tracer.told)

    assert SECRET in run([]), "the control must leak"
    assert SECRET not in run([HandoffMiddleware(guard)])


def test_a_guarded_tool_that_passes_is_traced_as_it_returns(guard: Guard) -> None:
    def plain(order: str) -> str:
        """Look an order up."""
        return f"order {order} is on its way"

    for ask in ASKS.values():
        assert "order 7 is on its way" in seen(guard_tool(tool_of(plain), guard), ask)


def test_what_a_guarded_tool_asks_runs_beneath_it(guard: Guard) -> None:
    def asks(order: str) -> str:
        """Look an order up."""
        return str(RunnableLambda(lambda number: f"order {number} is on its way").invoke(order))

    for tool in (tool_of(asks), guard_tool(tool_of(asks), guard)):
        tracer = Watcher()
        tool.invoke({"order": "7"}, {"callbacks": [tracer]})
        assert len(tracer.told) == 1
        assert "RunnableLambda" in tracer.told[0]
