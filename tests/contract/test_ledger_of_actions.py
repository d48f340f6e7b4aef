"""The ledger holds the amount of what ran, whatever came between the proposal and the run."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from agents import Agent as SdkAgent
from agents import OpenAIChatCompletionsModel, RunConfig, Runner, function_tool
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from openai import AsyncOpenAI

from handrail import Guard, HandoffRequired
from handrail.errors import PolicyChanged
from handrail.guard.outcome import Outcome
from handrail.policy import load
from handrail.records import Draft, Money, ToolCall
from handrail.store import SqlStore
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import LedgerQuery, Settlement
from handrail_adapters import agents_sdk
from handrail_adapters.langchain_agents import HandoffMiddleware
from support.model_server import Say, model_server
from support.scripted_chat import ScriptedChat
from support.shop_guard import POLICY, shop_guard

COUNTED = POLICY.replace(
    "  input.findings:",
    "  refunds_30d: {type: money, currencies: [USD], from: ledger, sum: refund.amount, where: issue_refund,\n"
    "    per: customer, within: 30 days}\n  input.findings:",
).replace("refund.amount > 500 USD", "refund.amount + refunds_30d > 500 USD")


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[Guard]:
    with shop_guard(tmp_path, COUNTED) as found, found.context(customer="c1"):
        yield found


def booked(guard: Guard) -> object:
    query = LedgerQuery(
        fact="sum",
        kind="sum",
        tenant="default",
        tool="issue_refund",
        amount="refund.amount",
        per="customer",
        key="c1",
        since=datetime(2020, 1, 1, tzinfo=UTC),
    )
    return guard.store.totals([query])["sum"]


def usd(amount: int | str) -> Money:
    return Money(amount=Decimal(amount), currency="USD")


def call(number: int, amount: str) -> ToolCall:
    arguments = json.dumps({"amount": amount, "order": str(number)})
    return ToolCall(id=f"c{number}", name="issue_refund", arguments=arguments)


@pytest.mark.parametrize("amounts", [["7000 USD", "640 USD"], ["40 USD", "640 USD", "1 USD"], ["640 USD"]])
def test_of_a_turn_with_several_calls_the_ticket_holds_the_amount_of_its_own(
    guard: Guard, amounts: list[str]
) -> None:
    ran: list[str] = []

    @guard.tool
    def issue_refund(amount: str, order: str) -> None:
        ran.append(amount)

    calls = tuple(call(number, amount) for number, amount in enumerate(amounts))
    outcome = guard.begin([]).finish([Draft(tool_calls=calls)])
    assert outcome.handoff is not None
    guard.resolve(outcome.handoff.ticket, "fay", "approve")
    with guard.authorised(outcome.handoff.ticket) as action:
        action.run()
    (paid,) = ran
    assert paid == next(one for one in amounts if one not in ("40 USD", "1 USD"))
    assert booked(guard) == usd(paid.removesuffix(" USD"))


def test_what_is_approved_anew_after_the_policy_changed_counts_anew(guard: Guard, tmp_path: Path) -> None:
    ran: list[str] = []

    @guard.tool
    def issue_refund(amount: str, order: str = "7") -> None:
        ran.append(amount)

    with pytest.raises(HandoffRequired) as raised:
        issue_refund("640 USD")
    ticket = raised.value.handoff.ticket
    guard.resolve(ticket, "fay", "approve")
    stricter = COUNTED.replace("    to: finance_lead\n", "    to: process_owner\n", 1)
    (tmp_path / "stricter.yaml").write_text(stricter)
    guard.reload(load(tmp_path / "stricter.yaml"))
    with pytest.raises(PolicyChanged), guard.authorised(ticket):
        pytest.fail("must not begin")
    assert booked(guard) == 0
    guard.resolve(ticket, "petra", "approve")
    guard.resolve(ticket, "fay", "approve")
    assert booked(guard) == usd(640)
    with guard.authorised(ticket) as action:
        action.run()
    assert (ran, booked(guard)) == (["640 USD"], usd(640))
    assert isinstance(guard.store, SqlStore)
    assert guard.store.get("default", ticket).state is State.APPLIED
    assert guard.store.verify().is_intact


def test_a_call_that_is_gated_again_after_its_process_died_counts_again(guard: Guard) -> None:
    first = guard.gate(call(1, "240 USD"), exchange="x1")
    assert not isinstance(first, Outcome)
    # Nobody said how it ended, so it may have run; a framework runs the same step anew.
    again = guard.gate(call(1, "240 USD"), exchange="x1")
    assert not isinstance(again, Outcome)
    again.settle(Settlement.DONE)
    assert booked(guard) == usd(480)
    assert isinstance(guard.gate(call(2, "240 USD"), exchange="x2"), Outcome)


@pytest.mark.parametrize("first", list(Settlement))
def test_a_call_under_the_id_of_an_earlier_one_is_spending_of_its_own(
    guard: Guard, first: Settlement
) -> None:
    before = guard.gate(call(1, "240 USD"), exchange="x1")
    assert not isinstance(before, Outcome)
    before.settle(first)
    again = guard.gate(call(1, "230 USD"), exchange="x1")
    assert not isinstance(again, Outcome)
    again.settle(Settlement.DONE)
    assert booked(guard) == usd(230 if first is Settlement.NO_EFFECT else 470)
    assert isinstance(guard.gate(call(1, "400 USD"), exchange="x1"), Outcome)


def test_an_agent_whose_model_gives_every_call_the_same_id_spends_no_more_than_it_may(guard: Guard) -> None:
    ran: list[str] = []

    @tool
    def issue_refund(amount: str, order: str) -> str:
        """Pay money back."""
        ran.append(f"{amount} for {order}")
        return "refunded"

    given: Any = [{"amount": "240 USD", "order": str(number)} for number in range(4)]
    said: list[Any] = []
    for arguments in given:
        named = {"name": "issue_refund", "args": arguments, "id": "call_0", "type": "tool_call"}
        said += [AIMessage("", tool_calls=[named]), AIMessage("Done.")]
    built = create_agent(
        ScriptedChat(script=said),
        [issue_refund],
        middleware=[HandoffMiddleware(guard)],
        checkpointer=InMemorySaver(),
    )
    thread: Any = {"configurable": {"thread_id": "t1"}}
    for number in range(3):
        built.invoke({"messages": [HumanMessage(f"Refund {number}", id=f"m{number}")]}, thread)
    assert ran == ["240 USD for 0", "240 USD for 1"]
    assert booked(guard) == usd(480)


def test_what_a_person_approves_counts_also_where_judging_it_had_failed(guard: Guard) -> None:
    store: Any = guard.store
    # Others change the totals for ever, so that nothing can be decided on them.
    store.reserve = lambda entry, seen: False
    passed = guard.gate(call(1, "40 USD"))
    del store.reserve
    assert isinstance(passed, Outcome)
    assert passed.handoff is not None
    guard.resolve(passed.handoff.ticket, "quinn", "approve")
    assert booked(guard) == usd(40)


def test_the_same_exchange_opens_no_second_ticket_once_the_one_it_joined_is_decided(guard: Guard) -> None:
    tickets = []
    for exchange in ("x1", "x2"):
        passed = guard.gate(call(1, "640 USD"), exchange=exchange)
        assert isinstance(passed, Outcome)
        assert passed.handoff is not None
        tickets.append(passed.handoff.ticket)
    guard.resolve(tickets[0], "fay", "approve")
    again = guard.gate(call(1, "640 USD"), exchange="x2")
    assert isinstance(again, Outcome)
    assert again.handoff is not None
    assert {*tickets, again.handoff.ticket} == {"x1"}


def test_a_free_call_of_the_agents_sdk_counts(guard: Guard) -> None:
    @function_tool
    def issue_refund(amount: str, order: str) -> str:
        """Pay money back."""
        return f"refunded {amount}"

    async def main(url: str) -> None:
        async with AsyncOpenAI(base_url=url, api_key="k", max_retries=0) as client:
            model = OpenAIChatCompletionsModel("m", openai_client=client)
            tool = agents_sdk.guard_tool(issue_refund, guard)
            agent: SdkAgent[Any] = SdkAgent(name="a", model=model, tools=[tool])
            await Runner.run(agent, "Refund", run_config=RunConfig(tracing_disabled=True))

    proposed = Say(None, calls=[("issue_refund", '{"amount": "40 USD", "order": "7"}')])
    with model_server(proposed, Say("Done.")) as server:
        asyncio.run(main(server.url))
    assert booked(guard) == usd(40)
