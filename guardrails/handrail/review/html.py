"""The weekly review as one HTML page with its charts as SVG: no script, no address; for screen and paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from handrail.review import log_charts, log_sections, proposal_html
from handrail.review.cases import ReviewCase, TicketEnding, changes
from handrail.review.first_steps import FirstStep, first_steps
from handrail.review.measure import Figure, Measures, Share, TicketGroup, in_words
from handrail.review.svg import Plot
from handrail.review.tables import Cell, Counted, Link, Linked, ListLink, in_page, percent, short, table
from handrail.review.ticket_charts import ticket_charts
from handrail.review.weekly import ReviewProposal, WeeklyReview

if TYPE_CHECKING:
    from handrail.confidence.calibration.fit.false_pass_rate import FalsePassRate
    from handrail.review.log_figures import LogFigures
    from handrail.review.proposal import Proposal

CLOSING = (
    "Shares come with their 95 % Wilson interval; “few” marks those that rest on too little. "
    "Texts are masked. This review proposes; it has changed nothing."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageParts:
    """The parts of a page as HTML, for whoever puts a frame of their own around them; empty where there is
    nothing to say. `charts` and `tables` are by name.
    """

    steps: str
    tiles: str
    changes: str
    notes: str
    hints: str
    charts: Mapping[str, str]
    tables: Mapping[str, str]
    tickets: str


def as_html(
    report: WeeklyReview, figures: "LogFigures | None" = None, patches: "Sequence[Proposal]" = ()
) -> str:
    """Return the whole review as one HTML document; pure but for reading its own style sheet."""
    parts = page_parts(report, figures, patches)
    style = files("handrail.review").joinpath("weekly.css").read_text(encoding="utf-8")
    when = escape(str(report.measures.period))
    body = [
        f"<header><h1>{escape(report.title)}</h1><p>{when} · {_policies(report.cases)}</p></header>",
        _section("first", "Do first", parts.steps),
        _section("figures", "The week in figures", parts.tiles),
        _section("changes", "Changes to accept", parts.changes),
        f'<div class="charts">{"".join(parts.charts.values())}</div>',
        _section("notes", "For people to do", parts.notes),
        _section("hints", "Look at next", parts.hints),
        *parts.tables.values(),
        _section("tickets", "Tickets", parts.tickets),
        f"<footer>{CLOSING}</footer>",
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(report.title)}, {when}</title><style>{style}</style></head>"
        f'<body><main class="review">{"".join(body)}</main></body></html>\n'
    )


def page_parts(
    report: WeeklyReview,
    figures: "LogFigures | None" = None,
    patches: "Sequence[Proposal]" = (),
    *,
    link: Link = in_page,
    listed: ListLink | None = None,
) -> PageParts:
    """Return the parts of a review's page; pure.

    Args:
        report: the period's tickets.
        figures: what the log says of it.
        patches: changes that the log proved.
        link: where a ticket can be read, by its id.
        listed: where the tickets of a rule, trigger or role are listed; without it nowhere.
    """
    measures = report.measures
    drawn = {
        name: _chart(name, title, plot, words)
        for name, (title, plot, words) in charts(measures, figures).items()
    }
    work = [measures.asked_again, *([figures.agreement] if figures is not None else [])]
    tables: dict[str, tuple[str, str]] = {"work": ("How people worked", _work(work, link))}
    if figures is not None:
        tables |= log_sections.sections(figures, link)
    for name, title, groups in (
        ("rule", "By rule", measures.by_rule),
        ("trigger", "By trigger", measures.by_trigger),
        ("role", "By role", measures.by_role),
    ):
        tables[f"by-{name}"] = (title, _groups(groups, link, partial(listed, name) if listed else None))
    return PageParts(
        steps=_steps(first_steps(report, figures, patches)),
        tiles=_tiles(measures.total, figures),
        changes=proposal_html.changes(patches, link),
        notes=proposal_html.notes(patches, link),
        hints=_proposals(report.proposals, link),
        charts=drawn,
        tables={name: _section(name, title, inner) for name, (title, inner) in tables.items()},
        tickets="".join(_ticket(case) for case in report.cases) or "<p>None.</p>",
    )


def charts(measures: Measures, figures: "LogFigures | None") -> Mapping[str, tuple[str, Plot, str]]:
    """Return each chart by its file's name: its title, the drawing, and what to conclude; pure."""
    found = {}
    if figures is not None:
        for name, (plot, words) in log_charts.plots(figures).items():
            found[name] = (log_charts.TITLES[name], plot, words)
    return found | ticket_charts(measures)


def _chart(name: str, title: str, plot: Plot, words: str) -> str:
    return (
        f'<section id="{escape(name, quote=True)}"><h2>{escape(title)}</h2>'
        f'<p class="say">{escape(words)}</p>{plot.figure()}</section>'
    )


def _policies(cases: Sequence[ReviewCase]) -> str:
    names = dict.fromkeys(case.policy for case in cases if case.policy)
    return escape("policy " + ", ".join(names)) if names else "no tickets"


def _steps(steps: Sequence[FirstStep]) -> str:
    if not steps:
        return "<p>Nothing is pressing: no drift, nobody late, no change to accept.</p>"
    return "<ol>" + "".join(map(_step, steps)) + "</ol>"


def _step(step: FirstStep) -> str:
    mark = ' class="pressing"' if step.is_pressing else ""
    return f'<li{mark}><a href="#{escape(step.part, quote=True)}">{escape(step.words)}</a></li>'


def _tiles(total: TicketGroup, figures: "LogFigures | None") -> str:
    tiles: list[tuple[str, str, tuple[str, ...]]] = [
        (str(total.size), "tickets", ()),
        _tile(total.unchanged, "approved unchanged"),
        _tile(total.late, "late or expired"),
        (in_words(total.median), "median time to decide", ()),
        (str(total.overdue), "open past their deadline", ()),
    ]
    missed = figures.weeks[-1].findings.missed if figures is not None and figures.weeks else None
    if missed is not None and missed.rate is not None:
        read = f"{missed.sampled} of {missed.count} read"
        tiles.insert(1, (percent(missed.rate), "of passed answers wrong", (read, _between(missed))))
    inner = "".join(
        f"<div><b>{escape(figure)}</b><span>{escape(name)}</span>"
        f"{''.join(f'<small>{escape(line)}</small>' for line in about)}</div>"
        for figure, name, about in tiles
    )
    return f'<div class="tiles">{inner}</div>'


def _tile(found: Share, name: str) -> tuple[str, str, tuple[str, ...]]:
    if found.value is None:
        return ("–", name, ("none decided",))
    return (percent(found.value), name, (f"{found.count} of {found.total}", _between(found)))


def _between(found: "Share | FalsePassRate") -> str:
    return f"{percent(found.low)} to {percent(found.high)}"


def _section(name: str, title: str, inner: str) -> str:
    if not inner:
        return ""
    return f'<section id="{escape(name, quote=True)}"><h2>{escape(title)}</h2>{inner}</section>'


def _groups(groups: Sequence[TicketGroup], link: Link, listed: Link | None = None) -> str:
    used = [ending for ending in TicketEnding if any(group.endings.get(ending) for group in groups)]
    heads = ("", "tickets", *map(str, used), "median", "slowest tenth", "late")
    rows: list[tuple[Cell, ...]] = [
        (
            _named(group.name, listed),
            Counted(said=str(group.size), tickets=group.tickets),
            *(_ended(group, ending) for ending in used),
            in_words(group.median),
            in_words(group.slowest_tenth),
            Counted(
                said=f"{group.late.count} of {group.late.total}",
                tickets=tuple(case.id for case in group.cases if case.is_late),
            ),
        )
        for group in groups
    ]
    return table(heads, rows, link)


def _named(name: str, listed: Link | None) -> Cell:
    said = name.replace("_", " ")
    return said if listed is None else Linked(said=said, href=listed(name))


def _work(figures: Sequence[Figure], link: Link) -> str:
    rows = [
        (one.name, one.share, Counted(said=str(len(one.tickets)), tickets=one.tickets))
        for one in figures
        if one.share.total
    ]
    return table(("what", "share", "tickets to look at"), rows, link)


def _ended(group: TicketGroup, ending: TicketEnding) -> Cell:
    found = tuple(case.id for case in group.cases if case.ending is ending)
    return Counted(said=str(len(found)), tickets=found) if found else "–"


def _proposals(proposals: Sequence[ReviewProposal], link: Link) -> str:
    if not proposals:
        return "<p>Nothing stands out in these tickets.</p>"
    return "<ol>" + "".join(_proposal(proposal, link) for proposal in proposals) + "</ol>"


def _proposal(proposal: ReviewProposal, link: Link) -> str:
    figure = f" <small>{escape(str(proposal.figure))}</small>" if proposal.figure else ""
    links = " ".join(
        f'<a href="{escape(link(ticket), quote=True)}">{escape(short(ticket))}</a>'
        for ticket in proposal.tickets
    )
    return (
        f'<li><h3>{escape(proposal.title)} <span class="kind">{proposal.kind}</span></h3>'
        f"<p>{escape(proposal.why)}{figure}</p><p>{escape(proposal.suggestion)}</p>"
        f'<details class="refs"><summary>{len(proposal.tickets)} tickets</summary><p>{links}</p>'
        "</details></li>"
    )


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
        f'<details class="ticket" id="{escape(case.id, quote=True)}"><summary>'
        f"<b>{escape(short(case.id))}</b> {escape(head)}</summary><dl>{inner}</dl></details>"
    )
