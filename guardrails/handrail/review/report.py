"""The review of a period: figures, proposals, corrected cases; as HTML, Markdown and JSON Lines."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from handrail.review.cases import Case, Period
from handrail.review.evaluation import evaluation_lines
from handrail.review.measure import Group, Measures, measure
from handrail.review.propose import Proposal, propose


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole review. It proposes; nothing in it was applied."""

    title: str
    measures: Measures
    proposals: tuple[Proposal, ...]

    @property
    def cases(self) -> tuple[Case, ...]:
        """Every ticket of the period, oldest first."""
        return self.measures.total.cases


def review(cases: Iterable[Case], period: Period, *, now: datetime, title: str = "Weekly review") -> Report:
    """Review a period's tickets; pure."""
    measures = measure(cases, period, now=now)
    return Report(title=title, measures=measures, proposals=propose(measures))


def write(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write `review.html`, `review.md` and `cases.jsonl` into a folder and return their paths."""
    from handrail.review.markdown import markdown
    from handrail.review.page import page

    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "review.html": page(report),
        "review.md": markdown(report),
        "cases.jsonl": evaluation_lines(report.cases),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return tuple(folder / name for name in texts)


def as_data(report: Report) -> Mapping[str, object]:
    """Return the figures and proposals as plain data for JSON."""
    measures = report.measures
    return {
        "title": report.title,
        "since": measures.period.since.isoformat(),
        "until": measures.period.until.isoformat(),
        "all": _group(measures.total),
        "by_trigger": {group.name: _group(group) for group in measures.by_trigger},
        "by_role": {group.name: _group(group) for group in measures.by_role},
        "by_rule": {group.name: _group(group) for group in measures.by_rule},
        "proposals": [
            {
                "kind": str(proposal.kind),
                "title": proposal.title,
                "why": proposal.why,
                "suggestion": proposal.suggestion,
                "tickets": list(proposal.tickets),
            }
            for proposal in report.proposals
        ],
    }


def _group(group: Group) -> Mapping[str, object]:
    return {
        "tickets": group.size,
        "endings": {str(ending): count for ending, count in group.endings.items()},
        "approved_unchanged": [group.unchanged.count, group.unchanged.total],
        "late": [group.late.count, group.late.total],
        "overdue": group.overdue,
        "median_s": group.median.total_seconds() if group.median is not None else None,
        "slowest_tenth_s": group.slowest_tenth.total_seconds() if group.slowest_tenth is not None else None,
    }
