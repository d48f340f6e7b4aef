"""The boundary around functions that act."""

import asyncio
import json
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from handrail import ActionFailed, AnswerBlocked, Guard, HandoffRequired
from handrail.errors import AlreadyUsed, CheckFailed, DigestMismatch, StoreUnavailable
from handrail.guard.outcome import Outcome
from handrail.guard.tool_gate import ATTEMPTS, Permit, name_of
from handrail.records import Draft, Message, Money, Speaker, Stage, ToolCall, Trigger
from handrail.testing import FrozenClock, assert_handed_off
from handrail.tickets.action import action_digest
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import LedgerEntry, Settlement
from support.scenes import KEY, POLICY


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


def asked(amount: object, number: str = "1", **more: Any) -> ToolCall:
    arguments = json.dumps({"order_id": "o1", "amount": amount})
    return ToolCall(**{"id": number, "name": "issue_refund", "arguments": arguments, **more})


def must_pass(passed: Permit | Outcome) -> Permit:
    assert isinstance(passed, Permit), passed
    return passed


def must_stop(passed: Permit | Outcome) -> Outcome:
    assert isinstance(passed, Outcome), passed
    return passed


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("error", "counts"), [(None, True), (ActionFailed("declined"), False), (ConnectionError(), True)]
)
def test_a_permit_says_how_its_block_ended(
    guard: Guard, error: Exception | None, counts: bool, is_async: bool
) -> None:
    def end() -> None:
        if error is not None:
            raise error

    async def later() -> None:
        async with must_pass(await guard.agate(asked(400))):
            end()

    def at_once() -> None:
        with must_pass(guard.gate(asked(400))):
            end()

    with guard.context(customer="c1"):
        with nullcontext() if error is None else pytest.raises(type(error)):
            asyncio.run(later()) if is_async else at_once()
        assert isinstance(guard.gate(asked(400)), Outcome) is counts


@pytest.mark.parametrize("settlement", list(Settlement))
@pytest.mark.parametrize("is_async", [False, True])
def test_a_program_without_a_block_says_itself_how_an_action_ended(
    guard: Guard, settlement: Settlement, is_async: bool
) -> None:
    with guard.context(customer="c1"):
        permit = must_pass(guard.gate(asked(400)))
        if is_async:
            asyncio.run(permit.asettle(settlement))
        else:
            permit.settle(settlement)
        is_free = settlement is Settlement.NO_EFFECT
        assert isinstance(guard.gate(asked(400)), Permit) is is_free


def test_an_action_that_no_rule_counts_has_nothing_to_settle(guard: Guard) -> None:
    permit = must_pass(guard.gate(ToolCall(id="1", name="look_up", arguments="{}")))
    assert permit.entry is None
    assert (permit.store, permit.tenant) == (guard.store, "default")
    permit.settle(Settlement.DONE)
    asyncio.run(permit.asettle(Settlement.DONE))


def approved(guard: Guard, call: ToolCall) -> str:
    handoff = must_stop(guard.gate(call)).handoff
    assert handoff is not None
    guard.resolve(handoff.ticket, "fay", "approve")
    return handoff.ticket


def failing(error: Exception) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> Any:
        raise error

    return fail


def test_a_check_that_fails_hands_the_action_off_and_says_why(guard: Guard) -> None:
    store: Any = guard.store
    store.totals = failing(StoreUnavailable("totals", why="the disk is gone"))
    with guard.context(customer="c1"):
        stopped = must_stop(guard.gate(asked(39), exchange="x1"))
    (reason,) = stopped.decision.reasons
    assert (stopped.decision.stage, reason.trigger, reason.role) == (
        Stage.TOOL,
        Trigger.UNSURE,
        "queue_manager",
    )
    assert reason.because == "totals"
    assert stopped.exchange == "x1"


def test_totals_that_never_stand_still_hand_the_action_off(guard: Guard) -> None:
    store: Any = guard.store
    tried: list[str] = []

    def reserve(entry: LedgerEntry, seen: object) -> bool:
        tried.append(entry.id)
        return False

    store.reserve = reserve
    with guard.context(customer="c1"):
        stopped = must_stop(guard.gate(asked(39), exchange="x1"))
    assert len(tried) == ATTEMPTS
    assert all(one.startswith("x1-") for one in tried)
    (reason,) = stopped.decision.reasons
    assert (stopped.decision.stage, reason.role) == (Stage.TOOL, "queue_manager")
    assert "totals kept changing" in reason.because
    assert stopped.exchange == "x1"


def test_an_action_is_decided_on_anew_when_another_process_spent_meanwhile(guard: Guard) -> None:
    store: Any = guard.store
    reserve, others = store.reserve, ["of-another-process"]

    def spent_first(entry: LedgerEntry, known: Any) -> bool:
        while others:
            assert reserve(replace(entry, id=others.pop()), known)
        taken: bool = reserve(entry, known)
        return taken

    store.reserve = spent_first
    with guard.context(customer="c1"):
        stopped = must_stop(guard.gate(asked(400)))
    assert [reason.role for reason in stopped.decision.reasons] == ["finance_lead"]


def test_who_is_cancelled_while_the_gate_decides_has_spent_nothing(guard: Guard) -> None:
    store: Any = guard.store
    reserve, reached, may_go_on = store.reserve, threading.Event(), threading.Event()

    def slowly(entry: LedgerEntry, known: Any) -> bool:
        reached.set()
        assert may_go_on.wait(10)
        taken: bool = reserve(entry, known)
        return taken

    async def cancelled() -> None:
        asking = asyncio.create_task(guard.agate(asked(400)))
        await asyncio.to_thread(reached.wait, 10)
        asking.cancel()
        may_go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await asking

    store.reserve = slowly
    with guard.context(customer="c1"):
        asyncio.run(cancelled())
        must_pass(guard.gate(asked(400)))


def test_an_action_that_could_not_be_reserved_does_not_run(guard: Guard) -> None:
    store: Any = guard.store
    store.reserve = failing(StoreUnavailable("ledger", why="the disk is gone"))
    with guard.context(customer="c1"), pytest.raises(CheckFailed, match="ledger") as raised:
        guard.gate(asked(39), exchange="x1")
    assert (raised.value.step, raised.value.exchange, raised.value.why) == ("ledger", "x1", "ledger")


def test_what_is_reserved_is_the_action_that_was_judged(guard: Guard) -> None:
    store: Any = guard.store
    seen: list[LedgerEntry] = []
    reserve = store.reserve
    store.reserve = lambda entry, known: seen.append(entry) or reserve(entry, known)
    call = asked(39)
    with guard.context(tenant="shop", customer="c1", conversation="v1"):
        permit = must_pass(guard.gate(call, exchange="x1"))
    (entry,) = seen
    digest = action_digest(call.name, call.arguments, policy_sha256=guard.policy.ref.sha256, tenant="shop")
    assert (entry.tenant, entry.tool, entry.customer, entry.conversation) == (
        "shop",
        "issue_refund",
        "c1",
        "v1",
    )
    assert (entry.digest, entry.id) == (digest, permit.entry)
    assert entry.amounts["refund.amount"] == Money(amount=Decimal(39), currency="USD")


RESULTS = POLICY.replace(
    "\nhand_offs:\n", "  result.findings: {type: set, values: [email]}\n\nhand_offs:\n", 1
).replace(
    "\n  - id: card\n",
    "\n  - id: told\n    when: result.findings has email\n    to: supervisor\n"
    "    because: Looked at.\n  - id: card\n",
    1,
)


@pytest.mark.parametrize(("policy", "judges"), [(POLICY, False), (RESULTS, True)])
def test_a_permit_says_whether_what_the_action_returns_is_judged(
    make_guard: Callable[..., Guard], policy: str, judges: bool
) -> None:
    guard = make_guard(policy)
    with guard.context(customer="c1"):
        assert must_pass(guard.gate(asked(39))).judges_result is judges
        assert must_pass(guard.gate(ToolCall(id="1", name="look_up", arguments="{}"))).judges_result is judges
        with guard.authorised(approved(guard, asked(640))):
            permit = must_pass(guard.gate(asked(640)))
    assert (permit.judges_result, permit.store, permit.tenant) == (judges, guard.store, "default")


@pytest.mark.parametrize(
    "other",
    [
        asked(641),
        asked(640, arguments='{"order_id": "o1", "amount": '),
        asked(640, unreadable=("amount",)),
        asked(640, arguments='{"order_id": "o2", "amount": 640}'),
        asked(640, arguments='{"order_id": "o1", "amount": 640, "note": ""}'),
        asked(640, arguments='{"order_id": "o1"}'),
        asked(640, arguments="{}"),
    ],
)
def test_inside_an_approval_only_the_approved_call_of_its_tool_passes(guard: Guard, other: ToolCall) -> None:
    with guard.context(customer="c1"):
        ticket = approved(guard, asked(640))
        with (
            pytest.raises(DigestMismatch, match="issue_refund was called with other arguments") as raised,
            guard.authorised(ticket),
        ):
            guard.gate(other)
    assert raised.value.ticket == ticket
    view = guard.store.get("default", ticket)  # type: ignore[attr-defined]
    assert view.state is State.FAILED, "it certainly did not run"


def test_the_second_run_of_an_approval_is_refused_by_name(guard: Guard) -> None:
    with guard.context(customer="c1"):
        ticket = approved(guard, asked(640))
        with guard.authorised(ticket):
            must_pass(guard.gate(asked(640)))
            with pytest.raises(AlreadyUsed, match="issue_refund has run once") as raised:
                guard.gate(asked(640, arguments='{"amount":6.4e2,"order_id":"\\u006f1"}'))
    assert raised.value.ticket == ticket


def test_inside_an_approval_another_tool_is_gated_by_itself(guard: Guard) -> None:
    with guard.context(customer="c1"):
        ticket = approved(guard, asked(640))
        with guard.authorised(ticket):
            assert must_stop(guard.gate(ToolCall(id="1", name="delete_account", arguments="{}"))).is_blocked
            must_pass(guard.gate(asked(640)))


def test_the_name_of_what_has_none_is_that_of_its_class() -> None:
    class Look:
        def __call__(self) -> None: ...

    assert (name_of(refunds), name_of(Look())) == ("refunds", "Look")
