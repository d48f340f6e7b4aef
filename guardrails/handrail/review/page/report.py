"""A weekly review written out: as plain data for JSON, and as files."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.review.changes.proposal import without_folder
from handrail.review.figures.measure import TicketGroup
from handrail.review.page.chart_file import as_png, as_svg
from handrail.review.page.html import as_html, charts
from handrail.review.page.markdown import as_markdown
from handrail.review.page.ticket_tables import ticket_tables
from handrail.review.training.evaluation import evaluation_lines
from handrail.review.week.first_steps import first_steps, hints
from handrail.review.week.language import ENGLISH, Language
from handrail.review.week.weekly import WeeklyReview

if TYPE_CHECKING:
    from handrail.review.changes.proposal import Proposal
    from handrail.review.figures.log_figures import LogFigures


_FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@＝＋－＠]")
"""How a text begins that a spreadsheet takes for a formula."""


def write(
    report: WeeklyReview,
    folder: Path,
    figures: "LogFigures | None" = None,
    patches: "Sequence[Proposal]" = (),
    say: Language = ENGLISH,
) -> tuple[Path, ...]:
    """Write the review into a folder, its page and texts in a language, and return the paths.

    `review.html`, `review.md` and `cases.jsonl`; each chart as SVG, and as PNG where resvg-py and
    matplotlib (for its font) are installed; each table as CSV, and as Parquet where pyarrow is; with the
    log's figures `proposals.json` and a diff for each proposal.
    """
    drawn = {
        name: as_svg(title, plot, words)
        for name, (title, plot, words) in charts(report.measures, figures, say).items()
    }
    tables = ticket_tables(report)
    if figures is not None:
        # They need numpy; a review of tickets alone does not.
        from handrail.review.page.log_tables import as_tables

        tables |= {name: rows for name, rows in as_tables(figures).items() if rows}
    texts = {
        "review.html": as_html(report, figures, patches, say),
        "review.md": as_markdown(report, figures, patches, say),
        "cases.jsonl": evaluation_lines(report.cases),
        **{f"{one.id}.diff": one.diff for one in patches if one.diff},
        **{f"{name}.svg": text for name, text in drawn.items()},
        **{f"{name}.csv": _csv(rows) for name, rows in tables.items()},
    }
    files = {name: text.encode() for name, text in texts.items()}
    pictures = {f"{name}.png": as_png(text) for name, text in drawn.items()}
    files |= {name: picture for name, picture in pictures.items() if picture is not None}
    # Nothing is written before all of it could be made.
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    paths = [folder / name for name in files]
    paths += _parquet(tables, folder)
    if figures is not None:
        from handrail.review.changes.proposal import write_proposals

        paths.append(write_proposals(patches, folder))
    return tuple(paths)


def _csv(rows: Sequence[Mapping[str, object]]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows({name: _no_formula(value) for name, value in row.items()} for row in rows)
    return file.getvalue()


def _no_formula(value: object) -> object:
    """Return a cell that a spreadsheet shows and does not compute: a quotation mark makes it a text."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _parquet(tables: Mapping[str, Sequence[Mapping[str, object]]], folder: Path) -> list[Path]:
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        return []
    paths = []
    for name, rows in tables.items():
        paths.append(folder / f"{name}.parquet")
        parquet.write_table(arrow.Table.from_pylist([dict(row) for row in rows]), paths[-1])
    return paths


def as_data(
    report: WeeklyReview, figures: "LogFigures | None" = None, patches: "Sequence[Proposal]" = ()
) -> Mapping[str, object]:
    """Return the figures and proposals as plain data for JSON.

    `first` is what to do first, `log` the tables of the log's figures, `changes` what it proposes.
    """
    measures = report.measures
    tables: Mapping[str, object] = {}
    if figures is not None:
        from handrail.review.page.log_tables import as_tables

        tables = as_tables(figures)
    return {
        "title": report.title or ENGLISH("title"),
        "since": measures.period.since.isoformat(),
        "until": measures.period.until.isoformat(),
        "first": [str(step) for step in first_steps(report, figures, patches)],
        "all": _group(measures.total),
        "asked_again": [measures.asked_again.share.count, measures.asked_again.share.total],
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
            for proposal in hints(report, patches)
        ],
        "log": tables,
        "changes": [_change(one) for one in patches],
    }


def _change(one: "Proposal") -> Mapping[str, object]:
    told = {name: getattr(one, name) for name in ("id", "kind", "title", "why", "effect", "replay")}
    return told | {
        "diff": without_folder(one.diff),
        "suggestion": one.suggestion,
        "worth": round(one.worth, 1),
        "is_ready": one.is_ready,
        "problems": list(one.problems),
        "tickets": list(one.tickets),
    }


def _group(group: TicketGroup) -> Mapping[str, object]:
    return {
        "tickets": group.size,
        "endings": {str(ending): count for ending, count in group.endings.items()},
        "approved_unchanged": [group.unchanged.count, group.unchanged.total],
        "late": [group.late.count, group.late.total],
        "overdue": group.overdue,
        "median_s": group.median.total_seconds() if group.median is not None else None,
        "slowest_tenth_s": group.slowest_tenth.total_seconds() if group.slowest_tenth is not None else None,
    }
