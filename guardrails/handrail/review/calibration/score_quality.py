"""How good a score is: scores with outcomes, read from JSON lines, JSON or CSV, measured and plotted."""

import csv
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from handrail.confidence.calibration.fit import metrics
from handrail.confidence.calibration.fit.arrays import Flags, Floats
from handrail.errors import ConfigError, MissingExtra

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, ACCENT, FAINT = "#1f2933", "#0b6e6e", "#9aa5b1"
_TRUE = frozenset({"true", "1", "1.0", "yes", "right", "correct"})
_FALSE = frozenset({"false", "0", "0.0", "no", "wrong", "incorrect"})
_NOTHING = frozenset({"", "none", "nan", "null", "na"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Where score and outcome stand in a record.

    Args:
        score: name of the score, in 0..1.
        right: name of the outcome (yes or no in any usual spelling), or `a==b` for two that must be equal, or
            `a==text` where no field is called that.
        where: conditions a record must meet, by name and text.
        records: name of the list of records in a JSON document that is an object.
    """

    score: str = "score"
    right: str = "right"
    where: Mapping[str, str] | None = None
    records: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredAnswers:
    """Scores and outcomes, shapes (n,); `left_out` counts records without a score or a clear outcome."""

    scores: Floats
    is_right: Flags
    left_out: int


def read_scored(path: Path, columns: Columns) -> ScoredAnswers:
    """Read a file by its ending: `.jsonl`, `.json` or `.csv`, each also with `.gz`.

    Raises:
        ConfigError: the file cannot be read, a named field is in no record, or a score is outside 0..1.
    """
    scores, outcomes, left_out = [], [], 0
    fields: set[str] = set()
    for record in _records(path, columns.records):
        fields |= record.keys()
        if any(str(record.get(name)) != wanted for name, wanted in (columns.where or {}).items()):
            continue
        score, outcome = _score(record.get(columns.score)), _outcome(record, columns.right)
        if score is None or outcome is None:
            left_out += 1
            continue
        if not 0 <= score <= 1:
            raise ConfigError(f"{path.name}: {columns.score} is outside 0..1")
        scores.append(score)
        outcomes.append(outcome)
    wanted = {columns.score, columns.right.partition("==")[0].strip(), *(columns.where or {})}
    absent = sorted(wanted - fields)
    if absent:
        raise ConfigError(
            f"{path.name}: no field {', '.join(absent)}; there are {', '.join(sorted(fields))[:300]}"
        )
    if not scores:
        raise ConfigError(f"{path.name}: no record has both a score and an outcome")
    return ScoredAnswers(
        scores=np.array(scores), is_right=np.array(outcomes, dtype=np.bool_), left_out=left_out
    )


def figures(scored: ScoredAnswers) -> dict[str, float]:
    """Return every figure by name: ranking, calibration, and coverage at 5 % and 10 % selective risk."""
    found = metrics.measure(scored.scores, scored.is_right)
    return {
        "answers": found.count,
        "left_out": scored.left_out,
        "accuracy": found.accuracy,
        "auroc": found.auroc,
        "prr": found.prr,
        "aurc": found.aurc,
        "log_loss": found.log_loss,
        "brier": found.brier,
        "ece": found.ece,
        "coverage_at_risk_0.05": metrics.coverage_at(scored.scores, scored.is_right, 0.05),
        "coverage_at_risk_0.1": metrics.coverage_at(scored.scores, scored.is_right, 0.1),
    }


def _records(path: Path, nested: str | None) -> Iterator[Mapping[str, object]]:
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read") from error
    kind = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if kind == ".csv":
        yield from csv.DictReader(text.splitlines())
    elif kind == ".jsonl":
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield _object(line, f"{path.name}:{number}")
    elif kind == ".json":
        yield from _listed(_loaded(text, path.name), nested, path.name)
    else:
        raise ConfigError(f"{path.name}: expected .jsonl, .json or .csv, each also with .gz")


def _loaded(text: str, place: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{place}: not JSON") from error


def _object(line: str, place: str) -> Mapping[str, object]:
    value = _loaded(line, place)
    if not isinstance(value, dict):
        raise ConfigError(f"{place}: not a JSON object")
    return value


def _listed(document: object, nested: str | None, place: str) -> Sequence[Mapping[str, object]]:
    found = document.get(nested) if isinstance(document, dict) and nested else document
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ConfigError(f"{place}: no list of records there; name it with --records")
    return found


def _score(raw: object) -> float | None:
    if isinstance(raw, bool) or str(raw).strip().casefold() in _NOTHING:
        return None
    try:
        return float(str(raw))
    except ValueError:
        return None


def _outcome(record: Mapping[str, object], right: str) -> bool | None:
    name, is_compared, other = (part.strip() for part in right.partition("=="))
    raw = record.get(name)
    if raw is None or str(raw).strip().casefold() in _NOTHING:
        return None
    if is_compared:
        return str(raw) == str(record.get(other, other))
    word = str(raw).strip().casefold()
    return True if word in _TRUE else False if word in _FALSE else None


def write_plots(scored: ScoredAnswers, folder: Path, name: str) -> tuple[Path, ...]:
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


def _reliability(scored: ScoredAnswers) -> "Figure":
    table = metrics.reliability(scored.scores, scored.is_right)
    figure = _figure("Reliability", "stated confidence", "share right")
    axes = figure.axes[0]
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle="--", label="perfectly calibrated")
    sizes = 20 + 280 * table.counts / table.counts.max()
    axes.plot(table.stated, table.observed, color=ACCENT, linewidth=1.5)
    axes.scatter(table.stated, table.observed, s=sizes, color=ACCENT, alpha=0.7, label="answers, by bin")
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02))
    axes.legend(frameon=False, loc="upper left")
    return figure


def _risk_coverage(scored: ScoredAnswers) -> "Figure":
    curve = metrics.risk_coverage(scored.scores, scored.is_right)
    figure = _figure("Risk and coverage", "share of answers passed", "error among them")
    axes = figure.axes[0]
    axes.plot(curve.coverage, curve.risk, color=ACCENT, linewidth=1.8, label="this score")
    axes.axhline(1 - float(scored.is_right.mean()), color=FAINT, linestyle="--", label="without a score")
    axes.set(xlim=(0, 1), ylim=(0, None))
    axes.legend(frameon=False, loc="upper left")
    return figure
