"""What a person settles: the ledger counts what was edited, and what cannot be read is refused."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from handrail import Guard, HandoffRequired
from handrail.errors import ConfigError, NotAllowed
from handrail.guard.outcome import Outcome
from handrail.guard.resolve import resolution_of, wait, withdraw
from handrail.policy import load
from handrail.records import Context, FactValue, Money, ToolCall
from handrail.store import Actor, SqlStore
from handrail.testing import FrozenClock
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import LedgerQuery, ResolutionView
from support.scenes import KEY, POLICY

AMOUNT = "{type: money, currencies: [USD], from: tool.args.amount, optional: true}"
IN_TWO_CURRENCIES = POLICY.replace(
    AMOUNT, "{type: money, currencies: [USD, EUR], currency: tool.args.currency, from: tool.args.amount}"
).replace("refund.amount + refunds_30d > 500 USD", "not (refund.amount < 500 USD)")
OF_PIECES = POLICY.replace(
    "  tool.name: ",
    "  order.pieces: {type: number, from: tool.args.order.pieces, optional: true}\n  tool.name: ",
).replace(
    "  - id: card\n",
    """\
  - id: many-pieces
    when: tool.name == "issue_refund" and order.pieces > 10
    to: finance_lead
    trigger: high_stakes
    because: Many pieces are refunded by finance.
  - id: card
""",
)
NOW = FrozenClock()()
USD_640 = Money(amount=Decimal(640), currency="USD")


class Desk:
    """A guarded refund, the person who signs refunds, and what the ledger then counts."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        assert isinstance(guard.store, SqlStore)
        self.store = guard.store

    def ticket(self, tenant: str = "default", **arguments: object) -> str:
        given = json.dumps({"order_id": "o1", "amount": 640, **arguments})
        with self.guard.context(tenant=tenant, customer="c1"):
            outcome = self.guard.gate(ToolCall(id="k1", name="issue_refund", arguments=given))
        assert isinstance(outcome, Outcome)
        assert outcome.handoff is not None
        return outcome.handoff.ticket

    def edit(self, ticket: str, **fields: object) -> None:
        self.guard.resolve(ticket, "fay", "edit", **fields)  # type: ignore[arg-type]

    def counted(self, amount: str = "refund.amount", tenant: str = "default") -> FactValue:
        query = LedgerQuery(
            fact="sum",
            kind="sum",
            tenant=tenant,
            tool="issue_refund",
            amount=amount,
            per="customer",
            key="c1",
            since=datetime(2020, 1, 1, tzinfo=UTC),
        )
        return self.store.totals([query])["sum"]


@pytest.fixture
def desk(guard: Guard) -> Desk:
    return Desk(guard)


@pytest.fixture
def make_desk(make_guard: Callable[[str], Guard]) -> Callable[[str], Desk]:
    return lambda policy: Desk(make_guard(policy))


def test_a_free_ticket_is_claimed_before_it_is_settled_and_a_claimed_one_is_not_claimed_again(
    desk: Desk,
) -> None:
    free, claimed = desk.ticket(), desk.ticket(order_id="o2")
    desk.edit(free, changes={"amount": 590})
    assert desk.guard.people is not None
    desk.store.claim("default", claimed, Actor(person="fay", people=desk.guard.people, now=NOW))
    desk.edit(claimed, changes={"amount": 590})
    for ticket in (free, claimed):
        kinds = [event.kind for event in desk.store.history("default", ticket) if "ticket" in event.kind]
        assert kinds == ["ticket.open", "ticket.claim", "ticket.approve"]


@pytest.mark.parametrize(
    ("fields", "counted"),
    [
        ({"changes": {"amount": 590}}, 590),
        ({"changes": {"amount": "590.50"}}, "590.50"),
        ({"changes": {"order_id": "o2"}}, 640),
        ({"arguments": '{"order_id": "o1", "amount": 490}'}, 490),
        ({"changes": {"amount": 1}, "arguments": '{"amount": 490}'}, 490),
    ],
)
def test_the_ledger_counts_the_edited_amount_and_what_was_not_edited_as_it_was(
    desk: Desk, fields: Mapping[str, object], counted: object
) -> None:
    desk.edit(desk.ticket(), **fields)
    assert desk.counted() == Money(amount=Decimal(str(counted)), currency="USD")


def test_the_ledger_counts_the_amounts_that_are_stated_without_reading_the_arguments(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.edit(ticket, changes={"amount": "a little"}, amounts={"refund.amount": USD_640})
    assert desk.counted() == USD_640


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"changes": {"amount": "a little"}}, "refund.amount of the edited action cannot be read"),
        ({"changes": {"amount": -5}}, "refund.amount of the edited action cannot be read"),
        ({"changes": {"amount": None}}, "refund.amount of the edited action cannot be read"),
        ({"arguments": '{"order_id": "o1"}'}, "refund.amount of the edited action cannot be read"),
        ({"arguments": "{"}, "the edited arguments are not JSON"),
        ({"arguments": "[590]"}, "the edited arguments are not a JSON object"),
    ],
)
def test_an_edit_that_cannot_be_read_is_refused_and_nothing_is_settled(
    desk: Desk, fields: Mapping[str, object], problem: str
) -> None:
    ticket = desk.ticket()
    with pytest.raises(NotAllowed) as raised:
        desk.edit(ticket, **fields)
    assert (raised.value.ticket, raised.value.problem) == (ticket, problem)
    assert desk.store.get("default", ticket).state is State.CLAIMED
    assert desk.counted() == 0


def test_an_approval_carries_out_what_was_shown_whatever_arguments_it_states(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.guard.resolve(ticket, "fay", "approve", arguments="{")
    assert desk.counted() == USD_640


@pytest.mark.parametrize(
    ("changes", "counted"),
    [
        ({"amount": 590}, Money(amount=Decimal(590), currency="USD")),
        ({"currency": "EUR"}, Money(amount=Decimal(640), currency="EUR")),
        ({"amount": 590, "currency": "EUR"}, Money(amount=Decimal(590), currency="EUR")),
    ],
)
def test_amount_and_currency_are_edited_together_or_apart(
    make_desk: Callable[[str], Desk], changes: Mapping[str, object], counted: Money
) -> None:
    desk = make_desk(IN_TWO_CURRENCIES)
    desk.edit(desk.ticket(currency="USD"), changes=changes)
    assert desk.counted() == counted


def test_a_currency_that_the_policy_does_not_know_is_refused(make_desk: Callable[[str], Desk]) -> None:
    desk = make_desk(IN_TWO_CURRENCIES)
    with pytest.raises(NotAllowed, match=r"refund\.amount of the edited action cannot be read"):
        desk.edit(desk.ticket(currency="USD"), changes={"currency": "GBP"})


@pytest.mark.parametrize(("changes", "counted"), [({"order": {"pieces": 2}}, 2), ({"order_id": "o2"}, 3)])
def test_a_number_is_an_amount_too(
    make_desk: Callable[[str], Desk], changes: Mapping[str, object], counted: int
) -> None:
    desk = make_desk(OF_PIECES)
    desk.edit(desk.ticket(order={"pieces": 3}), changes=changes)
    assert desk.counted("order.pieces") == Decimal(counted)
    assert desk.counted() == USD_640


def test_an_action_can_be_edited_while_a_calibration_is_in_force(
    make_desk: Callable[[str], Desk], tmp_path: Path
) -> None:
    (tmp_path / "calibration.json").write_text('{"threshold": 0.62}')
    policy = OF_PIECES.replace("\nroles:", "\nthresholds: {refunds: calibration.json}\nroles:", 1)
    desk = make_desk(policy.replace("order.pieces > 10", "order.pieces > model.threshold.refunds"))
    ticket = desk.ticket(order={"pieces": 3})
    held = desk.store.get("default", ticket).ticket
    assert held is not None
    assert held.facts["model.threshold.refunds"].fact() == Decimal("0.62")
    desk.edit(ticket, changes={"amount": 590})
    assert desk.counted() == Money(amount=Decimal(590), currency="USD")


def test_an_amount_that_todays_policy_reads_as_another_kind_is_refused(
    make_desk: Callable[[str], Desk], tmp_path: Path
) -> None:
    desk = make_desk(OF_PIECES)
    ticket = desk.ticket(order={"pieces": 3})
    money = "type: money, currencies: [USD], currency: tool.args.currency, from"
    later = OF_PIECES.replace("type: number, from", money).replace(
        "order.pieces > 10", "order.pieces > 10 USD"
    )
    (tmp_path / "later.yaml").write_text(later)
    desk.guard.reload(load(tmp_path / "later.yaml"))
    with pytest.raises(NotAllowed, match=r"order\.pieces of the edited action cannot be read"):
        desk.edit(ticket, changes={"order": {"pieces": 2}, "currency": "USD"})
    desk.edit(ticket, changes={"currency": "USD"}, amounts={"order.pieces": Decimal(3)})
    assert desk.counted("order.pieces") == Decimal(3)


def test_an_amount_that_todays_policy_does_not_declare_stays_as_it_was(
    make_desk: Callable[[str], Desk], tmp_path: Path
) -> None:
    desk = make_desk(OF_PIECES)
    ticket = desk.ticket(order={"pieces": 3})
    (tmp_path / "later.yaml").write_text(POLICY)
    desk.guard.reload(load(tmp_path / "later.yaml"))
    desk.edit(ticket, changes={"order": {"pieces": 2}})
    assert desk.counted("order.pieces") == Decimal(3)


def test_each_tenant_settles_its_own(desk: Desk) -> None:
    ticket = desk.ticket(tenant="acme")
    with desk.guard.context(tenant="acme"):
        desk.edit(ticket, changes={"amount": 590})
    assert desk.counted(tenant="acme") == Money(amount=Decimal(590), currency="USD")


def test_what_was_erased_is_settled_by_nobody(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.store.erase("default", "c1", by="dpo", now=NOW)
    with pytest.raises(NotAllowed) as raised:
        desk.edit(ticket, changes={"amount": 590})
    assert (raised.value.ticket, raised.value.problem) == (ticket, "its content was erased")


def test_an_answer_is_edited_without_any_amount(desk: Desk) -> None:
    @desk.guard
    def bot(question: str) -> str:
        return f"The key is {KEY}."

    with pytest.raises(HandoffRequired) as raised:
        bot("What is the key?")
    ticket = raised.value.handoff.ticket
    assert desk.guard.resolution(ticket) is None
    words = "Ask jane.doe@example.com"
    desk.guard.resolve(ticket, "sue", "edit", answer=f"{words}.", message_to_user=f"{words}!")
    found = desk.guard.resolution(ticket)
    assert found is not None
    assert (found.answer, found.message_to_user) == ("Ask [EMAIL].", "Ask [EMAIL]!")


class Standing(asyncio.SelectorEventLoop):
    """An event loop whose clock stands still until somebody looks."""

    now = 100.0

    def time(self) -> float:
        return self.now


def waited(looks: list[ResolutionView | None], timeout_s: float) -> tuple[ResolutionView | None, int]:
    """Wait while each look takes a second; returns what was found and how many looks are left."""
    loop = Standing()

    async def look() -> ResolutionView | None:
        loop.now += 1
        return looks.pop(0)

    work: Coroutine[object, object, ResolutionView | None] = wait(look, timeout_s=timeout_s, every_s=0)
    try:
        return loop.run_until_complete(work), len(looks)
    finally:
        loop.close()


FOUND = ResolutionView(
    ticket="t1", verdict="approve", role="finance_lead", decided_at=datetime(2026, 1, 5, tzinfo=UTC)
)


def test_one_waits_until_somebody_has_decided() -> None:
    assert waited([None, None, FOUND, None], timeout_s=60) == (FOUND, 1)


def test_one_waits_until_the_time_is_up() -> None:
    assert waited([None, None, None, FOUND], timeout_s=3) == (None, 1)
    assert waited([FOUND], timeout_s=0) == (FOUND, 0)


def test_a_store_that_is_not_handrails_own_takes_no_withdrawals() -> None:
    with pytest.raises(ConfigError, match="store takes no withdrawals"):
        withdraw(object(), Context(), "t1", "")  # type: ignore[arg-type]


def test_what_the_customer_said_goes_with_their_withdrawal(desk: Desk) -> None:
    ticket = desk.ticket()
    withdraw(desk.store, Context(customer="c1"), ticket, "I keep them")
    (said,) = desk.store.attempts("default", ticket)
    assert (said.text, said.note) == ("I keep them", "withdrawn")


def test_a_field_or_a_verdict_that_there_is_not_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        ConfigError, match=r"no field 'reason' \(did you mean reason_code\?\); its fields are"
    ):
        resolution_of("reject", {"reason": "too_much"})
    with pytest.raises(ConfigError, match="idempotency_key"):
        resolution_of("reject", {"zzz": 1})
    with pytest.raises(ConfigError, match="write approve, edit, reject, answer, revise"):
        resolution_of("aprove", {})
    assert resolution_of("reject", {"reason_code": "too_much"}).reason_code == "too_much"
