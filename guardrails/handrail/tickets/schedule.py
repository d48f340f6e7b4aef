"""Who works when: a calendar for each role, and which people are away. Read from the desk's file; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, Protocol, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from handrail.errors import ConfigError
from handrail.tickets.calendar import ALWAYS, Calendar, calendar, read_hours

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


class WorkingRole(Protocol):
    """What a policy says of when a role is there: `mon-fri 09:00-17:00`, and whose holidays it keeps."""

    @property
    def hours(self) -> str | None:
        """Opening hours, None for always."""

    @property
    def holidays(self) -> str | None:
        """Country or country-subdivision, None for none."""


def schedule_of(
    roles: Mapping[str, WorkingRole], *, zone: str = "UTC", over: Schedule = ALWAYS_STAFFED
) -> Schedule:
    """Return the schedule that a policy's roles state, in its time zone; `over` wins; pure.

    Raises:
        ConfigError: hours, holidays or zone that cannot be read; names the role.
    """
    stated = {
        name: _stated(name, role.hours, role.holidays, zone)
        for name, role in roles.items()
        if role.hours is not None or role.holidays is not None
    }
    return Schedule(roles=stated | dict(over.roles), default=over.default, away=over.away)


@lru_cache(maxsize=1024)
def _stated(role: str, hours: str | None, holidays: str | None, zone: str) -> Calendar:
    try:
        week = read_hours("mon-sun 00:00-24:00" if hours is None else hours)
        return calendar(role, zone=zone, hours=week, holidays=holidays)
    except ConfigError as error:
        raise ConfigError(f"roles.{role}: {error}") from None


class _Hours(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    zone: str
    hours: dict[str, str | list[str]]
    holidays: str | None = None
    closed: list[date] = []
    deadlines: str = "pause"


class _File(BaseModel):
    # Sections that other readers of the same file know are theirs to check.
    model_config = ConfigDict(extra="ignore", strict=True)

    calendars: dict[str, _Hours] = {}
    hours: dict[str, str] = {}
    away: dict[str, list[dict[str, date]]] = {}


def read_yaml(text: str, *, file: str) -> dict[str, object]:
    """Read a YAML text that holds one mapping; pure.

    Raises:
        ConfigError: not YAML, a key twice, or not a mapping; tells the line.
    """
    try:
        data = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark is not None else file
        # What follows "with value" is the file's own text.
        problem = str(getattr(error, "problem", None) or "not YAML").partition(" with value")[0]
        raise ConfigError(f"{where}: {problem}") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{file}: expected a mapping of sections")
    return data


def first_problem(error: ValidationError, *, file: str) -> ConfigError:
    """Return the first thing wrong with a file as an error that names the place, never the value; pure."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in found["loc"])
    return ConfigError(f"{file}: {place}: {found['msg']}")


def read_schedule(text: str, *, file: str = "desk.yaml", roles: Iterable[str] | None = None) -> Schedule:
    """Read who works when from the text of the desk's file; pure.

    Args:
        text: YAML with the sections `calendars`, `hours` (calendar by role; `default` for all others) and
            `away` (by person, a list of `{from: date, to: date}`).
        file: name for error messages.
        roles: the roles there are; another role under `hours` is an error.

    Raises:
        ConfigError: unreadable, an unknown calendar, role, zone, country or day.
    """
    try:
        read = _File.model_validate(read_yaml(text, file=file))
    except ValidationError as error:
        raise first_problem(error, file=file) from None
    calendars = {ALWAYS.id: ALWAYS} | {
        name: _calendar(name, one, file) for name, one in read.calendars.items()
    }
    known = None if roles is None else frozenset(roles)
    for role, name in read.hours.items():
        if name not in calendars:
            raise ConfigError(
                f"{file}: hours.{role}: no calendar {name!r}; known: {', '.join(sorted(calendars))}"
            )
        if known is not None and role != "default" and role not in known:
            raise ConfigError(f"{file}: hours.{role}: the policy has no such role")
    by_role = {role: calendars[name] for role, name in read.hours.items() if role != "default"}
    return Schedule(
        roles=by_role,
        default=calendars[read.hours.get("default", ALWAYS.id)],
        away={
            person: tuple(_absence(one, person, file) for one in spans) for person, spans in read.away.items()
        },
    )


def _calendar(name: str, one: _Hours, file: str) -> Calendar:
    if one.deadlines not in ("pause", "run"):
        raise ConfigError(f"{file}: calendars.{name}.deadlines: write pause or run")
    try:
        return calendar(
            name,
            zone=one.zone,
            hours=one.hours,
            holidays=one.holidays,
            closed=one.closed,
            pauses=one.deadlines == "pause",
        )
    except ConfigError as error:
        raise ConfigError(f"{file}: calendars.{name}: {error}") from None


def _absence(span: Mapping[str, date], person: str, file: str) -> Absence:
    if set(span) != {"from", "to"} or span["from"] > span["to"]:
        raise ConfigError(f"{file}: away.{person}: write {{from: 2026-12-20, to: 2027-01-03}}")
    return span["from"], span["to"]


def _next_day(moment: datetime, zone: str) -> datetime:
    local = moment.astimezone(ZoneInfo(zone))
    return datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))
