"""The review as Markdown, for a mail or a wiki. Pure."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from handrail.review.cases import DECIDED, Case, Ending
from handrail.review.measure import Group, Share
from handrail.review.plots import in_words
from handrail.review.report import Report

# An underscore inside a word is no markup, and role names are full of them.
_MARKUP = re.compile(r"[\\`*\[\]<>|#]|(?<!\w)_|_(?!\w)")

COLUMNS = (*DECIDED, Ending.EXPIRED, Ending.CANCELLED, Ending.OPEN)


def markdown(report: Report) -> str:
    """Return the whole review as Markdown."""
    return "\n".join(_lines(report)) + "\n"


def in_figures(figure: Share) -> str:
    """Return a share with its size and, of at least one, its interval: `3 of 4 (75 %, 30–95 %)`."""
    if figure.value is None:
        return "–"
    bounds = f"{figure.low:.0%}–{figure.high:.0%}".replace("%", " %")
    return f"{figure.count} of {figure.total} ({figure.value:.0%}, {bounds})".replace("%,", " %,")


def span(since: datetime, until: datetime) -> str:
    """Return a period as people write it."""
    return f"{since:%Y-%m-%d} to {until:%Y-%m-%d}"


def _lines(report: Report) -> Iterator[str]:
    measures, total = report.measures, report.measures.total
    yield f"# {report.title}, {span(measures.period.since, measures.period.until)}"
    yield ""
    yield (
        f"{total.size} tickets. Approved unchanged: {in_figures(total.unchanged)}. "
        f"Late: {in_figures(total.late)}. Open past their deadline: {total.overdue}. "
        f"Median time to decide: {in_words(total.median)}."
    )
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


def _table(title: str, groups: Sequence[Group]) -> Iterator[str]:
    yield from ("", f"## {title}", "")
    heads = ["", "tickets", *(str(ending) for ending in COLUMNS), "median", "slowest tenth", "late"]
    yield f"| {' | '.join(heads)} |"
    yield "|---" + "|--:" * (len(heads) - 1) + "|"
    for group in groups:
        counts = [str(group.endings.get(ending, 0)) for ending in COLUMNS]
        times = [
            in_words(group.median),
            in_words(group.slowest_tenth),
            f"{group.late.count}/{group.late.total}",
        ]
        yield f"| {' | '.join([_cell(group.name), str(group.size), *counts, *times])} |"


def _proposals(report: Report) -> Iterator[str]:
    yield from ("", "## Look at next", "")
    if not report.proposals:
        yield "Nothing stands out in these tickets."
    for number, proposal in enumerate(report.proposals, 1):
        yield f"{number}. **{_cell(proposal.title)}** ({proposal.kind}) {_cell(proposal.why)}"
        yield f"   {_cell(proposal.suggestion)}"
        yield f"   Tickets: {', '.join(proposal.tickets)}."


def _tickets(cases: Sequence[Case]) -> Iterator[str]:
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
