"""What a framework declares of a tool counts where the policy says so: one that reads costs no ticket."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from agents import Agent as SdkAgent
from agents import FunctionTool, OpenAIChatCompletionsModel, RunConfig, Runner, function_tool
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from mcp.types import ToolAnnotations
from openai import AsyncOpenAI
from pydantic_ai import Agent, DeferredToolRequests, FunctionToolset
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel

from handrail import Guard
from handrail.store import SqlStore
from handrail_adapters import agents_sdk, pydantic_ai
from handrail_adapters.langchain import guard_tool
from handrail_adapters.langchain_agents import HandoffMiddleware
from support.model_server import Say, model_server
from support.scripted_chat import ScriptedChat
from support.shop_guard import POLICY, shop_guard

READS: dict[str, bool] = {"readOnlyHint": True}
DESTROYS: dict[str, bool] = {"readOnlyHint": True, "destructiveHint": True}
LISTED = POLICY.replace(
    "\nhand_offs:\n",
    "\ntools: {issue_refund: acts, delete_account: acts}\nunlisted: pass_reads\n\nhand_offs:\n",
)
FOUND = "sent on Tuesday"


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[Guard]:
    with shop_guard(tmp_path, LISTED) as found, found.context(customer="c1", conversation="v1"):
        yield found


def function(guard: Guard, name: str, hints: dict[str, bool]) -> list[str]:
    ran: list[str] = []

    def look_up(order: str) -> str:
        ran.append(order)
        return FOUND

    reads = hints.get("readOnlyHint")
    tool = (
        guard.tool(name=name, reads=reads)(look_up) if hints != DESTROYS else guard.tool(name=name)(look_up)
    )
    if hints == DESTROYS:
        guard.declare_tool(name, hints)
    guard.result(tool, "7")
    return ran


def langchain_tool(ran: list[str], name: str, hints: dict[str, bool]) -> StructuredTool:
    def look_up(order: str) -> str:
        """Look an order up."""
        ran.append(order)
        return FOUND

    return StructuredTool.from_function(look_up, name=name, metadata=hints or None)


def langchain(guard: Guard, name: str, hints: dict[str, bool]) -> list[str]:
    ran: list[str] = []
    guard_tool(langchain_tool(ran, name, hints), guard).invoke({"order": "7"})
    return ran


def langchain_agent(guard: Guard, name: str, hints: dict[str, bool]) -> list[str]:
    ran: list[str] = []
    call: Any = {"name": name, "args": {"order": "7"}, "id": "c1", "type": "tool_call"}
    model = ScriptedChat(script=[AIMessage("", tool_calls=[call]), AIMessage("Done.")])
    tools = [langchain_tool(ran, name, hints)]
    built = create_agent(model, tools, middleware=[HandoffMiddleware(guard)], checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "t1"}}
    built.invoke({"messages": [HumanMessage("Where is it?", id="m1")]}, thread)
    return ran


def agents(guard: Guard, name: str, hints: dict[str, bool]) -> list[str]:
    ran: list[str] = []

    def look_up(order: str) -> str:
        """Look an order up."""
        ran.append(order)
        return FOUND

    tool: FunctionTool = function_tool(look_up, name_override=name)
    # As the SDK notes what an MCP server declares of a tool.
    tool._mcp_annotations = ToolAnnotations(**hints) if hints else None

    async def main(url: str) -> None:
        async with AsyncOpenAI(base_url=url, api_key="k", max_retries=0) as client:
            model = OpenAIChatCompletionsModel("m", openai_client=client)
            agent: Any = SdkAgent(name="a", model=model, tools=[agents_sdk.guard_tool(tool, guard)])
            await Runner.run(agent, "Where is it?", run_config=RunConfig(tracing_disabled=True))

    said = Say(None, calls=[(name, json.dumps({"order": "7"}))])
    with model_server(said, Say("Done.")) as server:
        asyncio.run(main(server.url))
    return ran


def pydantic(guard: Guard, name: str, hints: dict[str, bool]) -> list[str]:
    ran: list[str] = []

    def look_up(order: str) -> str:
        ran.append(order)
        return FOUND

    turns = iter([ModelResponse(parts=[ToolCallPart(name, {"order": "7"}, tool_call_id="c1")])])

    def script(messages: Any, info: Any) -> ModelResponse:
        return next(turns, ModelResponse(parts=[TextPart("Done.")]))

    tools: FunctionToolset[Any] = FunctionToolset()
    tools.add_function(look_up, name=name, metadata={"annotations": hints} if hints else None)
    agent: Any = Agent(
        FunctionModel(script),
        toolsets=[pydantic_ai.GuardedToolset(tools, guard)],
        output_type=[str, DeferredToolRequests],
    )
    asyncio.run(agent.run("Where is it?"))
    return ran


WAYS: dict[str, Callable[[Guard, str, dict[str, bool]], list[str]]] = {
    one.__name__: one for one in (function, langchain, langchain_agent, agents, pydantic)
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("name", "hints", "runs"),
    [
        ("track_parcel", READS, True),
        ("track_parcel", {}, False),
        ("track_parcel", DESTROYS, False),
    ],
)
def test_an_unlisted_tool_passes_only_where_its_framework_says_that_it_reads(
    guard: Guard, way: str, name: str, hints: dict[str, bool], runs: bool
) -> None:
    ran = WAYS[way](guard, name, hints)
    assert isinstance(guard.store, SqlStore)
    tickets = guard.store.list("default").rows
    assert (ran, len(tickets)) == ((["7"], 0) if runs else ([], 1))
