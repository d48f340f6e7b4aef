"""Each week is reviewed once over all desks, made good after a pause, and told to its owner; both stores."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from handrail.desk.desk import Desk
from handrail.desk.notice import Notice
from handrail.desk.settings import Settings
from handrail.desk.weekly_review import LEASE, ReviewSettings, WeeklyReviews
from handrail.ids import new_id
from handrail.policy import load
from handrail.review.log.calendar_week import WeeklySchedule
from handrail.testing import FrozenClock
from support.reviewers import Hands, reviewer, service_over
from support.stores import SECRET, Sides, actor, new_ticket, postgres_sides, sqlite_sides

pytestmark = pytest.mark.xdist_group("postgres")
# A Thursday; its week is reviewed on the Monday after it.
OPENED = datetime(2026, 3, 12, 9, tzinfo=UTC)
DUE = datetime(2026, 3, 16, 5, tzinfo=UTC)
WEEK = "2026-W11"
SCHEDULE = WeeklySchedule(zone=ZoneInfo("Europe/Berlin"))


class Ear:
    """A channel that remembers what it was told."""

    name = "ear"

    def __init__(self) -> None:
        self.heard: list[Notice] = []

    def wants(self, notice: Notice) -> bool:
        return notice.kind == "review"

    def deliver(self, notice: Notice, *, now: datetime) -> None:
        self.heard.append(notice)


@pytest.fixture(params=["sqlite", "postgresql"])
def sides(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sides]:
    made = postgres_sides() if request.param == "postgresql" else sqlite_sides(tmp_path / "store.db")
    yield made
    made.close()


@pytest.fixture
def tenant(sides: Sides) -> str:
    """A tenant with a ticket in the week."""
    name = f"shop-{new_id()[-6:]}"
    sides.app.open(new_ticket(tenant=name, now=OPENED))
    return name


def reviews(sides: Sides, folder: Path | None = None, **settings: object) -> WeeklyReviews:
    given = ReviewSettings(schedule=SCHEDULE, folder=folder, **settings)  # type: ignore[arg-type]
    return WeeklyReviews(sides.desk, given, lambda: load("support"), "support")


def test_a_week_is_reviewed_once_when_its_time_has_come(sides: Sides, tenant: str, tmp_path: Path) -> None:
    one, other = reviews(sides, tmp_path / "out"), reviews(sides, tmp_path / "other")
    assert one(DUE - timedelta(minutes=2)) == 0
    assert one(DUE) == 1
    assert other(DUE) == 0
    assert one(DUE + timedelta(days=1)) == 0
    page = (tmp_path / "out" / tenant / WEEK / "review.html").read_text()
    assert "big-refund" in page
    assert SECRET not in page
    assert not (tmp_path / "other").exists()
    done = [one for one in sides.admin.export() if one["kind"] == "review.done"]
    assert [(one["tenant"], one["data"]["week"], one["data"]["tickets"]) for one in done] == [
        (tenant, WEEK, 1)
    ]
    assert sides.admin.verify().problems == ()


def test_of_many_desks_at_the_same_moment_one_has_the_week(sides: Sides, tenant: str) -> None:
    done: list[int] = []
    jobs = [reviews(sides) for _ in range(4)]
    desks = [threading.Thread(target=lambda job=job: done.append(job(DUE))) for job in jobs]
    for each in desks:
        each.start()
    for each in desks:
        each.join(60)
    assert sorted(done) == [0, 0, 0, 1]


def test_a_desk_that_ends_in_the_middle_leaves_the_week_to_another(sides: Sides, tenant: str) -> None:
    assert sides.desk.take_review(tenant, WEEK, role="process_owner_returns", now=DUE, lease=LEASE)
    assert reviews(sides)(DUE + timedelta(minutes=5)) == 0
    assert reviews(sides)(DUE + LEASE) == 1
    # What the first one says afterwards changes nothing.
    sides.desk.finish_review(tenant, WEEK, tickets=9, proposals=9, now=DUE + LEASE)
    done = [one["data"]["tickets"] for one in sides.admin.export() if one["kind"] == "review.done"]
    assert done == [1]


def test_weeks_without_a_desk_are_made_good_where_something_happened(sides: Sides, tenant: str) -> None:
    later = DUE + timedelta(weeks=2, days=2)
    assert reviews(sides)(later) == 1
    assert reviews(sides, tenants=(tenant,))(later) == 1, (
        "the latest week of a named tenant, though it is empty"
    )
    assert reviews(sides)(DUE + timedelta(weeks=8)) == 0


def test_the_owner_is_told_once_with_a_link_and_without_a_word_of_any_ticket(
    sides: Sides, tenant: str
) -> None:
    clock, ear = FrozenClock(DUE), Ear()
    link = "https://inbox.example/review/{week}?tenant={tenant}"
    settings = Settings(channels=(ear,), review=ReviewSettings(schedule=SCHEDULE, link=link))
    desk = Desk(sides.desk, load("support").roles, settings=settings, now=clock)
    desk.review_by(reviews(sides))
    assert desk.step().reviewed == 1
    for _ in range(3):
        clock.advance(minutes=2)
        desk.step()
    (notice,) = ear.heard
    assert notice.title == f"The review of {WEEK} is ready"
    assert notice.role == load("support").owner
    assert notice.link == f"https://inbox.example/review/{WEEK}?tenant={tenant}"
    assert SECRET not in json.dumps([notice.title, notice.body])


def test_the_first_run_makes_past_weeks_good_with_one_message_and_later_ones_tell_each_week(
    sides: Sides, tenant: str, tmp_path: Path
) -> None:
    for weeks in (1, 2, 4, 5):
        sides.app.open(new_ticket(tenant=tenant, now=OPENED + timedelta(weeks=weeks)))
    first = DUE + timedelta(weeks=2)
    clock, ear = FrozenClock(first), Ear()
    desk = Desk(
        sides.desk,
        load("support").roles,
        settings=Settings(channels=(ear,), review=ReviewSettings(schedule=SCHEDULE)),
        now=clock,
    )
    desk.review_by(reviews(sides, tmp_path))
    assert desk.step().reviewed == 3
    clock.advance(minutes=2)
    desk.step()
    assert [notice.title for notice in ear.heard] == ["The review of 2026-W13 is ready"]
    assert sorted(path.name for path in (tmp_path / tenant).iterdir()) == ["2026-W11", "2026-W12", "2026-W13"]
    ear.heard.clear()
    clock.advance(weeks=3)
    assert desk.step().reviewed == 2
    clock.advance(minutes=2)
    desk.step()
    told = {f"The review of 2026-W{week} is ready" for week in (15, 16)}
    assert {notice.title for notice in ear.heard} == told


def test_a_tenants_name_is_never_a_way_out_of_the_folder(sides: Sides, tmp_path: Path) -> None:
    sides.app.open(new_ticket(tenant="../up", now=OPENED))
    assert reviews(sides, tmp_path / "deep" / "out")(DUE) == 1
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]
    assert [path.parent.name for path in (tmp_path / "deep" / "out").glob(f"*/{WEEK}")] == ["%2E%2E%2Fup"]


def test_the_inbox_reads_the_same_week_and_keeps_what_was_declined(sides: Sides, tenant: str) -> None:
    clock = Hands()
    clock.now = DUE
    service, owner = service_over(sides.inbox, clock), reviewer("pat", tenant=tenant, is_manager=True)
    found = service.review(owner, WEEK).review
    assert found.report.measures.total.size == 1
    assert len(list(sides.inbox.entries(tenant, OPENED - timedelta(days=1), DUE))) >= 1
    assert SECRET not in str(found.report)
    other = reviewer("pat", tenant=f"{tenant}-2", is_manager=True)
    assert service.review(other, WEEK).review.report.measures.total.size == 0
    assert list(sides.inbox.entries(f"{tenant}-2", OPENED - timedelta(days=1), DUE)) == []
    sides.inbox.decline_proposal(tenant, "1a2b3c4d", actor("pat"))
    assert sides.inbox.declined_proposals(tenant) == {"1a2b3c4d"}
    assert sides.inbox.declined_proposals(f"{tenant}-2") == frozenset()
