"""The review as one HTML page that needs nothing else: no script, no address; for screen and paper."""

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files

from handrail.review.cases import Case, changes
from handrail.review.markdown import COLUMNS, in_figures, span
from handrail.review.measure import Group
from handrail.review.plots import Plot, endings, in_words, per_day, time_to_decide
from handrail.review.propose import Proposal
from handrail.review.report import Report


def page(report: Report) -> str:
    """Return the whole review as one HTML document; pure but for reading its own style sheet."""
    measures = report.measures
    style = files("handrail.review").joinpath("page.css").read_text(encoding="utf-8")
    when = escape(span(measures.period.since, measures.period.until))
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


def _policies(cases: Sequence[Case]) -> str:
    names = dict.fromkeys(case.policy for case in cases if case.policy)
    return escape("policy " + ", ".join(names)) if names else "no tickets"


def _tiles(total: Group) -> str:
    tiles = (
        (str(total.size), "tickets"),
        (in_figures(total.unchanged), "approved unchanged"),
        (in_figures(total.late), "late or expired"),
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


def _table(groups: Sequence[Group]) -> str:
    heads = ("", "tickets", *map(str, COLUMNS), "median", "slowest tenth", "late")
    rows = [
        (
            group.name.replace("_", " "),
            str(group.size),
            *(str(group.endings.get(ending, "")) for ending in COLUMNS),
            in_words(group.median),
            in_words(group.slowest_tenth),
            in_figures(group.late),
        )
        for group in groups
    ]
    inner = "".join(_row(row, "td") for row in rows)
    return f'<div class="wide"><table>{_row(heads, "th")}{inner}</table></div>'


def _row(cells: Iterable[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _proposals(proposals: Sequence[Proposal]) -> str:
    if not proposals:
        return "<p>Nothing stands out in these tickets.</p>"
    return "<ol>" + "".join(_proposal(proposal) for proposal in proposals) + "</ol>"


def _proposal(proposal: Proposal) -> str:
    figure = f" <small>{escape(in_figures(proposal.figure))}</small>" if proposal.figure else ""
    links = ", ".join(f'<a href="#{escape(t, quote=True)}">{escape(_short(t))}</a>' for t in proposal.tickets)
    return (
        f'<li><h3>{escape(proposal.title)} <span class="kind">{proposal.kind}</span></h3>'
        f"<p>{escape(proposal.why)}{figure}</p><p>{escape(proposal.suggestion)}</p>"
        f'<p class="links">Tickets: {links}</p></li>'
    )


def _tickets(cases: Sequence[Case]) -> str:
    return "".join(_ticket(case) for case in cases) or "<p>None.</p>"


def _ticket(case: Case) -> str:
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
