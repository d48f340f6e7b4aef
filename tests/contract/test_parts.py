"""Several calls of one turn, each decided on its own in one decision, over every store."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handrail.errors import CheckFailed, DigestMismatch, NotAllowed, NotDecided, TicketError
from handrail.service import PartProposal, Proposal, TicketService
from handrail.service.deciding import token_of
from handrail.store import SqlStore
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import ConversationState, LedgerQuery
from handrail.tickets.ticket import Verdict
from support.parts import DELAY, A, E, R, decided, mixed, opened, parts_of, run
from support.reviewers import Hands, reviewer
from support.stores import NOW, SECRET, Sides

pytestmark = pytest.mark.xdist_group("postgres")


def spent(store: SqlStore, tool: str, customer: str) -> object:
    query = LedgerQuery(
        fact="n",
        kind="count",
        tenant="default",
        tool=tool,
        amount="",
        per="customer",
        key=customer,
        since=NOW - timedelta(days=1),
    )
    return store.totals([query])["n"]


def test_the_screen_shows_each_call_and_masks_it_for_the_role(service: TicketService, sides: Sides) -> None:
    ticket = opened(sides, words="I do all of it.")
    for person, sees in (("fay", True), ("pat", False)):
        screen = service.screen(reviewer(person), ticket)
        assert [part.part for part in screen.parts] == ["call-1", "call-2", "call-3", "answer"]
        assert [part.tool for part in screen.parts] == ["issue_refund", "cancel_order", "send_voucher", ""]
        assert screen.divides
        assert (SECRET in str(screen.parts)) is sees


@pytest.mark.parametrize("delay", [timedelta(0), DELAY])
def test_each_call_is_decided_on_its_own_and_only_what_was_approved_runs(
    service: TicketService, sides: Sides, clock: Hands, delay: timedelta
) -> None:
    ticket = opened(sides, customer=f"parts-{delay}", conversation=f"v-parts-{delay}")
    shown = decided(service, ticket, mixed(), delay)
    assert [(part.part, bool(part.runs)) for part in shown.parts] == [("call-2", False), ("call-3", True)]
    clock.go_on(seconds=6)
    found = sides.app.resolution("default", ticket)
    assert found is not None
    assert [(one.tool, one.verdict) for one in (found, *found.parts)] == [
        ("issue_refund", "approve"),
        ("cancel_order", "reject"),
        ("send_voucher", "edit"),
    ]
    assert found.beside == ()
    ran = [run(sides.app, one.ticket, clock) for one in (found, found.parts[1])]
    assert ran == [
        'issue_refund {"amount": 640, "order": "1182"}',
        f'send_voucher {{"amount":4,"to":"{SECRET}"}}',
    ]
    with pytest.raises(NotAllowed):
        sides.app.begin("default", found.parts[0].ticket, now=clock.now)
    counts = [
        spent(sides.app, tool, f"parts-{delay}") for tool in ("issue_refund", "cancel_order", "send_voucher")
    ]
    assert counts == [1, 0, 1]


def test_the_assistant_reads_what_became_of_each_call_with_the_reason(
    service: TicketService, sides: Sides
) -> None:
    ticket = opened(sides, conversation="v-note")
    shown = decided(service, ticket, mixed(), timedelta(0))
    status = sides.app.conversation("default", "v-note")
    assert status.state is ConversationState.RETURNED
    for words in (
        "cancel_order was rejected",
        "still_needed",
        "They want to keep it.",
        "send_voucher was approved",
    ):
        assert words in shown.agent_reads
        assert words in status.note


def test_each_part_has_its_own_reference_chain_and_history(service: TicketService, sides: Sides) -> None:
    ticket = opened(sides)
    decided(service, ticket, mixed(), timedelta(0))
    parts = parts_of(sides.inbox, ticket)
    steps = {
        part: {(event.kind, event.actor) for event in sides.inbox.history("default", own)}
        for part, own in parts.items()
    }
    both = {("ticket.open", ""), ("ticket.claim", "fay")}
    assert steps == {
        "call-2": both | {("ticket.reject", "fay")},
        "call-3": both | {("ticket.approve", "fay"), ("ledger.reserve", "")},
    }
    screen = service.screen(reviewer(), ticket)
    assert not screen.divides
    assert [part.state for part in screen.parts] == [None, State.REJECTED, State.DECIDED]
    assert all(part.reference for part in screen.parts[1:])


def test_without_a_word_about_them_the_other_calls_never_run(service: TicketService, sides: Sides) -> None:
    ticket = opened(sides)
    shown = service.preview(reviewer(), ticket, Proposal(verdict=A))
    assert "beside_does_not_run" in shown.warnings
    service.decide(reviewer(), ticket, Proposal(verdict=A))
    assert parts_of(sides.inbox, ticket) == {}
    found = sides.app.resolution("default", ticket)
    assert found is not None
    assert found.beside == ("cancel_order", "send_voucher")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda p: replace(p, parts=p.parts[:1]), CheckFailed),
        (lambda p: replace(p, parts=(*p.parts, p.parts[0])), CheckFailed),
        (lambda p: replace(p, parts=(*p.parts, PartProposal(part="call-9", verdict=A))), CheckFailed),
        (lambda p: replace(p, parts=(*p.parts, PartProposal(part="answer", verdict=A))), NotAllowed),
        (lambda p: replace(p, verdict=Verdict.ANSWER, answer="Yes."), NotAllowed),
        (lambda p: replace(p, parts=(replace(p.parts[0], verdict=Verdict.REVISE), p.parts[1])), NotAllowed),
        (lambda p: replace(p, parts=(replace(p.parts[0], digest="0" * 64), p.parts[1])), DigestMismatch),
        (
            lambda p: replace(p, parts=(p.parts[0], replace(p.parts[1], changes={"to": "[credit_card]"}))),
            CheckFailed,
        ),
        (lambda p: replace(p, parts=(p.parts[0], replace(p.parts[1], changes={}))), NotAllowed),
    ],
)
def test_what_does_not_say_of_each_call_what_becomes_of_it_counts_for_nothing(
    service: TicketService, sides: Sides, change: object, error: type[Exception]
) -> None:
    ticket = opened(sides)
    wrong = change(mixed())  # type: ignore[operator]
    for attempt in (service.preview, service.decide):
        with pytest.raises(error):
            attempt(reviewer(), ticket, wrong)
    assert sides.inbox.get("default", ticket).state in (State.READY, State.CLAIMED)
    assert [row.id for row in sides.inbox.of_same_customer("default", ticket)] == []


def test_a_decision_on_parts_is_bound_to_what_was_shown_of_each(service: TicketService, sides: Sides) -> None:
    ticket = opened(sides)
    shown = service.preview(reviewer(), ticket, mixed(A, R, R))
    other = replace(mixed(A, A, R), digest=shown.digest, version=shown.version, previewed=shown.token)
    with pytest.raises(CheckFailed):
        service.decide(reviewer(), ticket, other, must_be_previewed=True)


def test_a_token_can_be_made_by_nobody_who_lacks_the_stores_key(service: TicketService, sides: Sides) -> None:
    ticket = opened(sides)
    shown = service.preview(reviewer(), ticket, Proposal(verdict=A))
    seen = replace(Proposal(verdict=A), digest=shown.digest, version=shown.version)
    made = token_of(b"", reviewer(), ticket, seen)
    theirs = service.preview(reviewer("finn"), ticket, Proposal(verdict=A)).token
    for token in ("", made, theirs, "ü"):
        with pytest.raises(CheckFailed):
            service.decide(reviewer(), ticket, replace(seen, previewed=token), must_be_previewed=True)
    service.decide(reviewer(), ticket, replace(seen, previewed=shown.token), must_be_previewed=True)


def test_undoing_takes_back_every_part_and_deciding_anew_makes_new_ones(
    service: TicketService, sides: Sides, clock: Hands
) -> None:
    ticket = opened(sides, conversation="v-undo-parts")
    decided(service, ticket, mixed(A, A, A), DELAY)
    before = parts_of(sides.inbox, ticket)
    service.undo(reviewer(), ticket)
    clock.go_on(seconds=6)
    for own in before.values():
        with pytest.raises(TicketError):
            sides.app.begin("default", own, now=clock.now)
    decided(service, ticket, mixed(A, R, A), DELAY)
    clock.go_on(seconds=6)
    after = parts_of(sides.inbox, ticket)
    assert not set(before.values()) & set(after.values())
    assert run(sides.app, after["call-3"], clock).startswith("send_voucher")
    with pytest.raises(NotAllowed):
        sides.app.begin("default", after["call-2"], now=clock.now)


def test_a_second_role_is_asked_about_each_part_that_the_first_let_through(
    service: TicketService, sides: Sides, clock: Hands
) -> None:
    ticket = opened(sides, co_approvers=("legal_lead",), conversation="v-two-roles")
    decided(service, ticket, mixed(R, R, A), timedelta(0))
    own = parts_of(sides.inbox, ticket)["call-3"]
    with pytest.raises(NotDecided):
        sides.app.begin("default", own, now=clock.now)
    status = sides.app.conversation("default", "v-two-roles")
    assert "send_voucher still waits for a person" in status.note
    assert own in {row.id for row in service.page(reviewer("lea")).rows}
    service.decide(reviewer("lea"), own, Proposal(verdict=A))
    assert run(sides.app, own, clock).startswith("send_voucher")


def test_words_that_came_with_the_calls_go_out_only_if_a_person_lets_them(
    service: TicketService, sides: Sides
) -> None:
    for verdict, read in ((A, "I do all of it."), (E, "I did some of it."), (R, "")):
        ticket = opened(sides, words="I do all of it.")
        words = PartProposal(
            part="answer", verdict=verdict, answer="I did some of it." if verdict is E else ""
        )
        proposal = mixed(R, R, A)
        shown = decided(service, ticket, replace(proposal, parts=(*proposal.parts, words)), timedelta(0))
        assert shown.customer_reads == read
        found = sides.app.resolution("default", ticket)
        assert found is not None
        assert found.answer == read


def test_a_customer_who_withdraws_withdraws_every_part_that_has_not_begun(
    service: TicketService, sides: Sides, clock: Hands
) -> None:
    ticket = opened(sides)
    decided(service, ticket, mixed(R, A, A), timedelta(0))
    parts = parts_of(sides.inbox, ticket)
    run(sides.app, parts["call-2"], clock)
    service.withdraw(reviewer(), ticket)
    with pytest.raises(TicketError):
        sides.app.begin("default", parts["call-3"], now=clock.now)
    assert sides.inbox.get("default", parts["call-2"]).state is State.APPLIED


def test_the_same_decision_sent_twice_is_one(service: TicketService, sides: Sides) -> None:
    ticket = opened(sides)
    proposal = replace(mixed(), idempotency_key="k-parts")
    for _ in range(2):
        service.decide(reviewer(), ticket, proposal)
    assert len(parts_of(sides.inbox, ticket)) == 2
    assert len(sides.inbox.of_same_customer("default", ticket)) <= 2


def test_the_chain_holds_after_any_decision_on_parts(service: TicketService, sides: Sides) -> None:
    ticket = opened(sides)
    decided(service, ticket, mixed(), DELAY)
    service.undo(reviewer(), ticket)
    decided(service, ticket, mixed(), timedelta(0))
    assert sides.admin.verify().is_intact


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    verdicts=st.lists(st.sampled_from([A, E, R]), min_size=2, max_size=6),
    delay=st.sampled_from([timedelta(0), DELAY]),
    order=st.randoms(use_true_random=False),
)
def test_whatever_is_said_of_each_call_exactly_what_was_approved_runs_and_once(
    service: TicketService,
    sides: Sides,
    clock: Hands,
    verdicts: list[Verdict],
    delay: timedelta,
    order: Random,
) -> None:
    others = tuple(
        ("pay", f'{{"amount": {number}, "n": {number}}}') for number in range(2, len(verdicts) + 1)
    )
    ticket = opened(sides, beside=others)
    proposal = Proposal.of_parts(
        [
            PartProposal(
                part=f"call-{number}",
                verdict=verdict,
                changes={"amount": 100 + number} if verdict is E else {},
            )
            for number, verdict in enumerate(verdicts, start=1)
        ]
    )
    decided(service, ticket, proposal, delay)
    clock.go_on(seconds=6)
    own = [ticket, *parts_of(sides.inbox, ticket).values()]
    ran: dict[int, str] = {}
    asked = [*range(len(own)), *range(len(own))]
    order.shuffle(asked)
    for number in asked:
        with suppress(TicketError):
            ran[number] = ran.get(number, "") + run(sides.app, own[number], clock)
    amounts = {number: json.loads(said.split(" ", 1)[1])["amount"] for number, said in ran.items()}
    first = {A: 640, E: 101}
    assert amounts == {
        number: (first[verdict] if number == 0 else 100 + number + 1 if verdict is E else number + 1)
        for number, verdict in enumerate(verdicts)
        if verdict is not R
    }
