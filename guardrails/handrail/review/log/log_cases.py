"""The hand-offs of a log as a review reads them: counted like tickets, without a word of what was said."""

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Final

from handrail.bulk.select import SelectJob
from handrail.policy.runtime.log_row import EXPIRED, OUTCOMES, RESOLVED, TAKEN, LogRow
from handrail.policy.runtime.record import read_fact
from handrail.records import Money, Trigger
from handrail.review.log.cases import DECIDED, ReviewCase, TicketEnding
from handrail.review.log.log_rows import (
    by_time,
    hand_off_reasons,
    has_lapsed,
    is_hand_off,
    number_of,
    proposes,
)

_ENDINGS: Final = {
    "approve": TicketEnding.APPROVED,
    "edit": TicketEnding.EDITED,
    "reject": TicketEnding.REJECTED,
    "answer": TicketEnding.ANSWERED,
    "revise": TicketEnding.REVISED,
    "cancel": TicketEnding.CANCELLED,
    "withdraw": TicketEnding.WITHDRAWN,
    "link": TicketEnding.DUPLICATE,
}
_UNREAD: Final = frozenset({"latency_us", "usage", "asked", "adapter", "sources"})
"""Columns of a log that no figure and no proposal is made of."""


def review_job(tenant: str) -> SelectJob:
    """Return the job that keeps what a review reads of a log: every row, as a store's own log has them.

    What passed and what was blocked is counted as well, whether or not it has a score.
    """
    names = tuple(each.name for each in fields(LogRow) if each.name not in _UNREAD)
    return SelectJob(outcomes=OUTCOMES, names=names, tenant=tenant, with_scored=True)


def log_cases(rows: Iterable[LogRow]) -> Iterator[ReviewCase]:
    """Yield a case for each ticket that the rows tell of; pure.

    A log holds no deadlines: a case is late if it expired. A row whose time cannot be read is left out.
    """
    cases: dict[str, ReviewCase] = {}
    ends: dict[str, _End] = {}
    taken: dict[tuple[str, str], datetime] = {}
    for at, row in by_time(rows):
        ticket = row.ticket or row.exchange
        if is_hand_off(row):
            known = cases.get(ticket)
            cases[ticket] = _case(row, ticket, at) if known is None else _joined(known, row, at)
        elif row.outcome == TAKEN:
            taken.setdefault((ticket, row.reviewer), at)
        elif has_lapsed(row) and ticket in ends and ends[ticket].ending in DECIDED:
            ends[ticket] = replace(ends[ticket], has_lapsed=True)
        elif row.outcome == EXPIRED:
            ends[ticket] = _End(ending=TicketEnding.EXPIRED, at=at)
        elif row.outcome == RESOLVED and row.verdict in _ENDINGS:
            began = taken.get((ticket, row.reviewer))
            reading = at - began if began is not None else None
            ends[ticket] = _End(ending=_ENDINGS[row.verdict], at=at, reading=reading)
    for ticket, case in cases.items():
        end = ends.get(ticket, _End(ending=TicketEnding.OPEN))
        yield replace(
            case, ending=end.ending, decided_at=end.at, reading=end.reading, has_lapsed=end.has_lapsed
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    ending: TicketEnding
    at: datetime | None = None
    reading: timedelta | None = None
    has_lapsed: bool = False


def _joined(case: ReviewCase, row: LogRow, at: datetime) -> ReviewCase:
    """Count a further attempt; of 0.1 the decision and the ticket may both be on record, in either order."""
    if not case.unknown and case.trigger is Trigger.UNSURE and row.reasons and case.created_at == at:
        return _case(row, case.id, at)
    return replace(case, attempts=case.attempts + 1)


def _case(row: LogRow, ticket: str, at: datetime) -> ReviewCase:
    fired = hand_off_reasons(row)
    return ReviewCase(
        id=ticket,
        created_at=at,
        role=row.role,
        trigger=_trigger(fired),
        ending=TicketEnding.OPEN,
        proposes=proposes(row),
        rules=tuple(dict.fromkeys(str(r.get("rule", "")) for r in fired)),
        unknown=tuple(dict.fromkeys(name for r in fired for name in _unknown(r))),
        confidence=_number(row.confidence.get("value")),
        amounts=dict(_money(row.facts or {})),
        policy=row.policy[:12],
    )


def _trigger(fired: list[Mapping[str, Any]]) -> Trigger:
    for reason in fired:
        with suppress(ValueError):
            return Trigger(str(reason.get("trigger")))
    return Trigger.UNSURE


def _unknown(reason: Mapping[str, Any]) -> list[str]:
    names = reason.get("unknown")
    return [str(name) for name in names] if isinstance(names, list | tuple) else []


def _money(facts: Mapping[str, Any]) -> Iterator[tuple[str, Money]]:
    for name, fact in facts.items():
        if isinstance(fact, Mapping) and fact.get("kind") == "money":
            value = read_fact(fact)
            if isinstance(value, Money):
                yield name, value


def _number(value: object) -> float | None:
    found = number_of(value)
    return found if math.isfinite(found) else None
