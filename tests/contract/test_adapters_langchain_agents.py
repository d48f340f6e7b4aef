"""Agents behind the guard: what is handed off, who may decide, and that an action runs once or never."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, interrupt

from handrail import Guard
from handrail_adapters.langchain import GuardedChatModel, guard_tool
from handrail_adapters.langchain_agents import HandoffMiddleware, HandoffNode
from support.scripted_chat import ScriptedChat
from support.shop_guard import KEY, shop_guard

THREAD = {"configurable": {"thread_id": "t1"}}


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[Guard]:
    with shop_guard(tmp_path) as guard:
        yield guard


@pytest.fixture
def paid() -> list[str]:
    return []


@pytest.fixture
def issue_refund(paid: list[str]) -> BaseTool:
    @tool
    def issue_refund(amount: str, order: str = "7") -> str:
        """Pay money back."""
        paid.append(amount)
        return f"refunded {amount}"

    return issue_refund


def proposes(amount: str) -> AIMessage:
    args = {"amount": amount, "order": "7"}
    return AIMessage("", tool_calls=[{"name": "issue_refund", "args": args, "id": "c1", "type": "tool_call"}])


def agent(model: ScriptedChat, tools: list[BaseTool], *middleware: Any, saver: Any = None) -> Any:
    return create_agent(model, tools, middleware=middleware, checkpointer=saver or InMemorySaver())


def asks(amount: str) -> dict[str, Any]:
    return {"messages": [HumanMessage(f"Refund {amount} for order 7", id=f"m-{amount}")]}


def test_a_small_refund_runs_and_the_agent_goes_on(
    guard: Guard, issue_refund: BaseTool, paid: list[str]
) -> None:
    model = ScriptedChat(script=[proposes("40 USD"), AIMessage("Done.")])
    result = agent(model, [issue_refund], HandoffMiddleware(guard)).invoke(asks("40 USD"), THREAD)
    assert paid == ["40 USD"]
    assert result["messages"][-1].content == "Done."


def test_a_runtime_that_goes_by_its_name_is_no_argument(guard: Guard, paid: list[str]) -> None:
    @tool
    def issue_refund(amount: str, runtime: Any, order: str = "7") -> str:
        """Pay money back."""
        paid.append(f"{amount} by {runtime.tool_call_id}")
        return "paid"

    for gated in (issue_refund, guard_tool(issue_refund, guard)):
        model = ScriptedChat(script=[proposes("25 USD"), AIMessage("Done.")])
        agent(model, [gated], HandoffMiddleware(guard)).invoke(asks("25 USD"), THREAD)
    assert [said.partition(" by ")[0] for said in paid] == ["25 USD", "25 USD"]


def test_a_hand_off_ends_the_turn_with_the_notice(
    guard: Guard, issue_refund: BaseTool, paid: list[str]
) -> None:
    model = ScriptedChat(script=[proposes("640 USD"), AIMessage("Done.")])
    result = agent(model, [issue_refund], HandoffMiddleware(guard)).invoke(asks("640 USD"), THREAD)
    assert paid == []
    assert "finance lead" in result["messages"][-1].content
    assert len(model.seen) == 1


def pause(guard: Guard, model: ScriptedChat, tools: list[BaseTool], reviewer: Any = lambda: "fay") -> Any:
    built = agent(model, tools, HandoffMiddleware(guard, mode="interrupt", reviewer=reviewer))
    paused = built.invoke(asks("640 USD"), THREAD)
    request = paused["__interrupt__"][0].value
    assert request["action_requests"][0]["name"] == "issue_refund"
    assert request["action_requests"][0]["args"] == {"amount": "640 USD", "order": "7"}
    assert request["review_configs"][0]["allowed_decisions"] == ["approve", "edit", "reject", "respond"]
    assert request["role"] == "finance_lead"
    return built


def resume(built: Any, *decisions: dict[str, Any]) -> Any:
    return built.invoke(Command(resume={"decisions": list(decisions)}), THREAD)


def test_an_approved_action_runs_once(guard: Guard, issue_refund: BaseTool, paid: list[str]) -> None:
    model = ScriptedChat(script=[proposes("640 USD"), AIMessage("Done.")])
    result = resume(pause(guard, model, [issue_refund]), {"type": "approve"})
    assert paid == ["640 USD"]
    assert result["messages"][-1].content == "Done."
    assert len(model.seen) == 2


def test_an_edited_action_runs_edited_and_the_model_is_told(
    guard: Guard, issue_refund: BaseTool, paid: list[str]
) -> None:
    model = ScriptedChat(script=[proposes("640 USD"), AIMessage("Done.")])
    edited = {"name": "issue_refund", "args": {"amount": "590 USD", "order": "7"}}
    resume(pause(guard, model, [issue_refund]), {"type": "edit", "edited_action": edited})
    assert paid == ["590 USD"]
    told = next(m for m in model.seen[-1] if isinstance(m, ToolMessage))
    assert "changed this action" in told.text
    assert "refunded 590 USD" in told.text


def test_a_rejected_call_can_never_run(guard: Guard, issue_refund: BaseTool, paid: list[str]) -> None:
    model = ScriptedChat(script=[proposes("640 USD"), AIMessage("Sorry.")])
    result = resume(pause(guard, model, [issue_refund]), {"type": "reject", "message": "Not covered."})
    assert paid == []
    assert result["messages"][-1].content == "Sorry."
    told = next(m for m in model.seen[-1] if isinstance(m, ToolMessage))
    assert "rejected" in told.text
    assert "Not covered." in told.text


def test_a_person_may_answer_in_place_of_the_assistant(
    guard: Guard, issue_refund: BaseTool, paid: list[str]
) -> None:
    model = ScriptedChat(script=[proposes("640 USD")])
    result = resume(pause(guard, model, [issue_refund]), {"type": "respond", "message": "We call you."})
    assert paid == []
    assert result["messages"][-1].content == "We call you."
    assert len(model.seen) == 1


@pytest.mark.parametrize(
    ("decision", "why"),
    [
        ({"type": "approve"}, "only a member of finance_lead"),
        ({"type": "wave through"}, "approve, edit, reject or respond"),
        ({"type": "edit", "edited_action": {"name": "wire_all", "args": {}}}, "not make it another one"),
    ],
)
def test_a_response_that_does_not_count_pauses_again(
    guard: Guard, issue_refund: BaseTool, paid: list[str], decision: dict[str, Any], why: str
) -> None:
    person = "quinn" if decision["type"] == "approve" else "fay"
    model = ScriptedChat(script=[proposes("640 USD")])
    again = resume(pause(guard, model, [issue_refund], lambda: person), decision)
    assert paid == []
    assert why in again["__interrupt__"][0].value["refused"]


def test_without_a_reviewer_a_resume_only_looks_again(
    guard: Guard, issue_refund: BaseTool, paid: list[str]
) -> None:
    model = ScriptedChat(script=[proposes("640 USD"), AIMessage("Done.")])
    built = pause(guard, model, [issue_refund], None)
    assert "__interrupt__" in resume(built, {"type": "approve"})
    assert paid == []
    decide(guard, "approve")
    resume(built, {"type": "reject"})
    assert paid == ["640 USD"]


def decide(guard: Guard, verdict: str) -> None:
    from datetime import UTC, datetime

    from handrail.store.tickets.actor import Actor
    from handrail.tickets.resolution import Resolution
    from handrail.tickets.ticket import Verdict

    assert guard.people is not None
    actor = Actor(person="fay", people=guard.people, now=datetime.now(UTC))
    (row,) = guard.store.list("default").rows
    guard.store.claim("default", row.id, actor)
    guard.store.resolve("default", row.id, Resolution(verdict=Verdict(verdict), reason_code="x"), actor)


def test_two_racing_resumes_run_the_action_once(
    guard: Guard, issue_refund: BaseTool, paid: list[str]
) -> None:
    model = ScriptedChat(script=[proposes("640 USD"), AIMessage("Done.")])
    built = pause(guard, model, [issue_refund], None)
    decide(guard, "approve")
    both = threading.Barrier(2)

    def race() -> None:
        both.wait()
        built.invoke(Command(resume="look"), THREAD)

    threads = [threading.Thread(target=race) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert paid == ["640 USD"]


def test_a_node_that_runs_again_opens_the_same_ticket(guard: Guard, issue_refund: BaseTool) -> None:
    for _ in range(2):
        model = ScriptedChat(script=[proposes("640 USD")])
        pause(guard, model, [issue_refund])
    assert len(guard.store.list("default").rows) == 1


def test_a_pause_of_a_tool_itself_is_never_swallowed(guard: Guard) -> None:
    @tool
    def ask_user(question: str) -> str:
        """Ask the user."""
        return str(interrupt({"question": question}))

    call = {"name": "ask_user", "args": {"question": "Which?"}, "id": "c1", "type": "tool_call"}
    for wrap in (lambda t: t, lambda t: guard_tool(t, guard)):
        model = ScriptedChat(script=[AIMessage("", tool_calls=[call]), AIMessage("Thanks.")])
        built = agent(model, [wrap(ask_user)], HandoffMiddleware(guard, mode="interrupt"))
        assert built.invoke(asks("1 USD"), THREAD)["__interrupt__"][0].value == {"question": "Which?"}
        result = built.invoke(Command(resume="the blue one"), THREAD)
        assert [m.text for m in result["messages"][-2:]] == ["the blue one", "Thanks."]


def test_bypass_a_tool_run_without_a_judged_proposal_is_gated_where_it_runs(
    guard: Guard, issue_refund: BaseTool, paid: list[str]
) -> None:
    guarded = guard_tool(issue_refund, guard)
    assert "Not carried out" in guarded.invoke({"amount": "640 USD"})
    call = {"name": "issue_refund", "args": {"amount": "640 USD"}, "id": "c9", "type": "tool_call"}
    stopped = guarded.invoke(call)
    assert stopped.status == "error"
    assert stopped.additional_kwargs["handoff"]["role"] == "finance_lead"
    assert guarded.invoke({"amount": "40 USD"}) == "refunded 40 USD"
    assert paid == ["40 USD"]


def test_a_blocked_call_never_runs_and_the_model_is_told(guard: Guard) -> None:
    ran: list[str] = []

    @tool
    def delete_account(customer: str) -> str:
        """Delete an account."""
        ran.append(customer)
        return "deleted"

    stopped = guard_tool(delete_account, guard).invoke(
        {"name": "delete_account", "args": {"customer": "ann"}, "id": "c1", "type": "tool_call"}
    )
    assert ran == []
    assert "does not allow" in stopped.text


@pytest.mark.parametrize("mode", ["messages", "updates", "values"])
def test_bypass_streams_of_an_agent_show_no_token_of_a_secret(guard: Guard, mode: str) -> None:
    def told(*middleware: Any) -> str:
        model = ScriptedChat(script=[AIMessage(f"The key is {KEY}.")], cut=2)
        built = agent(model, [], *middleware)
        seen = list(built.stream(asks("1 USD"), THREAD, stream_mode=mode))
        chunks = "".join(str(item[0].text) for item in seen if isinstance(item, tuple))
        return chunks + repr(seen)

    assert KEY in told(), "the control must leak"
    assert KEY not in told(HandoffMiddleware(guard))


def test_bypass_events_of_an_agent_show_no_token_of_a_secret(guard: Guard) -> None:
    async def told(*middleware: Any) -> str:
        model = ScriptedChat(script=[AIMessage(f"The key is {KEY}.")], cut=2)
        built = agent(model, [], *middleware)
        events = [e async for e in built.astream_events(asks("1 USD"), THREAD, version="v2")]
        tokens = [e["data"]["chunk"].text for e in events if e["event"] == "on_chat_model_stream"]
        return "".join(tokens) + repr(events)

    assert KEY in asyncio.run(told()), "the control must leak"
    assert KEY not in asyncio.run(told(HandoffMiddleware(guard)))


def test_an_asynchronous_agent_pauses_and_resumes(
    guard: Guard, issue_refund: BaseTool, paid: list[str]
) -> None:
    async def main() -> Any:
        model = ScriptedChat(script=[proposes("640 USD"), AIMessage("Done.")])
        middleware = HandoffMiddleware(guard, mode="interrupt", reviewer=lambda: "fay")
        built = agent(model, [issue_refund], middleware)
        paused = await built.ainvoke(asks("640 USD"), THREAD)
        assert paused["__interrupt__"][0].value["role"] == "finance_lead"
        return await built.ainvoke(Command(resume={"decisions": [{"type": "approve"}]}), THREAD)

    result = asyncio.run(main())
    assert paid == ["640 USD"]
    assert result["messages"][-1].content == "Done."


def test_a_graph_of_ones_own_waits_at_the_node(guard: Guard) -> None:
    model = GuardedChatModel(inner=ScriptedChat(script=[AIMessage(f"The key is {KEY}.")]), guard=guard)
    graph = StateGraph(MessagesState)
    graph.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_node("person", HandoffNode(guard, reviewer=lambda: "priya"))
    graph.add_edge(START, "model")
    graph.add_edge("model", "person")
    graph.add_edge("person", END)
    built = graph.compile(checkpointer=InMemorySaver())
    paused = built.invoke(asks("1 USD"), THREAD)
    request = paused["__interrupt__"][0].value
    assert request["action_requests"][0]["name"] == "answer"
    assert KEY not in repr(paused)
    done = built.invoke(
        Command(resume={"decisions": [{"type": "respond", "message": "No keys here."}]}), THREAD
    )
    assert done["messages"][-1].content == "No keys here."


def own_graph(guard: Guard, tools: ToolNode, script: list[AIMessage]) -> Any:
    model = GuardedChatModel(inner=ScriptedChat(script=script), guard=guard)
    graph = StateGraph(MessagesState)
    graph.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_node("person", HandoffNode(guard, reviewer=lambda: "fay"))
    graph.add_node("tools", tools)
    graph.add_edge(START, "model")
    graph.add_edge("model", "person")
    graph.add_conditional_edges(
        "person", lambda state: "tools" if getattr(state["messages"][-1], "tool_calls", ()) else END
    )
    graph.add_edge("tools", "model")
    return graph.compile(checkpointer=InMemorySaver())


EDIT = {
    "type": "edit",
    "edited_action": {"name": "issue_refund", "args": {"amount": "590 USD", "order": "7"}},
}


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(("decision", "runs"), [({"type": "approve"}, "640 USD"), (EDIT, "590 USD")])
def test_in_a_graph_of_ones_own_an_approved_call_runs_once_and_its_ticket_ends(
    guard: Guard,
    issue_refund: BaseTool,
    paid: list[str],
    decision: dict[str, Any],
    runs: str,
    wrapped: bool,
    is_async: bool,
) -> None:
    middleware = HandoffMiddleware(guard)
    shims: Any = {
        "wrap_tool_call": middleware.wrap_tool_call,
        "awrap_tool_call": middleware.awrap_tool_call,
    }
    tools = ToolNode([issue_refund], **shims) if wrapped else ToolNode([guard_tool(issue_refund, guard)])
    built = own_graph(guard, tools, [proposes("640 USD"), AIMessage("Done.")])
    paused = built.invoke(asks("640 USD"), THREAD)
    resume: Any = Command(resume={"decisions": [decision]})
    done = asyncio.run(built.ainvoke(resume, THREAD)) if is_async else built.invoke(resume, THREAD)
    assert paid == [runs]
    assert done["messages"][-1].content == "Done."
    assert ("A person changed" in done["messages"][-2].content) is (decision is EDIT)
    view = guard.store.get("default", paused["__interrupt__"][0].value["ticket"])  # type: ignore[attr-defined]
    assert view.state == "applied"


def test_an_approved_call_that_a_node_runs_again_pays_nothing_and_opens_no_ticket(
    guard: Guard, issue_refund: BaseTool, paid: list[str]
) -> None:
    guarded = guard_tool(issue_refund, guard)
    built = own_graph(guard, ToolNode([guarded]), [proposes("640 USD"), AIMessage("Done.")])
    built.invoke(asks("640 USD"), THREAD)
    done = built.invoke(Command(resume={"decisions": [{"type": "approve"}]}), THREAD)
    call = next(m for m in done["messages"] if getattr(m, "tool_calls", ())).tool_calls[0]
    again = guarded.invoke(call)
    other = guarded.invoke({**call, "args": {"amount": "9000 USD", "order": "7"}})
    assert paid == ["640 USD"]
    assert other.additional_kwargs["handoff"]["ticket"] != call["id"].removeprefix("handrail-")
    assert again.status == "error"
    assert "handoff" not in again.additional_kwargs


@pytest.mark.parametrize("id_", ["handrail-", "handrail-none", "handrail-{ticket}"])
def test_bypass_the_id_of_a_decided_call_lets_no_other_call_by(
    guard: Guard, issue_refund: BaseTool, paid: list[str], id_: str
) -> None:
    guarded = guard_tool(issue_refund, guard)
    built = own_graph(guard, ToolNode([guarded]), [proposes("640 USD")])
    ticket = built.invoke(asks("640 USD"), THREAD)["__interrupt__"][0].value["ticket"]
    call = {**proposes("9000 USD").tool_calls[0], "id": id_.format(ticket=ticket)}
    assert guarded.invoke(call).status == "error"
    assert paid == []


@pytest.mark.parametrize("kind", [HandoffMiddleware, type("Own", (HandoffMiddleware,), {})])
def test_only_an_agent_that_may_pause_has_a_step_to_pause_at(
    guard: Guard, issue_refund: BaseTool, paid: list[str], kind: type[HandoffMiddleware]
) -> None:
    plain = create_agent(ScriptedChat(script=[]), [issue_refund]).get_graph().nodes.keys()
    told = agent(ScriptedChat(script=[]), [issue_refund], kind(guard))
    assert told.get_graph().nodes.keys() == plain
    pausing = kind(guard, mode="interrupt", reviewer=lambda: "fay")
    built = agent(ScriptedChat(script=[proposes("640 USD"), AIMessage("Done.")]), [issue_refund], pausing)
    assert built.get_graph().nodes.keys() - plain == {f"{kind.__name__}.after_model"}
    assert "__interrupt__" in built.invoke(asks("640 USD"), THREAD)
    built.invoke(Command(resume={"decisions": [{"type": "approve"}]}), THREAD)
    assert paid == ["640 USD"]


def test_after_a_turn_that_ended_with_the_notice_the_approved_action_runs_once(
    guard: Guard, issue_refund: BaseTool, paid: list[str]
) -> None:
    guarded = guard_tool(issue_refund, guard)
    told = agent(ScriptedChat(script=[proposes("640 USD")]), [guarded], HandoffMiddleware(guard))
    told.invoke(asks("640 USD"), THREAD)
    (row,) = guard.store.list("default").rows  # type: ignore[attr-defined]
    guard.resolve(row.id, "fay", "approve")
    with guard.authorised(row.id) as action:
        action.run()
    assert paid == ["640 USD"]
    assert guard.store.get("default", row.id).state == "applied"  # type: ignore[attr-defined]
