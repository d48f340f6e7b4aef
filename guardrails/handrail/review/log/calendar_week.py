"""Calendar weeks (ISO 8601): their names, the time they cover, and which are to be reviewed. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from handrail.errors import ConfigError
from handrail.review.log.cases import ReviewPeriod

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEK = timedelta(days=7)
MOST_BACK = 3
"""Earlier weeks that are made good; what says that a week is done is kept for 30 days."""
UTC = ZoneInfo("UTC")


def week_of(text: str, zone: tzinfo | None = None) -> ReviewPeriod:
    """Return the time that a week such as `2026-W47` covers, from Monday to Monday at midnight.

    Args:
        text: the week.
        zone: where midnight is; by default where this machine is.

    Raises:
        ConfigError: it is no week.
    """
    try:
        monday: datetime | None = datetime.strptime(f"{text}-1", "%G-W%V-%u")
    except ValueError:
        monday = None
    # The first and the last year have days that another time zone cannot name.
    if monday is None or not MINYEAR < monday.year < MAXYEAR - 1:
        raise ConfigError(f"not a week: {text!r}; write 2026-W47")
    return ReviewPeriod(since=_midnight(monday.date(), zone), until=_midnight(monday.date() + WEEK, zone))


def name_of_week(day: date) -> str:
    """Return the week that a day belongs to, as `2026-W47`."""
    return day.strftime("%G-W%V")


def _midnight(day: date, zone: tzinfo | None) -> datetime:
    moment = datetime.combine(day, time())
    return moment.replace(tzinfo=zone) if zone is not None else moment.astimezone()


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklySchedule:
    """When a week is reviewed: on this weekday (0 for Monday) at this time of the following week."""

    weekday: int = 0
    at: time = time(6)
    zone: ZoneInfo = UTC

    def due(self, now: datetime) -> Iterator[str]:
        """Yield the weeks whose review is due at a moment, the latest first, as far back as is made good."""
        today = now.astimezone(self.zone).date()
        monday = today - timedelta(days=today.weekday())
        for back in range(MOST_BACK + 1):
            start = monday - back * WEEK
            if datetime.combine(start + timedelta(days=self.weekday), self.at, self.zone) <= now:
                yield name_of_week(start - WEEK)
