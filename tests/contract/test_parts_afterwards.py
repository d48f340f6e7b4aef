"""What becomes of calls that were decided together when something happens to one of them or to all."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handrail.errors import AlreadyDecided, HandrailError, TicketError
from handrail.records import Context
from handrail.service import PartProposal, Proposal, TicketService
from handrail.tickets.lifecycle import State
from handrail.tickets.ticket import Verdict
from support.parts import DELAY, A, E, R, decided, mixed, opened, parts_of, run
from support.reviewers import Hands, reviewer
from support.stores import SECRET, Sides

pytestmark = pytest.mark.xdist_group("postgres")
WORDS = PartProposal(part="answer", verdict=A)


def test_undoing_one_of_several_calls_takes_back_the_decision_on_all(
    service: TicketService, sides: Sides, clock: Hands
) -> None:
    ticket = opened(sides)
    decided(service, ticket, mixed(A, A, A), DELAY)
    parts = parts_of(sides.inbox, ticket)
    assert service.undo(reviewer(), parts["call-2"]).ticket == ticket
    assert sides.inbox.get("default", ticket).state is State.CLAIMED
    clock.go_on(seconds=6)
    for own in parts.values():
        assert sides.inbox.get("default", own).state is State.CANCELLED
        with pytest.raises(TicketError):
            service.decide(reviewer(), own, Proposal(verdict=A))


def test_what_has_run_by_another_clock_is_not_undone_with_the_rest(
    service: TicketService, sides: Sides, clock: Hands
) -> None:
    ticket = opened(sides)
    decided(service, ticket, mixed(A, A, A), DELAY)
    clock.go_on(seconds=6)
    run(sides.app, parts_of(sides.inbox, ticket)["call-2"], clock)
    clock.go_on(seconds=-4)
    with pytest.raises(AlreadyDecided):
        service.undo(reviewer(), ticket)
    clock.go_on(seconds=4)
    assert run(sides.app, ticket, clock).startswith("issue_refund")


@pytest.mark.parametrize("verdict", [A, R])
def test_after_a_second_role_the_caller_reads_of_every_call(
    service: TicketService, sides: Sides, verdict: Verdict
) -> None:
    ticket = opened(sides, co_approvers=("legal_lead",), conversation=f"v-second-{verdict}")
    decided(service, ticket, mixed(A, R, A), timedelta(0))
    service.decide(reviewer("lea"), ticket, Proposal(verdict=verdict))
    parts = parts_of(sides.inbox, ticket)
    found = sides.app.resolution("default", ticket)
    assert found is not None
    assert [one.ticket for one in found.parts] == [parts["call-2"]]
    assert found.undecided == (parts["call-3"],)
    assert found.beside == ()
    note = sides.app.conversation("default", f"v-second-{verdict}").note
    assert "send_voucher still waits for a person" in note
    assert "Propose it again" not in note


@pytest.mark.parametrize(
    ("second", "reads"),
    [
        (Proposal(verdict=A), "I do all of it."),
        (Proposal(verdict=A, parts=(replace(WORDS, verdict=R),)), ""),
        (Proposal(verdict=A, parts=(replace(WORDS, verdict=E, answer="Part of it."),)), "Part of it."),
        (Proposal(verdict=R), ""),
        (Proposal(verdict=E, changes={"amount": 1}), ""),
    ],
)
def test_words_that_one_role_let_through_go_out_if_the_next_approves_the_same(
    service: TicketService, sides: Sides, second: Proposal, reads: str
) -> None:
    ticket = opened(sides, words="I do all of it.", co_approvers=("legal_lead",))
    first = mixed(A, R, A)
    shown = decided(service, ticket, replace(first, parts=(*first.parts, WORDS)), timedelta(0))
    assert (shown.customer_reads, shown.waits_for) == ("I do all of it.", ("legal_lead",))
    assert service.preview(reviewer("lea"), ticket, second).customer_reads == reads
    service.decide(reviewer("lea"), ticket, second)
    if second.verdict is E:
        service.decide(reviewer("finn"), ticket, Proposal(verdict=A))
    found = sides.app.resolution("default", ticket)
    assert found is not None
    assert found.answer == reads


@pytest.mark.parametrize("then", ["agreed", "reopened", "decided"])
def test_a_withdrawal_ends_every_call_whatever_became_of_the_first(
    service: TicketService, sides: Sides, clock: Hands, then: str
) -> None:
    name = f"after-{then}"
    roles = ("legal_lead",) if then == "agreed" else ()
    ticket = opened(sides, co_approvers=roles, customer=name, conversation=name)
    decided(service, ticket, mixed(A, A, A), timedelta(0))
    parts = parts_of(sides.inbox, ticket)
    if then == "agreed":
        service.decide(reviewer("lea"), ticket, Proposal(verdict=A))
    elif then == "reopened":
        sides.app.reopen("default", ticket, roles=("legal_lead",), why="policy", now=clock.now)
    sides.app.withdraw(Context(customer=name, conversation=name), ticket)
    for own in (ticket, *parts.values()):
        assert sides.inbox.get("default", own).state is State.WITHDRAWN


def test_what_one_role_let_out_is_masked_for_another_that_may_not_see_it(
    service: TicketService, sides: Sides
) -> None:
    ticket = opened(sides, words=f"It goes to {SECRET}.", co_approvers=("legal_lead",))
    first = mixed(A, R, A)
    said = replace(first, parts=(*first.parts, WORDS), note=f"Card {SECRET}.", message_to_agent=SECRET)
    decided(service, ticket, said, timedelta(0))
    assert SECRET not in str(service.screen(reviewer("lea"), ticket))
    assert SECRET not in sides.inbox.get("default", ticket).model_dump_json()
    service.decide(reviewer("lea"), ticket, Proposal(verdict=A))
    found = sides.app.resolution("default", ticket)
    assert found is not None
    assert found.answer == f"It goes to {SECRET}."


STEPS = ("undo", "undo_part", "decide", "decide_part", "second", "later", "earlier", "run")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.sampled_from(STEPS), min_size=4, max_size=12),
    needs_two=st.booleans(),
    order=st.randoms(use_true_random=False),
)
def test_whatever_is_done_to_a_ticket_and_its_parts_each_call_runs_at_most_once(
    service: TicketService, sides: Sides, clock: Hands, steps: list[str], needs_two: bool, order: Random
) -> None:
    ticket = opened(sides, co_approvers=("legal_lead",) if needs_two else ())
    known, ran = {ticket}, list[str]()

    def decide(who: str, which: str, verdict: Verdict) -> None:
        service.decide(
            reviewer(who), which, Proposal(verdict=verdict), delay=order.choice([DELAY, DELAY * 0])
        )

    for step in ("decide", *steps, "later", "run"):
        with suppress(HandrailError):
            if step == "undo":
                service.undo(reviewer(), ticket)
            elif step == "undo_part":
                service.undo(reviewer(order.choice(["fay", "lea"])), order.choice(sorted(known)))
            elif step == "decide":
                verdicts = [order.choice([A, A, R]) for _ in range(3)]
                decided(service, ticket, mixed(*verdicts), order.choice([DELAY, DELAY * 0]))
                known |= set(parts_of(sides.inbox, ticket).values())
            elif step == "decide_part":
                decide(order.choice(["fay", "finn"]), order.choice(sorted(known)), order.choice([A, R]))
            elif step == "second":
                decide("lea", order.choice(sorted(known)), order.choice([A, R]))
            elif step in ("later", "earlier"):
                clock.go_on(seconds=6 if step == "later" else -4)
        if step == "run":
            for one in sorted(known):
                with suppress(TicketError):
                    ran.append(run(sides.app, one, clock).split(" ", 1)[0])
    assert len(ran) == len(set(ran))
    assert sides.admin.verify().is_intact
