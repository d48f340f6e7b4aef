"""What people write down as their reason for a step stands sealed in the audit log, over every store."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from handrail.service import Proposal, TicketService
from handrail.store.audit.chain import Event
from handrail.store.bundle import BundleRequest
from handrail.tickets.ticket import Verdict
from support.reviewers import Hands, reviewer, service_over
from support.stores import NOW, SECRET, Sides, actor, new_ticket, postgres_sides, sqlite_sides

pytestmark = pytest.mark.xdist_group("postgres")
WORDS = f"Erika called from {SECRET}"


@pytest.fixture(params=["sqlite", "postgresql"])
def sides(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sides]:
    made = postgres_sides() if request.param == "postgresql" else sqlite_sides(tmp_path / "store.db")
    yield made
    made.close()


@pytest.fixture
def service(sides: Sides) -> TicketService:
    return service_over(sides.inbox, Hands())


def with_reasons(sides: Sides, service: TicketService, customer: str = "erika") -> str:
    """A ticket of a customer for whose every step that takes one somebody wrote a reason."""
    ticket = new_ticket(customer=customer)
    sides.app.open(ticket)
    service.extend(reviewer(), ticket.id, timedelta(minutes=5), why=WORDS)
    service.unmask(reviewer(), ticket.id, ["lines"], reason=WORDS)
    service.reassign(reviewer(), ticket.id, "legal_lead", why=WORDS)
    return ticket.id


def reasons(sides: Sides, ticket: str) -> list[tuple[str, object]]:
    return [
        (one.kind, one.data["why"]) for one in sides.inbox.history("default", ticket) if "why" in one.data
    ]


def logged(sides: Sides) -> str:
    return json.dumps(list(sides.admin.export()))


def test_reasons_are_read_by_who_holds_the_keys_and_by_nobody_in_the_log(
    sides: Sides, service: TicketService
) -> None:
    ticket = with_reasons(sides, service)
    kinds = ("ticket.extend", "ticket.unmask", "ticket.reassign")
    assert sorted(reasons(sides, ticket)) == sorted((kind, WORDS) for kind in kinds)
    assert "Erika" not in logged(sides)
    assert SECRET not in logged(sides)
    assert sides.admin.verify().problems == ()


def test_an_erased_customer_is_gone_from_the_reasons_and_the_log_is_whole(
    sides: Sides, service: TicketService
) -> None:
    ticket = with_reasons(sides, service)
    before = list(sides.admin.export())
    sides.admin.erase("default", "erika", by="dpo", now=NOW + timedelta(hours=1))
    left = [one.data["why"] for one in sides.admin.history("default", ticket) if "why" in one.data]
    assert set(left) == {"erased"}
    after = list(sides.admin.export())
    assert all(entry in after for entry in before)
    assert sides.admin.verify().problems == ()


def test_a_reason_that_an_earlier_version_wrote_in_clear_is_read_as_it_is(
    sides: Sides, service: TicketService
) -> None:
    ticket = with_reasons(sides, service)
    event = Event(
        tenant="default", kind="ticket.unmask", at=NOW, ticket=ticket, actor="fay", data={"why": "call back"}
    )
    sides.inbox.note(event)
    assert ("ticket.unmask", "call back") in reasons(sides, ticket)


def test_a_reason_moved_to_another_ticket_does_not_open(sides: Sides, service: TicketService) -> None:
    ticket, other = with_reasons(sides, service), with_reasons(sides, service, customer="anna")
    (moved,) = [
        one["data"]
        for one in sides.admin.export()
        if one["kind"] == "ticket.extend" and one["ticket"] == ticket
    ]
    sides.inbox.note(
        Event(tenant="default", kind="ticket.extend", at=NOW, ticket=other, actor="fay", data=moved)
    )
    with pytest.raises(Exception, match="was altered"):
        sides.inbox.history("default", other)


def test_a_code_for_figures_stays_a_code_and_a_sentence_in_its_place_is_sealed(
    sides: Sides, service: TicketService
) -> None:
    for code, is_clear in (("wrong_amount", True), (WORDS, False)):
        ticket = new_ticket()
        sides.app.open(ticket)
        assert ticket.action is not None
        reject = Proposal(verdict=Verdict.REJECT, reason_code=code, digest=ticket.action.digest)
        service.decide(reviewer(), ticket.id, reject)
        last = sides.inbox.history("default", ticket.id)[-1]
        assert last.data["reason"] == code
        assert (code in logged(sides)) is is_clear


def test_the_reason_for_a_hold_which_everybody_reads_is_masked(sides: Sides, service: TicketService) -> None:
    manager = reviewer("pat", is_manager=True)
    service.pause(manager, "finance_lead", why=WORDS)
    try:
        (hold,) = service.pauses(reviewer())
        assert (hold.why, SECRET in logged(sides)) == ("[person] called from [card]", False)
    finally:
        service.resume(manager, "finance_lead", why=WORDS)
    assert SECRET not in logged(sides)


def test_an_unmasked_bundle_has_the_reasons_and_a_masked_one_has_not(
    sides: Sides, service: TicketService
) -> None:
    ticket = with_reasons(sides, service)
    masked = sides.admin.bundle("default", ticket, BundleRequest(by="audrey"))
    assert b"Erika" not in masked
    wanted = BundleRequest(by="audrey", reader=actor("lea"))
    assert sides.admin.bundle("default", ticket, wanted).count(b"Erika called") == 3
