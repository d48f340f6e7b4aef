"""Tables of the review's page: shares with their interval, and figures that open into their tickets. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

from handrail.review.measure import Share

WIDEST = 0.5
"""An interval that is wider than this says that a share rests on too little."""
LONGEST = 60
"""Tickets that one figure opens into; the CSV beside the page holds them all."""
Link: TypeAlias = Callable[[str], str]
ListLink: TypeAlias = Callable[[str, str], str]
"""Returns where the tickets of a rule, trigger or role are listed, by that word and its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A figure and the tickets that it counts."""

    said: str
    tickets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """Words that lead to a list of what they name."""

    said: str
    href: str


Cell: TypeAlias = str | Share | Counted | Linked


def in_page(ticket: str) -> str:
    """Return where a ticket stands on the same page; pure."""
    return f"#{ticket}"


def short(ticket: str) -> str:
    """Return the end of a ticket's id, by which people tell it apart on one page; pure."""
    return ticket[-8:]


def table(heads: Sequence[str], rows: Sequence[Sequence[Cell]], link: Link = in_page) -> str:
    """Return a table that becomes one card for each row on a narrow screen; nothing without rows."""
    if not rows:
        return ""
    marks = [_mark([row[place] for row in rows]) for place in range(len(heads))]
    head = "".join(
        f'<th scope="col"{mark}>{escape(cell)}</th>' for cell, mark in zip(heads, marks, strict=True)
    )
    body = "".join(_row(heads, row, marks, link) for row in rows)
    return f'<table class="cards"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _row(heads: Sequence[str], row: Sequence[Cell], marks: Sequence[str], link: Link) -> str:
    inner = (
        f'<td data-head="{escape(head, quote=True)}"{mark}>{_cell(cell, link)}</td>'
        for head, cell, mark in zip(heads, row, marks, strict=True)
    )
    return f"<tr>{''.join(inner)}</tr>"


def _mark(column: Sequence[Cell]) -> str:
    """Return what sets a column of figures to the right; one of words stays at the left."""
    if any(isinstance(cell, Linked) for cell in column):
        return ""
    words = (cell for cell in column if isinstance(cell, str))
    return "" if any(word[:1] not in "–0123456789" for word in words) else ' class="n"'


def _cell(cell: Cell, link: Link) -> str:
    if isinstance(cell, Share):
        return share_mark(cell)
    if isinstance(cell, Linked):
        return f'<a href="{escape(cell.href, quote=True)}">{escape(cell.said)}</a>'
    return counted(cell, link) if isinstance(cell, Counted) else escape(cell)


def share_mark(found: Share) -> str:
    """Return a share with what it counts and its interval as a bar; a wide one is marked as too few."""
    if found.value is None:
        return '<span class="share quiet">–</span>'
    few = ' <em class="few">few</em>' if found.high - found.low > WIDEST else ""
    return (
        f'<span class="share"><b>{percent(found.value)}</b> '
        f"<small>{found.count} of {found.total}{few}</small>{interval_bar(found)}</span>"
    )


def interval_bar(found: Share) -> str:
    """Return the interval of a share as a bar from 0 to 100 %, with its bounds in words for aids."""
    at, low, high = ((found.value or 0.0) * 100, found.low * 100, found.high * 100)
    said = f"{percent(found.low)} to {percent(found.high)}"
    return (
        f'<svg class="interval" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" '
        f'aria-label="{said}">'
        f'<title>{said}</title><rect class="whole" y="3" width="100" height="2"/>'
        f'<rect class="span" x="{low:.1f}" y="2" width="{max(1.0, high - low):.1f}" height="4"/>'
        f'<rect class="at" x="{min(98.0, max(0.0, at - 1)):.1f}" width="2" height="8"/></svg>'
    )


def counted(figure: Counted, link: Link) -> str:
    """Return a figure that opens into the tickets it counts."""
    if not figure.tickets:
        return escape(figure.said)
    shown = figure.tickets[:LONGEST]
    rest = len(figure.tickets) - len(shown)
    more = f" <span>and {rest} more</span>" if rest else ""
    links = " ".join(
        f'<a href="{escape(link(ticket), quote=True)}">{escape(short(ticket))}</a>' for ticket in shown
    )
    return f'<details class="refs"><summary>{escape(figure.said)}</summary><p>{links}{more}</p></details>'


def percent(value: float) -> str:
    """Return a share in percent, with a blank that never breaks; pure."""
    return f"{value:.0%}".replace("%", "\u00a0%")
