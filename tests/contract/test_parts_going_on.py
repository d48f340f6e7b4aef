"""Several calls of one turn, decided one by one: in every adapter only those that were approved go on."""

import asyncio
import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from anthropic import Anthropic
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command
from openai import OpenAI

from handrail import Guard
from handrail.errors import NotAllowed
from handrail.records import Handoff
from handrail.store import SqlStore
from handrail.tickets.resolution import PartResolution
from handrail.tickets.ticket import Verdict
from handrail_adapters import anthropic, openai
from handrail_adapters.langchain import GuardedChatModel, guard_tool
from handrail_adapters.langchain_agents import HandoffMiddleware, HandoffNode
from support import anthropic_shapes
from support.model_server import Say, model_server
from support.scripted_chat import ScriptedChat
from support.shop_guard import shop_guard

THREAD: Any = {"configurable": {"thread_id": "t1"}}
CALLS = (
    {"amount": "640 USD", "order": "7"},
    {"amount": "40 USD", "order": "8"},
    {"amount": "700 USD", "order": "9"},
)
MIXES = [mix for mix in itertools.product(["approve", "edit", "reject"], repeat=3) if mix != ("edit",) * 3]


def ran(mix: tuple[str, ...]) -> list[str]:
    """What has run once a mix of decisions is in effect: an edit makes it 10 USD."""
    return sorted(
        f"{'10 USD' if verdict == 'edit' else call['amount']} for {call['order']}"
        for verdict, call in zip(mix, CALLS, strict=True)
        if verdict != "reject"
    )


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


def proposes() -> AIMessage:
    calls: Any = [
        {"name": "issue_refund", "args": dict(given), "id": f"c{number}", "type": "tool_call"}
        for number, given in enumerate(CALLS)
    ]
    return AIMessage("", tool_calls=calls)


def asks() -> Any:
    return {"messages": [HumanMessage("Refund it", id="m1")]}


def only_ticket(guard: Guard) -> str:
    assert isinstance(guard.store, SqlStore)
    (row,) = guard.store.list("default").rows
    return row.id


def resolved(guard: Guard, ticket: str, mix: tuple[str, ...]) -> None:
    first, *others = (Verdict(verdict) for verdict in mix)
    parts = tuple(
        PartResolution(
            part=f"call-{number}",
            verdict=verdict,
            changes={"amount": "10 USD"} if verdict is Verdict.EDIT else {},
            message_to_agent="Too much." if verdict is Verdict.REJECT else "",
        )
        for number, verdict in enumerate(others, start=2)
    )
    changes = {"amount": "10 USD"} if first is Verdict.EDIT else {}
    guard.resolve(ticket, "fay", first.value, changes=changes, parts=parts)


def responses(mix: tuple[str, ...]) -> Any:
    return {
        "decisions": [
            {
                "type": verdict,
                "message": "Too much.",
                "edited_action": {"name": "issue_refund", "args": {**call, "amount": "10 USD"}},
            }
            for verdict, call in zip(mix, CALLS, strict=True)
        ]
    }


def agent(guard: Guard, issue_refund: BaseTool, *, reviewer: Callable[[], str] | None) -> Any:
    model = ScriptedChat(script=[proposes(), AIMessage("Done.")])
    middleware = HandoffMiddleware(guard, mode="interrupt", reviewer=reviewer)
    return create_agent(model, [issue_refund], middleware=[middleware], checkpointer=InMemorySaver())


def graph(guard: Guard, issue_refund: BaseTool, *, reviewer: Callable[[], str] | None) -> Any:
    model = GuardedChatModel(inner=ScriptedChat(script=[proposes(), AIMessage("Done.")]), guard=guard)
    made = StateGraph(MessagesState)
    made.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
    made.add_node("person", HandoffNode(guard, reviewer=reviewer))
    made.add_node("tools", ToolNode([guard_tool(issue_refund, guard)]))
    made.add_edge(START, "model")
    made.add_edge("model", "person")

    def onward(state: Any) -> str:
        last = state["messages"][-1]
        return "tools" if getattr(last, "tool_calls", ()) else "model" if last.type == "tool" else END

    made.add_conditional_edges("person", onward)
    made.add_edge("tools", "model")
    return made.compile(checkpointer=InMemorySaver())


@pytest.mark.parametrize("build", [agent, graph])
@pytest.mark.parametrize("mix", MIXES, ids="-".join)
def test_a_langchain_agent_goes_on_with_each_call_as_its_own_decision_says(
    guard: Guard, issue_refund: BaseTool, paid: list[str], mix: tuple[str, ...], build: Any
) -> None:
    built = build(guard, issue_refund, reviewer=lambda: "fay")
    paused = built.invoke(asks(), THREAD)
    shown = paused["__interrupt__"][0].value
    assert [one["args"] for one in shown["action_requests"]] == list(CALLS)
    done = built.invoke(Command(resume=responses(mix)), THREAD)
    assert sorted(paid) == ran(mix)
    told = [one for one in done["messages"] if isinstance(one, ToolMessage)]
    assert len([one for one in told if "Too much." in one.text]) == mix.count("reject")
    proposed = {call["id"] for one in done["messages"] for call in getattr(one, "tool_calls", ())}
    assert proposed == {one.tool_call_id for one in told}


@pytest.mark.parametrize("mix", MIXES[::4], ids="-".join)
def test_a_langchain_agent_goes_on_with_what_was_decided_in_the_inbox(
    guard: Guard, issue_refund: BaseTool, paid: list[str], mix: tuple[str, ...]
) -> None:
    built = agent(guard, issue_refund, reviewer=None)
    asyncio.run(built.ainvoke(asks(), THREAD))
    resolved(guard, only_ticket(guard), mix)
    asyncio.run(built.ainvoke(Command(resume="look again"), THREAD))
    assert sorted(paid) == ran(mix)


def from_openai(guard: Guard, stack: ExitStack) -> Handoff | None:
    calls = [("issue_refund", json.dumps(one)) for one in CALLS]
    server = stack.enter_context(model_server(Say(None, calls=calls), Say("Hello.")))
    client = openai.guard_openai(OpenAI(base_url=server.url, api_key="k"), guard)
    ask: Any = {"model": "m", "messages": [{"role": "user", "content": "Refund"}]}
    return openai.get_handoff(client.chat.completions.create(**ask))


def from_anthropic(guard: Guard, stack: ExitStack) -> Handoff | None:
    calls = [("issue_refund", json.dumps(one)) for one in CALLS]
    stack.enter_context(pytest.MonkeyPatch.context()).setattr(
        "support.openai_shapes.pieces", anthropic_shapes.pieces
    )
    server = stack.enter_context(model_server(Say(None, calls=calls)))
    client = anthropic.guard_anthropic(
        Anthropic(base_url=server.url.removesuffix("/v1"), api_key="k", max_retries=0), guard
    )
    ask: Any = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Refund"}]}
    return anthropic.get_handoff(client.messages.create(**ask))


@pytest.mark.parametrize("mix", MIXES, ids="-".join)
@pytest.mark.parametrize("provider", [from_openai, from_anthropic])
def test_a_program_is_given_back_each_call_that_was_approved_and_no_other(
    guard: Guard, issue_refund: BaseTool, paid: list[str], mix: tuple[str, ...], provider: Any
) -> None:
    guard_tool(issue_refund, guard)
    with ExitStack() as stack:
        stack.enter_context(guard.context(conversation="v1"))
        found = provider(guard, stack)
        assert found is not None
        resolved(guard, found.ticket, mix)
        decided = guard.resolution(found.ticket)
        assert decided is not None
        for verdict, one in zip(mix, (decided, *decided.parts), strict=True):
            if verdict == "reject":
                with pytest.raises(NotAllowed), guard.authorised(one.ticket) as action:
                    action.run()
            else:
                with guard.authorised(one.ticket) as action:
                    action.run()
        assert sorted(paid) == ran(mix)
