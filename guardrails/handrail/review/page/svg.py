"""Drawings as SVG text: shapes, and a chart that stays legible on a phone and on paper."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 720
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#8c564b", "#5f6a72", "#9467bd")
"""Colours that people with the common kinds of colour blindness can tell apart (after Okabe and Ito)."""
TARGET, MARK = "target", "mark"
"""What stands for a colour in a legend where a dashed line or an upright stroke is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A drawing (`svg`) and what its colours mean: pairs of colour (or `TARGET`, `MARK`) and word."""

    svg: str
    legend: tuple[tuple[str, str], ...] = ()

    def figure(self) -> str:
        """Return the drawing with its legend as HTML."""
        keys = "".join(f"<li>{_key(colour)}{escape(word)}</li>" for colour, word in self.legend)
        caption = f'<figcaption><ul class="legend">{keys}</ul></figcaption>' if keys else ""
        return f'<figure><div class="plot">{self.svg}</div>{caption}</figure>'


def _key(colour: str) -> str:
    return f'<svg class="key" viewBox="0 0 16 10" aria-hidden="true">{key_shape(colour)}</svg>'


def key_shape(colour: str) -> str:
    """Return what stands before a word of a legend, 16 wide and 10 high."""
    return {
        TARGET: '<path class="target" d="M0 5h16"/>',
        MARK: '<path class="deadline" d="M8 0v10"/>',
    }.get(colour, f'<rect x="3" width="10" height="10" rx="2" fill="{colour}"/>')


def chart(title: str, height: int, parts: Iterable[str], legend: Sequence[tuple[str, str]] = ()) -> Plot:
    """Return a drawing of the usual width."""
    said = escape(title)
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    svg = f'<svg role="img" aria-label="{said}" {size}><title>{said}</title>{"".join(parts)}</svg>'
    return Plot(svg=svg, legend=tuple(legend))


def rectangle(x: float, y: float, width: float, height: float, colour: str, said: str) -> str:
    """Return a filled rectangle with a tooltip."""
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} fill="{colour}"><title>{escape(said)}</title></rect>'


def circle(x: float, y: float, radius: float, colour: str, said: str) -> str:
    """Return a dot with a tooltip."""
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour}" fill-opacity=".75">'
        f"<title>{escape(said)}</title></circle>"
    )


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "axis") -> str:
    """Return a line; its kind is a class of the style sheet."""
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def polyline(points: Sequence[tuple[float, float]], colour: str) -> str:
    """Return a line through points."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>'


def polygon(points: Sequence[tuple[float, float]], colour: str) -> str:
    """Return a lightly filled area."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polygon points="{path}" fill="{colour}" fill-opacity=".15"/>'


def text(x: float, y: float, words: str, anchor: str, kind: str = "") -> str:
    """Return a text."""
    shown = f' class="{kind}"' if kind else ""
    return f'<text{shown} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def text_on(x: float, y: float, words: str, colour: str) -> str:
    """Return a text that can be read on a colour."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    is_light = 0.299 * red + 0.587 * green + 0.114 * blue > 105
    return text(x, y, words, "middle", "dark" if is_light else "light")
