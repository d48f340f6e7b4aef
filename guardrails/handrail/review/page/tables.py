"""Tables of the review's page: shares with their interval, and figures that open into their tickets. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

from handrail.review.figures.measure import Share
from handrail.review.week.language import ENGLISH, Language

WIDEST = 0.5
"""An interval that is wider than this says that a share rests on too little."""
LONGEST = 60
"""Tickets that one figure opens into; the CSV beside the page holds them all."""
BROAD, WIDE = 5, 7
"""Columns from which on a table takes the whole width of a laptop's screen, and of every screen."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Writes tables in a language. `link` says where a ticket can be read, by its id; empty for nowhere."""

    say: Language = ENGLISH
    link: Link = in_page

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
        """Return a table that becomes one card for each row on a narrow screen; nothing without rows.

        Args:
            heads: what each column is called, as keys of the catalogue; empty for nothing.
            rows: its cells.
        """
        if not rows:
            return ""
        said = [self.say(head) if head else "" for head in heads]
        marks = [_mark([row[place] for row in rows]) for place in range(len(heads))]
        head = "".join(
            f'<th scope="col"{mark}>{escape(cell)}</th>' for cell, mark in zip(said, marks, strict=True)
        )
        body = "".join(self._row(said, row, marks) for row in rows)
        width = "wide" if len(heads) >= WIDE else "broad" if len(heads) >= BROAD else "slim"
        return f'<table class="cards {width}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'

    def number(self, tickets: Sequence[str]) -> Counted:
        """Return how many tickets these are, to be opened into them."""
        return Counted(said=self.say.number(len(tickets)), tickets=tuple(tickets))

    def tickets(self, tickets: Sequence[str]) -> str:
        """Return `12 tickets`, which opens into them; nothing for none."""
        if not tickets:
            return ""
        return self.counted(
            Counted(said=self.say.counted("tickets", len(tickets)), tickets=tuple(dict.fromkeys(tickets)))
        )

    def counted(self, figure: Counted) -> str:
        """Return a figure that opens into the tickets it counts."""
        if not figure.tickets:
            return escape(figure.said)
        shown = figure.tickets[:LONGEST]
        rest = len(figure.tickets) - len(shown)
        more = (
            f" <span>{escape(self.say('tickets.more', count=self.say.number(rest)))}</span>" if rest else ""
        )
        links = " ".join(map(self._ticket, shown))
        said = escape(figure.said)
        return f'<details class="refs"><summary>{said}</summary><p>{links}{more}</p></details>'

    def _ticket(self, ticket: str) -> str:
        href = self.link(ticket)
        if not href:
            return f'<span title="{escape(ticket, quote=True)}">{escape(short(ticket))}</span>'
        return f'<a href="{escape(href, quote=True)}">{escape(short(ticket))}</a>'

    def share(self, found: Share) -> str:
        """Return a share with what it counts and its interval as a bar; a wide one is marked as too few."""
        if found.value is None:
            return '<span class="share quiet">–</span>'
        is_few = found.high - found.low > WIDEST
        few = f' <em class="few">{escape(self.say("few"))}</em>' if is_few else ""
        said = self.say.between(found.low, found.high)
        return (
            f'<span class="share"><b>{self.say.percent(found.value)}</b> '
            f"<small>{escape(self.say.of(found.count, found.total))}{few}</small>"
            f"{interval_bar(found, said)}</span>"
        )

    def _row(self, heads: Sequence[str], row: Sequence[Cell], marks: Sequence[str]) -> str:
        inner = (
            f'<td data-head="{escape(head, quote=True)}"{mark}>{self._cell(cell)}</td>'
            for head, cell, mark in zip(heads, row, marks, strict=True)
        )
        return f"<tr>{''.join(inner)}</tr>"

    def _cell(self, cell: Cell) -> str:
        if isinstance(cell, Share):
            return self.share(cell)
        if isinstance(cell, Linked):
            return f'<a href="{escape(cell.href, quote=True)}">{escape(cell.said)}</a>'
        return self.counted(cell) if isinstance(cell, Counted) else escape(cell)


def _mark(column: Sequence[Cell]) -> str:
    """Return what sets a column of figures to the right; one of words stays at the left."""
    if any(isinstance(cell, Linked) for cell in column):
        return ""
    words = (cell for cell in column if isinstance(cell, str))
    return "" if any(word[:1] not in "–0123456789" for word in words) else ' class="n"'


def interval_bar(found: Share, said: str) -> str:
    """Return the interval of a share as a bar from 0 to 100 %, with its bounds in words for aids."""
    at, low, high = ((found.value or 0.0) * 100, found.low * 100, found.high * 100)
    return (
        f'<svg class="interval" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" '
        f'aria-label="{said}">'
        f'<title>{said}</title><rect class="whole" y="3" width="100" height="2"/>'
        f'<rect class="span" x="{low:.1f}" y="2" width="{max(1.0, high - low):.1f}" height="4"/>'
        f'<rect class="at" x="{min(98.0, max(0.0, at - 1)):.1f}" width="2" height="8"/></svg>'
    )
