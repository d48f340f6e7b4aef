from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.errors import ConfigError
from handrail.tickets.calendar import ALWAYS, HORIZON, Calendar, calendar, week_of

OFFICE = calendar("office", zone="Europe/Berlin", hours={"monday-friday": "09:00-17:00"}, holidays="DE-BE")
NIGHTS = calendar("nights", zone="America/New_York", hours={"monday-sunday": "22:00-06:00"})
ODD = calendar(
    "odd",
    zone="Australia/Lord_Howe",
    hours={"saturday-monday": ["01:30-02:45", "02:00-03:10", "23:00-24:00"]},
)
KATHMANDU = calendar("half", zone="Asia/Kathmandu", hours={"tuesday": "00:00-24:00"}, holidays="NP")
CALENDARS = st.sampled_from([OFFICE, NIGHTS, ODD, KATHMANDU, ALWAYS])
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
WORKING = st.timedeltas(timedelta(), timedelta(days=6))


def berlin(day: str, at: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time.fromisoformat(at), ZoneInfo("Europe/Berlin"))


def test_a_deadline_skips_night_weekend_and_holiday() -> None:
    # Friday 2026-12-24 is a Thursday; the 25th and 26th are holidays, the 27th is a Sunday.
    assert OFFICE.after(berlin("2026-12-24", "16:00"), timedelta(hours=2)) == berlin("2026-12-28", "10:00")


def test_a_deadline_within_the_day_is_plain_addition() -> None:
    assert OFFICE.after(berlin("2026-11-24", "10:00"), timedelta(hours=4)) == berlin("2026-11-24", "14:00")


def test_what_arrives_at_night_begins_in_the_morning() -> None:
    assert OFFICE.after(berlin("2026-11-24", "22:00"), timedelta(hours=1)) == berlin("2026-11-25", "10:00")
    assert OFFICE.next_open(berlin("2026-11-24", "22:00")) == berlin("2026-11-25", "09:00")


def test_a_calendar_that_does_not_pause_runs_by_the_clock_on_the_wall() -> None:
    urgent = calendar("urgent", zone="Europe/Berlin", hours={"monday": "09:00-10:00"}, pauses=False)
    at = berlin("2026-11-24", "22:00")
    assert urgent.after(at, timedelta(hours=1)) == at + timedelta(hours=1)
    assert not urgent.is_open(at)


def test_a_shift_over_midnight_is_one_stretch() -> None:
    at = datetime(2026, 11, 24, 23, 0, tzinfo=ZoneInfo("America/New_York"))
    assert NIGHTS.after(at, timedelta(hours=6)) == at + timedelta(hours=6)
    assert NIGHTS.is_open(at + timedelta(hours=6))
    assert not NIGHTS.is_open(at + timedelta(hours=7))


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-24", 24)])
def test_a_day_is_as_long_as_the_clock_change_makes_it(day: str, hours: int) -> None:
    whole = calendar("whole", zone="Europe/Berlin", hours={"monday-sunday": "00:00-24:00"})
    start = berlin(day, "00:00")
    end = berlin((date.fromisoformat(day) + timedelta(days=1)).isoformat(), "00:00")
    assert whole.open_between(start, end) == timedelta(hours=hours)


def test_an_hour_that_happens_twice_is_open_twice() -> None:
    early = calendar("early", zone="Europe/Berlin", hours={"sunday": "02:00-03:00"})
    day = berlin("2026-10-25", "00:00")
    assert early.open_between(day, day + timedelta(days=1)) == timedelta(hours=1, minutes=60)


def test_further_closed_days_are_closed() -> None:
    one = calendar("one", zone="UTC", hours={"monday-sunday": "00:00-24:00"}, closed=[date(2026, 7, 1)])
    assert not one.is_open(datetime(2026, 7, 1, 12, tzinfo=UTC))
    assert one.next_open(datetime(2026, 7, 1, tzinfo=UTC)) == datetime(2026, 7, 2, tzinfo=UTC)


def test_a_calendar_that_never_opens_delays_but_does_not_abolish_the_deadline() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    every_day = frozenset(start.date() + timedelta(days=n) for n in range(-2, 500))
    never = Calendar(id="never", closed=every_day)
    assert never.after(start, timedelta(hours=1)) == start + HORIZON
    assert never.next_open(start) is None


@pytest.mark.parametrize(
    "hours",
    [{}, {"moon": "09:00-17:00"}, {"monday": "9-17"}, {"monday": "09:00-25:00"}, {"monday": "9:61-10:00"}],
)
def test_hours_that_cannot_be_read_are_refused(hours: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        week_of(hours)


@pytest.mark.parametrize(
    ("zone", "holidays"), [("Mars/Base", None), ("../etc", None), ("UTC", "XX"), ("UTC", "DE-ZZ")]
)
def test_an_unknown_zone_or_country_is_refused(zone: str, holidays: str | None) -> None:
    with pytest.raises(ConfigError, match=r"no (time zone|holidays)"):
        calendar("bad", zone=zone, hours={"monday": "09:00-17:00"}, holidays=holidays)


def test_days_that_wrap_around_the_week_are_read() -> None:
    week = week_of({"saturday-monday": "10:00-12:00"})
    assert [bool(day) for day in week] == [True, False, False, False, False, True, True]


@settings(deadline=None)
@given(CALENDARS, MOMENTS, WORKING)
def test_exactly_the_working_time_lies_before_the_deadline(
    one: Calendar, start: datetime, working: timedelta
) -> None:
    assert one.open_between(start, one.after(start, working)) == working


@settings(deadline=None)
@given(CALENDARS, MOMENTS, WORKING, WORKING)
def test_more_time_is_never_an_earlier_deadline(
    one: Calendar, at: datetime, a: timedelta, b: timedelta
) -> None:
    assert one.after(one.after(at, a), b) == one.after(at, a + b) or a == timedelta()
    assert (one.after(at, a) <= one.after(at, b)) or a > b


@settings(deadline=None)
@given(CALENDARS, MOMENTS, st.timedeltas(timedelta(), timedelta(days=30)), WORKING)
def test_a_later_start_is_never_an_earlier_deadline(
    one: Calendar, at: datetime, later: timedelta, working: timedelta
) -> None:
    assert one.after(at, working) <= one.after(at + later, working)


@settings(deadline=None)
@given(CALENDARS, MOMENTS)
def test_open_now_and_next_opening_agree(one: Calendar, at: datetime) -> None:
    opens = one.next_open(at)
    assert opens is not None
    assert one.is_open(opens)
    assert (opens == at) == one.is_open(at)
