"""What the person on the other side is told."""

from datetime import UTC, datetime, timedelta

from handrail.tickets.notices import NoticeFields, render

NOW = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)


def told(due: datetime | None) -> str:
    about = NoticeFields(role="finance_lead", due=due, ticket="t1")
    return render("{role} by {due} ({ticket})", about, zone="America/New_York", now=NOW)


def test_the_time_is_that_of_the_place_the_policy_names() -> None:
    assert told(NOW + timedelta(minutes=30)) == "finance lead by 10:30 EST (t1)"


def test_another_day_is_named() -> None:
    assert told(NOW + timedelta(days=1)) == "finance lead by 06 Jan 10:00 EST (t1)"


def test_without_a_deadline_nothing_is_promised_by_the_clock() -> None:
    assert told(None) == "finance lead by as soon as possible (t1)"
