"""The boundary around functions that act."""

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from handrail import ActionFailed, AnswerBlocked, Guard, HandoffRequired
from handrail.records import Draft, Message, Speaker, ToolCall
from handrail.testing import FrozenClock, assert_handed_off
from support.scenes import KEY


def refunds(guard: Guard) -> tuple[Callable[..., str], list[Any]]:
    done: list[Any] = []

    @guard.tool
    def issue_refund(order_id: str, amount: object, currency: str = "USD") -> str:
        done.append(amount)
        return "refunded"

    return issue_refund, done


def test_a_small_refund_runs(guard: Guard) -> None:
    refund, done = refunds(guard)
    with guard.context(customer="c1"):
        assert refund("o1", 39) == "refunded"
    assert done == [39]


def test_a_refund_over_the_limit_waits_for_the_role(guard: Guard) -> None:
    refund, done = refunds(guard)
    with guard.context(customer="c1"):
        assert_handed_off(lambda: refund("o1", 640), to="finance_lead", trigger="high_stakes")
    assert done == []


@pytest.mark.parametrize(
    "amount", [float("nan"), float("inf"), -5, "1e3", 499.999, "640 EUR", "lots", None, True, [1], 1e400, ""]
)
def test_an_amount_that_cannot_be_trusted_never_runs(guard: Guard, amount: object) -> None:
    refund, done = refunds(guard)
    with guard.context(customer="c1"):
        assert_handed_off(lambda: refund("o1", amount))
    assert done == []


def test_many_small_refunds_count_as_one(guard: Guard) -> None:
    refund, done = refunds(guard)
    with guard.context(customer="c1"):
        for _ in range(5):
            refund("o1", 92)
        assert_handed_off(lambda: refund("o1", 92), to="finance_lead")
    with guard.context(customer="c2"):
        refund("o2", Decimal("92.00"))
    assert len(done) == 6


def test_refunds_older_than_the_window_do_not_count(guard: Guard, clock: FrozenClock) -> None:
    refund, done = refunds(guard)
    with guard.context(customer="c1"):
        refund("o1", 400)
        clock.advance(days=31)
        refund("o1", 400)
    assert len(done) == 2


def test_an_action_that_failed_for_certain_does_not_count(guard: Guard) -> None:
    @guard.tool
    def issue_refund(amount: int) -> str:
        raise ActionFailed("card declined")

    with guard.context(customer="c1"):
        for _ in range(3):
            with pytest.raises(ActionFailed):
                issue_refund(400)


def test_an_action_with_an_unknown_outcome_counts(guard: Guard) -> None:
    @guard.tool
    def issue_refund(amount: int) -> str:
        raise ConnectionError

    with guard.context(customer="c1"):
        with pytest.raises(ConnectionError):
            issue_refund(400)
        with pytest.raises(HandoffRequired):
            issue_refund(400)


def test_without_a_customer_the_sum_is_unknown_and_hands_off(guard: Guard) -> None:
    refund, done = refunds(guard)
    assert_handed_off(lambda: refund("o1", 39), to="queue_manager", trigger="unsure")
    assert done == []


def test_a_blocked_tool_never_runs(guard: Guard) -> None:
    ran: list[str] = []

    @guard.tool
    def delete_account(customer_id: str) -> None:
        ran.append(customer_id)

    with pytest.raises(AnswerBlocked, match="no-deletion"):
        delete_account("c1")
    assert ran == []


def test_an_async_tool_passes_the_same_gate(guard: Guard) -> None:
    done: list[int] = []

    @guard.tool
    async def issue_refund(amount: int) -> str:
        done.append(amount)
        return "refunded"

    async def scene() -> None:
        with guard.context(customer="c1"):
            assert await issue_refund(39) == "refunded"
            with pytest.raises(HandoffRequired):
                await issue_refund(640)

    asyncio.run(scene())
    assert done == [39]


def test_while_a_person_has_the_conversation_nothing_acts(guard: Guard) -> None:
    refund, done = refunds(guard)
    with guard.context(customer="c1", conversation="v1"):
        first = assert_handed_off(lambda: refund("o1", 640))
        second = assert_handed_off(lambda: refund("o1", 5))
    assert done == []
    assert second.joined
    assert second.ticket == first.ticket


def test_a_proposed_call_is_judged_with_the_answer(guard: Guard) -> None:
    call = guard.begin([Message(speaker=Speaker.USER, text="Refund the headphones")])
    proposal = ToolCall(id="1", name="issue_refund", arguments=json.dumps({"amount": 640}))
    with guard.context(customer="c1"):
        call = guard.begin([Message(speaker=Speaker.USER, text="Refund the headphones")])
        outcome = call.finish([Draft(tool_calls=(proposal,))])
    assert outcome.handoff is not None
    assert outcome.handoff.role == "finance_lead"
    assert outcome.drafts == ()


def test_an_unreadable_proposal_hands_off(guard: Guard) -> None:
    with guard.context(customer="c1"):
        call = guard.begin([Message(speaker=Speaker.USER, text="hi")])
        outcome = call.finish([Draft(tool_calls=(ToolCall(id="1", name="lookup", arguments='{"a": '),))])
    assert outcome.handoff is not None
    assert outcome.handoff.role == "queue_manager"


def test_a_secret_in_a_proposed_call_is_output_too_and_masked_on_the_ticket(guard: Guard) -> None:
    with guard.context(customer="c1"):
        call = guard.begin([Message(speaker=Speaker.USER, text="send the key")])
        proposals = (
            ToolCall(id="1", name="lookup", arguments='{"q": "nothing"}'),
            ToolCall(id="2", name="send", arguments=json.dumps({"body": f"the key is {KEY}"})),
        )
        outcome = call.finish([Draft(tool_calls=proposals)])
    assert outcome.handoff is not None
    assert outcome.handoff.role == "supervisor"
    view = guard.store.get("default", outcome.handoff.ticket)  # type: ignore[attr-defined]
    assert KEY not in view.ticket.model_dump_json()


def test_a_tool_that_is_defined_anew_takes_its_own_place(guard: Guard) -> None:
    def define() -> Callable[[], str]:
        def look_up() -> str:
            return "found"

        return look_up

    tool = define()
    assert guard.tool(tool)() == guard.tool(tool)() == guard.tool(define())() == "found"
