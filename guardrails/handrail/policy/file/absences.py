"""Who is away when, and who acts for them meanwhile: the key `away` of a person in the people file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from handrail.text.suggest import near

if TYPE_CHECKING:
    from handrail.policy.file.document import Document, Path

AWAY = "away"
KEYS = ("from", "to", "delegate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """First and last day of an absence, in the policy's time zone, and who acts meanwhile, if anybody."""

    first: date
    last: date
    delegate: str | None = None

    def overlaps(self, first: date, last: date) -> bool:
        """True if one day at least is in both; pure."""
        return self.first <= last and first <= self.last


def day_of(moment: datetime, zone: str) -> date:
    """Return the day that a moment has in a time zone; pure."""
    return moment.astimezone(ZoneInfo(zone)).date()


def read_absences(
    document: "Document", details: Mapping[str, Mapping[str, Any]]
) -> dict[str, tuple[Absence, ...]]:
    """Read `away` of every person: one entry, or a list of entries, with `from`, `to` and `delegate`.

    Raises:
        PolicyError: an entry cannot be read, names a delegate who is nobody of the file, or overlaps another.
    """
    found = {person: tuple(_of_person(document, person, detail)) for person, detail in details.items()}
    for person, absences in found.items():
        for number, absence in enumerate(absences):
            path = ("people", person, AWAY)
            if any(absence.overlaps(other.first, other.last) for other in absences[:number]):
                raise document.error("two absences overlap", path)
            _check_delegate(document, path, person, absence, found)
    return {person: absences for person, absences in found.items() if absences}


def _of_person(document: "Document", person: str, detail: Mapping[str, Any]) -> Iterator[Absence]:
    raw = detail.get(AWAY)
    for entry in raw if isinstance(raw, list) else [] if raw is None else [raw]:
        path = ("people", person, AWAY)
        if not isinstance(entry, dict) or not {"from", "to"} <= entry.keys():
            raise document.error("write {from: 2026-12-21, to: 2027-01-03, delegate: ben}", path)
        for key in entry:
            if key not in KEYS:
                raise document.error(f"unknown key '{key}'{near(str(key), KEYS)}", path)
        first, last = (_day(document, path, entry[key]) for key in ("from", "to"))
        if last < first:
            raise document.error("an absence ends before it begins", path)
        delegate = entry.get("delegate")
        if delegate is not None and not isinstance(delegate, str):
            raise document.error("a delegate is an id of the file", path)
        yield Absence(first=first, last=last, delegate=delegate)


def _day(document: "Document", path: "Path", raw: object) -> date:
    try:
        return date.fromisoformat(str(raw))
    except ValueError:
        raise document.error("write a day as 2026-12-21", path) from None


def _check_delegate(
    document: "Document",
    path: "Path",
    person: str,
    absence: Absence,
    found: Mapping[str, tuple[Absence, ...]],
) -> None:
    """Accept a delegate who is somebody else of the file and at work meanwhile.

    Who acts for another does not pass that on, so there is no circle of delegates.
    """
    delegate = absence.delegate
    if delegate is None:
        return
    if delegate not in found:
        raise document.error(f"'{delegate}' is not under people{near(delegate, found)}", path)
    if delegate == person:
        raise document.error(f"{person} cannot be their own delegate", path)
    if any(absence.overlaps(other.first, other.last) for other in found[delegate]):
        raise document.error(f"{delegate} is away meanwhile, and a delegate does not delegate on", path)
