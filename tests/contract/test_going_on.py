"""Going on after a decision, in every framework: a hand-off is found, and what was left out is told."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from agents import Agent as SdkAgent
from agents import OpenAIChatCompletionsModel, OpenAIResponsesModel, RunConfig, Runner, function_tool
from anthropic import Anthropic
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command
from openai import AsyncOpenAI, OpenAI
from pydantic_ai import Agent, DeferredToolRequests, FunctionToolset
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel

from handrail import Guard, HandoffRequired
from handrail.errors import ConfigError, NotAllowed
from handrail.records import Handoff
from handrail.store import SqlStore
from handrail.tickets.lifecycle import State
from handrail_adapters import agents_sdk, anthropic, openai, pydantic_ai
from handrail_adapters.langchain import GuardedChatModel, get_handoff, guard_tool
from handrail_adapters.langchain_agents import HandoffMiddleware, HandoffNode
from support import anthropic_shapes
from support.gateway import CALLER_KEY, gateway
from support.model_server import Say, model_server
from support.scripted_chat import ScriptedChat
from support.shop_guard import PEOPLE, shop_guard

THREAD: Any = {"configurable": {"thread_id": "t1"}}
QUIET = RunConfig(tracing_disabled=True)
BIG, SMALL = {"amount": "640 USD", "order": "7"}, {"amount": "40 USD", "order": "8"}
BOTH = pytest.mark.parametrize("is_async", [False, True])


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[Guard]:
    with shop_guard(tmp_path) as found:
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


def proposes(*arguments: dict[str, str], name: str = "issue_refund") -> AIMessage:
    calls: Any = [
        {"name": name, "args": dict(given), "id": f"c{number}", "type": "tool_call"}
        for number, given in enumerate(arguments)
    ]
    return AIMessage("", tool_calls=calls)


def asks(words: str = "Refund it") -> Any:
    return {"messages": [HumanMessage(words, id="m1")]}


def store_of(guard: Guard) -> SqlStore:
    assert isinstance(guard.store, SqlStore)
    return guard.store


def only_ticket(guard: Guard, tenant: str = "default") -> str:
    (row,) = store_of(guard).list(tenant).rows
    return row.id


def state(guard: Guard, ticket: str) -> State:
    return store_of(guard).get("default", ticket).state


def run(built: Any, given: Any, *, is_async: bool) -> Any:
    return asyncio.run(built.ainvoke(given, THREAD)) if is_async else built.invoke(given, THREAD)


# Siblings of a call that waited


@BOTH
@pytest.mark.parametrize("verdict", ["approve", "reject", "respond"])
def test_a_langchain_agent_is_told_of_the_calls_that_a_hand_off_left_out(
    guard: Guard, issue_refund: BaseTool, paid: list[str], verdict: str, is_async: bool
) -> None:
    model = ScriptedChat(script=[proposes(SMALL, BIG, {"amount": "700 USD"}), AIMessage("Done.")])
    middleware = HandoffMiddleware(guard, mode="interrupt", reviewer=lambda: "fay")
    built = create_agent(model, [issue_refund], middleware=[middleware], checkpointer=InMemorySaver())
    paused = run(built, asks(), is_async=is_async)
    shown = paused["__interrupt__"][0].value["action_requests"][0]
    ticket = only_ticket(guard)
    held = store_of(guard).get("default", ticket).ticket
    assert held is not None
    assert held.beside == ("issue_refund", "issue_refund")
    assert any(
        "only where it is approved too: issue_refund, issue_refund" in step for step in held.contingency
    )
    decision = {"type": verdict, "message": "We call you."}
    done = run(built, Command(resume={"decisions": [decision]}), is_async=is_async)
    assert shown["args"] == BIG
    assert paid == (["640 USD for 7"] if verdict == "approve" else [])
    told = [one for one in done["messages"] if isinstance(one, ToolMessage)]
    left_out = [one for one in told if "another call of this turn" in one.text]
    assert len(left_out) == 2
    answered = {one.tool_call_id for one in told}
    proposed = {call["id"] for one in done["messages"] for call in getattr(one, "tool_calls", ())}
    assert proposed == answered
    if verdict != "respond":
        assert [one.text for one in model.seen[-1] if "another call of this turn" in one.text] == [
            one.text for one in left_out
        ]
    assert store_of(guard).list("default").rows == ()


def test_the_note_by_which_an_assistant_resumes_tells_of_the_calls_that_were_left_out(guard: Guard) -> None:
    calls = [("issue_refund", json.dumps(BIG)), ("look_up", '{"order": "7"}')]
    ask: Any = {"model": "m", "messages": [{"role": "user", "content": "Refund"}]}
    with model_server(Say(None, calls=calls), Say("Hello.")) as server, guard.context(conversation="v1"):
        client = openai.guard_openai(OpenAI(base_url=server.url, api_key="k"), guard)
        found = openai.get_handoff(client.chat.completions.create(**ask))
        assert found is not None
        guard.resolve(found.ticket, "fay", "reject")
        client.chat.completions.create(**ask)
        assert "What you proposed with it was not carried out: look_up." in server.sent


def test_calls_that_are_gated_one_by_one_have_no_siblings(guard: Guard) -> None:
    @guard.tool
    def issue_refund(amount: str, order: str = "7") -> None:
        """Pay money back."""

    with pytest.raises(HandoffRequired) as raised:
        issue_refund("640 USD")
    held = store_of(guard).get("default", raised.value.handoff.ticket).ticket
    assert held is not None
    assert held.beside == ()


# A graph of one's own


def own_graph(guard: Guard, tools: list[BaseTool], node: HandoffNode) -> Any:
    script = [proposes(BIG), AIMessage("Done.")]
    model = GuardedChatModel(inner=ScriptedChat(script=script), guard=guard)
    graph = StateGraph(MessagesState)
    graph.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_node("person", node)
    graph.add_node("tools", ToolNode(tools))
    graph.add_edge(START, "model")
    graph.add_edge("model", "person")

    def onward(state: Any) -> str:
        last = state["messages"][-1]
        return "tools" if getattr(last, "tool_calls", ()) else "model" if last.type == "tool" else END

    graph.add_conditional_edges("person", onward)
    graph.add_edge("tools", "model")
    return graph.compile(checkpointer=InMemorySaver())


@BOTH
def test_a_plain_tool_node_is_given_no_approved_call_of_a_tool_that_nobody_guards(
    guard: Guard, issue_refund: BaseTool, paid: list[str], is_async: bool
) -> None:
    built = own_graph(guard, [issue_refund], HandoffNode(guard, reviewer=lambda: "fay"))
    run(built, asks(), is_async=is_async)
    ticket = only_ticket(guard)
    with pytest.raises(ConfigError, match="HandoffNode\\(guard, tools=\\[issue_refund\\]\\)"):
        run(built, Command(resume={"decisions": [{"type": "approve"}]}), is_async=is_async)
    assert paid == []
    assert state(guard, ticket) is State.DECIDED


@BOTH
def test_a_node_with_tools_runs_what_was_approved_itself(
    guard: Guard, issue_refund: BaseTool, paid: list[str], is_async: bool
) -> None:
    node = HandoffNode(guard, reviewer=lambda: "fay", tools=[issue_refund])
    built = own_graph(guard, [issue_refund], node)
    run(built, asks(), is_async=is_async)
    ticket = only_ticket(guard)
    done = run(built, Command(resume={"decisions": [{"type": "approve"}]}), is_async=is_async)
    assert paid == ["640 USD for 7"]
    assert state(guard, ticket) is State.APPLIED
    assert [one.text for one in done["messages"][-2:]] == ["refunded 640 USD", "Done."]


# A turn that ended with the notice


@BOTH
def test_a_plain_tool_of_an_agent_is_carried_out_after_a_turn_that_ended_with_the_notice(
    guard: Guard, issue_refund: BaseTool, paid: list[str], is_async: bool
) -> None:
    model = ScriptedChat(script=[proposes(BIG), AIMessage("Done.")])
    built = create_agent(
        model, [issue_refund], middleware=[HandoffMiddleware(guard)], checkpointer=InMemorySaver()
    )
    found = get_handoff(run(built, asks(), is_async=is_async))
    assert found is not None
    guard.resolve(found.ticket, "fay", "edit", changes={"amount": "590 USD"})

    async def carry_out() -> None:
        async with guard.aauthorised(found.ticket) as action:
            await action.arun()

    asyncio.run(carry_out())
    assert paid == ["590 USD for 7"]
    assert state(guard, found.ticket) is State.APPLIED
    later = run(built, {"messages": [HumanMessage("Did it work?", id="m2")]}, is_async=is_async)
    assert later["messages"][-1].text == "Done."
    assert "It has been carried out; do not do it again." in repr(model.seen[-1])
    assert store_of(guard).list("default").rows == ()


# What a function or a framework returned


def handing_off(guard: Guard) -> dict[str, Callable[[], Any]]:
    @guard.tool
    def issue_refund(amount: str, order: str = "7") -> str:
        return f"refunded {amount}"

    def raises() -> str:
        return issue_refund("640 USD")

    def wraps() -> str:
        try:
            return issue_refund("640 USD")
        except HandoffRequired as error:
            raise RuntimeError("the agent failed") from error

    def groups() -> None:
        try:
            issue_refund("640 USD")
        except HandoffRequired as error:
            raise ExceptionGroup("tasks", [ValueError(), error]) from None

    def swallows() -> str:
        try:
            return issue_refund("640 USD")
        except HandoffRequired:
            return "A colleague looks at it."

    def generates() -> Iterator[str]:
        yield "one moment"
        yield issue_refund("640 USD")

    return {
        "raises": raises,
        "wraps": wraps,
        "groups": groups,
        "swallows": swallows,
        "decorated": guard(raises),
        "generates": lambda: next(one for one in guard.result(generates) if not isinstance(one, str)),
    }


@pytest.mark.parametrize("how", ["raises", "wraps", "groups", "swallows", "decorated", "generates"])
def test_a_result_is_the_hand_off_whatever_inside_handed_off(guard: Guard, how: str) -> None:
    fn = handing_off(guard)[how]
    found = guard.result(fn)
    assert isinstance(found, Handoff)
    assert found.ticket == only_ticket(guard)

    async def later() -> Any:
        return fn()

    again = asyncio.run(guard.aresult(later))
    assert isinstance(again, Handoff)


def test_a_result_without_a_hand_off_is_the_answer_or_the_error(guard: Guard) -> None:
    def fails() -> None:
        raise ValueError("no")

    assert guard.result(lambda: "fine") == "fine"
    with pytest.raises(ValueError, match="no"):
        guard.result(fails)


def test_the_result_of_an_agent_s_run_is_the_hand_off_that_it_ran_into(
    guard: Guard, issue_refund: BaseTool
) -> None:
    model = ScriptedChat(script=[proposes(BIG), AIMessage("A colleague looks at it.")])
    built = create_agent(model, [guard_tool(issue_refund, guard)])
    found = guard.result(lambda: built.invoke(asks()))
    assert isinstance(found, Handoff)
    assert found.ticket == only_ticket(guard)


def test_langchain_finds_a_hand_off_in_results_states_streams_and_events(
    guard: Guard, issue_refund: BaseTool
) -> None:
    model = ScriptedChat(script=[proposes(BIG)])
    middleware = HandoffMiddleware(guard, mode="interrupt", reviewer=lambda: "fay")
    built = create_agent(model, [issue_refund], middleware=[middleware], checkpointer=InMemorySaver())
    seen = list(built.stream(asks(), THREAD, stream_mode="updates"))
    ticket = only_ticket(guard)
    found = [get_handoff(one) for one in seen]
    assert {one.ticket for one in found if one is not None} == {ticket}
    assert sum(one is not None for one in found) == 2
    for value in (
        built.invoke(None, THREAD),
        built.get_state(THREAD),
        built.get_state(THREAD).values["messages"],
        built.invoke(None, THREAD, version="v2"),
    ):
        handoff = get_handoff(value)
        assert handoff is not None, value
        assert handoff.ticket == ticket
    plain = create_agent(ScriptedChat(script=[AIMessage("Hello.")]), [issue_refund], middleware=[middleware])
    with guard.context(conversation="v9"):
        assert get_handoff(plain.invoke(asks())) is None


def test_a_hand_off_of_an_earlier_turn_is_not_that_of_the_last(guard: Guard, issue_refund: BaseTool) -> None:
    model = ScriptedChat(script=[proposes(BIG), AIMessage("Told."), AIMessage("Hello.")])
    built = create_agent(model, [guard_tool(issue_refund, guard)], checkpointer=InMemorySaver())
    assert get_handoff(built.invoke(asks(), THREAD)) is not None
    assert get_handoff(built.invoke({"messages": [HumanMessage("Hi")]}, THREAD)) is None


@pytest.mark.parametrize("model_of", [OpenAIChatCompletionsModel, OpenAIResponsesModel])
@pytest.mark.parametrize("is_streamed", [False, True])
def test_the_agents_sdk_finds_a_hand_off_of_the_model_s_client_in_a_run_s_result(
    guard: Guard, model_of: Any, is_streamed: bool
) -> None:
    async def main(client: AsyncOpenAI) -> None:
        guarded = openai.guard_openai(client, guard)
        agent: SdkAgent[Any] = SdkAgent(name="a", model=model_of("m", openai_client=guarded))
        if is_streamed:
            result: Any = Runner.run_streamed(agent, "A human agent, please", run_config=QUIET)
            with pytest.raises(ConfigError, match="not read to its end"):
                agents_sdk.get_handoff(result)
            async for _ in result.stream_events():
                pass
        else:
            result = await Runner.run(agent, "A human agent, please", run_config=QUIET)
        found = agents_sdk.get_handoff(result)
        assert found is not None
        assert (found.ticket, found.role) == (only_ticket(guard), "queue_manager")
        with pytest.raises(ConfigError, match="pass the whole result"):
            agents_sdk.get_handoff(result.final_output)

    with model_server(Say("unused")) as server, guard.context(conversation="v1"):
        asyncio.run(with_client(main, server.url))


async def with_client(main: Any, url: str) -> None:
    async with AsyncOpenAI(base_url=url, api_key="k", max_retries=0) as client:
        await main(client)


@pytest.mark.parametrize("is_streamed", [False, True])
def test_the_agents_sdk_finds_the_hand_off_on_which_a_run_waits_and_none_when_it_is_over(
    guard: Guard, paid: list[str], is_streamed: bool
) -> None:
    @function_tool
    def issue_refund(amount: str, order: str) -> str:
        """Pay money back."""
        paid.append(f"{amount} for {order}")
        return f"refunded {amount}"

    async def ran(agent: Any, given: Any) -> Any:
        if not is_streamed:
            return await Runner.run(agent, given, run_config=QUIET)
        result = Runner.run_streamed(agent, given, run_config=QUIET)
        async for _ in result.stream_events():
            pass
        return result

    async def main(client: AsyncOpenAI) -> None:
        model = OpenAIChatCompletionsModel("m", openai_client=client)
        agent: Any = SdkAgent(name="a", model=model, tools=[agents_sdk.guard_tool(issue_refund, guard)])
        result = await ran(agent, "Refund")
        found = agents_sdk.get_handoff(result)
        assert found is not None
        assert found.ticket == only_ticket(guard)
        await guard.aresolve(found.ticket, "fay", "approve")
        going = result.to_state()
        assert await agents_sdk.decided(guard, going) == []
        done = await ran(agent, going)
        assert done.final_output == "Done."
        assert agents_sdk.get_handoff(done) is None
        assert state(guard, found.ticket) is State.APPLIED

    said = Say(None, calls=[("issue_refund", json.dumps(BIG))])
    with model_server(said, Say("Done.")) as server, guard.context(conversation="v1"):
        asyncio.run(with_client(main, server.url))
    assert paid == ["640 USD for 7"]


def deferring(guard: Guard, ran: list[str]) -> Agent[None, Any]:
    def issue_refund(amount: str, order: str) -> str:
        ran.append(amount)
        return f"refunded {amount}"

    turns = iter([ModelResponse(parts=[ToolCallPart("issue_refund", BIG, tool_call_id="c1")])])

    def script(messages: Any, info: Any) -> ModelResponse:
        return next(turns, ModelResponse(parts=[TextPart("Done.")]))

    tools = pydantic_ai.GuardedToolset(FunctionToolset([issue_refund]), guard)
    return Agent(FunctionModel(script), toolsets=[tools], output_type=[str, DeferredToolRequests])


def test_pydantic_ai_finds_the_hand_off_of_a_deferred_call_and_none_when_it_is_over(
    guard: Guard, paid: list[str]
) -> None:
    async def main() -> None:
        agent = deferring(guard, paid)
        first = await agent.run("Refund")
        found = pydantic_ai.get_handoff(first)
        assert found is not None
        assert (found.ticket, found.role) == (only_ticket(guard), "finance_lead")
        guard.resolve(found.ticket, "fay", "approve")
        results = await pydantic_ai.decided(guard, first.output)
        going = agent.run(message_history=first.all_messages(), deferred_tool_results=results)
        with pytest.raises(ConfigError, match="not awaited"):
            pydantic_ai.get_handoff(going)
        done = await going
        assert pydantic_ai.get_handoff(done) is None
        assert paid == ["640 USD"]
        async with agent.iter("Hello") as under_way:
            with pytest.raises(ConfigError, match="not over"):
                pydantic_ai.get_handoff(under_way)
            async for _ in under_way:
                pass
            assert pydantic_ai.get_handoff(under_way) is None

    with guard.context(conversation="v1"):
        asyncio.run(main())


@pytest.mark.parametrize("value", [None, "a text", 5, len, Handoff, iter([1])])
def test_what_can_hold_no_hand_off_is_refused_with_what_to_pass_instead(value: object) -> None:
    for find in (openai, anthropic, pydantic_ai, agents_sdk):
        with pytest.raises(ConfigError, match="pass"):
            find.get_handoff(value)
    with pytest.raises(ConfigError, match="pass"):
        get_handoff(value)


def test_a_hand_off_is_found_behind_the_error_of_a_framework(guard: Guard) -> None:
    try:
        handing_off(guard)["wraps"]()
    except RuntimeError as error:
        for find in (openai, anthropic, pydantic_ai, agents_sdk):
            found = find.get_handoff(error)
            assert found is not None
            assert found.ticket == only_ticket(guard)
    assert agents_sdk.get_handoff(ValueError("other")) is None


# What a request says of its tools

SCHEMA: Any = {
    "type": "object",
    "properties": {"amount": {"type": "string"}, "order": {"type": "string"}},
    "required": ["amount", "order"],
}
CALL = [("issue_refund", json.dumps(BIG))]
FUNCTION: Any = {"name": "issue_refund", "description": "Pays.", "parameters": SCHEMA}
WIRE: dict[str, Callable[[str, Guard], Any]] = {
    "chat": lambda url, guard: openai.guard_openai(
        OpenAI(base_url=url, api_key="k"), guard
    ).chat.completions.create(
        model="m",
        messages=[{"role": "user", "content": "Refund"}],
        tools=[{"type": "function", "function": FUNCTION}],
    ),
    "responses": lambda url, guard: openai.guard_openai(
        OpenAI(base_url=url, api_key="k"), guard
    ).responses.create(model="m", input="Refund", tools=[{"type": "function", "strict": False, **FUNCTION}]),
    "messages": lambda url, guard: anthropic.guard_anthropic(
        Anthropic(base_url=url.removesuffix("/v1"), api_key="k"), guard
    ).messages.create(
        model="m",
        max_tokens=99,
        messages=[{"role": "user", "content": "Refund"}],
        tools=[{"name": "issue_refund", "input_schema": SCHEMA}],
    ),
}


@pytest.mark.parametrize("wire", WIRE)
def test_an_edit_of_a_call_from_a_client_is_held_against_the_tools_of_its_request(
    guard: Guard, wire: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if wire == "messages":
        monkeypatch.setattr("support.openai_shapes.pieces", anthropic_shapes.pieces)
    with model_server(Say(None, calls=CALL)) as server:
        found = openai.get_handoff(WIRE[wire](server.url, guard))
    assert found is not None
    assert only_ticket(guard) == found.ticket
    must_be_checked(guard, found.ticket)


def test_an_edit_of_a_call_through_the_gateway_is_held_against_the_tools_of_its_request(
    tmp_path: Path,
) -> None:
    (tmp_path / "people.yaml").write_text(PEOPLE)
    with (
        model_server(Say(None, calls=CALL)) as provider,
        gateway(tmp_path, provider.url) as address,
        OpenAI(base_url=f"{address}/v1", api_key=CALLER_KEY) as client,
    ):
        answer = client.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": "Refund"}],
            tools=[{"type": "function", "function": FUNCTION}],
        )
    found = openai.get_handoff(answer)
    assert found is not None
    with shop_guard(tmp_path) as inbox, inbox.context(tenant="shop"):
        must_be_checked(inbox, found.ticket)


def test_an_edit_of_a_call_from_a_guarded_model_is_held_against_the_tools_bound_to_it(
    guard: Guard, issue_refund: BaseTool
) -> None:
    bound = GuardedChatModel(inner=ScriptedChat(script=[proposes(BIG)]), guard=guard).bind_tools(
        [issue_refund]
    )
    found = get_handoff(bound.invoke("Refund"))
    assert found is not None
    must_be_checked(guard, found.ticket)


def test_an_edit_of_a_call_from_a_pydantic_ai_model_is_held_against_the_tools_of_its_agent(
    guard: Guard,
) -> None:
    def script(messages: Any, info: Any) -> ModelResponse:
        return ModelResponse(parts=[ToolCallPart("issue_refund", BIG, tool_call_id="c1")])

    def issue_refund(amount: str, order: str) -> str:
        return "unused"

    agent = Agent(pydantic_ai.GuardedModel(FunctionModel(script), guard), tools=[issue_refund])
    found = pydantic_ai.get_handoff(asyncio.run(agent.run("Refund")))
    assert found is not None
    must_be_checked(guard, found.ticket)


def must_be_checked(guard: Guard, ticket: str) -> None:
    with pytest.raises(NotAllowed, match="did you mean 'amount'"):
        guard.resolve(ticket, "fay", "edit", changes={"amout": "90 USD"})
    with pytest.raises(NotAllowed, match="order is not of the type string"):
        guard.resolve(ticket, "fay", "edit", changes={"order": 5})
    guard.resolve(ticket, "fay", "edit", changes={"amount": "590 USD"})


def test_an_approved_action_that_comes_up_again_before_it_is_carried_out_opens_no_second_ticket(
    guard: Guard, issue_refund: BaseTool, paid: list[str]
) -> None:
    model = ScriptedChat(script=[proposes(BIG), proposes(BIG), proposes(BIG)])
    built = create_agent(
        model, [issue_refund], middleware=[HandoffMiddleware(guard)], checkpointer=InMemorySaver()
    )
    first = get_handoff(built.invoke(asks(), THREAD))
    assert first is not None
    guard.resolve(first.ticket, "fay", "approve")
    again = get_handoff(built.invoke({"messages": [HumanMessage("And?", id="m2")]}, THREAD))
    assert again is not None
    assert (again.ticket, again.joined) == (first.ticket, True)
    with guard.authorised(first.ticket) as action:
        action.run()
    assert paid == ["640 USD for 7"]
    # Once it is done, the same wish is a case of its own.
    anew = get_handoff(built.invoke({"messages": [HumanMessage("Once more", id="m3")]}, THREAD))
    assert anew is not None
    assert anew.ticket != first.ticket


@BOTH
def test_an_approved_call_of_a_tool_that_the_agent_no_longer_has_was_certainly_not_carried_out(
    guard: Guard, issue_refund: BaseTool, paid: list[str], is_async: bool
) -> None:
    middleware = HandoffMiddleware(guard, mode="interrupt", reviewer=lambda: "fay")
    saver, script = InMemorySaver(), [proposes(BIG), AIMessage("Done.")]
    before = create_agent(
        ScriptedChat(script=script), [issue_refund], middleware=[middleware], checkpointer=saver
    )
    run(before, asks(), is_async=is_async)
    ticket = only_ticket(guard)

    @tool
    def pay_back(amount: str) -> str:
        """Pay money back."""
        paid.append(amount)
        return "paid"

    model = ScriptedChat(script=[AIMessage("Done.")])
    after = create_agent(model, [pay_back], middleware=[middleware], checkpointer=saver)
    done = run(after, Command(resume={"decisions": [{"type": "approve"}]}), is_async=is_async)
    assert paid == []
    assert "this agent has no tool issue_refund" in done["messages"][-2].text
    assert state(guard, ticket) is State.FAILED
