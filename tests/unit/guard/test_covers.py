"""A role that covers another settles its cases, in one seat; and nobody settles a case of their own."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from handrail import Guard, HandoffRequired
from handrail.errors import NotAllowed, PolicyChanged, PolicyError
from handrail.policy import loads
from handrail.testing import FrozenClock

POLICY = """\
policy: shop
version: "1"
if_unsure: queue_manager
roles:
  support_lead:  {answer_within: 30 minutes}
  finance_lead:  {answer_within: 30 minutes, covers: [support_lead]}
  queue_manager: {answer_within: 30 minutes}
facts:
  tool.name:     {type: text, from: tool.name}
  refund.amount: {type: money, currencies: [USD], from: tool.args.amount, optional: true}
  refunds_30d:
    {type: money, currencies: [USD], from: ledger, sum: refund.amount, where: issue_refund, per: customer,
     within: 30 days}
hand_offs:
  - id: medium
    when: tool.name == "issue_refund" and refund.amount > 100 USD and refund.amount <= 500 USD
    to: support_lead
    trigger: high_stakes
  - id: large
    when: tool.name == "issue_refund" and refund.amount > 500 USD
    to: finance_lead
    trigger: high_stakes
  - id: both
    when: tool.name == "issue_refund" and refund.amount > 5000 USD
    to: support_lead
    trigger: high_stakes
  - id: often
    when: tool.name == "issue_refund" and refunds_30d > 400 USD
    to: queue_manager
    trigger: high_stakes
"""

PEOPLE = """\
roles:
  support_lead: [sam]
  finance_lead: [fay, finn]
  queue_manager: [quinn]
people:
  sam:
  fay: {email: fay@example.org, aliases: [F-17]}
  finn: {email: Fay@Example.org}
  quinn:
"""


class Shop:
    """Refunds behind the guard; `done` are those that were paid."""

    def __init__(self, guard: Guard) -> None:
        self.guard, self.done = guard, list[int]()
        self.refund = guard.tool(name="issue_refund")(self._pay)

    def _pay(self, amount: int) -> None:
        self.done.append(amount)

    def ticket(self, amount: int, **whose: object) -> str:
        with self.guard.context(**{"customer": "c1", **whose}), pytest.raises(HandoffRequired) as raised:  # type: ignore[arg-type]
            self.refund(amount)
        return raised.value.handoff.ticket

    def run(self, ticket: str) -> None:
        with self.guard.authorised(ticket) as action:
            action.run()


@pytest.fixture
def shop(tmp_path: Path, clock: FrozenClock) -> "Callable[..., Shop]":
    def make(policy: str = POLICY) -> Shop:
        (tmp_path / "policy.yaml").write_text(policy)
        (tmp_path / "people.yaml").write_text(PEOPLE)
        guard = Guard.from_policy(
            tmp_path / "policy.yaml",
            people=tmp_path / "people.yaml",
            store=f"sqlite:///{tmp_path}/handrail.db",
            clock=clock,
        )
        return Shop(guard)

    return make


def edit(shop: Shop, ticket: str, person: str, amount: int) -> None:
    shop.guard.resolve(ticket, person, "edit", arguments=json.dumps({"amount": amount}))


def test_a_lower_edit_by_the_role_that_covers_does_not_go_round_again(shop: Callable[..., Shop]) -> None:
    desk = shop()
    ticket = desk.ticket(640)
    edit(desk, ticket, "fay", 450)
    desk.run(ticket)
    assert desk.done == [450]


def test_without_covers_the_lower_role_is_asked(shop: Callable[..., Shop]) -> None:
    desk = shop(POLICY.replace(", covers: [support_lead]", ""))
    ticket = desk.ticket(640)
    edit(desk, ticket, "fay", 450)
    with pytest.raises(PolicyChanged, match="support_lead"):
        desk.run(ticket)
    assert desk.done == []


def test_an_upward_edit_still_needs_the_higher_role(shop: Callable[..., Shop]) -> None:
    desk = shop()
    ticket = desk.ticket(300)
    edit(desk, ticket, "sam", 640)
    with pytest.raises(PolicyChanged, match="finance_lead"):
        desk.run(ticket)
    assert desk.done == []


def test_the_covering_role_may_decide_what_the_covered_one_was_asked(shop: Callable[..., Shop]) -> None:
    desk = shop()
    ticket = desk.ticket(300)
    desk.guard.resolve(ticket, "fay", "approve")
    desk.run(ticket)
    assert desk.done == [300]
    other = desk.ticket(301, conversation="v2")
    with pytest.raises(NotAllowed):
        desk.guard.resolve(other, "quinn", "approve")


def test_the_lower_role_may_not_decide_for_the_higher(shop: Callable[..., Shop]) -> None:
    desk = shop()
    with pytest.raises(NotAllowed):
        desk.guard.resolve(desk.ticket(640), "sam", "approve")


def test_two_seats_are_two_people_under_whatever_names(shop: Callable[..., Shop]) -> None:
    desk = shop()
    ticket = desk.ticket(6_000)
    desk.guard.resolve(ticket, "fay", "approve")
    with pytest.raises(NotAllowed, match="agreed already"):
        desk.guard.resolve(ticket, "fay", "approve")
    # finn and fay share an address, so they are one person under two ids.
    with pytest.raises(NotAllowed, match="agreed already"):
        desk.guard.resolve(ticket, "finn", "approve")
    desk.guard.resolve(ticket, "sam", "approve")
    desk.run(ticket)
    assert desk.done == [6_000]


@pytest.mark.parametrize("customer", ["fay", "Fay", "fay ", "FAY@example.org", "f-17", "f\u200bay", "ｆａｙ"])
def test_nobody_decides_their_own_case_under_any_name(shop: Callable[..., Shop], customer: str) -> None:
    desk = shop()
    with pytest.raises(NotAllowed, match="own case"):
        desk.guard.resolve(desk.ticket(640, customer=customer), "fay", "approve")


def test_aliases_that_the_context_declares_are_the_customer_too(shop: Callable[..., Shop]) -> None:
    desk = shop()
    ticket = desk.ticket(640, customer="c-9", aliases=["fay@example.org"])
    with pytest.raises(NotAllowed, match="own case"):
        desk.guard.resolve(ticket, "fay", "approve")
    assert desk.done == []


def test_sums_of_a_customer_go_by_all_of_their_names(shop: Callable[..., Shop]) -> None:
    desk = shop()
    for spelling in ("c1", "C1", "c1 ", "ann@example.org", "c1"):
        with desk.guard.context(customer=spelling):
            desk.refund(90)
    assert desk.done == [90] * 5
    with (
        desk.guard.context(customer="c1", aliases=["Ann@example.org"]),
        pytest.raises(HandoffRequired) as raised,
    ):
        desk.refund(80)
    assert raised.value.handoff.role == "queue_manager"
    with desk.guard.context(customer="c2"):
        desk.refund(80)


@pytest.mark.parametrize(
    ("covers", "words"),
    [
        ("finance_lead: {covers: [finance_lead]}", "covers itself"),
        ("finance_lead: {covers: [support_lead]}\n  support_lead: {covers: [finance_lead]}", "covers itself"),
        ("finance_lead: {covers: [suport_lead]}\n  support_lead:", "did you mean 'support_lead'"),
    ],
)
def test_roles_that_cover_each_other_are_no_policy(covers: str, words: str) -> None:
    text = f"policy: p\nversion: '1'\nif_unsure: q\nroles:\n  q:\n  {covers}\n"
    with pytest.raises(PolicyError, match=words):
        loads(text)


def test_what_a_role_covers_is_part_of_the_policys_digest() -> None:
    plain = POLICY.replace(", covers: [support_lead]", "")
    assert loads(POLICY).ref.sha256 != loads(plain).ref.sha256
