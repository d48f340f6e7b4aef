"""A period's figures as tables of plain values, each row with the tickets behind it; for files."""

from collections.abc import Mapping, Sequence

import numpy as np

from handrail.review.evidence.certified import rounded_up
from handrail.review.figures.log_figures import (
    ConflictFigures,
    DetectorFigures,
    LogFigures,
    ReaderFigures,
    RuleFigures,
    ScoreBin,
    WeekOfLog,
)
from handrail.review.figures.measure import Share
from handrail.review.figures.slice_figures import SliceFigures

_FLOW = ("decisions", "passed", "blocked", "held", "changed", "unchanged", "uncounted", "unread")


def as_tables(figures: LogFigures) -> Mapping[str, Sequence[Mapping[str, object]]]:
    """Return the figures as tables of plain values, by name; for CSV, Parquet and JSON. Pure.

    A column `tickets` holds the ids of the tickets that a row counts, between spaces.
    """
    return {
        "flow": [_step_row(figures, name) for name in _FLOW],
        "weeks": [_week_row(week) for week in figures.weeks],
        "scores": [_score_row(one) for one in figures.bins],
        "coverage": [
            {"threshold": one.threshold, "coverage": round(one.coverage, 4), "risk": round(one.risk, 4)}
            for one in figures.coverage
        ],
        "readers": [_reader_row(one) for one in figures.readers],
        "rules": [_rule_row(one) for one in figures.rules],
        "detectors": [_detector_row(one) for one in figures.detectors],
        "slices": [_slice_row(one) for one in figures.slices],
        "conflicts": [_conflict_row(one) for one in figures.conflicts],
        "agreement": [
            {
                "figure": figures.agreement.name,
                **_rate("agreed", figures.agreement.share),
                "tickets": _named(figures.agreement.tickets),
            }
        ],
    }


def _step_row(figures: LogFigures, name: str) -> dict[str, object]:
    return {
        "step": name,
        "count": getattr(figures, name),
        "tickets": _named(figures.steps.get(name, ())),
    }


def _score_row(one: ScoreBin) -> dict[str, object]:
    return {
        "from": one.low,
        "answers": one.answers,
        "mean_score": round(one.mean_score, 4),
        **_rate("right", one.right),
        "tickets": _named(one.tickets),
    }


def _reader_row(one: ReaderFigures) -> dict[str, object]:
    return {
        "reader": one.name,
        **_rate("unchanged", one.unchanged),
        "others_unchanged": one.others.value,
        "median_s": one.median_s,
        "fatigue_zone": one.is_in_zone,
        "found": one.is_named,
        "tickets": _named(one.tickets),
    }


def _rule_row(one: RuleFigures) -> dict[str, object]:
    return {
        "rule": one.rule,
        "trigger": one.trigger,
        "hand_offs": one.hand_offs,
        "beside": one.beside,
        **_rate("needless", one.needless),
        "cost_per_error": one.cost_per_error,
        "minutes_per_error": one.minutes_per_error,
        "tickets": _named(one.tickets),
    }


def _detector_row(one: DetectorFigures) -> dict[str, object]:
    return {
        "fact": one.fact,
        "item": one.item,
        "hand_offs": one.hand_offs,
        **_rate("unchanged", one.unchanged),
        "tickets": _named(one.tickets),
    }


def _slice_row(one: SliceFigures) -> dict[str, object]:
    return {
        "slice": one.slice,
        "certified_there": _certified(one.inside),
        "certified_elsewhere": _certified(one.outside),
        "limit_now": one.limit_now,
        "answers": one.answers,
        **_rate("wrong", one.wrong),
        "tickets": _named(one.tickets),
    }


def _certified(threshold: float) -> float | None:
    return None if np.isinf(threshold) else rounded_up(threshold)


def _conflict_row(one: ConflictFigures) -> dict[str, object]:
    return {
        "rule": one.rule,
        "other": one.other,
        "count": one.count,
        **_rate("changed", one.changed),
        "tickets": _named(one.tickets),
    }


def _named(tickets: Sequence[str]) -> str:
    return " ".join(tickets)


def _rate(name: str, found: Share) -> dict[str, object]:
    return {
        f"{name}_count": found.count,
        f"{name}_total": found.total,
        f"{name}_low": round(found.low, 4),
        f"{name}_high": round(found.high, 4),
    }


def _week_row(week: WeekOfLog) -> dict[str, object]:
    found = week.findings
    return {
        "monday": week.monday.isoformat(),
        "missed_rate": found.missed.rate,
        "missed_low": round(found.missed.low, 4),
        "missed_high": round(found.missed.high, 4),
        "passed": found.missed.count,
        "read": found.missed.sampled,
        "certified_threshold": _certified(found.threshold),
        "drift": found.has_drifted,
    }
