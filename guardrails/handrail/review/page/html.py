"""The weekly review as one HTML page with its charts as SVG: no script, no address; for screen and paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from handrail.review.evidence.costs import MISSED
from handrail.review.figures.measure import Figure, Measures, Share, TicketGroup
from handrail.review.log.calendar_week import WEEK, name_of_week
from handrail.review.log.cases import ReviewCase, TicketEnding, changes
from handrail.review.page import log_charts, log_sections, proposal_html
from handrail.review.page.svg import Plot
from handrail.review.page.tables import Cell, Counted, Link, Linked, ListLink, Tables, in_page, short
from handrail.review.page.ticket_charts import ticket_charts
from handrail.review.week.first_steps import FirstStep, first_steps, hints
from handrail.review.week.language import ENGLISH, Language
from handrail.review.week.weekly import WeeklyReview

if TYPE_CHECKING:
    from handrail.review.changes.proposal import Proposal
    from handrail.review.figures.log_figures import LogFigures


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
    report: WeeklyReview,
    figures: "LogFigures | None" = None,
    patches: "Sequence[Proposal]" = (),
    say: Language = ENGLISH,
) -> str:
    """Return the whole review as one HTML document; pure but for reading its own style sheet.

    What a proposal says of itself stays English in every language.
    """
    # Evidence reaches back to weeks whose tickets are not on the page.
    here = {case.id for case in report.cases}
    tables = Tables(say=say, link=lambda ticket: in_page(ticket) if ticket in here else "")
    parts = page_parts(report, figures, patches, tables)
    style = files("handrail.review.page").joinpath("weekly.css").read_text(encoding="utf-8")
    when, title = escape(period(report.measures, say)), escape(report.title or say("title"))
    body = [
        f"<header><h1>{title}</h1><p>{when} · {_policies(report.cases, say)}</p></header>",
        _section("first", parts.steps, say),
        _section("figures", parts.tiles, say),
        _section("changes", parts.changes, say),
        f'<div class="charts">{"".join(parts.charts.values())}</div>',
        _section("notes", parts.notes, say),
        _section("hints", parts.hints, say),
        f'<div class="tables">{"".join(parts.tables.values())}</div>',
        _section("tickets", parts.tickets, say),
        f"<footer>{escape(say('closing'))}</footer>",
    ]
    return (
        f'<!doctype html><html lang="{say.code}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}, {when}</title><style>{style}</style></head>"
        f'<body><main class="review">{"".join(body)}</main></body></html>\n'
    )


def page_parts(
    report: WeeklyReview,
    figures: "LogFigures | None" = None,
    patches: "Sequence[Proposal]" = (),
    tables: Tables | None = None,
    *,
    listed: ListLink | None = None,
) -> PageParts:
    """Return the parts of a review's page; pure.

    Args:
        report: the period's tickets.
        figures: what the log says of it.
        patches: changes that the log proved.
        tables: writes them: in which language, and where a ticket can be read.
        listed: where the tickets of a rule, trigger or role are listed; without it nowhere.
    """
    write = tables or Tables()
    measures, say = report.measures, write.say
    drawn = {
        name: _chart(name, title, plot, words)
        for name, (title, plot, words) in charts(measures, figures, say).items()
    }
    work = [measures.asked_again, *([figures.agreement] if figures is not None else [])]
    of_log = log_sections.sections(figures, write) if figures is not None else {}
    shown = {"steps": of_log.pop("steps", ""), "work": _work(work, write), **of_log}
    for name, groups in (
        ("rule", measures.by_rule),
        ("trigger", measures.by_trigger),
        ("role", measures.by_role),
    ):
        shown[f"by-{name}"] = _groups(name, groups, write, listed)
    return PageParts(
        steps=_steps(first_steps(report, figures, patches, say), write),
        tiles=_tiles(measures.total, figures, say),
        changes=proposal_html.changes(patches, write),
        notes=proposal_html.notes(patches, write),
        hints=_hints(hints(report, patches, say), write),
        charts=drawn,
        tables={name: _section(name, inner, say) for name, inner in shown.items()},
        tickets="".join(_ticket(case, say) for case in report.cases) or f"<p>{escape(say('none'))}</p>",
    )


def charts(
    measures: Measures, figures: "LogFigures | None", say: Language = ENGLISH
) -> Mapping[str, tuple[str, Plot, str]]:
    """Return each chart by its file's name: its title, the drawing, and what to conclude; pure."""
    found = log_charts.plots(figures, say) if figures is not None else {}
    found |= ticket_charts(measures, say)
    return {name: (say(f"{name}.title"), plot, words) for name, (plot, words) in found.items()}


def period(measures: Measures, say: Language = ENGLISH) -> str:
    """Return the days of a period, and the name of the week where it is one; pure."""
    since, until = measures.period.since, measures.period.until
    said = say.period(since, until)
    days = until.date() - since.date()
    is_week = days == WEEK and since.isoweekday() == 1 and not any((since.hour, until.hour))
    return f"{name_of_week(since.date())}, {said}" if is_week else said


def _chart(name: str, title: str, plot: Plot, words: str) -> str:
    return (
        f'<section id="{escape(name, quote=True)}"><h2>{escape(title)}</h2>'
        f'<p class="say">{escape(words)}</p>{plot.figure()}</section>'
    )


def _policies(cases: Sequence[ReviewCase], say: Language) -> str:
    names = dict.fromkeys(case.policy for case in cases if case.policy)
    return escape(say("policy", names=say.listed(list(names))) if names else say("no_tickets"))


def _steps(steps: Sequence[FirstStep], tables: Tables) -> str:
    if not steps:
        return f"<p>{escape(tables.say('first.nothing'))}</p>"
    said = "<ol>" + "".join(_step(step, tables) for step in steps) + "</ol>"
    if any(step.figure for step in steps):
        missed = tables.say.figure(MISSED)
        said += f'<p class="quiet">{escape(tables.say("first.worth_is", missed=missed))}</p>'
    return said


def _step(step: FirstStep, tables: Tables) -> str:
    mark = ' class="pressing"' if step.is_pressing else ""
    quoted = f'<span lang="en">{escape(step.quoted)}</span>' if step.quoted else ""
    words = " ".join(filter(None, (escape(step.words), quoted)))
    figure = f" <small>{escape(step.figure)}</small>" if step.figure else ""
    return (
        f'<li{mark}><a href="#{escape(step.part, quote=True)}">{words}</a>{figure} '
        f"{tables.tickets(step.tickets)}</li>"
    )


def _tiles(total: TicketGroup, figures: "LogFigures | None", say: Language) -> str:
    tiles: list[tuple[str, str, tuple[str, ...]]] = [
        (say.number(total.size), "tickets", ()),
        _tile(total.unchanged, "unchanged", say),
        _tile(total.late, "late", say),
        (say.span(total.median), "median", ()),
        (say.number(total.overdue), "overdue", ()),
    ]
    missed = figures.weeks[-1].findings.missed if figures is not None and figures.weeks else None
    if missed is not None and missed.rate is not None:
        read = say("tile.read", count=say.number(missed.sampled), total=say.number(missed.count))
        between = say.between(missed.low, missed.high)
        tiles.insert(1, (say.percent(missed.rate), "missed", (read, between)))
    inner = "".join(
        f"<div><b>{escape(figure)}</b><span>{escape(say(f'tile.{name}'))}</span>"
        f"{''.join(f'<small>{escape(line)}</small>' for line in about)}</div>"
        for figure, name, about in tiles
    )
    return f'<div class="tiles">{inner}</div>'


def _tile(found: Share, name: str, say: Language) -> tuple[str, str, tuple[str, ...]]:
    if found.value is None:
        return ("–", name, (say("tile.none"),))
    about = (say.of(found.count, found.total), say.between(found.low, found.high))
    return (say.percent(found.value), name, about)


def _section(name: str, inner: str, say: Language) -> str:
    if not inner:
        return ""
    return f'<section id="{name}"><h2>{escape(say(f"section.{name}"))}</h2>{inner}</section>'


def _groups(kind: str, groups: Sequence[TicketGroup], tables: Tables, listed: ListLink | None) -> str:
    used = [ending for ending in TicketEnding if any(group.endings.get(ending) for group in groups)]
    ends = (f"ending.{ending.replace(' ', '_')}" for ending in used)
    heads = ("", "column.count", *ends, "column.median", "column.slowest", "column.late")
    link = partial(listed, kind) if listed else None
    return tables.table(heads, [_group(kind, group, used, tables, link) for group in groups])


def _group(
    kind: str, group: TicketGroup, used: Sequence[TicketEnding], tables: Tables, link: Link | None
) -> tuple[Cell, ...]:
    say = tables.say
    name = say.named(kind, group.name) if kind == "trigger" else group.name.replace("_", " ")
    return (
        name if link is None else Linked(said=name, href=link(group.name)),
        tables.number(group.tickets),
        *(_ended(group, ending, tables) for ending in used),
        say.span(group.median),
        say.span(group.slowest_tenth),
        Counted(
            said=say.of(group.late.count, group.late.total),
            tickets=tuple(case.id for case in group.cases if case.is_late),
        ),
    )


def _work(figures: Sequence[Figure], tables: Tables) -> str:
    rows = [
        (tables.say.named("figure", one.name), one.share, tables.number(one.tickets))
        for one in figures
        if one.share.total
    ]
    return tables.table(("column.what", "column.share", "column.look_at"), rows)


def _ended(group: TicketGroup, ending: TicketEnding, tables: Tables) -> Cell:
    found = tuple(case.id for case in group.cases if case.ending is ending)
    return tables.number(found) if found else "–"


def _hints(hints: "Sequence[Proposal]", tables: Tables) -> str:
    if not hints:
        return f"<p>{escape(tables.say('hint.nothing'))}</p>"
    items = "".join(_hint(place, one, tables) for place, one in enumerate(hints, 1))
    return f'<ol class="beside">{items}</ol>'


def _hint(place: int, one: "Proposal", tables: Tables) -> str:
    return (
        f'<li id="hint-{place}"><h3>{escape(one.title)} '
        f'<span class="kind">{escape(tables.say.named("kind", one.kind))}</span></h3>'
        f"<p>{escape(one.why)}</p><p>{escape(one.suggestion)}</p>"
        f"<p>{tables.tickets(one.tickets)}</p></li>"
    )


def _ticket(case: ReviewCase, say: Language) -> str:
    late = f" · {say('ticket.late')}" if case.is_late else ""
    ended = say.named("ending", case.ending)
    head = f"{say.moment(case.created_at)} · {case.role} · {ended}{late} · {say.span(case.took)}"
    rows = [
        ("wanted", case.wanted),
        ("why", f"{', '.join(case.rules)}: {case.because}" if case.because else ", ".join(case.rules)),
        ("proposed", f"{case.tool} {case.proposed}".strip()),
        ("changed", "; ".join(map(str, changes(case)))),
        ("reason", case.reason),
        ("confidence", say.number(case.confidence, 2) if case.confidence is not None else ""),
        ("joined", say.number(case.attempts) if case.attempts else ""),
    ]
    inner = "".join(
        f"<dt>{escape(say(f'ticket.{name}'))}</dt><dd>{escape(text)}</dd>" for name, text in rows if text
    )
    return (
        f'<details class="ticket" id="{escape(case.id, quote=True)}"><summary>'
        f"<b>{escape(short(case.id))}</b> {escape(head)}</summary><dl>{inner}</dl></details>"
    )
