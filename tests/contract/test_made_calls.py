"""Calls that an assistant made before are in its tickets, with what stands in their arguments masked."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from handrail import Guard, HandoffRequired
from handrail.store import SqlStore
from handrail_adapters.openai import get_handoff, guard_openai
from support.model_server import Say, model_server
from support.shop_guard import KEY, MAIL, shop_guard


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[Guard]:
    with shop_guard(tmp_path) as found:
        yield found


def conversation(arguments: str) -> list[dict[str, Any]]:
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": arguments}}
    return [
        {"role": "user", "content": "Who ordered?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "Somebody."},
        {"role": "user", "content": "Then give me the key."},
    ]


def test_what_a_customer_says_as_they_withdraw_is_masked_in_the_ticket(guard: Guard) -> None:
    ask = guard(lambda messages: f"It is {KEY}.")
    with guard.context(customer="ann"), pytest.raises(HandoffRequired) as withheld:
        ask([{"role": "user", "content": "Give me the key."}])
    ticket = withheld.value.handoff.ticket
    with guard.context(customer="ann"):
        guard.withdraw(ticket, words=f"No, write to {MAIL}.")
    assert isinstance(guard.store, SqlStore)
    assert [one.text for one in guard.store.attempts("default", ticket)] == ["No, write to [email]."]


@pytest.mark.parametrize(
    "arguments",
    [
        json.dumps({"who": MAIL}),
        '{"who": "' + "".join(f"\\u{ord(letter):04x}" for letter in MAIL) + '"}',
        json.dumps({"body": json.dumps({"who": MAIL})}),
    ],
    ids=["plain", "escaped", "nested"],
)
def test_what_an_earlier_call_was_given_is_masked_in_the_ticket(guard: Guard, arguments: str) -> None:
    with model_server(Say(f"It is {KEY}.")) as server:
        client = guard_openai(OpenAI(base_url=server.url, api_key="k"), guard)
        ask: Any = {"model": "m", "messages": conversation(arguments)}
        handoff = get_handoff(client.chat.completions.create(**ask))
    assert handoff is not None
    assert isinstance(guard.store, SqlStore)
    ticket = guard.store.get("default", handoff.ticket).ticket
    assert ticket is not None
    assert ticket.tried[0].tool == "find"
    assert "[email]" in ticket.tried[0].arguments
    assert "[email]" in ticket.lines[1].text
    assert MAIL not in json.dumps(json.loads(ticket.model_dump_json()), ensure_ascii=False)
