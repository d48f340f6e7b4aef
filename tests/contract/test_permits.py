"""A permit fits its call, in every framework: what was let by is what runs; each call has its own fate."""

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from agents import Agent as SdkAgent
from agents import OpenAIChatCompletionsModel, RunConfig, Runner, function_tool
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from openai import AsyncOpenAI
from pydantic_ai import Agent, DeferredToolRequests, FunctionToolset
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel

from handrail import Guard, HandoffRequired
from handrail.errors import NotAllowed
from handrail.guard.outcome import Outcome
from handrail.records import Money, ToolCall
from handrail.store import SqlStore
from handrail.tickets.lifecycle import State
from handrail_adapters import agents_sdk, pydantic_ai
from handrail_adapters.langchain import guard_tool
from handrail_adapters.langchain_agents import HandoffMiddleware
from handrail_adapters.langchain_agents.waiting import TICKET_KEY
from support.model_server import Say, model_server
from support.scripted_chat import ScriptedChat
from support.shop_guard import POLICY, shop_guard

THREAD: Any = {"configurable": {"thread_id": "t1"}}
COUNTED = POLICY.replace(
    "  input.findings:",
    "  refunds_30d: {type: money, currencies: [USD], from: ledger, sum: refund.amount, where: issue_refund,\n"
    "    per: conversation, within: 30 days}\n  input.findings:",
).replace("refund.amount > 500 USD", "refund.amount + refunds_30d > 500 USD")


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[Guard]:
    with shop_guard(tmp_path, COUNTED) as found:
        yield found


@pytest.fixture
def paid() -> list[str]:
    return []


@pytest.fixture
def issue_refund(paid: list[str]) -> BaseTool:
    @tool
    def issue_refund(amount: str, order: str = "7") -> str:
        """Pay money back."""
        paid.append(f"{amount} for {order}")
        return f"refunded {amount}"

    return issue_refund


@pytest.fixture
def look_up(paid: list[str]) -> BaseTool:
    @tool
    def look_up(amount: str = "", order: str = "7") -> str:
        """Look an order up."""
        paid.append(f"looked {order} up")
        return "found"

    return look_up


class Changes(AgentMiddleware[Any, Any, Any]):
    """Other middleware, between the gate and the tool: it changes a call, or the tool, of its own accord."""

    def __init__(self, other: BaseTool | None = None, **args: str) -> None:
        super().__init__()
        self.other, self.args = other, args

    def changed(self, request: Any) -> Any:
        call = {**request.tool_call, "args": {**request.tool_call["args"], **self.args}}
        return request.override(tool_call=call, **({"tool": self.other} if self.other else {}))

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        return handler(self.changed(request))

    async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
        return await handler(self.changed(request))


def calls(*amounts: str, name: str = "issue_refund", **marked: Any) -> AIMessage:
    proposed: Any = [
        {"name": name, "args": {"amount": one, "order": str(n)}, "id": f"c{n}", "type": "tool_call"}
        for n, one in enumerate(amounts, 7)
    ]
    return AIMessage("", tool_calls=proposed, additional_kwargs=marked)


def ran(guard: Guard, tools: list[BaseTool], message: AIMessage, *after: Any, is_async: bool) -> Any:
    """Run the tools of an agent on a message, behind the gate and whatever middleware comes after it."""
    model = ScriptedChat(script=[AIMessage("Done.")])
    built = create_agent(
        model, tools, middleware=[HandoffMiddleware(guard), *after], checkpointer=InMemorySaver()
    )
    given: Any = {"messages": [HumanMessage("Hi", id="m1"), message]}
    built.update_state(THREAD, given, as_node="model")
    return asyncio.run(built.ainvoke(None, THREAD)) if is_async else built.invoke(None, THREAD)


def told(result: Any) -> list[str]:
    return [one.text for one in result["messages"] if isinstance(one, ToolMessage)]


BOTH = pytest.mark.parametrize("is_async", [False, True])


@BOTH
def test_langchain_runs_what_was_let_by_where_nothing_changes_it(
    guard: Guard, issue_refund: BaseTool, paid: list[str], is_async: bool
) -> None:
    result = ran(guard, [issue_refund], calls("40 USD"), Changes(), is_async=is_async)
    assert paid == ["40 USD for 7"]
    assert told(result) == ["refunded 40 USD"]


@BOTH
def test_langchain_gates_anew_what_other_middleware_made_of_a_call(
    guard: Guard, issue_refund: BaseTool, paid: list[str], is_async: bool
) -> None:
    result = ran(guard, [issue_refund], calls("40 USD"), Changes(amount="640 USD"), is_async=is_async)
    assert paid == []
    assert "a person must decide first" in told(result)[0]
    rows = store_of(guard).list("default").rows
    assert [row.role for row in rows] == ["finance_lead"]
    # What was let by did not run, so nothing of it counts.
    with guard.context(conversation="t1"):
        passed = guard.gate(ToolCall(id="k", name="issue_refund", arguments='{"amount": "499 USD"}'))
    assert isinstance(passed, Outcome)
    assert passed.decision.facts["refunds_30d"] == Money(amount=Decimal(0), currency="USD")


@BOTH
def test_langchain_lets_a_smaller_change_by_at_a_gate_of_its_own_and_books_what_ran(
    guard: Guard, issue_refund: BaseTool, paid: list[str], is_async: bool
) -> None:
    ran(guard, [issue_refund], calls("400 USD"), Changes(amount="50 USD"), is_async=is_async)
    assert paid == ["50 USD for 7"]
    with guard.context(conversation="t1"):
        passed = guard.gate(ToolCall(id="k", name="issue_refund", arguments='{"amount": "440 USD"}'))
    assert not hasattr(passed, "handoff")


@BOTH
def test_langchain_gates_a_tool_that_took_the_place_of_the_permitted_one(
    guard: Guard, issue_refund: BaseTool, look_up: BaseTool, paid: list[str], is_async: bool
) -> None:
    swapped = Changes(issue_refund, amount="640 USD")
    ran(guard, [look_up], calls("1 USD", name="look_up"), swapped, is_async=is_async)
    assert paid == []


@BOTH
@pytest.mark.parametrize(
    ("name", "amount"), [("delete_account", "640 USD"), ("issue_refund", "9000 USD"), ("look_up", "640 USD")]
)
def test_langchain_gates_a_call_anew_that_is_not_the_one_that_was_decided(
    guard: Guard, paid: list[str], name: str, amount: str, is_async: bool
) -> None:
    @tool(name)
    def other(amount: str, order: str = "7") -> str:
        """Do something else."""
        paid.append(amount)
        return "done"

    with guard.context(conversation="t1"):
        passed: Any = guard.gate(
            ToolCall(id="c7", name="issue_refund", arguments='{"amount": "640 USD", "order": "7"}')
        )
    guard.resolve(passed.handoff.ticket, "fay", "approve")
    marked = {TICKET_KEY: passed.handoff.ticket}
    ran(guard, [other], calls(amount, name=name, **marked), is_async=is_async)
    assert paid == (["640 USD"] if name == "look_up" else [])
    assert store_of(guard).get("default", passed.handoff.ticket).state is State.DECIDED


def store_of(guard: Guard) -> SqlStore:
    assert isinstance(guard.store, SqlStore)
    return guard.store


def test_langchain_tells_an_inbox_what_its_tool_takes(guard: Guard, issue_refund: BaseTool) -> None:
    guarded = guard_tool(issue_refund, guard)
    with guard.context(conversation="v1"):
        guarded.invoke({"amount": "640 USD", "order": "7"})
    (row,) = store_of(guard).list("default").rows
    with pytest.raises(NotAllowed, match="did you mean 'amount'"):
        guard.resolve(row.id, "fay", "edit", changes={"amout": "90 USD"})
    with pytest.raises(NotAllowed, match="order is not of the type string"):
        guard.resolve(row.id, "fay", "edit", changes={"order": 5})
    guard.resolve(row.id, "fay", "edit", changes={"amount": "90 USD"})


def test_langchain_calls_of_one_turn_have_each_their_own_fate(
    guard: Guard, issue_refund: BaseTool, paid: list[str]
) -> None:
    first = ran(guard, [issue_refund], calls("640 USD", "700 USD", "40 USD"), is_async=False)
    assert paid == [] or paid == ["40 USD for 9"]
    assert len(told(first)) == 3
    assert sum("Not carried out" in one for one in told(first)) == 3 - len(paid)


def two_calls(guard: Guard, paid: list[str]) -> tuple[Agent[None, Any], Any, list[str]]:
    """A Pydantic AI agent whose model proposes two refunds that a person must see, in one turn."""
    seen: list[str] = []

    def issue_refund(amount: str, order: str) -> str:
        paid.append(f"{amount} for {order}")
        return f"refunded {amount}"

    def script(messages: Any, info: Any) -> ModelResponse:
        seen.append(repr(messages))
        if len(seen) > 1:
            return ModelResponse(parts=[TextPart("Done.")])
        parts = [
            ToolCallPart("issue_refund", {"amount": amount, "order": order}, tool_call_id=f"c{order}")
            for amount, order in (("640 USD", "7"), ("700 USD", "8"))
        ]
        return ModelResponse(parts=parts)

    tools = pydantic_ai.GuardedToolset(FunctionToolset([issue_refund], sequential=True), guard)
    agent: Agent[None, Any] = Agent(
        FunctionModel(script), toolsets=[tools], output_type=[str, DeferredToolRequests]
    )
    with guard.context(conversation="v1"):
        return agent, asyncio.run(agent.run("Refund both")), seen


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_pydantic_ai_decides_one_of_two_calls_and_the_other_stays_not_run(
    guard: Guard, paid: list[str], verdict: str
) -> None:
    agent, first, seen = two_calls(guard, paid)
    assert isinstance(first.output, DeferredToolRequests)
    (waits,) = first.output.approvals
    ticket = first.output.metadata[waits.tool_call_id]["handrail_ticket"]
    guard.resolve(ticket, "fay", verdict)
    results = asyncio.run(pydantic_ai.decided(guard, first.output))
    assert list(results.approvals) == [waits.tool_call_id]
    with guard.context(conversation="v1"):
        asyncio.run(agent.run(message_history=first.all_messages(), deferred_tool_results=results))
    amount = {"c7": "640 USD for 7", "c8": "700 USD for 8"}[waits.tool_call_id]
    assert paid == ([amount] if verdict == "approve" else [])
    assert "another call waits for a person first" in seen[-1]


def sdk_agent(client: AsyncOpenAI, guard: Guard, paid: list[str]) -> SdkAgent[Any]:
    @function_tool
    def issue_refund(amount: str, order: str) -> str:
        """Pay money back."""
        paid.append(f"{amount} for {order}")
        return f"refunded {amount}"

    model = OpenAIChatCompletionsModel("m", openai_client=client)
    return SdkAgent(name="a", model=model, tools=[agents_sdk.guard_tool(issue_refund, guard)])


async def with_client(main: Any, url: str) -> None:
    async with AsyncOpenAI(base_url=url, api_key="k", max_retries=0) as client:
        await main(client)


QUIET = RunConfig(tracing_disabled=True)


@pytest.mark.parametrize(
    "written", ['{"amount":"640 USD","order":"7"}', '{ "order": "7",\n "amount": "640\\u0020USD" }']
)
def test_agents_sdk_runs_an_approved_call_however_its_json_is_written(
    guard: Guard, paid: list[str], written: str
) -> None:
    async def main(client: AsyncOpenAI) -> None:
        agent = sdk_agent(client, guard, paid)
        state = (await Runner.run(agent, "Refund", run_config=QUIET)).to_state()
        (row,) = store_of(guard).list("default").rows
        await guard.aresolve(row.id, "fay", "approve")
        assert await agents_sdk.decided(guard, state) == []
        await Runner.run(agent, state, run_config=QUIET)

    said = Say(None, calls=[("issue_refund", written)])
    with model_server(said, Say("Done.")) as server, guard.context(conversation="v1"):
        asyncio.run(with_client(main, server.url))
    assert paid == ["640 USD for 7"]
    assert store_of(guard).list("default").rows == ()


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_agents_sdk_decides_one_of_two_calls_and_tells_the_model_of_the_other(
    guard: Guard, paid: list[str], verdict: str
) -> None:
    heard: list[str] = []

    async def main(client: AsyncOpenAI) -> None:
        agent = sdk_agent(client, guard, paid)
        state = (await Runner.run(agent, "Refund", run_config=QUIET)).to_state()
        (row,) = store_of(guard).list("default").rows
        await guard.aresolve(row.id, "fay", verdict)
        await agents_sdk.decided(guard, state)
        result = await Runner.run(agent, state, run_config=QUIET)
        heard.extend(str(one) for one in result.to_input_list())

    both = [
        ("issue_refund", json.dumps({"amount": amount, "order": order}))
        for amount, order in (("640 USD", "7"), ("700 USD", "8"))
    ]
    with model_server(Say(None, calls=both), Say("Done.")) as server, guard.context(conversation="v1"):
        asyncio.run(with_client(main, server.url))
    assert len(paid) == (1 if verdict == "approve" else 0)
    assert any("Not carried out" in one for one in heard)


def test_a_plain_call_that_joined_the_ticket_of_another_is_not_run_by_its_approval(
    guard: Guard, paid: list[str]
) -> None:
    @guard.tool
    def issue_refund(amount: str, order: str) -> None:
        paid.append(f"{amount} for {order}")

    tickets = []
    with guard.context(conversation="v1"):
        for amount, order in (("640 USD", "7"), ("700 USD", "8")):
            with pytest.raises(HandoffRequired) as raised:
                issue_refund(amount, order)
            tickets.append(raised.value.handoff)
    assert [one.joined for one in tickets] == [False, True]
    guard.resolve(tickets[0].ticket, "fay", "approve")
    with guard.authorised(tickets[1].ticket) as action:
        action.run()
    assert paid == ["640 USD for 7"]
