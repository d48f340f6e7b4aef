"""Reliability diagram and risk-coverage curve of recorded scores, drawn without a display."""

from pathlib import Path
from typing import TYPE_CHECKING

from handrail.confidence.calibration.fit.metrics import reliability, risk_coverage
from handrail.errors import MissingExtra
from handrail.review.scored import Scored

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
