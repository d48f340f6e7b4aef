"""One tenant's check of the audit log on PostgreSQL: what it finds, and what it cannot."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from handrail.errors import ConfigError
from handrail.service import Proposal, TicketService
from handrail.tickets.ticket import Verdict
from support.reviewers import Hands, reviewer, service_over
from support.stores import NOW, Sides, memory_sides, new_ticket, postgres_sides

pytestmark = pytest.mark.xdist_group("postgres")


@pytest.fixture
def sides() -> Iterator[Sides]:
    made = postgres_sides()
    yield made
    made.close()


@pytest.fixture
def service(sides: Sides) -> TicketService:
    return service_over(sides.inbox, Hands())


def played(sides: Sides, service: TicketService, tenant: str) -> str:
    """A ticket of a tenant that somebody looked at and approved, among entries of another one."""
    ticket, other = new_ticket(tenant=tenant), new_ticket(tenant="between")
    sides.app.open(ticket)
    sides.app.open(other)
    who = reviewer("fay", tenant=tenant)
    service.screen(who, ticket.id)
    assert ticket.action is not None
    service.decide(who, ticket.id, Proposal(verdict=Verdict.APPROVE, digest=ticket.action.digest))
    return ticket.id


def found(sides: Sides, service: TicketService, tenant: str = "default") -> list[str]:
    report = service.audit_check(reviewer("pat", tenant=tenant, is_manager=True))
    assert not report.is_whole
    assert report.entries > 0
    return sorted({problem.what for problem in report.problems})


def tampered(sides: Sides, statement: str, **values: object) -> None:
    """Change the store as the database's owner, past every right and every key."""
    assert sides.logins is not None
    engine = create_engine(sides.logins.owner)
    with engine.begin() as conn:
        assert conn.execute(text(statement), values).rowcount > 0
    engine.dispose()


def test_a_tenant_whose_log_and_store_agree_is_told_so_beside_others(
    sides: Sides, service: TicketService
) -> None:
    for tenant in ("default", "other", "default"):
        played(sides, service, tenant)
    assert found(sides, service) == found(sides, service, "other") == []
    assert sides.admin.verify().problems == ()


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE audit SET actor = 'm' WHERE ticket = :ticket AND kind = 'ticket.approve'", "it was altered"),
        ("DELETE FROM audit WHERE ticket = :ticket AND kind = 'ticket.open'", "step 1 is not on record"),
        ("DELETE FROM decisions WHERE ticket = :ticket", "is on record and gone from the store"),
        ("UPDATE tickets SET state = 'ready' WHERE id = :ticket", "and on record as decided"),
        ("UPDATE tickets SET version = 1 WHERE id = :ticket", "it was set back to an earlier step"),
        ("DELETE FROM tickets WHERE id = :ticket", "gone from the store"),
        ("UPDATE audit_heads SET mac = 'f' WHERE writer IN (SELECT writer FROM audit WHERE ticket = :ticket)",
         "the end of this chain was not written with the key"),
        ("UPDATE audit_heads SET seq = 0 WHERE writer IN (SELECT writer FROM audit WHERE ticket = :ticket)",
         "it lies outside its chain"),
    ],
)  # fmt: skip
def test_what_was_changed_behind_its_back_is_found(
    sides: Sides, service: TicketService, statement: str, what: str
) -> None:
    ticket = played(sides, service, "default")
    tampered(sides, statement, ticket=ticket)
    assert any(what in problem for problem in found(sides, service))


def test_what_was_done_to_another_tenant_is_nothing_one_hears_of(
    sides: Sides, service: TicketService
) -> None:
    played(sides, service, "default")
    theirs = played(sides, service, "other")
    tampered(sides, "DELETE FROM tickets WHERE id = :ticket", ticket=theirs)
    assert found(sides, service) == []
    assert found(sides, service, "other") != []


def test_a_look_taken_out_between_others_entries_is_found_by_a_check_of_all_chains_only(
    sides: Sides, service: TicketService
) -> None:
    ticket = played(sides, service, "default")
    tampered(sides, "DELETE FROM audit WHERE ticket = :ticket AND kind = 'ticket.view'", ticket=ticket)
    assert found(sides, service) == []
    assert sides.admin.verify().problems != ()


def test_a_pruned_log_is_compared_from_when_it_is_whole(sides: Sides, service: TicketService) -> None:
    played(sides, service, "default")
    later = NOW + timedelta(days=1)
    assert sides.admin.prune_audit(before=later, by="root", now=later) > 0
    sides.app.open(new_ticket(now=later + timedelta(minutes=1)))
    assert found(sides, service) == []
    assert sides.admin.verify().problems == ()


def test_where_every_chain_is_seen_whole_it_is_not_asked_for() -> None:
    sides = memory_sides()
    with pytest.raises(ConfigError, match="whole"):
        sides.inbox.verify_tenant("default")
    sides.close()
