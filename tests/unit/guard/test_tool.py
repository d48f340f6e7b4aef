"""Functions that act, of every kind: gated, run on what was judged, settled, and given back once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from handrail import ActionFailed, Guard, HandoffRequired
from handrail.errors import DigestMismatch, NotAllowed
from handrail.tickets.lifecycle import State


def state_of(guard: Guard, ticket: str) -> State:
    return guard.store.get("default", ticket).state  # type: ignore[attr-defined,no-any-return]


def proposed(guard: Guard, call: Any) -> str:
    with guard.context(customer="c1"), pytest.raises(HandoffRequired) as raised:
        call()
    return raised.value.handoff.ticket


def approved(guard: Guard, call: Any) -> str:
    ticket = proposed(guard, call)
    guard.resolve(ticket, "fay", "approve")
    return ticket


def test_what_runs_is_what_was_judged_though_the_argument_changes_while_the_gate_waits(guard: Guard) -> None:
    paid: list[int] = []

    @guard.tool
    async def issue_refund(basket: dict[str, int], amount: int) -> None:
        paid.append(basket["paid"])

    async def scene() -> None:
        basket = {"paid": 39}
        with guard.context(customer="c1"):
            running = asyncio.ensure_future(issue_refund(basket, 39))
            await asyncio.sleep(0)
            basket["paid"] = 64000
            await running

    asyncio.run(scene())
    assert paid == [39]


def test_a_tool_with_any_signature_runs_after_its_approval(guard: Guard) -> None:
    paid: list[Any] = []

    @guard.tool
    def issue_refund(order: str, /, amount: Decimal, *days: date, note: str = "", **extra: Decimal) -> str:
        paid.append((order, amount, days, note, extra))
        return "refunded"

    ticket = approved(guard, lambda: issue_refund("o1", Decimal(640), date(2026, 1, 2), tip=Decimal(2)))
    with guard.authorised(ticket) as action:
        assert action.run() == "refunded"
    assert paid == [("o1", Decimal(640), (date(2026, 1, 2),), "", {"tip": Decimal(2)})]
    assert state_of(guard, ticket) is State.APPLIED


@dataclass
class Account:
    """Whose money it is."""

    number: str


def test_an_approval_for_one_account_never_runs_on_another(guard: Guard) -> None:
    paid: list[str] = []

    class Paying(Account):
        @guard.tool(name="issue_refund")
        def refund(self, amount: int) -> None:
            paid.append(self.number)

    one, other = Paying("A"), Paying("B")
    ticket = approved(guard, lambda: one.refund(640))
    with pytest.raises(DigestMismatch), guard.authorised(ticket) as action:
        other.refund(**action.arguments)
    assert paid == []
    assert state_of(guard, ticket) is State.FAILED
    ticket = approved(guard, lambda: one.refund(641))
    with guard.authorised(ticket) as action:
        assert action.receiver == {"number": "A"}
        action.run()
    assert paid == ["A"]


def test_a_method_of_what_nothing_tells_apart_goes_to_a_person(guard: Guard) -> None:
    class Shop:
        @guard.tool(name="issue_refund")
        def refund(self, amount: int) -> str:
            return "refunded"

    with guard.context(customer="c1"), pytest.raises(HandoffRequired) as raised:
        Shop().refund(5)
    assert raised.value.handoff.role == "queue_manager"


def test_an_argument_that_cannot_be_read_goes_to_a_person(guard: Guard) -> None:
    ran: list[object] = []

    @guard.tool
    def look_up(source: object) -> None:
        ran.append(source)

    for value in (iter("abc"), object(), lambda: None, b"\xff\x00", {(1, 2): 3}):
        with guard.context(customer="c1"), pytest.raises(HandoffRequired) as raised:
            look_up(value)
        assert raised.value.handoff.role == "queue_manager"
    assert ran == []


def test_a_call_that_does_not_fit_its_function_had_no_effect(guard: Guard) -> None:
    @guard.tool
    def issue_refund(amount: int) -> None:
        pytest.fail("must not run")

    ticket = approved(guard, lambda: issue_refund(640))
    with pytest.raises(TypeError), guard.authorised(ticket):
        issue_refund(640, "more")  # type: ignore[call-arg]
    assert state_of(guard, ticket) is State.FAILED


def test_an_edit_that_the_function_does_not_take_is_refused_when_it_is_decided(guard: Guard) -> None:
    @guard.tool
    def issue_refund(amount: int) -> None:
        pytest.fail("must not run")

    ticket = proposed(guard, lambda: issue_refund(640))
    with pytest.raises(NotAllowed, match="the action has no argument 'colour'"):
        guard.resolve(ticket, "fay", "edit", arguments='{"amount": 590, "colour": 5}')
    assert state_of(guard, ticket) is State.CLAIMED


def test_an_edit_keeps_the_object_whose_method_acts(guard: Guard) -> None:
    paid: list[tuple[str, int]] = []

    class Paying(Account):
        @guard.tool(name="issue_refund")
        def refund(self, amount: int) -> None:
            paid.append((self.number, amount))

    one = Paying("A")
    ticket = proposed(guard, lambda: one.refund(640))
    guard.resolve(ticket, "fay", "edit", arguments='{"amount": 590}')
    with guard.authorised(ticket) as action:
        action.run()
    assert paid == [("A", 590)]


def test_a_generator_that_acts_is_gated_before_its_first_step_and_settled_after_its_last(
    guard: Guard,
) -> None:
    paid: list[int] = []

    @guard.tool
    def issue_refund(amount: int) -> Iterator[int]:
        paid.append(amount)
        yield amount
        yield 0

    with guard.context(customer="c1"):
        assert list(issue_refund(39)) == [39, 0]
        with pytest.raises(HandoffRequired):
            list(issue_refund(640))
    assert paid == [39]


def test_an_async_generator_that_acts_is_gated_too(guard: Guard) -> None:
    @guard.tool
    async def issue_refund(amount: int) -> AsyncIterator[int]:
        yield amount

    async def scene() -> None:
        with guard.context(customer="c1"):
            assert [one async for one in issue_refund(39)] == [39]
            with pytest.raises(HandoffRequired):
                [one async for one in issue_refund(640)]

    asyncio.run(scene())


def test_a_function_that_returns_a_coroutine_is_settled_when_that_ends(guard: Guard) -> None:
    async def pay(amount: int) -> int:
        raise ActionFailed("declined")

    def begin(amount: int) -> Any:
        return pay(amount)

    refund = guard.tool(name="issue_refund")(begin)

    async def scene() -> None:
        with guard.context(customer="c1"):
            for _ in range(3):
                with pytest.raises(ActionFailed):
                    await refund(400)

    asyncio.run(scene())


def test_a_result_comes_as_a_handoff_where_that_is_asked_for(guard: Guard) -> None:
    @guard.tool
    def issue_refund(amount: int) -> str:
        return "refunded"

    with guard.context(customer="c1"):
        assert guard.result(issue_refund, 39) == "refunded"
        assert guard.result(issue_refund, 640).role == "finance_lead"  # type: ignore[union-attr]
