"""A resolution that takes effect a moment later, and can be taken back until then, over every store."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from handrail import Guard
from handrail.errors import (
    AlreadyDecided,
    AlreadyUsed,
    NotAllowed,
    NotDecided,
    NotInEffect,
    OnHold,
)
from handrail.service import Proposal, TicketService
from handrail.store import Actor, Spool, SqlStore
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import ConversationState, LedgerQuery
from handrail.tickets.ticket import Verdict
from support.reviewers import SHOP, Hands, Shop, reviewer
from support.stores import KEYS, Sides, new_ticket

pytestmark = pytest.mark.xdist_group("postgres")
APPROVE = Proposal(verdict=Verdict.APPROVE)
EDIT = Proposal(verdict=Verdict.EDIT, changes={"amount": 590})
REJECT = Proposal(verdict=Verdict.REJECT)
ANSWER = Proposal(verdict=Verdict.ANSWER, answer="A person looks at it.")
REVISE = Proposal(verdict=Verdict.REVISE, message_to_agent="Offer a voucher first.")
DELAY = timedelta(seconds=5)


def opened(sides: Sides, **about: object) -> str:
    ticket = new_ticket(**about)  # type: ignore[arg-type]
    sides.app.open(ticket)
    return ticket.id


def spent(store: SqlStore, customer: str) -> object:
    query = LedgerQuery(
        fact="n",
        kind="count",
        tenant="default",
        tool="issue_refund",
        amount="",
        per="customer",
        key=customer,
        since=Hands().now - timedelta(days=1),
    )
    return store.totals([query])["n"]


def test_nothing_is_in_effect_while_it_can_be_undone(
    service: TicketService, sides: Sides, clock: Hands
) -> None:
    ticket = opened(sides, customer="c-wait", conversation="v-wait")
    receipt = service.decide(reviewer(), ticket, APPROVE, delay=DELAY)
    assert (receipt.state, receipt.undo_until) == (State.RESOLVED, clock.now + DELAY)
    assert sides.app.resolution("default", ticket) is None
    assert sides.app.conversation("default", "v-wait").state is ConversationState.PENDING
    assert spent(sides.app, "c-wait") == 0
    for ask in (
        lambda: sides.app.approved("default", ticket),
        lambda: sides.app.begin("default", ticket, now=clock.now),
    ):
        with pytest.raises(NotInEffect):
            ask()


@pytest.mark.parametrize(
    ("proposal", "state"),
    [
        (APPROVE, State.DECIDED),
        (EDIT, State.DECIDED),
        (REJECT, State.REJECTED),
        (ANSWER, State.ANSWERED),
        (REVISE, State.REVISED),
    ],
)
@pytest.mark.parametrize("by", ["desk", "resolution", "conversation", "screen"])
def test_whoever_looks_first_puts_it_into_effect(
    service: TicketService, sides: Sides, clock: Hands, proposal: Proposal, state: State, by: str
) -> None:
    ticket = opened(sides, conversation=f"v-{state}-{by}-{proposal.verdict}")
    service.decide(reviewer(), ticket, proposal, delay=DELAY)
    clock.go_on(seconds=5)
    look: dict[str, Callable[[], object]] = {
        "desk": lambda: sides.desk.sweep(clock.now, limit=1000),
        "resolution": lambda: sides.app.resolution("default", ticket),
        "conversation": lambda: sides.app.conversation("default", f"v-{state}-{by}-{proposal.verdict}"),
        "screen": lambda: service.screen(reviewer(), ticket),
    }
    look[by]()
    assert sides.inbox.get("default", ticket).state is state
    told = sides.app.resolution("default", ticket)
    assert told is not None
    assert told.verdict == proposal.verdict.value
    assert told.instruction == (proposal.message_to_agent if proposal is REVISE else "")


def test_both_steps_are_in_the_chain_in_the_name_of_who_decided(
    service: TicketService, sides: Sides, clock: Hands
) -> None:
    ticket = opened(sides, customer="c-chain")
    service.decide(reviewer(), ticket, EDIT, delay=DELAY)
    clock.go_on(seconds=6)
    approval = sides.app.begin("default", ticket, now=clock.now)
    assert approval.arguments == '{"amount":590,"order":"1182"}'
    steps = [
        (event.kind, event.actor)
        for event in sides.inbox.history("default", ticket)
        if event.kind in ("ticket.resolve", "ticket.approve")
    ]
    assert steps == [("ticket.resolve", "fay"), ("ticket.approve", "fay")]
    assert spent(sides.app, "c-chain") == 1
    with pytest.raises(AlreadyUsed):
        sides.app.begin("default", ticket, now=clock.now)
    assert sides.admin.verify().is_intact


def test_what_was_undone_can_never_run(service: TicketService, sides: Sides, clock: Hands) -> None:
    ticket = opened(sides, customer="c-undone")
    service.decide(reviewer(), ticket, EDIT, delay=DELAY)
    clock.go_on(seconds=4)
    receipt = service.undo(reviewer(), ticket)
    assert receipt.state is State.CLAIMED
    clock.go_on(seconds=60)
    sides.desk.sweep(clock.now, limit=1000)
    assert sides.inbox.get("default", ticket).state is State.CLAIMED
    assert sides.app.resolution("default", ticket) is None
    with pytest.raises(NotDecided):
        sides.app.begin("default", ticket, now=clock.now)
    assert spent(sides.app, "c-undone") == 0
    assert sides.inbox.get("default", ticket).resolution is None
    assert sides.admin.verify().is_intact


def test_what_is_decided_after_an_undo_is_what_runs(
    service: TicketService, sides: Sides, clock: Hands
) -> None:
    ticket = opened(sides, co_approvers=("legal_lead",))
    service.decide(reviewer("finn"), ticket, APPROVE)
    lea = reviewer("lea")
    service.decide(lea, ticket, EDIT, delay=DELAY)
    service.undo(lea, ticket)
    service.decide(lea, ticket, APPROVE, delay=DELAY)
    clock.go_on(seconds=5)
    approval = sides.app.begin("default", ticket, now=clock.now)
    assert json.loads(approval.arguments) == {"amount": 640, "order": "1182"}
    assert sides.admin.verify().is_intact


def test_an_agreement_that_took_effect_later_asks_the_next_role(
    service: TicketService, sides: Sides, clock: Hands
) -> None:
    ticket = opened(sides, co_approvers=("legal_lead",))
    service.decide(reviewer("finn"), ticket, EDIT, delay=DELAY)
    clock.go_on(seconds=5)
    sides.desk.sweep(clock.now, limit=1000)
    view = sides.inbox.get("default", ticket)
    assert (view.state, view.role, view.waiting_for) == (State.READY, "legal_lead", ("legal_lead",))
    service.decide(reviewer("lea"), ticket, APPROVE, delay=DELAY)
    clock.go_on(seconds=5)
    assert sides.app.begin("default", ticket, now=clock.now).arguments == '{"amount":590,"order":"1182"}'


def test_only_who_decided_may_undo_and_only_in_time(
    service: TicketService, sides: Sides, clock: Hands
) -> None:
    ticket = opened(sides)
    service.decide(reviewer("fay"), ticket, APPROVE, delay=DELAY)
    with pytest.raises(NotAllowed):
        sides.inbox.undo("default", ticket, Actor(person="finn", people=Shop(), now=clock.now))
    clock.go_on(seconds=5)
    with pytest.raises(AlreadyDecided):
        sides.inbox.undo("default", ticket, Actor(person="fay", people=Shop(), now=clock.now))
    with pytest.raises(AlreadyDecided):
        service.undo(reviewer("fay"), ticket)


def test_nobody_else_decides_meanwhile(service: TicketService, sides: Sides) -> None:
    ticket = opened(sides)
    service.decide(reviewer("fay"), ticket, APPROVE, delay=DELAY)
    for person in ("finn", "fay"):
        with pytest.raises(AlreadyDecided):
            service.decide(reviewer(person), ticket, REJECT)


def test_a_further_message_joins_while_it_can_be_undone(service: TicketService, sides: Sides) -> None:
    ticket = opened(sides, conversation="v-join")
    service.decide(reviewer(), ticket, REJECT, delay=DELAY)
    assert sides.app.open(new_ticket(conversation="v-join")).ticket == ticket


def test_no_deadline_passes_while_it_can_be_undone(
    service: TicketService, sides: Sides, clock: Hands
) -> None:
    ticket = opened(sides)
    due = sides.inbox.get("default", ticket).decide_by
    assert due is not None
    clock.now = due - timedelta(seconds=2)
    service.decide(reviewer(), ticket, APPROVE, delay=DELAY)
    clock.go_on(seconds=5)
    sides.desk.sweep(clock.now, limit=1000)
    assert sides.inbox.get("default", ticket).state is State.DECIDED


def test_a_customer_can_still_withdraw_it(service: TicketService, sides: Sides) -> None:
    ticket = opened(sides)
    service.decide(reviewer(), ticket, APPROVE, delay=DELAY)
    service.withdraw(reviewer(), ticket)
    assert sides.inbox.get("default", ticket).state is State.WITHDRAWN


def test_a_hold_stops_what_was_approved_and_not_what_was_rejected(
    service: TicketService, sides: Sides, clock: Hands
) -> None:
    waits, decided, free, rejected = (opened(sides, tenant="held") for _ in range(4))
    fay = reviewer(tenant="held")
    service.decide(fay, waits, APPROVE, delay=DELAY)
    service.decide(fay, decided, APPROVE)
    service.decide(fay, rejected, REJECT, delay=DELAY)
    hand = Actor(person="pat", people=Shop(), now=clock.now)
    sides.inbox.pause("held", "finance_lead", why="incident", actor=hand)
    clock.go_on(seconds=6)
    sides.desk.sweep(clock.now, limit=1000)
    assert sides.inbox.get("held", waits).state is State.RESOLVED
    assert sides.inbox.get("held", rejected).state is State.REJECTED
    with pytest.raises(OnHold):
        sides.app.begin("held", decided, now=clock.now)
    with pytest.raises(OnHold):
        service.decide(fay, free, APPROVE)
    assert service.decide(fay, free, REJECT).state is State.REJECTED
    sides.inbox.resume("held", "finance_lead", why="over", actor=hand)
    clock.go_on(minutes=2)
    sides.desk.sweep(clock.now, limit=1000)
    assert sides.inbox.get("held", waits).state is State.DECIDED
    assert sides.app.begin("held", decided, now=clock.now).ticket == decided
    assert sides.admin.verify().is_intact


def test_what_is_sent_back_three_times_must_be_decided(
    service: TicketService, sides: Sides, clock: Hands
) -> None:
    for _ in range(3):
        ticket = opened(sides, conversation="v-revise")
        assert service.revise(reviewer(), ticket, "Offer a voucher first.").state is State.REVISED
        status = sides.app.conversation("default", "v-revise")
        assert status.state is ConversationState.RETURNED
        assert "Their instruction: Offer a voucher first." in status.note
        clock.go_on(seconds=1)
    ticket = opened(sides, conversation="v-revise")
    with pytest.raises(NotAllowed, match="3 times"):
        service.revise(reviewer(), ticket, "Once more.")
    assert service.decide(reviewer(), ticket, APPROVE).state is State.DECIDED


def test_authorised_waits_until_the_resolution_is_in_effect(
    service: TicketService, sides: Sides, clock: Hands, tmp_path: Path
) -> None:
    ticket = opened(sides)
    service.decide(reviewer(), ticket, APPROVE, delay=timedelta(milliseconds=300))

    def now() -> datetime:
        return datetime.now(UTC) + ahead

    ahead = clock.now - datetime.now(UTC)
    sides.app._clock = now
    guard = Guard(SHOP, store=sides.app, spool=Spool(tmp_path / "spool", KEYS), clock=now)
    with guard.authorised(ticket) as action:
        assert action.arguments == {"amount": 640, "order": "1182"}
    assert sides.inbox.get("default", ticket).state is State.APPLIED


def test_authorised_does_not_wait_for_nobodys_decision(sides: Sides, clock: Hands, tmp_path: Path) -> None:
    ticket = opened(sides)
    guard = Guard(SHOP, store=sides.app, spool=Spool(tmp_path / "spool", KEYS), clock=clock)
    with pytest.raises(NotDecided), guard.authorised(ticket):
        pytest.fail("nobody has decided")
