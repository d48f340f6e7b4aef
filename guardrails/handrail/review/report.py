"""A weekly review written out: as Markdown for a mail or a wiki, as plain data for JSON, and as files."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.review.cases import ReviewCase, TicketEnding
from handrail.review.chart_file import as_png, as_svg
from handrail.review.evaluation import evaluation_lines
from handrail.review.first_steps import first_steps
from handrail.review.html import as_html, charts
from handrail.review.log_charts import plots
from handrail.review.measure import TicketGroup, in_words
from handrail.review.proposal import without_folder
from handrail.review.ticket_tables import ticket_tables
from handrail.review.weekly import WeeklyReview

if TYPE_CHECKING:
    from handrail.review.log_figures import LogFigures
    from handrail.review.proposal import Proposal

# An underscore inside a word is no markup, and role names are full of them.
_MARKUP = re.compile(r"[\\`*\[\]<>|#]|(?<!\w)_|_(?!\w)")


def write(
    report: WeeklyReview,
    folder: Path,
    figures: "LogFigures | None" = None,
    patches: "Sequence[Proposal]" = (),
) -> tuple[Path, ...]:
    """Write the review into a folder and return the paths.

    `review.html`, `review.md` and `cases.jsonl`; each chart as SVG, and as PNG where resvg-py and
    matplotlib (for its font) are installed; each table as CSV, and as Parquet where pyarrow is; with the
    log's figures `proposals.json` and a diff for each proposal.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {
        name: as_svg(title, plot, words)
        for name, (title, plot, words) in charts(report.measures, figures).items()
    }
    tables = ticket_tables(report)
    if figures is not None:
        # They need numpy; a review of tickets alone does not.
        from handrail.review.log_tables import as_tables

        tables |= {name: rows for name, rows in as_tables(figures).items() if rows}
    texts = {
        "review.html": as_html(report, figures, patches),
        "review.md": as_markdown(report, figures, patches),
        "cases.jsonl": evaluation_lines(report.cases),
        **{f"{one.id}.diff": one.diff for one in patches if one.diff},
        **{f"{name}.svg": text for name, text in drawn.items()},
        **{f"{name}.csv": _csv(rows) for name, rows in tables.items()},
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    paths = [folder / name for name in texts]
    for name, text in drawn.items():
        picture = as_png(text)
        if picture is not None:
            paths.append(folder / f"{name}.png")
            paths[-1].write_bytes(picture)
    paths += _parquet(tables, folder)
    if figures is not None:
        from handrail.review.proposal import write_proposals

        paths.append(write_proposals(patches, folder))
    return tuple(paths)


def _csv(rows: Sequence[Mapping[str, object]]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


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


def as_markdown(
    report: WeeklyReview, figures: "LogFigures | None" = None, patches: "Sequence[Proposal]" = ()
) -> str:
    """Return the whole review as Markdown."""
    return "\n".join(_lines(report, figures, patches)) + "\n"


def _of_log(figures: "LogFigures", patches: "Sequence[Proposal]") -> Iterator[str]:
    yield from ("", "## What the log says", "")
    for _, words in plots(figures).values():
        yield f"- {words}"
    if patches:
        yield from ("", "## Changes to accept", "")
    for one in patches:
        words = " ".join(filter(None, (one.why, one.replay, one.effect, one.suggestion)))
        yield f"- **{_cell(one.title)}** ({one.id}). {_cell(words)}"
        if one.diff:
            yield from ("", "```diff", one.diff.rstrip(), "```", "")


def _lines(
    report: WeeklyReview, figures: "LogFigures | None", patches: "Sequence[Proposal]"
) -> Iterator[str]:
    measures, total = report.measures, report.measures.total
    yield f"# {report.title}, {measures.period}"
    yield ""
    yield (
        f"{total.size} tickets. Approved unchanged: {total.unchanged}. "
        f"Late: {total.late}. Open past their deadline: {total.overdue}. "
        f"Median time to decide: {in_words(total.median)}."
    )
    yield from ("", "## Do first", "")
    steps = first_steps(report, figures, patches)
    for number, step in enumerate(steps, 1):
        yield f"{number}. {_cell(step.words)}"
    if not steps:
        yield "Nothing is pressing."
    if figures is not None:
        yield from _of_log(figures, patches)
    for title, groups in (
        ("By trigger", measures.by_trigger),
        ("By role", measures.by_role),
        ("By rule", measures.by_rule),
    ):
        yield from _table(title, groups)
    yield from _proposals(report)
    yield from _tickets(report.cases)
    yield ""
    yield "Shares come with their 95 % Wilson interval. This review proposes; it has changed nothing."


def _table(title: str, groups: Sequence[TicketGroup]) -> Iterator[str]:
    yield from ("", f"## {title}", "")
    heads = ["", "tickets", *map(str, TicketEnding), "median", "slowest tenth", "late"]
    yield f"| {' | '.join(heads)} |"
    yield "|---" + "|--:" * (len(heads) - 1) + "|"
    for group in groups:
        counts = [str(group.endings.get(ending, 0)) for ending in TicketEnding]
        times = [
            in_words(group.median),
            in_words(group.slowest_tenth),
            f"{group.late.count}/{group.late.total}",
        ]
        yield f"| {' | '.join([_cell(group.name), str(group.size), *counts, *times])} |"


def _proposals(report: WeeklyReview) -> Iterator[str]:
    yield from ("", "## Look at next", "")
    if not report.proposals:
        yield "Nothing stands out in these tickets."
    for number, proposal in enumerate(report.proposals, 1):
        yield f"{number}. **{_cell(proposal.title)}** ({proposal.kind}) {_cell(proposal.why)}"
        yield f"   {_cell(proposal.suggestion)}"
        yield f"   Tickets: {', '.join(proposal.tickets)}."


def _tickets(cases: Sequence[ReviewCase]) -> Iterator[str]:
    yield from ("", "## Tickets", "")
    yield "| ticket | opened | role | rule | ended | took | what was wanted |"
    yield "|---|---|---|---|---|--:|---|"
    for case in cases:
        cells = (
            case.id,
            f"{case.created_at:%Y-%m-%d %H:%M}",
            case.role,
            case.rule,
            f"{case.ending}{' (late)' if case.is_late else ''}",
            in_words(case.took),
            case.wanted,
        )
        yield f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    """Keep words of a conversation from becoming markup."""
    flat = " ".join(text.split())
    return _MARKUP.sub(r"\\\g<0>", flat)


def as_data(
    report: WeeklyReview, figures: "LogFigures | None" = None, patches: "Sequence[Proposal]" = ()
) -> Mapping[str, object]:
    """Return the figures and proposals as plain data for JSON.

    `first` is what to do first, `log` the tables of the log's figures, `changes` what it proposes.
    """
    measures = report.measures
    tables: Mapping[str, object] = {}
    if figures is not None:
        from handrail.review.log_tables import as_tables

        tables = as_tables(figures)
    return {
        "title": report.title,
        "since": measures.period.since.isoformat(),
        "until": measures.period.until.isoformat(),
        "first": [step.words for step in first_steps(report, figures, patches)],
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
            for proposal in report.proposals
        ],
        "log": tables,
        "changes": [_change(one) for one in patches],
    }


def _change(one: "Proposal") -> Mapping[str, object]:
    told = {name: getattr(one, name) for name in ("id", "kind", "title", "why", "effect", "replay")}
    return told | {
        "diff": without_folder(one.diff),
        "suggestion": one.suggestion,
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
