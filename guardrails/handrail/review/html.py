"""The weekly review as one HTML page with its charts as SVG: no script, no address; for screen and paper."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from handrail.review.cases import ReviewCase, TicketEnding, changes
from handrail.review.log_sections import sections
from handrail.review.measure import Measures, TicketGroup, in_words
from handrail.review.svg import COLOURS, WIDTH, Plot, chart, circle, line, rectangle, text
from handrail.review.weekly import ReviewProposal, WeeklyReview

if TYPE_CHECKING:
    from handrail.review.log_figures import LogFigures
    from handrail.review.proposal import Proposal

ENDING_COLOURS: Mapping[TicketEnding, str] = {
    TicketEnding.APPROVED: "#009e73",
    TicketEnding.EDITED: "#b8860b",
    TicketEnding.REJECTED: "#d55e00",
    TicketEnding.ANSWERED: "#0072b2",
    TicketEnding.REVISED: "#9467bd",
    TicketEnding.EXPIRED: "#8b1a1a",
    TicketEnding.CANCELLED: "#9aa0a6",
    TicketEnding.WITHDRAWN: "#cc79a7",
    TicketEnding.DUPLICATE: "#56b4e9",
    TicketEnding.OPEN: "#c8ced4",
}
_TICKS = (1, 10, 60, 600, 3600, 86_400, 7 * 86_400)


def as_html(
    report: WeeklyReview, figures: "LogFigures | None" = None, patches: "Sequence[Proposal]" = ()
) -> str:
    """Return the whole review as one HTML document; pure but for reading its own style sheet."""
    measures = report.measures
    style = files("handrail.review").joinpath("weekly.css").read_text(encoding="utf-8")
    when = escape(str(measures.period))
    body = [
        f"<header><h1>{escape(report.title)}</h1><p>{when} · {_policies(report.cases)}</p></header>",
        _tiles(measures.total),
        _section("Tickets per day", per_day(measures).figure()),
        _section("How they ended", endings(measures.by_trigger, "How tickets ended, by trigger").figure()),
        _section("Time to decide", time_to_decide(measures.by_role).figure()),
        sections(figures, patches) if figures is not None else "",
        _section("Look at next", _proposals(report.proposals)),
        _section("By trigger", _table(measures.by_trigger)),
        _section("By role", _table(measures.by_role)),
        _section("By rule", _table(measures.by_rule)),
        _section("Tickets", _tickets(report.cases)),
        "<footer>Shares come with their 95 % Wilson interval. Texts are masked. "
        "This review proposes; it has changed nothing.</footer>",
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(report.title)}, {when}</title><style>{style}</style></head>"
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def _policies(cases: Sequence[ReviewCase]) -> str:
    names = dict.fromkeys(case.policy for case in cases if case.policy)
    return escape("policy " + ", ".join(names)) if names else "no tickets"


def _tiles(total: TicketGroup) -> str:
    tiles = (
        (str(total.size), "tickets"),
        (str(total.unchanged), "approved unchanged"),
        (str(total.late), "late or expired"),
        (in_words(total.median), "median time to decide"),
        (str(total.overdue), "open past their deadline"),
    )
    inner = "".join(
        f"<div><b>{escape(figure)}</b><span>{escape(name)}</span></div>" for figure, name in tiles
    )
    return f'<section class="tiles">{inner}</section>'


def _section(title: str, inner: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{inner}</section>"


def _table(groups: Sequence[TicketGroup]) -> str:
    used = [ending for ending in TicketEnding if any(group.endings.get(ending) for group in groups)]
    heads = ("", "tickets", *map(str, used), "median", "slowest tenth", "late")
    rows = [
        (
            group.name.replace("_", " "),
            str(group.size),
            *(str(group.endings.get(ending, "–")) for ending in used),
            in_words(group.median),
            in_words(group.slowest_tenth),
            f"{group.late.count} of {group.late.total}",
        )
        for group in groups
    ]
    head = "".join(f"<th>{escape(cell)}</th>" for cell in heads)
    inner = "".join(_row(row, heads) for row in rows)
    return f'<table class="cards"><thead><tr>{head}</tr></thead><tbody>{inner}</tbody></table>'


def _row(cells: Iterable[str], heads: Iterable[str]) -> str:
    pairs = zip(heads, cells, strict=True)
    inner = (f'<td data-head="{escape(head, quote=True)}">{escape(cell)}</td>' for head, cell in pairs)
    return f"<tr>{''.join(inner)}</tr>"


def _proposals(proposals: Sequence[ReviewProposal]) -> str:
    if not proposals:
        return "<p>Nothing stands out in these tickets.</p>"
    return "<ol>" + "".join(_proposal(proposal) for proposal in proposals) + "</ol>"


def _proposal(proposal: ReviewProposal) -> str:
    figure = f" <small>{escape(str(proposal.figure))}</small>" if proposal.figure else ""
    links = ", ".join(f'<a href="#{escape(t, quote=True)}">{escape(_short(t))}</a>' for t in proposal.tickets)
    return (
        f'<li><h3>{escape(proposal.title)} <span class="kind">{proposal.kind}</span></h3>'
        f"<p>{escape(proposal.why)}{figure}</p><p>{escape(proposal.suggestion)}</p>"
        f'<p class="links">Tickets: {links}</p></li>'
    )


def _tickets(cases: Sequence[ReviewCase]) -> str:
    return "".join(_ticket(case) for case in cases) or "<p>None.</p>"


def _ticket(case: ReviewCase) -> str:
    late = " · late" if case.is_late else ""
    head = f"{case.created_at:%d %b %H:%M} · {case.role} · {case.ending}{late} · {in_words(case.took)}"
    rows = [
        ("wanted", case.wanted),
        ("why", f"{', '.join(case.rules)}: {case.because}" if case.because else ", ".join(case.rules)),
        ("proposed", f"{case.tool} {case.proposed}".strip()),
        ("changed", "; ".join(map(str, changes(case)))),
        ("reason", case.reason),
        ("confidence", f"{case.confidence:.2f}" if case.confidence is not None else ""),
        ("joined later", str(case.attempts) if case.attempts else ""),
    ]
    inner = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in rows if text)
    return (
        f'<details id="{escape(case.id, quote=True)}"><summary><b>{escape(_short(case.id))}</b> '
        f"{escape(head)}</summary><dl>{inner}</dl></details>"
    )


def _short(ticket: str) -> str:
    return ticket[-8:]


def per_day(measures: Measures) -> Plot:
    """Bars of tickets by day, stacked by trigger."""
    names = [group.name for group in measures.by_trigger]
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
    days = measures.per_day
    top = max((sum(count.values()) for _, count in days), default=0) or 1
    height, floor, head, left = 230, 190, 24, 48
    step = (WIDTH - left - 8) / max(1, len(days))
    parts = [
        line(left, floor, WIDTH, floor),
        text(left - 8, head + 4, str(top), "end"),
        text(left - 8, floor, "0", "end"),
    ]
    every = math.ceil(len(days) / 7)
    for at, (day, count) in enumerate(days):
        x, y = left + 2 + at * step, float(floor)
        for name in names:
            size = count.get(name, 0) * (floor - head) / top
            if size:
                y -= size
                said = f"{day.isoformat()}: {count[name]} × {name}"
                parts.append(rectangle(x, y, max(1.0, step - 2), size, colours[name], said))
        if at % every == 0:
            parts.append(text(x + step / 2, floor + 26, f"{day:%d %b}", "middle"))
    title = f"Tickets per day by trigger, {measures.total.size} in all"
    return chart(title, height, parts, [(colours[name], _plain(name)) for name in names])


def endings(groups: Sequence[TicketGroup], title: str) -> Plot:
    """One bar for each group under its name, as long as the group is large, split by how tickets ended."""
    top = max((group.size for group in groups), default=0) or 1
    parts = []
    for row, group in enumerate(groups):
        x, y = 2.0, 24.0 + row * 56
        parts.append(text(2, y, f"{_plain(group.name)}: {group.size}", "start"))
        for ending, count in group.endings.items():
            size = count * (WIDTH - 4) / top
            parts.append(
                rectangle(x, y + 8, size, 20, ENDING_COLOURS[ending], f"{group.name}: {count} {ending}")
            )
            x += size
    used = [ending for ending in TicketEnding if any(ending in group.endings for group in groups)]
    return chart(title, 12 + 56 * len(groups), parts, [(ENDING_COLOURS[e], str(e)) for e in used])


def time_to_decide(groups: Sequence[TicketGroup]) -> Plot:
    """A row for each role: a dot for each decided ticket on a logarithmic axis, a tick at the deadline."""
    rows = [group for group in groups if group.median is not None]
    bottom = 14 + 62 * len(rows)
    parts = []
    for seconds in _TICKS:
        x = _at(seconds)
        parts += [
            line(x, 6, x, bottom, "grid"),
            text(x, bottom + 24, in_words(timedelta(seconds=seconds)), "middle"),
        ]
    for row, group in enumerate(rows):
        y = 54 + row * 62
        parts.append(text(2, y - 22, _plain(group.name), "start"))
        for case in group.cases:
            if case.took is not None:
                colour = ENDING_COLOURS[TicketEnding.EXPIRED] if case.is_late else COLOURS[0]
                said = f"{case.id}: {in_words(case.took)}"
                parts.append(circle(_at(case.took.total_seconds()), y, 5, colour, said))
        for given in {case.decide_by - case.created_at for case in group.cases if case.decide_by}:
            x = _at(given.total_seconds())
            parts.append(line(x, y - 14, x, y + 14, "deadline"))
    legend = (
        (COLOURS[0], "in time"),
        (ENDING_COLOURS[TicketEnding.EXPIRED], "late"),
        ("currentColor", "| deadline"),
    )
    return chart("Time to decide by role, against the deadline", bottom + 36, parts, legend)


def _at(seconds: float) -> float:
    low, high = math.log(_TICKS[0]), math.log(_TICKS[-1])
    share = (math.log(min(max(seconds, _TICKS[0]), _TICKS[-1])) - low) / (high - low)
    return 24 + share * (WIDTH - 56)


def _plain(name: str) -> str:
    return name.replace("_", " ")
