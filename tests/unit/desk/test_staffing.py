from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.desk.settings import read_schedule
from handrail.desk.staffing import Route, Staffing, cover, empty_roles, hours_of
from handrail.records import Severity, Trigger
from handrail.tickets.calendar import calendar
from handrail.tickets.schedule import Schedule
from handrail.tickets.ticket import OnExpiry

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
OFFICE = calendar("office", zone="UTC", hours={"mon-fri": "09:00-17:00"})
WARD = calendar("ward", zone="UTC", hours={"mon-fri": "07:00-19:00"}, pauses=False)


@dataclass(frozen=True)
class Role:
    answer_within: timedelta | None = None
    backup: str | None = None


ROLES = {
    "finance_lead": Role(timedelta(hours=4), "supervisor"),
    "supervisor": Role(timedelta(hours=1)),
    "nurse": Role(timedelta(minutes=1)),
    "open_end": Role(),
}
REFUND = Route(rule="big-refund", trigger=Trigger.HIGH_STAKES, role="finance_lead", severity=Severity.HIGH)


def staffing(people: Mapping[str, set[str]], schedule: Schedule | None = None) -> Staffing:
    return Staffing(
        roles=ROLES,
        members=lambda role: frozenset(people.get(role, ())),
        schedule=schedule or Schedule(default=OFFICE),
    )


def test_in_office_hours_the_owner_is_there_at_once() -> None:
    ending = staffing({"finance_lead": {"ada"}}).ending(REFUND, MONDAY.replace(hour=10))
    assert (ending.role, ending.at) == ("finance_lead", MONDAY.replace(hour=10))


def test_outside_office_hours_the_ticket_waits_for_the_owner() -> None:
    ending = staffing({"finance_lead": {"ada"}}).ending(REFUND, MONDAY.replace(hour=20))
    assert (ending.role, ending.at) == ("finance_lead", MONDAY + timedelta(days=1, hours=9))


def test_an_empty_role_hands_on_to_its_backup() -> None:
    ending = staffing({"supervisor": {"bo"}}).ending(REFUND, MONDAY.replace(hour=10))
    assert (ending.role, ending.at) == ("supervisor", MONDAY.replace(hour=12))


def test_a_chain_of_empty_roles_ends_at_the_safe_default() -> None:
    ending = staffing({}).ending(REFUND, MONDAY.replace(hour=10))
    assert (ending.role, ending.default, ending.at) == (None, OnExpiry.DENY, MONDAY.replace(hour=13))


def test_an_empty_role_without_a_deadline_is_a_dead_end() -> None:
    route = Route(rule="r", trigger=Trigger.COMPLAINT, role="open_end")
    assert staffing({}).ending(route, MONDAY).stuck == "open_end"
    covered = cover(staffing({}), route, hours_of(MONDAY))
    assert (covered.dead, covered.first_dead, covered.stuck) == (168, MONDAY, "open_end")


def test_an_urgent_role_that_is_closed_ends_at_the_safe_default_within_its_minute() -> None:
    route = Route(rule="red-flag", trigger=Trigger.SENSITIVE_DATA, role="nurse")
    at_night = MONDAY.replace(hour=22)
    ending = staffing({"nurse": {"cy"}}, Schedule(roles={"nurse": WARD})).ending(route, at_night)
    assert (ending.default, ending.at) == (OnExpiry.WITHHOLD, at_night + timedelta(minutes=1))


def test_a_week_is_counted_hour_by_hour() -> None:
    schedule = Schedule(roles={"nurse": WARD})
    route = Route(rule="red-flag", trigger=Trigger.SENSITIVE_DATA, role="nurse")
    covered = cover(staffing({"nurse": {"cy"}}, schedule), route, hours_of(MONDAY))
    assert (covered.hours, covered.by_role, covered.defaults, covered.dead) == (168, {"nurse": 60}, 108, 0)
    refunds = cover(staffing({"finance_lead": {"ada"}}), REFUND, hours_of(MONDAY))
    assert refunds.longest == timedelta(hours=64)
    assert refunds.longest_from == MONDAY + timedelta(days=4, hours=17)


def test_absence_counts() -> None:
    schedule = read_schedule("away: {ada: [{from: 2026-11-23, to: 2026-11-29}]}")
    covered = cover(
        staffing({"finance_lead": {"ada"}, "supervisor": {"bo"}}, schedule), REFUND, hours_of(MONDAY)
    )
    assert covered.by_role["supervisor"] > 160
    assert covered.dead == 0


def test_roles_on_the_way_that_nobody_fills_are_named() -> None:
    assert empty_roles(staffing({"finance_lead": {"ada"}}), [REFUND]) == ("supervisor",)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from("abcd"),
        st.tuples(st.none() | st.integers(1, 600), st.none() | st.sampled_from("abcd")),
        min_size=1,
    ),
    st.frozensets(st.sampled_from("abcd")),
    st.integers(0, 167),
    st.sampled_from([Schedule(), Schedule(default=OFFICE), Schedule(default=WARD)]),
)
def test_every_ending_is_staffed_or_a_safe_default_or_named_as_a_dead_end(
    plans: dict[str, tuple[int | None, str | None]], filled: frozenset[str], hour: int, schedule: Schedule
) -> None:
    roles = {
        name: Role(timedelta(minutes=minutes) if minutes else None, backup if backup in plans else None)
        for name, (minutes, backup) in plans.items()
    }
    one = Staffing(roles=roles, members=lambda role: frozenset({role} & filled), schedule=schedule)
    opened = MONDAY + timedelta(hours=hour)
    for role in roles:
        ending = one.ending(Route(rule="r", trigger=Trigger.HIGH_STAKES, role=role), opened)
        if ending.role is not None:
            assert ending.role in filled
            assert ending.at is not None
            assert schedule.of(ending.role).is_open(ending.at)
        elif ending.at is not None:
            assert ending.default is OnExpiry.DENY
        else:
            assert roles[ending.stuck].answer_within is None
        assert ending.at is None or ending.at >= opened
