"""Guarded tools: the gate sees what the model gave, and a failure is never counted as done."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from langchain_core.tools import InjectedToolCallId, StructuredTool, ToolException, tool

from handrail import Guard
from handrail_adapters.langchain import guard_tool
from support.shop_guard import shop_guard


@pytest.fixture(scope="module")
def guard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    with shop_guard(tmp_path_factory.mktemp("shop")) as guard:
        yield guard


def call(amount: Any) -> dict[str, Any]:
    return {"name": "issue_refund", "args": {"amount": amount}, "id": "c1", "type": "tool_call"}


def test_a_guarded_tool_looks_like_the_tool(guard: Guard) -> None:
    @tool(return_direct=True)
    def issue_refund(amount: str) -> str:
        """Pay money back."""
        return f"refunded {amount}"

    guarded = guard_tool(issue_refund, guard)
    assert (guarded.name, guarded.description) == ("issue_refund", "Pay money back.")
    assert guarded.return_direct
    assert guarded.args == issue_refund.args
    assert guarded.invoke(call("40 USD")) == issue_refund.invoke(call("40 USD"))


def test_what_a_framework_injects_is_no_part_of_the_action(guard: Guard) -> None:
    seen: list[str] = []

    @tool
    def issue_refund(amount: str, call_id: Annotated[str, InjectedToolCallId]) -> str:
        """Pay money back."""
        seen.append(call_id)
        return "done"

    assert guard_tool(issue_refund, guard).invoke(call("40 USD")).content == "done"
    assert seen == ["c1"]
    assert guard_tool(issue_refund, guard).invoke(call("640 USD")).status == "error"
    assert seen == ["c1"]


def test_an_asynchronous_tool_is_gated_too(guard: Guard) -> None:
    ran: list[str] = []

    async def issue_refund(amount: str) -> str:
        """Pay money back."""
        ran.append(amount)
        return "done"

    guarded = guard_tool(StructuredTool.from_function(coroutine=issue_refund), guard)
    assert asyncio.run(guarded.ainvoke(call("40 USD"))).content == "done"
    assert asyncio.run(guarded.ainvoke(call("640 USD"))).status == "error"
    assert ran == ["40 USD"]


@pytest.mark.parametrize(
    "amount", ["1e3 USD", "-5 USD", "NaN", "499.999 USD", "600 EUR", None, True, {"a": 1}]
)
def test_an_amount_nobody_can_read_never_runs(guard: Guard, amount: Any) -> None:
    ran: list[Any] = []

    def issue_refund(amount: Any) -> str:
        """Pay money back."""
        ran.append(amount)
        return "done"

    guarded = guard_tool(StructuredTool.from_function(issue_refund), guard)
    assert guarded.invoke(call(amount)).status == "error"
    assert ran == []


def test_an_error_of_the_tool_is_its_own(guard: Guard) -> None:
    @tool
    def issue_refund(amount: str) -> str:
        """Pay money back."""
        raise ToolException("the bank is closed")

    with pytest.raises(ToolException):
        guard_tool(issue_refund, guard).invoke(call("40 USD"))
    issue_refund.handle_tool_error = True
    assert guard_tool(issue_refund, guard).invoke(call("40 USD")).content == "the bank is closed"


def test_private_ways_into_a_tool_are_gated(guard: Guard, tmp_path: Path) -> None:
    ran: list[str] = []

    @tool
    def issue_refund(amount: str) -> str:
        """Pay money back."""
        ran.append(amount)
        return "done"

    guarded = guard_tool(issue_refund, guard)
    guarded._run(amount="640 USD")
    guarded.run({"amount": "640 USD"})
    asyncio.run(guarded.arun({"amount": "640 USD"}))
    assert ran == []
