"""Plots as inline SVG and as images; each says its numbers in words too."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.confidence.calibration.fit.metrics import reliability, risk_coverage
from handrail.errors import MissingExtra
from handrail.review.cases import Ending
from handrail.review.measure import Group, Measures
from handrail.review.scored import Scored

if TYPE_CHECKING:
    from matplotlib.figure import Figure


WIDTH = 720
LEFT = 168
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#8c564b", "#5f6a72", "#9467bd")
"""Told apart with the common kinds of colour blindness (after Okabe and Ito)."""
ENDING_COLOURS: Mapping[Ending, str] = {
    Ending.APPROVED: "#009e73",
    Ending.EDITED: "#b8860b",
    Ending.REJECTED: "#d55e00",
    Ending.ANSWERED: "#0072b2",
    Ending.EXPIRED: "#8b1a1a",
    Ending.CANCELLED: "#9aa0a6",
    Ending.OPEN: "#c8ced4",
}
_TICKS = (1, 10, 60, 600, 3600, 6 * 3600, 86_400, 7 * 86_400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A drawing (`svg`) and what its colours mean: pairs of colour and word."""

    svg: str
    legend: tuple[tuple[str, str], ...] = ()


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


def endings(groups: Sequence[Group], title: str) -> Plot:
    """One bar a group, split by how its tickets ended; as long as the group is large."""
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
    used = [ending for ending in Ending if any(ending in group.endings for group in groups)]
    legend = tuple((ENDING_COLOURS[ending], str(ending)) for ending in used)
    return Plot(svg=_svg(title, 16 + 30 * len(groups), parts), legend=legend)


def time_to_decide(groups: Sequence[Group]) -> Plot:
    """A dot a decided ticket on a logarithmic axis of time, a row a role, and a tick at the deadline."""
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
                colour = ENDING_COLOURS[Ending.EXPIRED] if case.is_late else COLOURS[0]
                parts.append(
                    _dot(_at(case.took.total_seconds()), y, colour, f"{case.id}: {in_words(case.took)}")
                )
        for given in {case.decide_by - case.created_at for case in group.cases if case.decide_by}:
            x = _at(given.total_seconds())
            parts.append(_line(x, y - 12, x, y + 12, "deadline"))
    legend = (
        (COLOURS[0], "in time"),
        (ENDING_COLOURS[Ending.EXPIRED], "late"),
        ("currentColor", "| deadline"),
    )
    return Plot(svg=_svg("Time to decide by role, against the deadline", bottom + 24, parts), legend=legend)


def in_words(span: timedelta | None) -> str:
    """Return a span as people write it: `42 s`, `12 min`, `3.5 h`, `2 d`; a dash for none."""
    if span is None:
        return "–"
    seconds = span.total_seconds()
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


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


INK, ACCENT, FAINT = "#1f2933", "#0b6e6e", "#9aa5b1"


def write_plots(scored: Scored, folder: Path, name: str) -> tuple[Path, ...]:
    """Write both plots as PNG and SVG and return their paths.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for kind, figure in (("reliability", _reliability(scored)), ("risk-coverage", _risk_coverage(scored))):
        for ending in ("png", "svg"):
            path = folder / f"{name}-{kind}.{ending}"
            # No date in the file, so that the same scores give the same bytes.
            figure.savefig(path, dpi=150, metadata={"Date": None} if ending == "svg" else None)
            paths.append(path)
    return tuple(paths)


def _figure(title: str, across: str, up: str) -> "Figure":
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("review", "matplotlib") from error
    mpl.rcParams["svg.hashsalt"] = "handrail"
    figure = Figure(figsize=(5.4, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, color=INK, loc="left")
    axes.set_xlabel(across, color=INK)
    axes.set_ylabel(up, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    return figure


def _reliability(scored: Scored) -> "Figure":
    table = reliability(scored.scores, scored.is_right)
    figure = _figure("Reliability", "stated confidence", "share right")
    axes = figure.axes[0]
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle="--", label="perfectly calibrated")
    sizes = 20 + 280 * table.counts / table.counts.max()
    axes.plot(table.stated, table.observed, color=ACCENT, linewidth=1.5)
    axes.scatter(table.stated, table.observed, s=sizes, color=ACCENT, alpha=0.7, label="answers, by bin")
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02))
    axes.legend(frameon=False, loc="upper left")
    return figure


def _risk_coverage(scored: Scored) -> "Figure":
    curve = risk_coverage(scored.scores, scored.is_right)
    figure = _figure("Risk and coverage", "share of answers passed", "error among them")
    axes = figure.axes[0]
    axes.plot(curve.coverage, curve.risk, color=ACCENT, linewidth=1.8, label="this score")
    axes.axhline(1 - float(scored.is_right.mean()), color=FAINT, linestyle="--", label="without a score")
    axes.set(xlim=(0, 1), ylim=(0, None))
    axes.legend(frameon=False, loc="upper left")
    return figure
