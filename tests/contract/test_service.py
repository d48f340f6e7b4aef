"""What people do through the service, over every store."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from handrail.errors import (
    AlreadyDecided,
    AmbiguousReference,
    CheckFailed,
    DigestMismatch,
    NotAllowed,
    NotPermitted,
    TicketNotFound,
)
from handrail.service import Level, ListQuery, Operation, Proposal, Scope, TicketService, Whose
from handrail.service.permissions import NEEDS, Membership, Standing, allowed
from handrail.tickets.lifecycle import State
from handrail.tickets.ticket import Verdict
from support.reviewers import Hands, reviewer, service_over
from support.stores import NOW, SECRET, Sides, new_ticket, postgres_sides, sqlite_sides

pytestmark = pytest.mark.xdist_group("postgres")
APPROVE = Proposal(verdict=Verdict.APPROVE)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Sides]:
    sides = postgres_sides()
    yield sides
    sides.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def sides(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sides]:
    if request.param == "postgresql":
        yield request.getfixturevalue("postgres")
        return
    made = sqlite_sides(tmp_path / "store.db")
    yield made
    made.close()


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def service(sides: Sides, clock: Hands) -> TicketService:
    return service_over(sides.inbox, clock)


def opened(sides: Sides, **about: object) -> str:
    ticket = new_ticket(**about)  # type: ignore[arg-type]
    sides.app.open(ticket)
    return ticket.id


def test_a_list_shows_the_tickets_of_ones_roles_only(service: TicketService, sides: Sides) -> None:
    ticket = opened(sides)
    assert ticket in {row.id for row in service.page(reviewer("fay"), ListQuery(limit=500)).rows}
    assert service.page(reviewer("quin"), ListQuery(roles=("finance_lead",))).rows == ()
    assert ticket not in {row.id for row in service.page(reviewer("quin"), ListQuery(limit=500)).rows}


def test_a_line_says_what_is_proposed_and_whose_it_is(service: TicketService, sides: Sides) -> None:
    ticket = opened(sides)
    service.claim(reviewer("finn"), ticket)
    rows = service.page(reviewer("finn"), ListQuery(whose=Whose.MINE, limit=500)).rows
    line = next(row for row in rows if row.id == ticket)
    assert line.headline == "issue_refund amount 640, order 1182"
    assert (line.tool, line.is_mine, line.severity) == ("issue_refund", True, "high")
    free = service.page(reviewer("fay"), ListQuery(whose=Whose.NOBODY, limit=500)).rows
    assert ticket not in {row.id for row in free}


def test_a_customer_is_found_by_the_hash_of_their_name(service: TicketService, sides: Sides) -> None:
    ticket = opened(sides, customer="anna@example.org")
    other = opened(sides)
    found = {row.id for row in service.page(reviewer(), ListQuery(customer="anna@example.org")).rows}
    assert ticket in found
    assert other not in found


def test_the_screen_shows_the_whole_action_and_masks_what_the_role_may_not_see(
    service: TicketService, sides: Sides
) -> None:
    ticket = opened(sides, arguments=f'{{"amount": 640, "to": "{SECRET}", "gift": true}}')
    for person, sees in (("fay", True), ("pat", False)):
        screen = service.screen(reviewer(person), ticket)
        kinds = {field.name: field.kind for field in screen.fields}
        assert kinds == {"amount": "number", "gift": "yes_no", "to": "text"}
        assert (SECRET in str(screen)) is sees


def test_evidence_is_marked_where_it_stands(service: TicketService, sides: Sides) -> None:
    ticket = opened(sides)
    for person, shown in (("fay", SECRET), ("pat", "[credit_card]")):
        marked = [
            line.text[mark.start : mark.end]
            for line in service.screen(reviewer(person), ticket).lines
            for mark in line.marks
        ]
        assert marked == [shown]


def test_who_looks_is_on_record_before_they_see(service: TicketService, sides: Sides) -> None:
    ticket = opened(sides)
    screen = service.screen(reviewer("fay"), ticket)
    assert [(event.kind, event.actor) for event in screen.history][-1] == ("ticket.view", "fay")


def test_a_ticket_of_another_tenant_is_not_there(service: TicketService, sides: Sides) -> None:
    ticket = opened(sides, tenant="other")
    for call in (service.screen, service.claim):
        with pytest.raises(TicketNotFound):
            call(reviewer(), ticket)


def test_a_ticket_of_another_role_is_refused_by_every_operation(service: TicketService, sides: Sides) -> None:
    ticket = opened(sides)
    quin = reviewer("quin")
    for call in (service.screen, service.claim, service.release, service.take_over, service.withdraw):
        with pytest.raises(NotPermitted, match="role"):
            call(quin, ticket)
    for refused in (
        lambda: service.preview(quin, ticket, APPROVE),
        lambda: service.decide(quin, ticket, APPROVE),
        lambda: service.unmask(quin, ticket, ["lines"], reason="curious"),
        lambda: service.reassign(quin, ticket, "legal_lead"),
    ):
        with pytest.raises(NotPermitted, match="role"):
            refused()


def test_without_the_scope_nothing_is_possible(service: TicketService, sides: Sides) -> None:
    ticket = opened(sides)
    reads = reviewer(scopes=frozenset({Scope.READ}))
    service.screen(reads, ticket)
    with pytest.raises(NotPermitted, match="scope"):
        service.claim(reads, ticket)
    with pytest.raises(NotPermitted, match="scope"):
        service.page(reviewer(scopes=frozenset()))


def test_a_preview_says_what_runs_and_what_is_read_and_records_nothing(
    service: TicketService, sides: Sides
) -> None:
    ticket = opened(sides)
    before = sides.inbox.history("default", ticket)
    edit = Proposal(verdict=Verdict.EDIT, changes={"amount": 590}, message_to_user="590 USD are on the way.")
    shown = service.preview(reviewer(), ticket, edit)
    assert shown.changes == ("amount 640 → 590",)
    assert shown.runs == 'issue_refund {"amount":590,"order":"1182"}'
    assert shown.customer_reads == "590 USD are on the way."
    assert "issue_refund was approved as" in shown.agent_reads
    assert shown.needs_level is Level.FRESH
    assert sides.inbox.history("default", ticket) == before


def test_only_what_was_previewed_counts(service: TicketService, sides: Sides) -> None:
    ticket, fay = opened(sides), reviewer()
    edit = Proposal(verdict=Verdict.EDIT, changes={"amount": 590})
    shown = service.preview(fay, ticket, edit)
    seen = replace(edit, digest=shown.digest, version=shown.version, previewed=shown.token)
    for other in (
        replace(seen, changes={"amount": 6400}),
        replace(seen, message_to_user="Good luck."),
        replace(seen, previewed=""),
    ):
        with pytest.raises(CheckFailed):
            service.decide(fay, ticket, other, must_be_previewed=True)
    assert service.decide(fay, ticket, seen, must_be_previewed=True).state is State.DECIDED


def test_what_moved_on_since_it_was_shown_is_refused(service: TicketService, sides: Sides) -> None:
    ticket, fay = opened(sides), reviewer()
    shown = service.preview(fay, ticket, APPROVE)
    seen = replace(APPROVE, digest=shown.digest, version=shown.version)
    service.reassign(fay, ticket, "legal_lead")
    with pytest.raises(AlreadyDecided):
        service.decide(fay, ticket, seen)
    with pytest.raises(DigestMismatch):
        service.decide(fay, ticket, replace(seen, digest="0" * 64))


def test_a_claim_of_ones_own_does_not_stand_between_preview_and_decision(
    service: TicketService, sides: Sides
) -> None:
    ticket, fay = opened(sides), reviewer()
    shown = service.preview(fay, ticket, APPROVE)
    service.claim(fay, ticket)
    seen = replace(APPROVE, digest=shown.digest, version=shown.version, previewed=shown.token)
    assert service.decide(fay, ticket, seen, must_be_previewed=True).state is State.DECIDED


def test_the_same_key_again_is_the_same_decision(service: TicketService, sides: Sides) -> None:
    ticket, fay = opened(sides), reviewer()
    shown = service.preview(fay, ticket, APPROVE)
    seen = replace(APPROVE, digest=shown.digest, version=shown.version, idempotency_key="k")
    first = service.decide(fay, ticket, seen)
    assert service.decide(fay, ticket, seen) == first


def test_much_at_stake_needs_a_fresh_sign_in_or_one_for_this_action(
    service: TicketService, sides: Sides
) -> None:
    ticket = opened(sides)
    shown = service.preview(reviewer(), ticket, APPROVE)
    for level in (Level.TOKEN, Level.LOGIN):
        with pytest.raises(NotPermitted, match="level"):
            service.decide(reviewer(level=level), ticket, APPROVE)
    seen = replace(APPROVE, digest=shown.digest, version=shown.version)
    for other in ("", "0" * 64, shown.digest):
        with pytest.raises(NotPermitted, match="level"):
            service.decide(replace(reviewer(level=Level.BOUND), bound_to=other), ticket, seen)
    bound = replace(reviewer(level=Level.BOUND), bound_to=shown.binds)
    edit = replace(seen, verdict=Verdict.EDIT, changes={"amount": 9})
    for said in (edit, replace(edit, verdict=Verdict.APPROVE), replace(seen, message_to_user="Yes.")):
        with pytest.raises(NotPermitted, match="level"):
            service.decide(bound, ticket, said)
    with pytest.raises(NotPermitted, match="level"):
        service.unmask(bound, ticket, ["lines"], reason="call back")
    assert service.decide(bound, ticket, seen).state is State.DECIDED


def test_who_showed_who_they_are_to_unmask_has_not_done_so_to_decide(
    service: TicketService, sides: Sides
) -> None:
    ticket = opened(sides)
    shown = service.preview(reviewer(), ticket, APPROVE)
    bound = replace(reviewer(level=Level.BOUND), bound_to=shown.digest)
    assert service.unmask(bound, ticket, ["lines"], reason="call back").lines
    with pytest.raises(NotPermitted, match="level"):
        service.decide(bound, ticket, replace(APPROVE, digest=shown.digest, version=shown.version))


def test_a_rejection_needs_no_fresh_sign_in(service: TicketService, sides: Sides) -> None:
    reject = Proposal(verdict=Verdict.REJECT, reason_code="not_covered")
    ticket = opened(sides)
    assert service.decide(reviewer(level=Level.LOGIN), ticket, reject).state is State.REJECTED


def test_what_a_person_writes_down_of_a_customers_words_is_masked(
    service: TicketService, sides: Sides
) -> None:
    ticket, words = opened(sides), f"Then pay it to {SECRET}."
    service.claim(reviewer(), ticket)
    service.ask(reviewer(), ticket, "Which card?")
    service.inform(reviewer(), ticket, words)
    service.withdraw(reviewer(), ticket, words=words)
    kept = [one.text for one in service.screen(reviewer(), ticket).attempts]
    assert [text for text in kept if "Then pay it" in text] == ["Then pay it to [card]."] * 2


def test_unmasking_needs_a_reason_that_is_on_record_first(service: TicketService, sides: Sides) -> None:
    ticket, pat = opened(sides), reviewer("pat")
    with pytest.raises(CheckFailed):
        service.unmask(pat, ticket, ["lines"], reason=" ")
    with pytest.raises(NotPermitted, match="level"):
        service.unmask(reviewer("pat", level=Level.LOGIN), ticket, ["lines"], reason="call back")
    shown = service.unmask(pat, ticket, ["lines"], reason="call back")
    assert SECRET in str(shown.lines)
    last = sides.inbox.history("default", ticket)[-1]
    assert (last.kind, last.data["fields"], last.data["why"]) == ("ticket.unmask", ["lines"], "call back")


def test_the_screen_offers_what_the_service_lets_the_person_do(service: TicketService, sides: Sides) -> None:
    ticket = opened(sides)
    service.claim(reviewer("finn"), ticket)
    fays = service.screen(reviewer("fay"), ticket).operations
    finns = service.screen(reviewer("finn"), ticket).operations
    assert Operation.DECIDE not in fays
    assert Operation.RELEASE not in fays
    assert {Operation.DECIDE, Operation.RELEASE, Operation.ASK, Operation.UNMASK} <= finns
    assert Operation.RECONCILE not in finns


@pytest.mark.parametrize("operation", Operation)
def test_no_operation_is_free_of_scope_or_person(operation: Operation) -> None:
    ticket = Standing(state=State.READY, is_member=False, is_on_route=False)
    assert allowed(operation, reviewer(scopes=frozenset()), ticket) == "scope"
    if NEEDS[operation].membership is not Membership.ANYBODY:
        assert allowed(operation, reviewer(), ticket) in ("role", "manager", "owner")


def test_a_ticket_is_found_by_its_reference_however_it_is_written(
    service: TicketService, sides: Sides
) -> None:
    ticket = opened(sides)
    reference = service.screen(reviewer(), ticket).reference
    plain = reference.removeprefix("HR-")
    for said in (reference, reference.lower(), plain, plain.replace("-", ""), f"hr {plain}", ticket):
        assert service.find(reviewer(), said) == ticket


def test_a_beginning_that_several_references_share_is_refused_with_their_names(
    service: TicketService, sides: Sides
) -> None:
    tenant = "many"
    first = [opened(sides, tenant=tenant) for _ in range(40)]
    references = [sides.inbox.get(tenant, ticket).reference for ticket in first]
    letters = [reference[3] for reference in references]
    shared = next(letter for letter in letters if letters.count(letter) > 1)
    with pytest.raises(AmbiguousReference) as raised:
        service.find(reviewer(tenant=tenant), shared)
    assert set(raised.value.candidates.split()) <= {r for r in references if r[3] == shared}
    with pytest.raises(TicketNotFound):
        service.find(reviewer(tenant="nobody"), references[0])


def test_references_are_unique_within_a_tenant(sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    def few(tenant: str, ticket: str, attempt: int = 0) -> str:
        return f"HR-AAAA-A{attempt}"

    monkeypatch.setattr("handrail.store.tickets.open.reference_of", few)
    found = {sides.inbox.get("few", opened(sides, tenant="few")).reference for _ in range(3)}
    assert found == {"HR-AAAA-A0", "HR-AAAA-A1", "HR-AAAA-A2"}


def test_a_ticket_whose_reference_is_taken_tells_its_customer_the_one_it_got(
    sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    def few(tenant: str, ticket: str, attempt: int = 0) -> str:
        return f"HR-BBBB-B{attempt}"

    monkeypatch.setattr("handrail.store.tickets.open.reference_of", few)
    opened(sides, tenant="taken")
    ticket = new_ticket(tenant="taken", now=NOW)
    told = ticket.promise.model_copy(update={"text": "Reference: HR-BBBB-B0."})
    receipt = sides.app.open(ticket.model_copy(update={"promise": told}))
    kept = sides.inbox.get("taken", receipt.ticket)
    assert receipt.reference == kept.reference == "HR-BBBB-B1"
    assert kept.ticket is not None
    assert kept.ticket.promise.text == "Reference: HR-BBBB-B1."


def test_the_next_ticket_is_the_one_due_soonest_that_nobody_has_or_put_off(
    service: TicketService, sides: Sides, clock: Hands
) -> None:
    fay = reviewer(tenant="next")
    soon = opened(sides, tenant="next", now=NOW - timedelta(minutes=20))
    mine = opened(sides, tenant="next", now=NOW - timedelta(minutes=15), customer="fay")
    later = opened(sides, tenant="next", now=NOW - timedelta(minutes=10))
    last = opened(sides, tenant="next")
    service.snooze(fay, later, clock.now + timedelta(minutes=5))
    order = [service.claim_next(fay) for _ in range(3)]
    assert [receipt.ticket if receipt else None for receipt in order] == [soon, last, None]
    clock.go_on(minutes=6)
    woken = service.claim_next(fay)
    assert woken is not None
    assert woken.ticket == later
    assert sides.inbox.get("next", mine).state is State.READY


def test_a_ticket_can_be_put_off_until_before_its_deadline_only(
    service: TicketService, sides: Sides, clock: Hands
) -> None:
    ticket = opened(sides)
    due = sides.inbox.get("default", ticket).decide_by
    assert due is not None
    for until in (clock.now, due):
        with pytest.raises(NotAllowed):
            service.snooze(reviewer(), ticket, until)
    service.snooze(reviewer(), ticket, due - timedelta(seconds=1))
    assert sides.inbox.get("default", ticket).decide_by == due


def test_more_time_is_given_once_and_no_more_than_there_was(service: TicketService, sides: Sides) -> None:
    ticket = opened(sides)
    due = sides.inbox.get("default", ticket).decide_by
    assert due is not None
    with pytest.raises(NotAllowed):
        service.extend(reviewer(), ticket, timedelta(hours=5))
    service.extend(reviewer(), ticket, timedelta(minutes=10), why="customer_calls_back")
    assert sides.inbox.get("default", ticket).decide_by == due + timedelta(minutes=10)
    with pytest.raises(NotAllowed, match="before"):
        service.extend(reviewer(), ticket, timedelta(minutes=1))
