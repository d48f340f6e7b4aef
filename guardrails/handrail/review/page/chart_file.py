"""A chart as a file of its own, SVG or PNG: with its title, what to conclude, and what its colours mean."""

import re
import textwrap
from html import escape
from importlib.util import find_spec
from pathlib import Path

from handrail.review.page.svg import WIDTH, Plot, key_shape

_STYLE = (
    "text{fill:#444;font:15px DejaVu Sans,system-ui,sans-serif}"
    ".title{font-size:20px;font-weight:bold;fill:#111}.name,.dark{fill:#111}.light{fill:#fff}"
    ".grid{stroke:#ddd}.axis{stroke:#777}.bar{stroke:#0072b2;stroke-width:2}"
    ".target{stroke:#111;stroke-dasharray:5 4}.deadline{stroke:#111;stroke-width:2}"
)
_LINE, _CHARACTER, _LETTERS = 22, 9, 78
_ZOOM = 2


def as_svg(title: str, plot: Plot, words: str) -> str:
    """Return a chart as an SVG document with its title, conclusion and legend; pure."""
    said = textwrap.wrap(words, _LETTERS)
    top = 40 + _LINE * len(said)
    height = int(re.search(r'viewBox="0 0 \d+ (\d+)"', plot.svg)[1])  # type: ignore[index]
    parts = [f'<text class="title" x="16" y="30">{escape(title)}</text>']
    parts += [
        f'<text class="name" x="16" y="{52 + _LINE * row}">{escape(line)}</text>'
        for row, line in enumerate(said)
    ]
    parts.append(plot.svg.replace("<svg ", f'<svg x="16" y="{top}" ', 1))
    x, y = 16, top + height + 24
    for colour, word in plot.legend:
        width = 26 + _CHARACTER * len(word) + 14
        if x > 16 and x + width > WIDTH + 16:
            x, y = 16, y + _LINE
        parts.append(f'<g transform="translate({x} {y - 10})">{key_shape(colour)}</g>')
        parts.append(f'<text x="{x + 22}" y="{y}">{escape(word)}</text>')
        x += width
    size = f'viewBox="0 0 {WIDTH + 32} {y + 16}" width="{WIDTH + 32}" height="{y + 16}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{_STYLE}</style>'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def as_png(svg: str) -> bytes | None:
    """Return an SVG document as PNG at twice its size, None where resvg-py or a font is not installed."""
    try:
        from resvg_py import svg_to_bytes
    except ImportError:
        return None
    font = _font()
    if font is None:
        return None
    return bytes(
        svg_to_bytes(
            svg_string=svg, zoom=_ZOOM, skip_system_fonts=True, font_files=font, font_family="DejaVu Sans"
        )
    )


def _font() -> list[str] | None:
    """Return the font that comes with matplotlib: the same picture on every machine."""
    found = find_spec("matplotlib")
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(found.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"
    files = [folder / name for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")]
    return [str(file) for file in files] if all(file.exists() for file in files) else None
