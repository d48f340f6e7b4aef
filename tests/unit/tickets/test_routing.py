from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.records import Severity, Trigger
from handrail.tickets.calendar import ALWAYS, calendar
from handrail.tickets.routing import Deadlines, chain, deadlines, safe_default
from handrail.tickets.ticket import OnExpiry

OFFICE = calendar("office", zone="Europe/Berlin", hours={"monday-friday": "09:00-17:00"}, holidays="DE")
NINE = datetime(2026, 11, 24, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Role:
    answer_within: timedelta | None = None
    backup: str | None = None


def test_half_of_the_time_is_the_warning() -> None:
    found = deadlines(Role(timedelta(hours=4)), Severity.MEDIUM, NINE)
    assert found == Deadlines(
        start_by=NINE + timedelta(hours=3),
        warn_at=NINE + timedelta(hours=2),
        decide_by=NINE + timedelta(hours=4),
    )


def test_a_role_without_a_time_has_no_deadline() -> None:
    assert deadlines(Role(), Severity.HIGH, NINE) == Deadlines()
    assert deadlines(None, Severity.HIGH, NINE) == Deadlines()


def test_the_chain_follows_backups_and_ends_on_a_cycle() -> None:
    roles = {"a": Role(backup="b"), "b": Role(backup="c"), "c": Role(backup="a")}
    assert chain("a", roles) == ("b", "c")
    assert chain("c", roles) == ("a", "b")
    assert chain("nobody", roles) == ()


@settings(deadline=None)
@given(
    st.sampled_from(list(Severity)),
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    st.timedeltas(timedelta(minutes=1), timedelta(days=5)),
    st.sampled_from([ALWAYS, OFFICE]),
)
def test_deadlines_lie_in_order(severity: Severity, at: datetime, within: timedelta, one: object) -> None:
    found = deadlines(Role(within), severity, at, one)  # type: ignore[arg-type]
    assert found.start_by
    assert found.warn_at
    assert found.decide_by
    assert found.warn_at <= found.start_by <= found.decide_by
    assert at <= found.warn_at <= found.decide_by


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from([None, *"abcdef"]), min_size=1))
def test_every_chain_ends_and_names_each_role_once(backups: dict[str, str | None]) -> None:
    roles = {name: Role(backup=backup) for name, backup in backups.items()}
    for name in roles:
        found = chain(name, roles)
        assert len(set(found)) == len(found)
        assert name not in found


_DEFAULTS = {
    Trigger.LOW_CONFIDENCE: OnExpiry.PARTIAL,
    Trigger.HIGH_STAKES: OnExpiry.DENY,
    Trigger.SENSITIVE_DATA: OnExpiry.WITHHOLD,
    Trigger.COMPLAINT: OnExpiry.CALLBACK,
    Trigger.ASKS_FOR_HUMAN: OnExpiry.CALLBACK,
}


@pytest.mark.parametrize("trigger", list(Trigger))
def test_every_trigger_has_its_safe_default_and_a_word_for_who_waits(trigger: Trigger) -> None:
    found = safe_default(trigger)
    assert found.action is _DEFAULTS.get(trigger, OnExpiry.HOLD)
    assert found.tells


def test_no_safe_default_approves() -> None:
    assert {"approve", "edit", "answer"}.isdisjoint(OnExpiry)
