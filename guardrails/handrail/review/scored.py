"""Recorded scores with their outcomes, read from JSON lines, JSON or CSV, and measured."""

import csv
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from handrail.confidence.calibration.fit import metrics
from handrail.confidence.calibration.fit.arrays import Flags, Floats
from handrail.errors import ConfigError

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
class Scored:
    """Scores and outcomes, shapes (n,); `left_out` counts records without a score or a clear outcome."""

    scores: Floats
    is_right: Flags
    left_out: int


def read_scored(path: Path, columns: Columns) -> Scored:
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
    return Scored(scores=np.array(scores), is_right=np.array(outcomes, dtype=np.bool_), left_out=left_out)


def figures(scored: Scored) -> dict[str, float]:
    """Every figure by name: ranking, calibration, and coverage at 5 % and 10 % selective risk."""
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
