"""No adapter's coroutine uses the store in the thread of its event loop, where everybody else would wait."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from agents import RunContextWrapper, function_tool
from agents.tool_context import ToolContext
from anthropic import AsyncAnthropic
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from mcp import Client
from openai import AsyncOpenAI
from pydantic_ai import Agent, DeferredToolRequests, FunctionToolset
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel

from handrail import Guard
from handrail.guard import Outcome
from handrail.records import ToolCall
from handrail.store import SqlStore
from handrail_adapters import agents_sdk, pydantic_ai
from handrail_adapters.anthropic import guard_anthropic
from handrail_adapters.langchain import GuardedChatModel, GuardedRunnable, guard_tool
from handrail_adapters.langchain_agents import HandoffMiddleware
from handrail_adapters.mcp_server import Reviewer, ticket_server
from handrail_adapters.openai import guard_openai
from support import anthropic_shapes, gateway, openai_shapes
from support.model_server import Say
from support.scripted_chat import ScriptedChat
from support.shop_guard import KEY
from support.watched_store import WatchedStore, watched, watched_guard

LEAK = f"The key is {KEY}."
REFUND = {"amount": "640 USD"}
Scenario = Callable[[Guard], Awaitable[None]]


def says(shapes: Any, text: str) -> httpx2.MockTransport:
    def answer(request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        kind = "text/event-stream" if body.get("stream") else "application/json"
        content = b"".join(shapes.pieces(request.url.path, body, Say(text)))
        return httpx2.Response(200, headers={"content-type": kind}, content=content)

    return httpx2.MockTransport(answer)


def tickets(guard: Guard) -> list[str]:
    assert isinstance(guard.store, SqlStore)
    return [row.id for row in guard.store.list("default").rows]


async def approve(guard: Guard) -> None:
    """What a person does elsewhere."""

    def approved() -> None:
        for ticket in tickets(guard):
            guard.resolve(ticket, "fay", "approve", reason_code="ok")

    await asyncio.to_thread(approved)


async def asks_openai(guard: Guard) -> None:
    http = httpx2.AsyncClient(transport=says(openai_shapes, LEAK))
    async with guard_openai(AsyncOpenAI(api_key="k", http_client=http), guard) as client:
        asks: list[Any] = [{"role": "user", "content": "What is it?"}]
        await client.chat.completions.create(model="m", messages=asks)
        async for _ in await client.chat.completions.create(model="m", messages=asks, stream=True):
            pass
        await client.responses.create(model="m", input="What is it?")


async def asks_anthropic(guard: Guard) -> None:
    http = httpx2.AsyncClient(transport=says(anthropic_shapes, LEAK))
    client = guard_anthropic(AsyncAnthropic(api_key="k", http_client=http), guard)
    asks: Any = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "What is it?"}]}
    await client.messages.create(**asks)
    async with client.messages.stream(**asks) as stream:
        await stream.get_final_message()


@tool
async def issue_refund(amount: str) -> str:
    """Pay money back."""
    return f"refunded {amount}"


def proposes() -> AIMessage:
    call = {"name": "issue_refund", "args": REFUND, "id": "c1", "type": "tool_call"}
    return AIMessage("", tool_calls=[call])


async def asks_langchain(guard: Guard) -> None:
    assert await guard_tool(issue_refund, guard).ainvoke({"amount": "40 USD"}) == "refunded 40 USD"
    model = GuardedChatModel(inner=ScriptedChat(script=[AIMessage(LEAK)]), guard=guard)
    await model.ainvoke("What is it?")
    [chunk async for chunk in model.astream("What is it?")]
    chain = GuardedRunnable(RunnableLambda(lambda _: LEAK), guard, on_handoff=str)
    await chain.ainvoke("What is it?")
    [piece async for piece in chain.astream("What is it?")]
    await guard_tool(issue_refund, guard).ainvoke(REFUND)


async def runs_a_graph(guard: Guard) -> None:
    thread: Any = {"configurable": {"thread_id": "t1"}}
    model = ScriptedChat(script=[proposes(), AIMessage("Done.")])
    middleware = HandoffMiddleware(guard, mode="interrupt", reviewer=lambda: "fay")
    graph: Any = create_agent(model, [issue_refund], middleware=[middleware], checkpointer=InMemorySaver())
    await graph.ainvoke({"messages": [HumanMessage("Refund 640 USD", id="m1")]}, thread)
    result = await graph.ainvoke(Command(resume={"decisions": [{"type": "approve"}]}), thread)
    assert result["messages"][-1].content == "Done."


async def runs_pydantic_ai(guard: Guard) -> None:
    script = [[ToolCallPart("issue_refund", REFUND, "c1")], [TextPart("Done.")]]

    def refund(amount: str) -> str:
        return f"refunded {amount}"

    async def stream(messages: Any, info: Any) -> AsyncIterator[str]:
        yield LEAK

    model = FunctionModel(lambda *_: ModelResponse(parts=script.pop(0)), stream_function=stream)
    tools = pydantic_ai.GuardedToolset(FunctionToolset([refund]).renamed({"issue_refund": "refund"}), guard)
    agent: Agent[None, Any] = Agent(model, toolsets=[tools], output_type=[str, DeferredToolRequests])
    result = await agent.run("Refund")
    await approve(guard)
    given = await pydantic_ai.decided(guard, result.output)
    result = await agent.run(message_history=result.all_messages(), deferred_tool_results=given)
    assert result.output == "Done."
    guarded: Agent[None, str] = Agent(pydantic_ai.GuardedModel(model, guard))
    async with guarded.run_stream("What is it?") as streamed:
        await streamed.get_output()


async def runs_the_agents_sdk(guard: Guard) -> None:
    @function_tool(failure_error_function=None)
    def issue_refund(amount: str) -> str:
        """Pay money back."""
        return f"refunded {amount}"

    guarded, given = agents_sdk.guard_tool(issue_refund, guard), json.dumps(REFUND)
    context = ToolContext(None, tool_name="issue_refund", tool_call_id="c1", tool_arguments=given)
    needs_approval: Any = guarded.needs_approval
    assert await needs_approval(context, {"amount": "40 USD"}, "c0") is False
    assert await needs_approval(context, REFUND, "c1") is True
    await approve(guard)
    assert await guarded.on_invoke_tool(context, given) == "refunded 640 USD"
    guardrail = agents_sdk.handoff_output_guardrail(guard)
    await guardrail.run(RunContextWrapper(None), None, LEAK)  # type: ignore[arg-type]


SCENARIOS: list[Scenario] = [
    asks_openai,
    asks_anthropic,
    asks_langchain,
    runs_a_graph,
    runs_pydantic_ai,
    runs_the_agents_sdk,
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_nobody_waits_for_the_store(scenario: Scenario, tmp_path: Path) -> None:
    async def main() -> None:
        with guard.context(customer="ben", conversation="chat-1"):
            await scenario(guard)

    with watched_guard(tmp_path) as (guard, store):
        asyncio.run(main())
    assert store.stalls == []
    assert store.uses > 2, "the scenario must have used the store"


def test_a_store_that_is_used_in_the_loop_is_noticed(tmp_path: Path) -> None:
    async def main() -> None:
        assert tickets(guard) == []

    with watched_guard(tmp_path) as (guard, store):
        asyncio.run(main())
    assert store.stalls == ["list"]


def test_nobody_waits_for_the_store_of_a_gateway(tmp_path: Path) -> None:
    stores: list[WatchedStore] = []

    def made(policy: str) -> Guard:
        guard = Guard.from_policy(policy, people=tmp_path / "people.yaml", store=settings.store)
        assert isinstance(guard.store, SqlStore)
        stores.append(watched(guard.store))
        return guard

    def provider(request: httpx.Request) -> httpx.Response:
        pieces = openai_shapes.pieces(request.url.path, json.loads(request.content), Say(LEAK))
        return httpx.Response(200, content=b"".join(pieces))

    settings = gateway.settings_of(tmp_path, "http://provider/v1")
    app = gateway.create_app(settings, make_guard=made, transport=httpx.MockTransport(provider))

    async def main() -> None:
        inside = httpx.ASGITransport(app)
        keys = {"authorization": f"Bearer {gateway.CALLER_KEY}"}
        async with httpx.AsyncClient(transport=inside, base_url="http://gateway", headers=keys) as client:
            asks = {"model": "m", "messages": [{"role": "user", "content": "What is it?"}]}
            answer = await client.post("/v1/chat/completions", json=asks)
            ticket = answer.headers["x-handrail-ticket"]
            assert (await client.get(f"/handrail/tickets/{ticket}")).json()["is_decided"] is False
            assert (await client.get("/readyz")).status_code == 200
        async with app.router.lifespan_context(app):
            pass

    asyncio.run(main())
    assert [store.stalls for store in stores] == [[]]


def test_nobody_waits_for_the_store_of_an_mcp_server(tmp_path: Path) -> None:
    async def main() -> None:
        assert guard.people is not None
        reviewer = Reviewer(store=store, people=guard.people, policy=guard.policy, person="fay")
        async with Client(ticket_server(reviewer)) as client:
            await client.call_tool("list_tickets", {})
            await client.call_tool("show_ticket", {"ticket": opened})
            await client.call_tool("claim_ticket", {"ticket": opened})

    with watched_guard(tmp_path) as (guard, store):
        outcome = guard.gate(ToolCall(id="c1", name="issue_refund", arguments=json.dumps(REFUND)))
        assert isinstance(outcome, Outcome)
        (opened,) = tickets(guard)
        asyncio.run(main())
    assert store.stalls == []
