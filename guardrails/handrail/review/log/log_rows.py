"""How a log's rows are read wherever they are counted: whose they are, in which order, and what of.

Tickets and the log's figures stand on one page. Both go through here, so that one thing is one number.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields
from datetime import MAXYEAR, MINYEAR, datetime, timedelta
from typing import Any, Final

from handrail.policy.runtime.log_row import EXPIRED, HANDED_OFF, LogRow, UnreadableRow, read_row
from handrail.records import Effect, Severity, Stage
from handrail.text.printable import printable_data

NO_DECISION: Final = frozenset({"cancel", "withdraw", "link"})
"""How a ticket ends about which nobody decided; whatever was said of it before counts no more."""
READING_FLOOR: Final = timedelta(seconds=5)
"""Nobody reads a case in less; a verdict that came faster is not counted as one."""
_NAMES: Final = ("role", "reviewer", "ticket", "exchange", "customer", "policy", "model")
_RANK: Final = {str(severity): severity.rank for severity in Severity}


def rows_of(entries: Iterable[Mapping[str, Any]], tenant: str) -> list[LogRow]:
    """Return a tenant's rows among the entries of an audit log; pure."""
    found = []
    for entry in entries:
        with suppress(UnreadableRow):
            row = read_row(entry)
            if row is not None and row.tenant == tenant:
                found.append(row)
    return found


def by_time(rows: Iterable[LogRow]) -> Iterator[tuple[datetime, LogRow]]:
    """Yield rows in the order of their time; those whose time cannot be read are left out. Pure.

    Several programs write one log, each in its own order, and of what people said the last word counts.
    """
    timed = ((moment, _printable(row)) for row in rows if (moment := _moment(row.at)) is not None)
    yield from sorted(timed, key=lambda one: one[0])


def proposes(row: LogRow) -> bool:
    """Tell whether there was something to approve; a question that was handed off has no answer yet."""
    return row.stage != str(Stage.INPUT)


def has_lapsed(row: LogRow) -> bool:
    """Tell whether what people decided was not carried out in time; their verdict stands nevertheless."""
    return row.outcome == EXPIRED and row.verdict == "lapse"


def is_hand_off(row: LogRow) -> bool:
    """Tell whether a decision went to people; one that also blocks does."""
    return row.is_decision and (row.outcome == HANDED_OFF or bool(hand_off_reasons(row)))


def hand_off_reasons(row: LogRow) -> list[Mapping[str, Any]]:
    """Return why a decision went to people; the first is the reason that its ticket names.

    That is the most severe one, the first of equals. A row of a version that wrote no severity keeps its
    order, one that lists no reasons has its rules.
    """
    handing = [reason for reason in row.reasons if reason.get("effect") == str(Effect.HAND_OFF)]
    if not handing and row.outcome == HANDED_OFF:
        handing = list(row.reasons) or [{"rule": rule} for rule in row.rules]
    return sorted(handing, key=lambda reason: -_RANK.get(str(reason.get("severity")), Severity.MEDIUM.rank))


def _moment(text: str) -> datetime | None:
    with suppress(ValueError):
        found = datetime.fromisoformat(text)
        # The first and the last year have days that another time zone cannot name.
        return found if found.tzinfo is not None and MINYEAR < found.year < MAXYEAR else None
    return None


def number_of(value: object) -> float:
    """Return a number as a row holds it, not a number for what is none; pure."""
    try:
        return float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        return math.nan


def _printable(row: LogRow) -> LogRow:
    """Return a row as a page can show it."""
    # What `repr` escapes is rare, and asking it costs less than a walk through every row.
    if "\\" not in repr((row.rules, row.reasons, row.facts, *(getattr(row, name) for name in _NAMES))):
        return row
    cleaned = {one.name: printable_data(getattr(row, one.name)) for one in fields(row)}
    return LogRow(**cleaned)  # type: ignore[arg-type]
