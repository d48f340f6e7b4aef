"""Who works when: a calendar for each role, and which people are away. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from handrail.tickets.calendar import ALWAYS, Calendar, WorkingRole, calendar_of

Absence: TypeAlias = tuple[date, date]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Calendar by role, `default` for the others, and absences (first and last day) by person."""

    roles: Mapping[str, Calendar] = field(default_factory=dict)
    default: Calendar = ALWAYS
    away: Mapping[str, tuple[Absence, ...]] = field(default_factory=dict)

    def of(self, role: str) -> Calendar:
        """Return the calendar of a role; pure."""
        return self.roles.get(role, self.default)

    def is_away(self, person: str, moment: datetime, zone: str) -> bool:
        """Tell whether a person is away on the day that `moment` has in a time zone; pure."""
        day = moment.astimezone(ZoneInfo(zone)).date()
        return any(first <= day <= last for first, last in self.away.get(person, ()))

    def first_present(
        self, role: str, people: Iterable[str], start: datetime, limit: datetime | None
    ) -> datetime | None:
        """Return the first moment in start..limit at which one of `people` is at work for `role`; pure."""
        hours, names = self.of(role), tuple(people)
        moment = hours.next_open(start) if names else None
        end = start + timedelta(days=400)
        while moment is not None and moment <= end and (limit is None or moment < limit):
            if any(not self.is_away(name, moment, hours.zone) for name in names):
                return moment
            moment = hours.next_open(_next_day(moment, hours.zone))
        return None


ALWAYS_STAFFED: Final = Schedule()


def schedule_of(
    roles: Mapping[str, WorkingRole], *, zone: str = "UTC", over: Schedule = ALWAYS_STAFFED
) -> Schedule:
    """Return the schedule that a policy's roles state, in its time zone; `over` wins; pure.

    Raises:
        ConfigError: hours, holidays or zone that cannot be read; names the role.
    """
    stated = {
        name: calendar_of(name, role, zone=zone)
        for name, role in roles.items()
        if role.hours is not None or role.holidays is not None
    }
    return Schedule(roles=stated | dict(over.roles), default=over.default, away=over.away)


def _next_day(moment: datetime, zone: str) -> datetime:
    local = moment.astimezone(ZoneInfo(zone))
    return datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))
