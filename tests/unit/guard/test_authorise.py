"""A person's decision is given back once."""

import asyncio
import contextvars
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from handrail import ActionFailed, Guard, Handoff, HandoffRequired, TicketError
from handrail.errors import (
    AlreadyUsed,
    CheckFailed,
    DecisionExpired,
    DigestMismatch,
    NotAllowed,
    NotDecided,
    PolicyChanged,
    RoleError,
)
from handrail.guard.outcome import Outcome
from handrail.policy import load, loads
from handrail.records import Evidence, ToolCall
from handrail.scan import ListedValue, Scanner, ScanSpec
from handrail.store import Spool, open_store
from handrail.testing import FrozenClock
from handrail.tickets.ports import ConversationState
from support.scenes import POLICY


class Shop:
    """A shop whose refunds are guarded."""

    def __init__(self, guard: Guard) -> None:
        self.guard, self.done = guard, list[int]()
        self.refund = guard.tool(name="issue_refund")(self._refund)

    def _refund(self, order_id: str, amount: Any) -> str:
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

    known = make_guard()
    guard = Guard(known.policy, store=known.store, spool=Spool.beside("sqlite://"))
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


def rule(name: str, when: str, to: str, trigger: str = "high_stakes") -> str:
    return (
        f"  - id: {name}\n    when: {when}\n    to: {to}\n    trigger: {trigger}\n"
        f"    because: The rule {name} says so.\n"
    )


def with_rules(*rules: str, facts: str = "") -> str:
    policy = POLICY.replace("  - id: card\n", "".join(rules) + "  - id: card\n")
    return policy.replace("  disputes: ", f"{facts}  disputes: ")


def put_in_force(guard: Guard, folder: Path, policy: str) -> None:
    (folder / "later.yaml").write_text(policy)
    guard.reload(load(folder / "later.yaml"))


def waiting(guard: Guard, name: str, arguments: str, **context: str) -> str:
    """Propose a call that nobody guards as a function; returns its ticket."""
    with guard.context(**context):
        outcome = guard.gate(ToolCall(id="k1", name=name, arguments=arguments))
    assert isinstance(outcome, Outcome)
    assert outcome.handoff is not None
    return outcome.handoff.ticket


def steps(guard: Guard, ticket: str, tenant: str = "default") -> list[tuple[str, datetime]]:
    kinds = ("ticket.begin", "ticket.applied", "ticket.failed", "ticket.lost", "ticket.reopen")
    return [(e.kind, e.at) for e in guard.store.history(tenant, ticket) if e.kind in kinds]


def test_an_approved_action_says_what_it_is(shop: Shop) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "approve")
    approval = shop.guard.store.approved("default", ticket)
    with shop.guard.authorised(ticket) as action:
        assert (action.ticket, action.tool, action.is_edited) == (ticket, "issue_refund", False)
        assert action.idempotency_key == approval.idempotency_key != ""
        assert action.run() == "refunded"


def test_the_steps_of_an_action_are_recorded_when_they_happen(shop: Shop, clock: FrozenClock) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "approve")
    began = clock.advance(minutes=5)
    with shop.guard.authorised(ticket) as action:
        action.run()
        ended = clock.advance(minutes=5)
    assert steps(shop.guard, ticket) == [("ticket.begin", began), ("ticket.applied", ended)]


def test_an_approval_holds_inside_its_block_only(shop: Shop) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "approve")
    with shop.guard.authorised(ticket) as action:
        action.run()
    with pytest.raises(HandoffRequired):
        shop.refund("o1", 640)
    other = shop.ticket(650)
    shop.decide(other, "approve")
    with shop.guard.authorised(other):
        pass
    with pytest.raises(HandoffRequired):
        shop.refund("o1", 650)
    assert shop.done == [640]


def test_a_tool_that_nobody_guards_here_is_not_run_and_the_action_failed(guard: Guard) -> None:
    ticket = waiting(guard, "issue_refund", '{"amount": 640}', customer="c1")
    guard.resolve(ticket, "fay", "approve")
    message = r"^no tool called 'issue_refund' is guarded here; call it yourself$"
    with pytest.raises(ActionFailed, match=message), guard.authorised(ticket) as action:
        action.run()
    assert guard.store.get("default", ticket).state == "failed"


def test_a_call_without_arguments_is_given_back_without_any(make_guard: Callable[..., Guard]) -> None:
    guard = make_guard(with_rules(rule("closing", 'tool.name == "close_shop"', "finance_lead")))
    ticket = waiting(guard, "close_shop", "")
    guard.resolve(ticket, "fay", "approve")
    with guard.authorised(ticket) as action:
        assert action.arguments == {}


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (None, "applied"),
        (ActionFailed("declined"), "failed"),
        (ZeroDivisionError(), "outcome_unknown"),
        (asyncio.CancelledError(), "outcome_unknown"),
    ],
)
def test_an_async_block_carries_out_and_records_as_the_other_one(
    guard: Guard, error: BaseException | None, state: str
) -> None:
    done: list[int] = []

    @guard.tool(name="issue_refund")
    async def refund(order_id: str, amount: int) -> str:
        await asyncio.sleep(0)
        done.append(amount)
        return "refunded"

    async def carry_out(ticket: str) -> None:
        async with guard.aauthorised(ticket) as action:
            assert await action.arun() == "refunded"
            if error is not None:
                raise error
        with pytest.raises(HandoffRequired):
            await refund("o1", 640)

    ticket = waiting(guard, "issue_refund", '{"order_id": "o1", "amount": 640}', customer="c1")
    guard.resolve(ticket, "fay", "approve")
    if error is None:
        asyncio.run(carry_out(ticket))
    else:
        with pytest.raises(type(error)):
            asyncio.run(carry_out(ticket))
    assert done == [640]
    assert guard.store.get("default", ticket).state == state


def test_an_async_block_runs_a_tool_that_is_not_async_too(shop: Shop) -> None:
    async def carry_out(ticket: str) -> object:
        async with shop.guard.aauthorised(ticket) as action:
            return await action.arun()

    ticket = shop.ticket()
    shop.decide(ticket, "approve")
    assert asyncio.run(carry_out(ticket)) == "refunded"
    with pytest.raises(AlreadyUsed):
        asyncio.run(carry_out(ticket))
    assert shop.done == [640]


@pytest.mark.parametrize(
    ("rules", "problem", "roles"),
    [
        (
            (rule("huge", 'tool.name == "issue_refund" and refund.amount > 600 USD', "process_owner"),),
            "now also needs process_owner",
            ["process_owner"],
        ),
        (
            (
                rule("huge", "refund.amount > 600 USD", "process_owner"),
                rule("large", "refund.amount > 550 USD", "supervisor"),
                rule("again", "refund.amount > 610 USD", "process_owner"),
                rule("signed", "refund.amount > 620 USD", "finance_lead"),
            ),
            "now also needs process_owner, supervisor",
            ["process_owner", "supervisor"],
        ),
        (
            (
                "  - {id: stop, when: refund.amount > 600 USD, effect: block, because: Too much.}\n",
                "  - {id: never, when: refund.amount > 500 USD, effect: block, because: Too much.}\n",
                rule("huge", "refund.amount > 600 USD", "process_owner"),
            ),
            "now blocked by stop, never",
            ["process_owner"],
        ),
        (
            (rule("unread", "refund.tax > 10 USD", "finance_lead"),),
            "now also needs queue_manager",
            ["queue_manager"],
        ),
    ],
)
def test_what_todays_policy_asks_for_beyond_the_approval_opens_the_ticket_again(
    shop: Shop, clock: FrozenClock, tmp_path: Path, rules: Sequence[str], problem: str, roles: list[str]
) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "approve")
    tax = "  refund.tax: {type: money, currencies: [USD], from: tool.args.tax}\n"
    put_in_force(shop.guard, tmp_path, with_rules(*rules, facts=tax if "refund.tax" in rules[0] else ""))
    later = clock.advance(minutes=5)
    with pytest.raises(PolicyChanged) as raised, shop.guard.authorised(ticket):
        pytest.fail("the approval no longer covers this")
    assert (raised.value.ticket, raised.value.problem) == (ticket, problem)
    assert steps(shop.guard, ticket) == [("ticket.reopen", later)]
    reopened = shop.guard.store.history("default", ticket)[-1]
    assert (reopened.data["why"], reopened.data["roles"]) == (problem, roles)
    assert shop.guard.store.get("default", ticket).role == roles[0]
    assert shop.done == []


def test_what_a_role_settled_as_unsure_is_not_asked_again_when_another_role_gets_what_is_unsure(
    shop: Shop, tmp_path: Path
) -> None:
    with shop.guard.context(customer="c1"), pytest.raises(HandoffRequired) as raised:
        shop.refund("o1", "a lot")  # type: ignore[arg-type]
    ticket = raised.value.handoff.ticket
    shop.decide(ticket, "approve", person="quinn")
    put_in_force(shop.guard, tmp_path, POLICY.replace("if_unsure: queue_manager", "if_unsure: process_owner"))
    with shop.guard.authorised(ticket) as action:
        action.run()
    assert shop.done == ["a lot"]


def test_a_rule_that_goes_to_another_role_now_needs_that_role(shop: Shop, tmp_path: Path) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "approve")
    elsewhere = POLICY.replace("    to: finance_lead\n", "    to: process_owner\n")
    assert elsewhere != POLICY
    put_in_force(shop.guard, tmp_path, elsewhere)
    with pytest.raises(PolicyChanged, match="now also needs process_owner"), shop.guard.authorised(ticket):
        pytest.fail("process_owner has not approved this")


@pytest.mark.parametrize("per", ["customer", "conversation", "tenant"])
def test_the_policy_is_run_again_for_whom_the_action_is_and_counts_it_once(
    make_guard: Callable[..., Guard], tmp_path: Path, per: str
) -> None:
    """Two refunds are above the new limit together; each alone is below it."""
    guard = make_guard(POLICY.replace("per: customer", f"per: {per}"))
    limit = rule("sum", "refund.amount + refunds_30d > 1000 USD", "process_owner")
    tickets = []
    for order in ("o1", "o2"):
        arguments = json.dumps({"order_id": order, "amount": 640})
        tickets.append(
            waiting(guard, "issue_refund", arguments, tenant="acme", customer="c1", conversation="v1")
        )
        with guard.context(tenant="acme"):
            guard.resolve(tickets[-1], "fay", "approve")
    put_in_force(guard, tmp_path, with_rules(limit).replace("per: customer", f"per: {per}"))
    with guard.context(tenant="acme"):
        with pytest.raises(PolicyChanged, match="process_owner"), guard.authorised(tickets[0]):
            pytest.fail("the second refund is reserved beside it")
        with guard.authorised(tickets[1]) as action:
            assert action.arguments == {"order_id": "o2", "amount": 640}
    assert [kind for kind, _ in steps(guard, tickets[0], "acme")] == ["ticket.reopen"]
    assert [kind for kind, _ in steps(guard, tickets[1], "acme")] == ["ticket.begin", "ticket.applied"]


def test_facts_of_the_present_context_count_and_where_there_are_none_the_recorded_ones(
    make_guard: Callable[..., Guard],
) -> None:
    known = "  known_customer: {type: yes/no, from: context.known_customer}\n"
    stranger = rule("stranger", 'tool.name == "issue_refund" and not known_customer', "process_owner")
    guard = make_guard(with_rules(stranger, facts=known))
    tickets = []
    for order in ("o1", "o2"):
        with guard.context(facts={"known_customer": True}):
            arguments = json.dumps({"order_id": order, "amount": 640})
            tickets.append(waiting(guard, "issue_refund", arguments, customer="c1"))
        guard.resolve(tickets[-1], "fay", "approve")
    with guard.authorised(tickets[0]) as action:
        assert action.arguments == {"order_id": "o1", "amount": 640}
    with (
        guard.context(facts={"known_customer": False}),
        pytest.raises(PolicyChanged, match="now also needs process_owner"),
        guard.authorised(tickets[1]),
    ):
        pytest.fail("the customer is a stranger by now")


class Registry:
    """A source of facts that can go down; `asked` holds the exchanges it was asked about."""

    def __init__(self) -> None:
        self.is_down, self.asked = False, list[str]()

    def __call__(self, names: Sequence[str], evidence: Evidence, now: datetime) -> Mapping[str, object]:
        self.asked.append(evidence.exchange)
        if self.is_down:
            raise OSError("no route")
        return dict.fromkeys(names, True)


def test_a_policy_that_cannot_be_run_again_lets_nothing_begin(make_guard: Callable[..., Guard]) -> None:
    registry = Registry()
    stranger = rule("stranger", 'tool.name == "issue_refund" and not registered', "process_owner")
    guard = make_guard(with_rules(stranger, facts="  registered: {type: yes/no}\n"), facts=registry)
    ticket = waiting(guard, "issue_refund", '{"amount": 640}', customer="c1")
    guard.resolve(ticket, "fay", "approve")
    registry.is_down = True
    with pytest.raises(CheckFailed) as raised, guard.authorised(ticket):
        pytest.fail("nothing says that the approval still covers this")
    assert (raised.value.step, raised.value.exchange, raised.value.why) == (
        "policy re-run",
        ticket,
        "OSError",
    )
    assert guard.store.get("default", ticket).state == "decided"
    registry.is_down = False
    with guard.authorised(ticket) as action:
        assert action.arguments == {"amount": 640}
    assert registry.asked[1:] == [ticket, ticket]


def test_a_rule_on_the_tool_counts_for_an_action_that_was_approved_without_one(
    make_guard: Callable[..., Guard], tmp_path: Path
) -> None:
    lines = POLICY.replace('tool.name == "issue_refund" and ', "").splitlines(keepends=True)
    names_no_tool = "".join(line for line in lines if not line.startswith("  tool.name:"))
    deletion = names_no_tool.index("  - id: no-deletion")
    guard = make_guard(names_no_tool[:deletion] + names_no_tool[names_no_tool.index("on_conflict") :])
    ticket = waiting(guard, "issue_refund", '{"amount": 640}', customer="c1")
    guard.resolve(ticket, "fay", "approve")
    put_in_force(guard, tmp_path, with_rules(rule("all", 'tool.name == "issue_refund"', "process_owner")))
    with pytest.raises(PolicyChanged, match=r"now also needs process_owner$"), guard.authorised(ticket):
        pytest.fail("process_owner signs every refund by now")


def state_of(shop: Shop, ticket: str) -> str:
    return str(shop.guard.store.get("default", ticket).state)  # type: ignore[attr-defined]


def test_an_action_is_settled_even_if_its_block_is_left_in_another_context(shop: Shop) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "approve")
    block = shop.guard.authorised(ticket)
    contextvars.copy_context().run(block.__enter__)
    with pytest.raises(ValueError, match="different Context"):
        block.__exit__(None, None, None)
    assert state_of(shop, ticket) == "applied"


def test_a_scanner_of_ones_own_stays_over_a_reload(tmp_path: Path) -> None:
    spec = ScanSpec(deny=(ListedValue(value="Project Heron", type="credential"),))
    url = f"sqlite:///{tmp_path}/scanner.db"
    policy = loads(POLICY)
    guard = Guard(policy, store=open_store(url), spool=Spool.beside(url), scanner=Scanner(spec))

    @guard
    def answer(question: str) -> str:
        return "It is called Project Heron."

    assert isinstance(guard.result(answer, "What is it called?"), Handoff)
    guard.reload(policy)
    assert isinstance(guard.result(answer, "What is it called?"), Handoff)


@pytest.mark.parametrize(
    "fields", [{"changes": {"amount": 640}}, {"arguments": '{"amount":640.0, "order_id":"o1"}'}]
)
def test_an_edit_that_changes_nothing_is_refused(shop: Shop, fields: dict[str, object]) -> None:
    ticket = shop.ticket()
    with pytest.raises(NotAllowed, match="changes nothing"):
        shop.decide(ticket, "edit", **fields)


def test_an_edit_of_a_mistyped_argument_is_refused_with_the_name_that_was_meant(shop: Shop) -> None:
    ticket = shop.ticket()
    with pytest.raises(NotAllowed, match="no argument 'amout'; did you mean 'amount'"):
        shop.decide(ticket, "edit", changes={"amout": 90})


@pytest.mark.parametrize("amount", ["640 KWD", None, "BTC 3", [1]])
def test_an_edit_that_makes_the_amount_unreadable_does_not_run_on_what_was_there_before(
    shop: Shop, amount: object
) -> None:
    ticket = shop.ticket()
    shop.guard.resolve(ticket, "fay", "edit", changes={"amount": amount}, amounts={})
    with pytest.raises(PolicyChanged), shop.guard.authorised(ticket):
        pytest.fail("must not begin")
    assert shop.done == []


def test_who_waits_is_told_that_the_customer_withdrew_and_an_approval_is_taken_back(shop: Shop) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "approve")
    with shop.guard.context(customer="c2"), pytest.raises(NotAllowed):
        shop.guard.withdraw(ticket)
    with shop.guard.context(customer="C1 "):
        told = shop.guard.withdraw(ticket, words="I keep them")
        waited = asyncio.run(shop.guard.wait(ticket, timeout_s=1))
    assert told == waited
    assert told is not None
    assert told.verdict == "withdrawn"
    with pytest.raises(NotAllowed, match="withdrew"), shop.guard.authorised(ticket) as action:
        action.run()
    assert shop.done == []


def test_a_withdrawal_awaited_is_one(shop: Shop) -> None:
    ticket = shop.ticket()
    with shop.guard.context(customer="c1"):
        told = asyncio.run(shop.guard.awithdraw(ticket))
    assert told is not None
    assert told.verdict == "withdrawn"


def test_who_is_taken_out_of_the_people_file_decides_nothing_more_in_a_running_process(
    shop: Shop, tmp_path: Path
) -> None:
    ticket, file = shop.ticket(), tmp_path / "people.yaml"
    assert "fay" in file.read_text()
    file.write_text(file.read_text().replace("fay", "finn"))
    with pytest.raises(NotAllowed):
        shop.decide(ticket, "approve")
    shop.decide(ticket, "approve", person="finn")
    file.write_text("roles: {}")
    with pytest.raises(RoleError):
        shop.decide(ticket, "reject", person="finn")


@pytest.mark.parametrize("is_async", [False, True])
def test_an_approval_that_is_used_for_another_call_certainly_did_nothing(shop: Shop, is_async: bool) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "approve")

    async def later() -> None:
        async with shop.guard.aauthorised(ticket):
            shop.refund("o1", 6400)

    with pytest.raises(DigestMismatch):
        if is_async:
            asyncio.run(later())
        else:
            with shop.guard.authorised(ticket):
                shop.refund("o1", 6400)
    assert shop.done == []
    assert shop.guard.store.get("default", ticket).state == "failed"


def test_what_is_raised_beside_a_refusal_leaves_the_outcome_unknown(shop: Shop) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "approve")
    with pytest.raises(ConnectionError), shop.guard.authorised(ticket):
        with pytest.raises(DigestMismatch):
            shop.refund("o1", 6400)
        raise ConnectionError
    assert shop.guard.store.get("default", ticket).state == "outcome_unknown"


def test_an_approval_that_a_cancelled_caller_never_got_is_on_record_as_unused(shop: Shop) -> None:
    ticket = shop.ticket()
    shop.decide(ticket, "approve")
    store: Any = shop.guard.store
    begin, began, going = store.begin, threading.Event(), threading.Event()

    def slow(*args: Any, **more: Any) -> Any:
        began.set()
        going.wait(20)
        return begin(*args, **more)

    store.begin = slow

    async def use() -> None:
        async with shop.guard.aauthorised(ticket):
            pytest.fail("its caller was cancelled")

    async def cancelled() -> None:
        task = asyncio.create_task(use())
        await asyncio.to_thread(began.wait, 20)
        task.cancel()
        going.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert store.get("default", ticket).state == "failed"


@dataclass
class Account:
    """Whose money it is."""

    number: str


@pytest.mark.parametrize("is_async", [False, True])
def test_the_object_whose_method_acts_is_no_argument_and_may_be_given_where_it_is_not_known(
    shop: Shop, is_async: bool
) -> None:
    paid: list[tuple[int, str]] = []

    class Paying(Account):
        @shop.guard.tool(name="issue_refund")
        def refund(self, amount: int) -> None:
            paid.append((id(self), self.number))

    asking, same, other = Paying("A"), Paying("A"), Paying("B")

    def opened(amount: int) -> str:
        with shop.guard.context(customer="c1"), pytest.raises(HandoffRequired) as raised:
            asking.refund(amount)
        shop.decide(raised.value.handoff.ticket, "approve")
        return raised.value.handoff.ticket

    async def later(ticket: str, receiver: object) -> None:
        async with shop.guard.aauthorised(ticket) as action:
            assert action.arguments == {"amount": action.arguments["amount"]}
            assert action.receiver == {"number": "A"}
            await action.arun(receiver=receiver)

    def run(ticket: str, receiver: object) -> None:
        if is_async:
            asyncio.run(later(ticket, receiver))
            return
        with shop.guard.authorised(ticket) as action:
            action.run(receiver=receiver)

    run(opened(640), same)
    assert paid == [(id(same), "A")]
    with pytest.raises(DigestMismatch):
        run(opened(641), other)
    assert len(paid) == 1


def test_a_function_s_own_argument_of_the_name_self_is_one(guard: Guard) -> None:
    ran: list[dict[str, Any]] = []

    @guard.tool
    def issue_refund(**given: Any) -> None:
        ran.append(given)

    call = {"self": "o1", "amount": 640}
    ticket = waiting(guard, "issue_refund", json.dumps(call), customer="c1")
    guard.resolve(ticket, "fay", "approve")
    with guard.authorised(ticket) as action:
        assert action.arguments == call
