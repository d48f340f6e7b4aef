"""OWASP AISVS 1.0, chapters 9 and 12: one test a line, each wrong use with an error of its own."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from handrail.errors import (
    AlreadyUsed,
    DecisionExpired,
    DigestMismatch,
    NotAllowed,
    NotDecided,
    PolicyChanged,
    StoreUnavailable,
)
from handrail.tickets.lifecycle import State
from handrail.tickets.ports import Settlement
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import OnExpiry, Verdict
from support.stores import NOW, SECRET, Sides, actor, memory_sides, new_ticket


@pytest.fixture
def sides() -> Iterator[Sides]:
    made = memory_sides()
    yield made
    made.close()


@pytest.fixture
def approved(sides: Sides) -> str:
    ticket = new_ticket()
    sides.app.open(ticket)
    sides.inbox.claim("default", ticket.id, actor())
    sides.inbox.resolve(
        "default", ticket.id, Resolution(verdict=Verdict.APPROVE, note="receipt seen"), actor()
    )
    return ticket.id


def test_9_2_1_an_action_is_blocked_until_an_approval_is_verified(sides: Sides) -> None:
    ticket = new_ticket()
    sides.app.open(ticket)
    with pytest.raises(NotDecided):
        sides.app.begin("default", ticket.id, now=NOW)


def test_9_2_2_the_approver_sees_every_parameter_in_canonical_form(sides: Sides) -> None:
    long = '{"order": "1182", "amount": 640, "note": "' + "x" * 5000 + '"}'
    ticket = new_ticket(arguments=long)
    sides.app.open(ticket)
    shown = sides.inbox.view("default", ticket.id, actor()).ticket
    assert shown is not None
    assert shown.action is not None
    assert shown.action.arguments == '{"amount":640,"note":"' + "x" * 5000 + '","order":"1182"}'


def test_9_2_8_an_approval_is_bound_to_its_parameters(sides: Sides, approved: str) -> None:
    with sides.app.write("default") as tx:
        tx.conn.exec_driver_sql("UPDATE tickets SET digest = 'ff'")
    with pytest.raises((DigestMismatch, StoreUnavailable)):
        sides.app.begin("default", approved, now=NOW)


def test_9_2_8_a_decision_made_on_another_state_of_the_action_is_refused(sides: Sides) -> None:
    ticket = new_ticket()
    sides.app.open(ticket)
    sides.inbox.claim("default", ticket.id, actor())
    with pytest.raises(DigestMismatch):
        sides.inbox.resolve("default", ticket.id, Resolution(verdict=Verdict.APPROVE, digest="00"), actor())


def test_9_2_8_an_approval_is_used_once(sides: Sides, approved: str) -> None:
    sides.app.begin("default", approved, now=NOW)
    with pytest.raises(AlreadyUsed):
        sides.app.begin("default", approved, now=NOW)


def test_9_2_8_a_tampered_decision_is_refused(sides: Sides, approved: str) -> None:
    with sides.app.write("default") as tx:
        tx.conn.exec_driver_sql("UPDATE decisions SET content_sha256 = 'ff'")
    with pytest.raises((NotAllowed, StoreUnavailable), match="altered"):
        sides.app.begin("default", approved, now=NOW)


def test_9_6_2_an_approval_that_comes_too_late_is_no_approval(sides: Sides) -> None:
    ticket = new_ticket()
    sides.app.open(ticket)
    sides.inbox.claim("default", ticket.id, actor())
    late = actor(after=timedelta(hours=2))
    with pytest.raises(DecisionExpired):
        sides.inbox.resolve("default", ticket.id, Resolution(verdict=Verdict.APPROVE), late)


def test_9_6_2_time_that_runs_out_blocks_and_is_recorded_as_such(sides: Sides) -> None:
    ticket = new_ticket()
    sides.app.open(ticket)
    for days in range(1, 6):
        sides.desk.sweep(NOW + timedelta(days=days))
    resolution = sides.app.resolution("default", ticket.id)
    assert resolution is not None
    assert resolution.verdict == "expired"
    with pytest.raises(DecisionExpired):
        sides.app.begin("default", ticket.id, now=NOW)
    assert "approve" not in set(OnExpiry)


def test_9_6_2_a_decision_that_waited_too_long_is_not_carried_out(sides: Sides, approved: str) -> None:
    with pytest.raises(DecisionExpired):
        sides.app.begin("default", approved, now=NOW + timedelta(days=2))


def test_another_role_may_not_decide(sides: Sides) -> None:
    ticket = new_ticket()
    sides.app.open(ticket)
    with pytest.raises(NotAllowed, match="finance_lead"):
        sides.inbox.claim("default", ticket.id, actor("quin"))


def test_nobody_approves_their_own_case(sides: Sides) -> None:
    ticket = new_ticket(customer="fay")
    sides.app.open(ticket)
    with pytest.raises(NotAllowed, match="own case"):
        sides.inbox.claim("default", ticket.id, actor("fay"))


def test_a_changed_policy_reopens_the_ticket(sides: Sides, approved: str) -> None:
    """The guard raises PolicyChanged; the store makes sure that the old decision is gone for good."""
    assert issubclass(PolicyChanged, Exception)
    sides.app.reopen("default", approved, roles=("legal_lead",), why="stricter", now=NOW)
    with pytest.raises(NotDecided):
        sides.app.begin("default", approved, now=NOW)
    with sides.app.write("default") as tx:
        tx.conn.exec_driver_sql("UPDATE tickets SET state = 'decided', round = 1, is_open = 0")
    with pytest.raises((AlreadyUsed, StoreUnavailable)):
        sides.app.begin("default", approved, now=NOW)


def test_an_erased_subject_has_nothing_left_to_carry_out(sides: Sides) -> None:
    ticket = new_ticket(customer="erika")
    sides.app.open(ticket)
    sides.inbox.claim("default", ticket.id, actor())
    sides.inbox.resolve("default", ticket.id, Resolution(verdict=Verdict.APPROVE), actor())
    sides.app.begin("default", ticket.id, now=NOW)
    sides.admin.erase("default", "erika", by="dpo", now=NOW)
    sides.app.finish("default", ticket.id, Settlement.DONE, now=NOW)
    with pytest.raises(StoreUnavailable, match="erased"):
        sides.inbox.unmask("default", ticket.id, actor())
    assert sides.inbox.get("default", ticket.id).state is State.APPLIED


def test_12_4_2_the_record_of_a_decision_names_approver_role_time_action_and_outcome(
    sides: Sides, approved: str
) -> None:
    sides.app.begin("default", approved, now=NOW)
    sides.app.finish("default", approved, Settlement.DONE, now=NOW)
    entries = {entry["kind"]: entry for entry in sides.admin.export() if entry["ticket"] == approved}
    decided = entries["ticket.approve"]
    assert (decided["actor"], decided["role"]) == ("fay", "finance_lead")
    assert decided["at"] == (NOW + timedelta(minutes=1)).isoformat()
    assert decided["data"]["digest"] == entries["ticket.begin"]["data"]["digest"]
    assert entries["ticket.open"]["data"]["rules"] == ["big-refund"]
    assert entries["ticket.applied"]["data"]["state"] == "applied"


def test_12_4_3_an_edit_is_on_record_as_an_override(sides: Sides) -> None:
    ticket = new_ticket()
    sides.app.open(ticket)
    sides.inbox.claim("default", ticket.id, actor())
    resolution = Resolution(verdict=Verdict.EDIT, changes={"amount": 590}, reason_code="partial")
    sides.inbox.resolve("default", ticket.id, resolution, actor())
    (decided,) = [
        event for event in sides.inbox.history("default", ticket.id) if event.kind == "ticket.approve"
    ]
    assert decided.data["edited"] is True
    assert decided.data["reason"] == "partial"


def test_what_is_on_record_holds_no_scanned_text(sides: Sides, approved: str) -> None:
    sides.inbox.unmask("default", approved, actor())
    assert SECRET not in repr(list(sides.admin.export()))


def test_a_cancelled_ticket_cannot_be_decided_later(sides: Sides, tmp_path: Path) -> None:
    ticket = new_ticket()
    sides.app.open(ticket)
    sides.inbox.cancel("default", ticket.id, by="app", why="withdrawn", now=NOW)
    with pytest.raises(NotAllowed):
        sides.app.begin("default", ticket.id, now=NOW)
