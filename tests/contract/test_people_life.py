"""Who left, who is away and who acts for them, over every store."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from handrail.errors import AlreadyDecided, NotAllowed
from handrail.ids import new_id
from handrail.policy import People, load_people, loads
from handrail.store import Actor
from handrail.tickets.lifecycle import State
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict
from support.stores import NOW, Sides, actor, new_ticket, postgres_sides, sqlite_sides

pytestmark = pytest.mark.xdist_group("postgres")
APPROVE = Resolution(verdict=Verdict.APPROVE)
POLICY = loads(
    """\
policy: shop
version: "1"
if_unsure: queue_manager
roles:
  finance_lead: {answer_within: 30 minutes, backup: process_owner}
  legal_lead: {answer_within: 30 minutes}
  queue_manager: {}
  process_owner: {covers: [finance_lead]}
"""
)
ROLES = """\
roles:
  finance_lead: [ana, ben, cho]
  legal_lead: [ben, cho]
  queue_manager: [quin]
  process_owner: [pat]
people:
  ben:
  cho:
  quin:
  pat:
"""
AWAY = "  ana: {email: ana@example.org, away: {from: 2026-01-05, to: 2026-01-09, delegate: ben}}\n"


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
def absent(tmp_path: Path) -> People:
    (tmp_path / "people.yaml").write_text(ROLES + AWAY)
    return load_people(tmp_path / "people.yaml", POLICY)


@pytest.fixture
def present(tmp_path: Path) -> People:
    (tmp_path / "present.yaml").write_text(ROLES + "  ana: {email: ana@example.org}\n")
    return load_people(tmp_path / "present.yaml", POLICY)


@pytest.fixture
def without_ana(tmp_path: Path) -> People:
    (tmp_path / "left.yaml").write_text(ROLES.replace("ana, ", ""))
    return load_people(tmp_path / "left.yaml", POLICY)


def hand(person: str, people: People, *, after: timedelta = timedelta(minutes=1)) -> Actor:
    return Actor(person=person, people=people, now=NOW + after)


def opened(sides: Sides, **more: object) -> str:
    return sides.app.open(new_ticket(new_id(), **more)).ticket  # type: ignore[arg-type]


def test_who_is_away_neither_claims_nor_decides(sides: Sides, absent: People, present: People) -> None:
    ticket = opened(sides)
    with pytest.raises(NotAllowed, match="away until 2026-01-09"):
        sides.inbox.claim("default", ticket, hand("ana", absent))
    sides.inbox.claim("default", ticket, hand("ana", present))
    with pytest.raises(NotAllowed, match="away until 2026-01-09"):
        sides.inbox.resolve("default", ticket, APPROVE, hand("ana", absent))
    assert absent.away_until("ana", NOW) == date(2026, 1, 9)


def test_a_claim_of_who_is_away_or_left_is_none_for_the_next_who_claims(
    sides: Sides, absent: People, present: People, without_ana: People
) -> None:
    for people, why in ((absent, "away"), (without_ana, "left")):
        ticket = opened(sides)
        sides.inbox.claim("default", ticket, hand("ana", present))
        with pytest.raises(AlreadyDecided):
            sides.inbox.claim("default", ticket, hand("ben", present))
        with pytest.raises(NotAllowed):
            sides.inbox.claim("default", ticket, hand("quin", people))
        assert sides.inbox.claim("default", ticket, hand("ben", people)).claimed_by == "ben"
        (released,) = [
            event for event in sides.inbox.history("default", ticket) if event.kind == "ticket.release"
        ]
        assert (released.actor, released.data["why"], released.data["person"]) == ("ben", why, "ana")
        with pytest.raises(NotAllowed):
            sides.inbox.resolve("default", ticket, APPROVE, hand("ana", people))
        sides.inbox.resolve("default", ticket, APPROVE, hand("ben", people))
    assert sides.admin.verify().problems == ()


def test_a_desk_gives_back_what_people_who_left_or_are_away_have_claimed(
    sides: Sides, present: People, without_ana: People
) -> None:
    theirs, asked, others = opened(sides), opened(sides), opened(sides)
    sides.inbox.claim("default", theirs, hand("ana", present))
    sides.inbox.claim("default", asked, hand("ana", present))
    sides.inbox.ask("default", asked, "Which one?", hand("ana", present))
    sides.inbox.claim("default", others, hand("ben", present))
    mine = {theirs, asked, others}
    assert mine.isdisjoint(sides.desk.drop_claims(present, now=NOW, by="desk"))
    assert mine.intersection(sides.desk.drop_claims(without_ana, now=NOW, by="desk")) == {theirs, asked}
    assert [sides.inbox.get("default", name).state for name in (theirs, asked, others)] == [
        State.READY,
        State.READY,
        State.CLAIMED,
    ]
    with pytest.raises(NotAllowed):
        sides.inbox.view("default", theirs, hand("ana", without_ana))
    with pytest.raises(NotAllowed):
        sides.inbox.unmask("default", theirs, hand("ana", without_ana))


@pytest.mark.parametrize("customer", ["ana", "ANA@example.org"])
def test_a_delegate_of_the_requester_does_not_decide_the_requesters_case(
    sides: Sides, absent: People, present: People, customer: str
) -> None:
    ticket = opened(sides, customer=customer, conversation=new_id())
    with pytest.raises(NotAllowed, match="whom they act for"):
        sides.inbox.claim("default", ticket, hand("ben", absent))
    with pytest.raises(NotAllowed, match="whom they act for"):
        sides.inbox.claim("default", ticket, hand("ben", absent, after=timedelta(days=30)))
    sides.inbox.claim("default", ticket, hand("ben", present))
    with pytest.raises(NotAllowed, match="whom they act for"):
        sides.inbox.resolve("default", ticket, APPROVE, hand("ben", absent))
    sides.inbox.withdraw_for("default", ticket, hand("cho", absent))


def test_a_person_and_their_delegate_fill_one_seat(sides: Sides, absent: People, present: People) -> None:
    ticket = opened(sides, co_approvers=("legal_lead",))
    sides.inbox.claim("default", ticket, hand("ana", present))
    sides.inbox.resolve("default", ticket, APPROVE, hand("ana", present))
    with pytest.raises(NotAllowed, match="count as one"):
        sides.inbox.claim("default", ticket, hand("ben", absent))
    sides.inbox.claim("default", ticket, hand("cho", absent))
    assert sides.inbox.resolve("default", ticket, APPROVE, hand("cho", absent)).state is State.DECIDED


def test_a_delegate_who_agreed_leaves_no_seat_for_whom_they_acted_for(sides: Sides, absent: People) -> None:
    ticket = opened(sides, co_approvers=("finance_lead", "legal_lead"))
    sides.inbox.claim("default", ticket, hand("ben", absent))
    sides.inbox.resolve("default", ticket, APPROVE, hand("ben", absent))
    back = timedelta(days=20)
    with pytest.raises(NotAllowed):
        sides.inbox.claim("default", ticket, hand("ana", absent, after=back))


def test_people_without_absences_act_as_before(sides: Sides) -> None:
    ticket = opened(sides)
    assert sides.inbox.claim("default", ticket, actor()).claimed_by == "fay"
    assert ticket not in sides.desk.drop_claims(actor().people, now=NOW, by="desk")
