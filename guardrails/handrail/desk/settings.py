"""The desk's file: who works when, where notices go, where a ticket can be read."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from handrail.desk.channels import Apprise, Channel, Interest, Webhook
from handrail.desk.weekly_review import ReviewSettings
from handrail.errors import ConfigError, MissingExtra
from handrail.review.log.calendar_week import DAYS, WeeklySchedule
from handrail.tickets.calendar import ALWAYS, Calendar, calendar
from handrail.tickets.schedule import ALWAYS_STAFFED, Absence, Schedule

KINDS: Final = "handrail.channels"
# What people must be told; the rest is for programs.
CALLS_PEOPLE: Final = frozenset(
    {"open", "reopen", "reassign", "warn", "escalate", "expire", "lapse", "lost", "withdraw", "review"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the desk works by; `link` holds `{ticket}` and `{tenant}`.

    Without `channels` nobody said where notices go: they wait for a desk that knows. An empty tuple says that
    nobody is told.
    """

    schedule: Schedule = ALWAYS_STAFFED
    channels: tuple[Channel, ...] | None = None
    link: str = ""
    review: ReviewSettings | None = None


class _Channel(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    kind: str
    url: str
    secrets: list[str] = []
    options: dict[str, str] = {}
    roles: list[str] = []
    events: list[str] = []
    tenants: list[str] = []


class _Review(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    day: str = "monday"
    at: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "06:00"
    zone: str = "UTC"
    folder: str = ""
    role: str = ""
    link: str = ""
    tenants: list[str] = []


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    calendars: object = None
    hours: object = None
    away: object = None
    link: str = ""
    review: _Review | None = None
    channels: dict[Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,24}$")], _Channel] | None = None


def load_settings(
    path: str | Path,
    *,
    roles: Iterable[str] | None = None,
    environ: Mapping[str, str] | None = None,
    with_channels: bool = True,
) -> Settings:
    """Read the desk's file. Secrets are never in it: `env:NAME` and `file:PATH` say where they are.

    Args:
        path: the YAML file.
        roles: the roles there are; naming another is an error.
        environ: where `env:` looks, by default the process environment.
        with_channels: build the channels; without, no secret need be at hand.

    Raises:
        ConfigError: unreadable, or something in it is wrong; tells where, never a secret.
        MissingExtra: a channel needs a package that is not installed.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read ({type(error).__name__})") from None
    try:
        read = _File.model_validate(read_yaml(text, file=file.name))
    except ValidationError as error:
        raise first_problem(error, file=file.name) from None
    known = None if roles is None else frozenset(roles)
    named = read.channels or {}
    for name, one in named.items():
        for role in one.roles:
            if known is not None and role not in known:
                raise ConfigError(f"{file.name}: channels.{name}.roles: the policy has no role {role!r}")
    secrets = os.environ if environ is None else environ
    return Settings(
        schedule=read_schedule(text, file=file.name, roles=known),
        channels=tuple(_channel(name, one, secrets, file) for name, one in named.items())
        if with_channels and read.channels is not None
        else None,
        link=read.link,
        review=_review(read.review, known, file) if read.review is not None else None,
    )


def _review(one: _Review, roles: frozenset[str] | None, file: Path) -> ReviewSettings:
    place = f"{file.name}: review"
    if one.day.lower() not in DAYS:
        raise ConfigError(f"{place}.day: write one of {', '.join(DAYS)}")
    if one.role and roles is not None and one.role not in roles:
        raise ConfigError(f"{place}.role: the policy has no role {one.role!r}")
    try:
        zone = ZoneInfo(one.zone)
    except (KeyError, ValueError, OSError):
        raise ConfigError(f"{place}.zone: no time zone {one.zone!r}; write Europe/Berlin or UTC") from None
    hour, minute = map(int, one.at.split(":"))
    return ReviewSettings(
        schedule=WeeklySchedule(weekday=DAYS.index(one.day.lower()), at=time(hour, minute), zone=zone),
        folder=file.parent / one.folder if one.folder else None,
        role=one.role,
        link=one.link,
        tenants=tuple(one.tenants),
    )


def _channel(name: str, one: _Channel, environ: Mapping[str, str], file: Path) -> Channel:
    place = f"{file.name}: channels.{name}"
    events = frozenset(one.events) or (CALLS_PEOPLE if one.kind == "apprise" else frozenset())
    interest = Interest(roles=frozenset(one.roles), kinds=events, tenants=frozenset(one.tenants))
    if one.kind == "webhook":
        url = _resolved(one.url, environ, file, f"{place}.url")
        secrets = tuple(_secret(text, environ, file, f"{place}.secrets") for text in one.secrets)
        return Webhook(name=name, url=url, secrets=secrets, interest=interest)
    if one.kind == "apprise":
        return Apprise(name=name, urls=(_secret(one.url, environ, file, f"{place}.url"),), interest=interest)
    options = {
        key: _resolved(text, environ, file, f"{place}.options.{key}") for key, text in one.options.items()
    }
    url = _resolved(one.url, environ, file, f"{place}.url")
    made: Channel = _kind(one.kind, place)(name, url, {"folder": str(file.parent), **options}, interest)
    return made


def _kind(kind: str, place: str) -> Any:
    """Return what builds channels of a kind that another package brings, by its entry point."""
    found = {point.name: point for point in entry_points(group=KINDS)}
    if kind not in found:
        known = ", ".join(sorted({"webhook", "apprise", *found}))
        raise ConfigError(f"{place}.kind: no channel {kind!r}; known: {known}")
    return found[kind].load()


def _secret(text: str, environ: Mapping[str, str], file: Path, place: str) -> str:
    if not text.startswith(("env:", "file:")):
        raise ConfigError(f"{place}: keep secrets out of this file; write env:NAME or file:PATH")
    return _resolved(text, environ, file, place)


def _resolved(text: str, environ: Mapping[str, str], file: Path, place: str) -> str:
    kind, _, name = text.partition(":")
    if kind == "env":
        if name not in environ:
            raise ConfigError(f"{place}: the environment has no {name}")
        return environ[name].strip()
    if kind == "file":
        try:
            return (file.parent / name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{place}: {name} cannot be read ({type(error).__name__})") from None
    return text


class _Hours(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    zone: str
    hours: dict[str, str | list[str]]
    holidays: str | None = None
    closed: list[date] = []
    deadlines: str = "pause"


class _Working(BaseModel):
    # The other sections of the file are checked as a `_File`.
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
        read = _Working.model_validate(read_yaml(text, file=file))
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
    except MissingExtra as error:
        place = f"{file}: calendars.{name}.holidays"
        raise MissingExtra(error.extra, error.package, setting=place) from None
    except ConfigError as error:
        raise ConfigError(f"{file}: calendars.{name}: {error}") from None


def _absence(span: Mapping[str, date], person: str, file: str) -> Absence:
    if set(span) != {"from", "to"} or span["from"] > span["to"]:
        raise ConfigError(f"{file}: away.{person}: write {{from: 2026-12-20, to: 2027-01-03}}")
    return span["from"], span["to"]
