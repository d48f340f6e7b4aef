"""Business calendars: when a role is at work, and how much working time lies between two moments. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Protocol, TypeAlias
from zoneinfo import ZoneInfo

from handrail.errors import ConfigError, MissingExtra

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HORIZON: Final = timedelta(days=400)
_DAY_MINUTES: Final = 24 * 60
_RANGE = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")

Opening: TypeAlias = tuple[int, int]
Interval: TypeAlias = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When people of a role are at work.

    Args:
        id: name of the calendar.
        zone: IANA time zone (`Europe/Berlin`).
        week: openings per weekday, Monday first, as minutes after midnight of that day.
        country: ISO 3166 code whose public holidays are closed, None for none.
        subdivision: state or province within the country.
        closed: further closed days.
        pauses: deadlines stand still while closed; without it they run by the clock on the wall.
    """

    id: str = "always"
    zone: str = "UTC"
    week: tuple[tuple[Opening, ...], ...] = (((0, _DAY_MINUTES),),) * 7
    country: str | None = None
    subdivision: str | None = None
    closed: frozenset[date] = field(default_factory=frozenset)
    pauses: bool = True

    def is_open(self, moment: datetime) -> bool:
        """Tell whether somebody is at work; `moment` carries a time zone."""
        at = moment.astimezone(UTC)
        day = at.astimezone(ZoneInfo(self.zone)).date()
        around = (day - timedelta(days=1), day, day + timedelta(days=1))
        return any(start <= at < end for one in around for start, end in self.openings(one))

    def next_open(self, moment: datetime) -> datetime | None:
        """Return the first moment from `moment` on at which somebody is at work, None within no 400 days."""
        return next((start for start, _ in self._open_from(moment)), None)

    def after(self, start: datetime, working: timedelta) -> datetime:
        """Return the moment (UTC) by which `working` open time has passed since `start`.

        Where deadlines do not pause this is plain addition. Otherwise it is at most 400 days after `start`: a
        calendar that stays closed delays a deadline but never abolishes it.
        """
        begin = start.astimezone(UTC)
        if not self.pauses:
            return begin + working
        left = working
        for opens, closes in self._open_from(begin):
            if opens + left <= closes:
                return min(opens + left, begin + HORIZON)
            left -= closes - opens
        return begin + HORIZON

    def open_between(self, start: datetime, end: datetime) -> timedelta:
        """Return how much open time lies in start..end, zero if `end` is not after `start`."""
        stop = end.astimezone(UTC)
        total = timedelta()
        for opens, closes in self._open_from(start, stop):
            total += min(closes, stop) - opens
        return total

    def openings(self, day: date) -> tuple[Interval, ...]:
        """Return the open intervals (UTC) of one local day, in order and apart from each other."""
        if day in self.closed or self._is_holiday(day):
            return ()
        zone = ZoneInfo(self.zone)
        spans = sorted(
            (_moment(day, opens, zone), _moment(day, closes, zone, late=True))
            for opens, closes in self.week[day.weekday()]
        )
        merged: list[Interval] = []
        for start, end in spans:
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            elif start < end:
                merged.append((start, end))
        return tuple(merged)

    def _open_from(self, start: datetime, stop: datetime | None = None) -> Iterator[Interval]:
        begin = start.astimezone(UTC)
        stop = min(stop, begin + HORIZON) if stop else begin + HORIZON
        day = begin.astimezone(ZoneInfo(self.zone)).date() - timedelta(days=1)
        last = begin
        while True:
            for opens, closes in self.openings(day):
                if opens >= stop:
                    return
                # A zone that repeats or skips hours around midnight lets two days touch or overlap.
                begins = max(opens, last)
                if closes > begins:
                    yield begins, closes
                    last = closes
            day += timedelta(days=1)
            if _moment(day, 0, ZoneInfo(self.zone)) >= stop:
                return

    def _is_holiday(self, day: date) -> bool:
        if self.country is None:
            return False
        return day in _holidays(self.country, self.subdivision, day.year)


ALWAYS: Final = Calendar()


def week_of(hours: Mapping[str, str | Sequence[str]]) -> tuple[tuple[Opening, ...], ...]:
    """Read opening hours, for example `{"monday-friday": ["09:00-12:00", "13:00-17:30"]}`; pure.

    `22:00-06:00` runs into the next day. A day that is named twice keeps both openings.

    Raises:
        ConfigError: an unreadable day or time, or no opening at all.
    """
    week: list[list[Opening]] = [[] for _ in DAYS]
    for days, texts in hours.items():
        for text in (texts,) if isinstance(texts, str) else texts:
            for day in _days(days):
                _open(week, day, *_minutes(text))
    if not any(week):
        raise ConfigError("a calendar needs at least one opening, for example monday-friday: 09:00-17:00")
    return tuple(tuple(sorted(day)) for day in week)


def read_hours(text: str) -> dict[str, list[str]]:
    """Read `mon-fri 09:00-12:00, 13:00-17:00; sat 10:00-14:00` into what `week_of` takes; pure.

    Raises:
        ConfigError: a part that is neither days with hours nor hours after such a part.
    """
    hours: dict[str, list[str]] = {}
    for part in text.split(";"):
        words = part.replace(",", " ").split()
        if len(words) < 2 or _RANGE.fullmatch(words[0]):
            raise ConfigError(
                f"cannot read hours {text!r}; write for example mon-fri 09:00-17:00; sat 10:00-14:00"
            )
        hours.setdefault(words[0], []).extend(words[1:])
    return hours


def calendar(
    name: str,
    *,
    zone: str,
    hours: Mapping[str, str | Sequence[str]],
    holidays: str | None = None,
    closed: Sequence[date] = (),
    pauses: bool = True,
) -> Calendar:
    """Build a calendar from what a configuration file says, checked; pure.

    Args:
        name: what the calendar is called.
        zone: IANA time zone.
        hours: see `week_of`.
        holidays: country or country-subdivision (`DE`, `DE-BY`) whose public holidays are closed.
        closed: further closed days.
        pauses: deadlines stand still while closed.

    Raises:
        ConfigError: an unknown zone, country or subdivision, or unreadable hours.
        MissingExtra: holidays are asked for, and the package that knows them is not installed.
    """
    try:
        ZoneInfo(zone)
    except (KeyError, OSError, ValueError):
        raise ConfigError(f"no time zone {zone!r}; write for example Europe/Berlin") from None
    country, _, subdivision = (holidays or "").partition("-")
    made = Calendar(
        id=name,
        zone=zone,
        week=week_of(hours),
        country=country or None,
        subdivision=subdivision or None,
        closed=frozenset(closed),
        pauses=pauses,
    )
    if country:
        try:
            _holidays(country, made.subdivision, 2026)
        except NotImplementedError:
            raise ConfigError(f"no holidays known for {holidays!r}") from None
    return made


class WorkingRole(Protocol):
    """What a policy says of when a role is there: `mon-fri 09:00-17:00`, and whose holidays it keeps."""

    @property
    def hours(self) -> str | None:
        """Opening hours, None for always."""

    @property
    def holidays(self) -> str | None:
        """Country or country-subdivision, None for none."""


def calendar_of(name: str, role: WorkingRole | None, *, zone: str) -> Calendar:
    """Return the calendar that a policy states for a role, `ALWAYS` where it states none; pure.

    Raises:
        ConfigError: hours, holidays or zone that cannot be read; names the role.
    """
    if role is None or (role.hours is None and role.holidays is None):
        return ALWAYS
    return _stated(name, role.hours, role.holidays, zone)


@lru_cache(maxsize=1024)
def _stated(role: str, hours: str | None, holidays: str | None, zone: str) -> Calendar:
    try:
        week = read_hours("mon-sun 00:00-24:00" if hours is None else hours)
        return calendar(role, zone=zone, hours=week, holidays=holidays)
    except MissingExtra as error:
        raise MissingExtra(error.extra, error.package, setting=f"roles.{role}.holidays") from None
    except ConfigError as error:
        raise ConfigError(f"roles.{role}: {error}") from None


@lru_cache(maxsize=512)
def _holidays(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    try:
        from holidays import country_holidays
    except ImportError:
        raise MissingExtra("desk", "holidays") from None

    return frozenset(country_holidays(country, subdiv=subdivision, years=year))


def _days(text: str) -> range:
    first, _, last = (part.strip().lower() for part in text.partition("-"))
    start, end = _day(first), _day(last or first)
    return range(start, end + 1 if end >= start else end + 1 + len(DAYS))


def _day(name: str) -> int:
    for number, day in enumerate(DAYS):
        if name in (day, day[:3]):
            return number
    raise ConfigError(f"unknown day {name!r}; write monday, mon or mon-fri")


def _minutes(text: str) -> Opening:
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        raise ConfigError(f"cannot read hours {text!r}; write for example 09:00-17:30")
    hour, minute, until_hour, until_minute = (int(part) for part in found.groups())
    start, end = hour * 60 + minute, until_hour * 60 + until_minute
    if minute > 59 or until_minute > 59 or start >= _DAY_MINUTES or end > _DAY_MINUTES or start == end:
        raise ConfigError(f"cannot read hours {text!r}; write for example 09:00-17:30")
    return start, end


def _open(week: list[list[Opening]], day: int, start: int, end: int) -> None:
    day %= len(DAYS)
    if end > start:
        week[day].append((start, end))
        return
    week[day].append((start, _DAY_MINUTES))
    if end:
        week[(day + 1) % len(DAYS)].append((0, end))


def _moment(day: date, minutes: int, zone: ZoneInfo, *, late: bool = False) -> datetime:
    """A local time as UTC; where clocks are set back, an end (`late`) means the second of the two moments."""
    day += timedelta(days=minutes // _DAY_MINUTES)
    local = datetime(day.year, day.month, day.day, *divmod(minutes % _DAY_MINUTES, 60), tzinfo=zone)
    first = local.astimezone(UTC)
    if not late or minutes == _DAY_MINUTES:
        return first
    return max(first, local.replace(fold=1).astimezone(UTC))
