from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from handrail.desk.settings import read_schedule
from handrail.errors import ConfigError
from handrail.tickets.calendar import ALWAYS
from handrail.tickets.schedule import Schedule, schedule_of

TEXT = """
calendars:
  office:
    zone: Europe/Berlin
    hours: {monday-friday: 09:00-17:00}
    holidays: DE-BE
    closed: [2026-11-25]
  ward: {zone: UTC, hours: {monday-sunday: ["07:00-12:00", "13:00-19:00"]}, deadlines: run}
hours: {finance_lead: office, nurse_on_duty: ward}
away:
  ada: [{from: 2026-11-23, to: 2026-11-26}]
"""
TUESDAY = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_roles_without_hours_are_always_there() -> None:
    schedule = read_schedule(TEXT, roles=["finance_lead", "nurse_on_duty", "supervisor"])
    assert schedule.of("supervisor") is ALWAYS
    assert schedule.of("finance_lead").id == "office"
    assert schedule.of("finance_lead").pauses
    assert not schedule.of("nurse_on_duty").pauses
    assert read_schedule("").of("anybody") is ALWAYS


def test_the_default_calendar_is_for_everybody_else() -> None:
    assert read_schedule(TEXT.replace("nurse_on_duty:", "default:")).of("supervisor").id == "ward"


def test_somebody_who_is_away_is_not_there() -> None:
    schedule = read_schedule(TEXT)
    assert schedule.first_present("finance_lead", {"ada", "bo"}, TUESDAY, None) == TUESDAY
    # Ada is back on Friday the 27th, at nine in Berlin.
    back = datetime(2026, 11, 27, 8, tzinfo=UTC)
    assert schedule.first_present("finance_lead", {"ada"}, TUESDAY, None) == back
    assert schedule.first_present("finance_lead", {"ada"}, TUESDAY, back) is None
    assert schedule.first_present("finance_lead", (), TUESDAY, None) is None


def test_somebody_who_never_comes_back_is_never_there() -> None:
    away = {"ada": ((TUESDAY.date(), TUESDAY.date() + timedelta(days=900)),)}
    assert Schedule(away=away).first_present("x", {"ada"}, TUESDAY, None) is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("finance_lead: office", "finance_lead: ofice", "no calendar 'ofice'"),
        ("finance_lead: office", "finance_led: office", "no such role"),
        ("Europe/Berlin", "Europe/Berlim", "no time zone"),
        ("DE-BE", "DE-QQ", "no holidays"),
        ("to: 2026-11-26", "to: 2026-11-01", "away.ada"),
        ("to: 2026-11-26", "till: 2026-11-26", "away.ada"),
        ("deadlines: run", "deadlines: walk", "pause or run"),
        ("hours: {monday-friday", "hour: {monday-friday", "calendars.office"),
        ("monday-friday: 09:00-17:00", "monday-friday: nine to five", "cannot read hours"),
        ("away:", "hours:", "desk.yaml:"),
        ("away:", "- away", "desk.yaml:"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_place(old: str, new: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        read_schedule(TEXT.replace(old, new), roles=["finance_lead", "nurse_on_duty"])
    assert "desk.yaml" in str(caught.value)


@dataclass(frozen=True)
class Role:
    hours: str | None = None
    holidays: str | None = None


def test_hours_that_the_policy_states_count_in_its_time_zone() -> None:
    roles = {"finance_lead": Role("mon-fri 09:00-12:00, 13:00-17:00; sat 10:00-14:00", "DE"), "x": Role()}
    schedule = schedule_of(roles, zone="Europe/Berlin")
    office = schedule.of("finance_lead")
    assert office.is_open(TUESDAY.replace(hour=8))
    assert not office.is_open(TUESDAY.replace(hour=11, minute=30))
    assert not office.is_open(datetime(2026, 12, 25, 10, tzinfo=UTC))
    assert schedule.of("x") is ALWAYS


def test_the_desks_file_wins_over_the_policy() -> None:
    schedule = schedule_of({"finance_lead": Role("sun 01:00-02:00")}, over=read_schedule(TEXT))
    assert schedule.of("finance_lead").id == "office"
    assert schedule.of("nurse_on_duty").id == "ward"
    assert schedule.away


@pytest.mark.parametrize("hours", ["09:00-17:00", "mon-fri", "mon-fri nine", "mon-fry 09:00-17:00", ""])
def test_hours_in_a_policy_that_cannot_be_read_name_the_role(hours: str) -> None:
    with pytest.raises(ConfigError, match=r"roles\.finance_lead"):
        schedule_of({"finance_lead": Role(hours)})
