"""A period's tickets as tables of plain values; each figure names its tickets. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from handrail.review.figures.measure import TicketGroup
from handrail.review.week.weekly import WeeklyReview

Table: TypeAlias = Sequence[Mapping[str, object]]


def ticket_tables(report: WeeklyReview) -> dict[str, Table]:
    """Return the tables by their file's name; those of no rows are left out."""
    measures = report.measures
    found: dict[str, Table] = {
        "tickets": [
            {
                "ticket": case.id,
                "opened": case.created_at.isoformat(),
                "role": case.role,
                "trigger": str(case.trigger),
                "rule": case.rule,
                "ending": str(case.ending),
                "late": case.is_late,
                "took_s": case.took.total_seconds() if case.took is not None else None,
            }
            for case in report.cases
        ],
        "by-rule": [_row(group) for group in measures.by_rule],
        "by-trigger": [_row(group) for group in measures.by_trigger],
        "by-role": [_row(group) for group in measures.by_role],
    }
    return {name: rows for name, rows in found.items() if rows}


def _row(group: TicketGroup) -> Mapping[str, object]:
    return {
        "name": group.name,
        "count": group.size,
        "unchanged": group.unchanged.count,
        "decided": group.unchanged.total,
        "unchanged_low": round(group.unchanged.low, 4),
        "unchanged_high": round(group.unchanged.high, 4),
        "late": group.late.count,
        "overdue": group.overdue,
        "median_s": group.median.total_seconds() if group.median is not None else None,
        "slowest_tenth_s": group.slowest_tenth.total_seconds() if group.slowest_tenth is not None else None,
        "tickets": joined(case.id for case in group.cases),
    }


def joined(tickets: Iterable[str]) -> str:
    """Return ids as one value of a table, with a blank between them; pure."""
    return " ".join(tickets)
