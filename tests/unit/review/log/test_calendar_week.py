from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.errors import ConfigError
from handrail.review.log.calendar_week import MOST_BACK, WeeklySchedule, name_of_week, week_of

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_week_runs_from_monday_to_monday_also_where_clocks_are_changed() -> None:
    period = week_of("2026-W13", BERLIN)
    assert period.since == datetime(2026, 3, 23, tzinfo=BERLIN)
    assert period.until == datetime(2026, 3, 30, tzinfo=BERLIN)
    assert period.until.astimezone(UTC) - period.since.astimezone(UTC) == timedelta(days=7, hours=-1)


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-W54", "2026-47", "W47", "2026-W47-1", "0001-W01", "9999-W52"]
)
def test_what_is_no_week_is_refused_and_the_shape_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match="2026-W47"):
        week_of(text)


def test_a_week_is_due_from_its_time_on_in_its_zone() -> None:
    schedule = WeeklySchedule(weekday=1, at=time(7, 30), zone=BERLIN)
    due = datetime(2026, 3, 17, 6, 30, tzinfo=UTC)
    assert "2026-W11" not in schedule.due(due - timedelta(seconds=1))
    assert next(iter(schedule.due(due))) == "2026-W11"


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),
    st.integers(0, 6),
    st.times(),
)
def test_a_week_that_is_due_has_ended_and_stays_due_for_a_month(now: datetime, day: int, at: time) -> None:
    schedule = WeeklySchedule(weekday=day, at=at, zone=BERLIN)
    found = list(schedule.due(now))
    assert MOST_BACK <= len(found) <= MOST_BACK + 1
    assert all(week_of(name, BERLIN).until <= now for name in found)
    oldest = week_of(found[-1], BERLIN).until
    assert now - oldest < timedelta(days=30 + 7)
    assert [name_of_week(week_of(name, BERLIN).since.date()) for name in found] == found
