"""Who consented that which conversations are used: for all of them, and for single tickets."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from handrail.errors import ConfigError
from handrail.review.training.export import Consent


@dataclass(frozen=True, slots=True, kw_only=True)
class Consents:
    """The consents of an export.

    Args:
        for_all: a consent for every conversation from its day on.
        single: consents for single tickets, by id; each counts whenever its ticket was opened.
    """

    for_all: Consent | None = None
    single: Mapping[str, Consent] = field(default_factory=dict)

    def of(self, ticket: str) -> Consent | None:
        """Return the consent for a ticket, None without one."""
        return self.single.get(ticket, self.for_all)

    def unknown(self, tickets: Iterable[str]) -> tuple[str, ...]:
        """Return the ids with a consent of their own that are not among these tickets."""
        return tuple(sorted(self.single.keys() - set(tickets)))


def read_consents(source: str, given: str, file: Path | None, *, today: date) -> Consents:
    """Return the consents that somebody names.

    Args:
        source: where it is said that every conversation may be used; empty for none.
        given: since when, as `2026-05-01`.
        file: a CSV with `ticket`, `source` and `date` of single tickets.
        today: the present day; a consent of a later one is none.

    Raises:
        ConfigError: there is no consent, or one lacks a source or a date, or has a date that lies ahead;
            names the line of the file.
    """
    if not source and file is None:
        raise ConfigError("say who consented: --consent with --consent-date, or --consents FILE")
    if source and not given:
        raise ConfigError("a consent has a date: --consent-date 2026-05-01")
    for_all = None
    if source:
        for_all = Consent(source=source, given=_day(given, today, "--consent-date"), is_for_all=True)
    return Consents(for_all=for_all, single=_single(file, today) if file is not None else {})


def _single(file: Path, today: date) -> Mapping[str, Consent]:
    found = {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines), start=2):
                ticket, source, given = (
                    (row.get(name) or "").strip() for name in ("ticket", "source", "date")
                )
                if not (ticket and source and given):
                    raise ConfigError(f"{file}:{number}: ticket, source and date are needed")
                found[ticket] = Consent(source=source, given=_day(given, today, f"{file}:{number}"))
    except (OSError, ValueError, csv.Error) as error:
        raise ConfigError(f"{file} cannot be read ({type(error).__name__})") from None
    return found


def _day(text: str, today: date, where: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{where}: not a day; write 2026-05-01") from None
    if found > today:
        raise ConfigError(f"{where}: {found} lies ahead; a consent counts from its day on")
    return found
