"""What a tool returns is judged before anybody sees it; the action is done by then."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from handrail import AnswerBlocked, Guard, Handoff, HandoffRequired
from handrail.errors import ResultBlocked, ResultHandedOff
from handrail.guard.outcome import Outcome
from handrail.records import Draft, Message, Speaker, ToolCall
from handrail.tickets.lifecycle import State
from support.shop_guard import KEY, MAIL, POLICY, shop_guard

FACTS = """\
  result.findings: {type: set, values: [credential, email, health]}
  result.amounts:  {type: money, currencies: [USD]}
  past.refunds:    {type: money, currencies: [USD], from: ledger, where: issue_refund, sum: refund.amount,
                    per: customer, within: 30 days}
"""
RULES = """\
  - id: many-refunds
    when: tool.name == "issue_refund" and past.refunds + refund.amount > 900 USD
    to: finance_lead
    because: Sums count too.
  - id: key-returned
    when: result.findings has credential
    to: privacy_lead
    because: A key in a result is a leak.
  - id: mail-returned
    when: result.findings has email
    effect: redact
    because: Addresses stay out of the model.
  - id: health-returned
    when: tool.name == "look_up" and result.findings has health
    effect: block
    because: Nobody reads health data here.
  - id: much-returned
    when: tool.name == "balance_of" and result.amounts > 1000 USD
    to: finance_lead
    because: Large balances are for finance.
"""
WITH_RESULTS = POLICY.replace("\nhand_offs:\n", f"{FACTS}\nhand_offs:\n{RULES}")


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[Guard]:
    with shop_guard(tmp_path, WITH_RESULTS) as made:
        yield made


def ticket_of(guard: Guard, ticket: str) -> Any:
    return guard.store.get("default", ticket).ticket  # type: ignore[attr-defined]


def test_a_result_that_no_rule_minds_is_the_same_object(guard: Guard) -> None:
    result = {"order": ["o1"], "sent": True}
    look_up = guard.tool(name="look_up")(lambda order: result)
    assert look_up("o1") is result


def test_without_a_rule_on_results_even_what_nobody_can_read_is_returned(tmp_path: Path) -> None:
    with shop_guard(tmp_path) as plain:
        result = object()
        assert plain.tool(name="look_up")(lambda: result)() is result


@dataclass
class Row:
    """A row."""

    note: str


SHAPES: dict[str, Callable[[str], Any]] = {
    "text": lambda text: text,
    "JSON": lambda text: json.dumps({"note": f"first\n{text}"}),
    "dict": lambda text: {"rows": [{"note": text}]},
    "dataclass": Row,
    "bytes": str.encode,
    "tuple": lambda text: ("x", [text]),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_bypass_a_key_in_a_result_is_handed_off_and_the_action_is_done(guard: Guard, shape: str) -> None:
    done: list[str] = []

    @guard.tool
    def look_up(order: str) -> Any:
        done.append(order)
        return SHAPES[shape](f"the key is {KEY}")

    with guard.context(customer="c1"), pytest.raises(HandoffRequired) as raised:
        look_up("o1")
    assert done == ["o1"]
    assert isinstance(raised.value, ResultHandedOff)
    handoff = raised.value.handoff
    assert (handoff.role, handoff.done) == ("privacy_lead", True)
    assert KEY not in str(raised.value)
    ticket = ticket_of(guard, handoff.ticket)
    assert ticket.done
    assert ticket.action is None
    assert ticket.tried[-1].tool == "look_up"
    assert "was carried out" in ticket.summary.situation
    assert KEY not in ticket.model_dump_json()
    assert ticket.draft_answer


@pytest.mark.parametrize("shape", SHAPES)
def test_bypass_an_address_in_a_result_is_masked_and_its_type_stays(guard: Guard, shape: str) -> None:
    value = SHAPES[shape](f"write to {MAIL}")
    assert MAIL in str(value)
    given = guard.tool(name="look_up")(lambda: value)()
    assert MAIL not in str(given)
    assert type(given) is type(value)
    if shape == "JSON":
        assert json.loads(given)["note"].startswith("first\nwrite to ")


def test_a_blocked_result_is_an_error_that_says_so(guard: Guard) -> None:
    look_up = guard.tool(name="look_up")(lambda: "He was diagnosed with diabetes and takes insulin.")
    with pytest.raises(AnswerBlocked) as raised:
        look_up()
    assert isinstance(raised.value, ResultBlocked)


@pytest.mark.parametrize(
    ("result", "role"),
    [
        ({"balance": 1200, "currency": "USD"}, "finance_lead"),
        ("You have $1,200.50 left", "finance_lead"),
        ('{"balance": 1200}', "finance_lead"),
        ({"balance": 1200, "currency": "EUR"}, "queue_manager"),
        ({"balance": 900}, None),
        ({"orders": 5000}, None),
    ],
)
def test_a_rule_on_amounts_reads_the_largest(guard: Guard, result: Any, role: str | None) -> None:
    balance_of = guard.tool(name="balance_of")(lambda: result)
    found = guard.result(balance_of)
    assert (found.role if isinstance(found, Handoff) else None) == role
    if role is None:
        assert found is result


@pytest.mark.parametrize("result", [object(), {"a": object()}, b"\xff\x00"], ids=["object", "part", "bytes"])
def test_what_cannot_be_read_goes_to_a_person(guard: Guard, result: object) -> None:
    look_up = guard.tool(name="look_up")(lambda: result)
    with pytest.raises(ResultHandedOff) as raised:
        look_up()
    assert raised.value.handoff.role == "queue_manager"


def test_a_number_that_cannot_be_masked_goes_to_a_person(guard: Guard) -> None:
    look_up = guard.tool(name="look_up")(lambda: {MAIL: 1})
    with pytest.raises(ResultHandedOff) as raised:
        look_up()
    assert raised.value.handoff.role == "queue_manager"


def test_an_async_tools_result_is_judged_too(guard: Guard) -> None:
    @guard.tool
    async def look_up() -> str:
        return f"the key is {KEY}"

    with pytest.raises(ResultHandedOff):
        asyncio.run(look_up())


def test_bypass_a_key_cut_over_the_chunks_of_a_generator_is_not_shown(guard: Guard) -> None:
    def chunks() -> Iterator[str]:
        yield from ("the key is ", KEY[:9], KEY[9:])

    async def achunks() -> AsyncIterator[str]:
        for chunk in chunks():
            yield chunk

    async def drained() -> list[str]:
        return [chunk async for chunk in guard.tool(name="look_up")(achunks)()]

    assert KEY in "".join(chunks())
    with pytest.raises(ResultHandedOff):
        list(guard.tool(name="look_up")(chunks)())
    with pytest.raises(ResultHandedOff):
        asyncio.run(drained())
    given = list(guard.tool(name="look_up")(lambda: iter_of(["write to ", MAIL]))())
    assert MAIL not in "".join(given)


def iter_of(chunks: list[str]) -> Iterator[str]:
    yield from chunks


def test_a_withheld_result_keeps_its_action_in_the_ledger(guard: Guard) -> None:
    refund = guard.tool(name="issue_refund")(lambda amount: f"the key is {KEY}")
    with guard.context(customer="c1"):
        with pytest.raises(ResultHandedOff):
            refund(amount=450)
        with pytest.raises(HandoffRequired) as raised:
            refund(amount=460)
    assert not isinstance(raised.value, ResultHandedOff)
    assert raised.value.handoff.role == "finance_lead"


def test_a_withheld_result_of_an_approved_action_leaves_its_ticket_applied(guard: Guard) -> None:
    paid: list[int] = []

    @guard.tool
    def issue_refund(amount: int) -> str:
        paid.append(amount)
        return f"the key is {KEY}"

    with guard.context(customer="c1"), pytest.raises(HandoffRequired) as raised:
        issue_refund(640)
    ticket = raised.value.handoff.ticket
    guard.resolve(ticket, "fay", "approve")
    with pytest.raises(ResultHandedOff) as withheld, guard.authorised(ticket) as action:
        action.run()
    assert paid == [640]
    assert guard.store.get("default", ticket).state is State.APPLIED  # type: ignore[attr-defined]
    assert withheld.value.handoff.role == "privacy_lead"


def test_a_person_releases_a_withheld_result(guard: Guard) -> None:
    look_up = guard.tool(name="look_up")(lambda: f"the key is {KEY}")
    handoff = guard.result(look_up)
    assert isinstance(handoff, Handoff)
    guard.resolve(handoff.ticket, "priya", "answer", answer="The key was sent by post.")
    found = guard.resolution(handoff.ticket)
    assert found is not None
    assert found.answer == "The key was sent by post."


def test_a_rule_that_an_approval_settled_is_not_asked_again_of_the_result(guard: Guard) -> None:
    @guard.tool
    def issue_refund(amount: int) -> str:
        return "refunded"

    with guard.context(customer="c1"), pytest.raises(HandoffRequired) as raised:
        issue_refund(640)
    guard.resolve(raised.value.handoff.ticket, "fay", "approve")
    with guard.authorised(raised.value.handoff.ticket) as action:
        assert action.run() == "refunded"


def test_the_result_of_a_call_that_a_model_proposed_is_judged_with_what_was_said(guard: Guard) -> None:
    with guard.context(customer="c1"):
        call = guard.begin([Message(speaker=Speaker.USER, text="Where is my order?")])
        proposal = ToolCall(id="1", name="look_up", arguments='{"order": "o1"}')
        assert call.finish([Draft(tool_calls=(proposal,))]).is_released
        look_up = guard.tool(name="look_up")(lambda order: f"the key is {KEY}")
        with pytest.raises(ResultHandedOff) as raised:
            look_up(order="o1")
    assert ticket_of(guard, raised.value.handoff.ticket).wanted == "Where is my order?"


def test_an_adapter_judges_a_result_by_the_same_way(guard: Guard) -> None:
    call = ToolCall(id="1", name="look_up", arguments="{}")
    withheld = guard.judge_result(call, f"the key is {KEY}")
    assert isinstance(withheld, Outcome)
    assert withheld.handoff is not None
    given = guard.judge_result(call, {"note": "sent"})
    assert not isinstance(given, Outcome)
    assert given.value == {"note": "sent"}


def test_an_amount_finer_than_its_currency_is_unknown_and_the_ticket_says_why(guard: Guard) -> None:
    balance_of = guard.tool(name="balance_of")(lambda customer: "The balance is 12.345 USD.")
    with guard.context(customer="c1"):
        found = guard.result(balance_of, "c1")
    assert isinstance(found, Handoff)
    assert (found.role, found.done) == ("queue_manager", True)
    held = ticket_of(guard, found.ticket)
    assert "more decimals than the currency has" in " ".join(held.open_questions)
    assert held.facts["result.amounts"].text() == "unknown (more decimals than the currency has)"
    assert "12.345" not in " ".join(held.open_questions)
