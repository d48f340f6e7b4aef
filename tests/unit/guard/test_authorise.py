"""A person's decision is given back once."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from handrail import ActionFailed, Guard, HandoffRequired, TicketError
from handrail.errors import (
    AlreadyUsed,
    DecisionExpired,
    DigestMismatch,
    NotAllowed,
    NotDecided,
    PolicyChanged,
)
from handrail.policy import load
from handrail.testing import FrozenClock
from handrail.tickets.ports import ConversationState
from support.scenes import POLICY


class Shop:
    """A shop whose refunds are guarded."""

    def __init__(self, guard: Guard) -> None:
        self.guard, self.done = guard, list[int]()
        self.refund = guard.tool(name="issue_refund")(self._refund)

    def _refund(self, order_id: str, amount: int) -> str:
        self.done.append(amount)
        return "refunded"

    def ticket(self, amount: int = 640) -> str:
        with self.guard.context(customer="c1", conversation="v1"), pytest.raises(HandoffRequired) as raised:
            self.refund("o1", amount)
        return raised.value.handoff.ticket

    def decide(self, ticket: str, verdict: str, person: str = "fay", **more: object) -> None:
        self.guard.resolve(ticket, person, verdict, **more)


@pytest.fixture
def shop(guard: Guard) -> Shop:
    return Shop(guard)


def test_an_approved_action_runs_once(shop: Shop) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "approve")
    with shop.guard.authorised(ticket) as action:
        assert action.arguments == {"order_id": "o1", "amount": 640}
        assert action.run() == "refunded"
    assert shop.done == [640]
    with pytest.raises(AlreadyUsed), shop.guard.authorised(ticket):
        pytest.fail("a second use must not begin")
    assert shop.done == [640]


def test_an_edited_action_runs_edited(shop: Shop) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "edit", arguments='{"order_id": "o1", "amount": 590}')
    with shop.guard.authorised(ticket) as action:
        assert action.is_edited
        action.run()
    assert shop.done == [590]


def test_a_rejected_call_can_never_run(shop: Shop) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "reject")
    with pytest.raises(TicketError), shop.guard.authorised(ticket):
        pytest.fail("a rejected action must not begin")
    assert shop.done == []


def test_nothing_runs_before_a_decision(shop: Shop) -> None:
    ticket = shop.ticket()
    with pytest.raises(NotDecided), shop.guard.authorised(ticket):
        pytest.fail("an undecided action must not begin")


def test_other_arguments_than_approved_never_run(shop: Shop) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "approve")
    with pytest.raises(DigestMismatch), shop.guard.authorised(ticket):
        shop.refund("o1", 6400)
    assert shop.done == []


def test_one_approval_runs_one_action_even_inside_one_block(shop: Shop) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "approve")
    with pytest.raises(AlreadyUsed), shop.guard.authorised(ticket) as action:
        action.run()
        action.run()
    assert shop.done == [640]


def test_a_decision_expires(shop: Shop, clock: FrozenClock) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "approve")
    clock.advance(days=30)
    with pytest.raises(DecisionExpired), shop.guard.authorised(ticket):
        pytest.fail("an expired decision must not begin")


def test_only_the_role_may_decide(shop: Shop) -> None:
    ticket = shop.ticket()
    with pytest.raises(NotAllowed):
        shop.decide(ticket, "approve", person="sue")


def test_the_person_who_asked_cannot_decide(shop: Shop) -> None:
    ticket = shop.ticket()
    with pytest.raises(NotAllowed):
        shop.decide(ticket, "approve", person="c1")


def test_a_stricter_policy_reopens_the_ticket(shop: Shop, tmp_path: Path) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "approve")
    stricter = POLICY.replace(
        "  - id: no-deletion",
        "  - id: huge-refund\n"
        '    when: tool.name == "issue_refund" and refund.amount > 600 USD\n'
        "    to: process_owner\n"
        "    trigger: high_stakes\n"
        "    because: Very large refunds need the process owner too.\n"
        "  - id: no-deletion",
    )
    (tmp_path / "stricter.yaml").write_text(stricter)
    shop.guard.reload(load(tmp_path / "stricter.yaml"))
    with pytest.raises(PolicyChanged), shop.guard.authorised(ticket):
        pytest.fail("the approval no longer covers this")
    assert shop.done == []


def test_a_blocked_action_cannot_be_approved_into_running(shop: Shop, tmp_path: Path) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "approve")
    blocked = POLICY.replace('tool.name == "delete_account"', 'tool.name == "issue_refund"')
    (tmp_path / "blocked.yaml").write_text(blocked)
    shop.guard.reload(load(tmp_path / "blocked.yaml"))
    with pytest.raises(PolicyChanged), shop.guard.authorised(ticket):
        pytest.fail("a block is final")


def test_a_failed_action_says_so_and_an_interrupted_one_is_unknown(shop: Shop) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "approve")
    with pytest.raises(ZeroDivisionError), shop.guard.authorised(ticket):
        raise ZeroDivisionError
    view = shop.guard.store.get("default", ticket)
    assert view.state == "outcome_unknown"


def test_an_action_that_certainly_failed_is_failed(shop: Shop) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "approve")
    with pytest.raises(ActionFailed), shop.guard.authorised(ticket):
        raise ActionFailed("declined")
    assert shop.guard.store.get("default", ticket).state == "failed"


def test_of_two_racing_appliers_one_wins(shop: Shop) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "approve")
    start = threading.Barrier(4)
    lost: list[TicketError] = []

    def apply() -> None:
        start.wait()
        try:
            with shop.guard.authorised(ticket) as action:
                action.run()
        except TicketError as error:
            lost.append(error)

    threads = [threading.Thread(target=apply) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shop.done == [640]
    assert len(lost) == 3


def test_the_conversation_returns_with_the_decision(shop: Shop) -> None:
    ticket = shop.ticket()
    store = shop.guard.store
    assert store.conversation("default", "v1").state is ConversationState.PENDING
    shop.decide(ticket, "edit", arguments='{"order_id": "o1", "amount": 590}')
    with shop.guard.authorised(ticket) as action:
        action.run()
    status = store.conversation("default", "v1")
    assert status.state is ConversationState.RETURNED
    assert "590" in status.note


def test_the_approved_amount_counts_towards_the_limit(shop: Shop) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "edit", arguments='{"order_id": "o1", "amount": 490}')
    with shop.guard.authorised(ticket) as action:
        action.run()
    with shop.guard.context(customer="c1", conversation="v2"), pytest.raises(HandoffRequired):
        shop.refund("o1", 20)


def test_a_guard_without_people_lets_nobody_decide(make_guard: Callable[..., Guard]) -> None:
    from handrail import ConfigError

    guard = make_guard()
    guard.people = None
    shop = Shop(guard)
    with pytest.raises(ConfigError, match="people"):
        shop.decide(shop.ticket(), "approve")


def test_a_persons_words_pass_the_scanner_too(shop: Shop) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "approve", message_to_user="Ask jane.doe@example.com about it.")
    found = shop.guard.resolution(ticket)
    assert found is not None
    assert "jane.doe@example.com" not in found.message_to_user
    assert found.message_to_user.startswith("Ask ")


def test_who_settles_an_unknown_amount_cannot_sign_one_over_the_limit(shop: Shop) -> None:
    with shop.guard.context(customer="c1", conversation="v1"), pytest.raises(HandoffRequired) as raised:
        shop.refund("o1", "a lot")  # type: ignore[arg-type]
    handoff = raised.value.handoff
    assert handoff.role == "queue_manager"
    shop.decide(
        handoff.ticket,
        "edit",
        person="quinn",
        arguments='{"order_id": "o1", "amount": 6400}',
    )
    with pytest.raises(PolicyChanged), shop.guard.authorised(handoff.ticket):
        pytest.fail("finance has not approved this")
    assert shop.done == []


IN_A_LIST = POLICY.replace("from: tool.args.amount", "from: tool.args.items.0.amount")


@pytest.mark.parametrize(
    "edit", [{"arguments": '{"items": [{"amount": 90}]}'}, {"changes": {"items": [{"amount": 90}]}}]
)
def test_an_edited_amount_inside_a_list_counts_as_it_was_paid(
    make_guard: Callable[..., Guard], edit: dict[str, object]
) -> None:
    guard = make_guard(IN_A_LIST)
    refund = guard.tool(name="issue_refund")(lambda items: items[0]["amount"])
    with guard.context(customer="c1"):
        with pytest.raises(HandoffRequired) as raised:
            refund([{"amount": 640}])
        guard.resolve(raised.value.handoff.ticket, "fay", "edit", **edit)  # type: ignore[arg-type]
        with guard.authorised(raised.value.handoff.ticket) as action:
            assert action.run() == 90
        # 90 are on the ledger, so 400 more stay below the limit of 500 and 420 more do not.
        with pytest.raises(HandoffRequired):
            refund([{"amount": 420}])
        assert refund([{"amount": 400}]) == 400
