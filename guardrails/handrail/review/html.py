"""The weekly review as one HTML page with its charts as SVG: no script, no address; for screen and paper."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from importlib.resources import files

from handrail.review.cases import ReviewCase, TicketEnding, changes
from handrail.review.measure import Measures, TicketGroup, in_words
from handrail.review.weekly import ReviewProposal, WeeklyReview

WIDTH = 720
LEFT = 168
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#8c564b", "#5f6a72", "#9467bd")
"""Colours that people with the common kinds of colour blindness can tell apart (after Okabe and Ito)."""
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
_TICKS = (1, 10, 60, 600, 3600, 6 * 3600, 86_400, 7 * 86_400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A drawing (`svg`) and what its colours mean: pairs of colour and word."""

    svg: str
    legend: tuple[tuple[str, str], ...] = ()


def as_html(report: WeeklyReview) -> str:
    """Return the whole review as one HTML document; pure but for reading its own style sheet."""
    measures = report.measures
    style = files("handrail.review").joinpath("weekly.css").read_text(encoding="utf-8")
    when = escape(str(measures.period))
    body = [
        f"<header><h1>{escape(report.title)}</h1><p>{when} · {_policies(report.cases)}</p></header>",
        _tiles(measures.total),
        _section("Tickets per day", _figure(per_day(measures))),
        _section("How they ended", _figure(endings(measures.by_trigger, "How tickets ended, by trigger"))),
        _section("Time to decide", _figure(time_to_decide(measures.by_role))),
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


def _figure(plot: Plot) -> str:
    keys = "".join(
        f'<li><i style="background:{colour}"></i>{escape(word)}</li>' for colour, word in plot.legend
    )
    return f'<figure>{plot.svg}<figcaption><ul class="legend">{keys}</ul></figcaption></figure>'


def _table(groups: Sequence[TicketGroup]) -> str:
    heads = ("", "tickets", *map(str, TicketEnding), "median", "slowest tenth", "late")
    rows = [
        (
            group.name.replace("_", " "),
            str(group.size),
            *(str(group.endings.get(ending, "")) for ending in TicketEnding),
            in_words(group.median),
            in_words(group.slowest_tenth),
            str(group.late),
        )
        for group in groups
    ]
    inner = "".join(_row(row, "td") for row in rows)
    return f'<div class="wide"><table>{_row(heads, "th")}{inner}</table></div>'


def _row(cells: Iterable[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


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
    height, floor, head = 220, 190, 18
    step = (WIDTH - 40) / max(1, len(days))
    parts = [
        _line(34, floor, WIDTH, floor),
        _text(28, head + 4, str(top), "end"),
        _text(28, floor, "0", "end"),
    ]
    every = math.ceil(len(days) / 10)
    for at, (day, count) in enumerate(days):
        x, y = 36 + at * step, float(floor)
        for name in names:
            size = count.get(name, 0) * (floor - head) / top
            if size:
                y -= size
                said = f"{day.isoformat()}: {count[name]} × {name}"
                parts.append(_rect(x, y, max(1.0, step - 2), size, colours[name], said))
        if at % every == 0:
            parts.append(_text(x + step / 2, floor + 16, f"{day:%d %b}", "middle"))
    title = f"Tickets per day by trigger, {measures.total.size} in all"
    return Plot(svg=_svg(title, height, parts), legend=tuple((colours[name], _plain(name)) for name in names))


def endings(groups: Sequence[TicketGroup], title: str) -> Plot:
    """One bar for each group, as long as the group is large, split by how its tickets ended."""
    top = max((group.size for group in groups), default=0) or 1
    parts = []
    for row, group in enumerate(groups):
        x, y = float(LEFT), 8 + row * 30
        parts.append(_text(LEFT - 8, y + 15, _plain(group.name), "end"))
        for ending, count in group.endings.items():
            size = count * (WIDTH - LEFT - 40) / top
            parts.append(_rect(x, y, size, 20, ENDING_COLOURS[ending], f"{group.name}: {count} {ending}"))
            x += size
        parts.append(_text(x + 6, y + 15, str(group.size), "start"))
    used = [ending for ending in TicketEnding if any(ending in group.endings for group in groups)]
    legend = tuple((ENDING_COLOURS[ending], str(ending)) for ending in used)
    return Plot(svg=_svg(title, 16 + 30 * len(groups), parts), legend=legend)


def time_to_decide(groups: Sequence[TicketGroup]) -> Plot:
    """A row for each role: a dot for each decided ticket on a logarithmic axis, a tick at the deadline."""
    rows = [group for group in groups if group.median is not None]
    bottom = 14 + 34 * len(rows)
    parts = []
    for seconds in _TICKS:
        x = _at(seconds)
        parts += [
            _line(x, 6, x, bottom, "grid"),
            _text(x, bottom + 16, in_words(timedelta(seconds=seconds)), "middle"),
        ]
    for row, group in enumerate(rows):
        y = 24 + row * 34
        parts.append(_text(LEFT - 8, y + 4, _plain(group.name), "end"))
        for case in group.cases:
            if case.took is not None:
                colour = ENDING_COLOURS[TicketEnding.EXPIRED] if case.is_late else COLOURS[0]
                parts.append(
                    _dot(_at(case.took.total_seconds()), y, colour, f"{case.id}: {in_words(case.took)}")
                )
        for given in {case.decide_by - case.created_at for case in group.cases if case.decide_by}:
            x = _at(given.total_seconds())
            parts.append(_line(x, y - 12, x, y + 12, "deadline"))
    legend = (
        (COLOURS[0], "in time"),
        (ENDING_COLOURS[TicketEnding.EXPIRED], "late"),
        ("currentColor", "| deadline"),
    )
    return Plot(svg=_svg("Time to decide by role, against the deadline", bottom + 24, parts), legend=legend)


def _at(seconds: float) -> float:
    low, high = math.log(_TICKS[0]), math.log(_TICKS[-1])
    share = (math.log(min(max(seconds, _TICKS[0]), _TICKS[-1])) - low) / (high - low)
    return LEFT + share * (WIDTH - LEFT - 24)


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _svg(title: str, height: int, parts: Sequence[str]) -> str:
    said = escape(title)
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    return f'<svg role="img" aria-label="{said}" {size}><title>{said}</title>{"".join(parts)}</svg>'


def _rect(x: float, y: float, width: float, height: float, colour: str, said: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} fill="{colour}"><title>{escape(said)}</title></rect>'


def _dot(x: float, y: float, colour: str, said: str) -> str:
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}" fill-opacity=".65">'
        f"<title>{escape(said)}</title></circle>"
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str = "axis") -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
