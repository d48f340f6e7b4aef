"""What a LangChain tool returns is judged before the model reads it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.tools import StructuredTool, tool

from handrail import Guard
from handrail.wire.handoff import read_handoff
from handrail_adapters.langchain import guard_tool
from support.shop_guard import KEY, MAIL, POLICY, shop_guard

RESULTS = POLICY.replace(
    "\nhand_offs:\n",
    "\n  result.findings: {type: set, values: [credential, email]}\n\nhand_offs:\n"
    "  - {id: key-returned, when: result.findings has credential, to: privacy_lead, because: It is a leak.}\n"
    "  - {id: mail-returned, when: result.findings has email, effect: redact, because: It stays here.}\n",
)


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[Guard]:
    with shop_guard(tmp_path, RESULTS) as made:
        yield made


def call(order: str) -> dict[str, Any]:
    return {"name": "look_up", "args": {"order": order}, "id": "c1", "type": "tool_call"}


def look_up(order: str) -> str:
    """Look an order up."""
    return {"key": f"the key is {KEY}", "mail": f"write to {MAIL}"}.get(order, "sent")


async def look_up_later(order: str) -> str:
    """Look an order up."""
    return look_up(order)


def shown(guard: Guard, order: str, *, is_async: bool) -> ToolMessage:
    if is_async:
        later = StructuredTool.from_function(coroutine=look_up_later, name="look_up", description="x")
        return cast("ToolMessage", asyncio.run(guard_tool(later, guard).ainvoke(call(order))))
    return cast("ToolMessage", guard_tool(tool(look_up), guard).invoke(call(order)))


@pytest.mark.parametrize("is_async", [False, True])
def test_bypass_a_withheld_result_is_a_notice_to_the_model(guard: Guard, is_async: bool) -> None:
    assert KEY in look_up("key")
    message = shown(guard, "key", is_async=is_async)
    assert KEY not in str(message)
    assert str(message.content).startswith("Carried out, but its result is withheld")
    handoff = read_handoff(message.additional_kwargs["handoff"])
    assert handoff is not None
    assert (handoff.role, handoff.done) == ("privacy_lead", True)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_result_is_masked_or_comes_as_it_is(guard: Guard, is_async: bool) -> None:
    assert shown(guard, "mail", is_async=is_async).content == "write to [EMAIL]"
    assert shown(guard, "o1", is_async=is_async).content == "sent"
