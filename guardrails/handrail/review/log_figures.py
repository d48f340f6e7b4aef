"""A period's figures from its log: flow, missed errors, thresholds, readers, rules and conflicts."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import combinations

import numpy as np

from handrail.records import Trigger
from handrail.review.log_review import LogReview, WeekFindings
from handrail.review.measure import Share, share
from handrail.review.readers import FATIGUE_ZONE
from handrail.review.review_log import RIGHT, WRONG, ReviewLog

BINS = 10
FEWEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreBin:
    """Answers whose score lies in a tenth of 0..1: how many, how sure, how many of those read were right."""

    low: float
    answers: int
    mean_score: float
    right: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveragePoint:
    """What a threshold passes of the answers that a score decides, and what share is passed and wrong."""

    threshold: float
    coverage: float
    risk: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderFigures:
    """One person's verdicts: how many cases left as they were, and how fast. The name may be a keyed hash."""

    name: str
    unchanged: Share
    others: Share
    median_s: float | None
    is_named: bool

    @property
    def is_in_zone(self) -> bool:
        """True in the fatigue zone: so fast and so mild that the reading is in doubt."""
        if self.median_s is None or self.unchanged.value is None or self.unchanged.total < FEWEST:
            return False
        return self.median_s < FATIGUE_ZONE[0] and self.unchanged.value > FATIGUE_ZONE[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFigures:
    """One rule: what it handed off, and what of that nobody changed."""

    rule: str
    trigger: str
    hand_offs: int
    needless: Share

    @property
    def cost_per_error(self) -> float | None:
        """Verdicts for each case that people changed, None while there is none."""
        changed = self.needless.total - self.needless.count
        return self.needless.total / changed if changed else None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekOfLog:
    """One week in one line: its Monday, and what `WeekFindings` holds of it."""

    monday: date
    findings: WeekFindings


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFigures:
    """What the log says of a period, and of the weeks up to it."""

    exchanges: int
    passed: int
    blocked: int
    held: int
    changed: int
    unchanged: int
    unread: int
    needless: Share
    weeks: tuple[WeekOfLog, ...]
    bins: tuple[ScoreBin, ...]
    coverage: tuple[CoveragePoint, ...]
    alpha: float
    threshold: float
    drift_chance: float
    drift_since: date | None
    readers: tuple[ReaderFigures, ...]
    rules: tuple[RuleFigures, ...]
    conflicts: tuple[tuple[str, str, int], ...]


def log_figures(log: ReviewLog, review: LogReview) -> LogFigures:
    """Return the figures of a period; pure.

    Args:
        log: the period's decisions.
        review: the log followed to the end of the period.
    """
    read = log.verdict >= RIGHT
    held = log.is_held
    since = review.drift.since
    return LogFigures(
        exchanges=len(log),
        passed=int(log.is_passed.sum()),
        blocked=int((~log.is_passed & ~held).sum()),
        held=int(held.sum()),
        changed=int((held & (log.verdict == WRONG)).sum()),
        unchanged=int((held & (log.verdict == RIGHT)).sum()),
        unread=int((held & ~read).sum()),
        needless=share(int((held & (log.verdict == RIGHT)).sum()), int((held & read).sum())),
        weeks=tuple(WeekOfLog(monday=monday_of(week.week), findings=week) for week in review.weeks),
        bins=_bins(log),
        coverage=_coverage(log),
        alpha=review.settings.alpha,
        threshold=review.weeks[-1].threshold if review.weeks else np.inf,
        drift_chance=review.drift.chance,
        drift_since=monday_of(since) if since is not None else None,
        readers=_readers(log, review.readers.found),
        rules=_rules(log),
        conflicts=_conflicts(log),
    )


def monday_of(week: int) -> date:
    """Return the Monday of a week as `ReviewLog.week` counts them; pure."""
    return datetime.fromtimestamp(week * 7 * 86_400 - 3 * 86_400, UTC).date()


def _bins(log: ReviewLog) -> tuple[ScoreBin, ...]:
    found = []
    scored = log.is_scored & np.isfinite(log.score) & (log.is_passed | log.is_unsure_only)
    place = np.minimum((log.score * BINS), BINS - 1)
    for step in range(BINS):
        inside = scored & (np.floor(np.where(scored, place, -1)) == step)
        if inside.any():
            read = inside & log.is_read
            right = share(int((read & (log.verdict == RIGHT)).sum()), int(read.sum()))
            mean = float(log.score[inside].mean())
            found.append(ScoreBin(low=step / BINS, answers=int(inside.sum()), mean_score=mean, right=right))
    return tuple(found)


def _coverage(log: ReviewLog) -> tuple[CoveragePoint, ...]:
    by_score = log.is_scored & np.isfinite(log.score) & (log.is_passed | log.is_unsure_only)
    if not by_score.any():
        return ()
    score, count = log.score[by_score], int(by_score.sum())
    weights = np.zeros(len(log))
    for part in (log.is_passed, log.is_unsure_only):
        read = part & by_score & log.is_read
        if read.any():
            weights[read] = (part & by_score).sum() / read.sum()
    loss = (weights * (log.verdict == WRONG))[by_score]
    return tuple(
        CoveragePoint(
            threshold=float(t),
            coverage=float((score >= t).mean()),
            risk=float(loss[score >= t].sum() / count),
        )
        for t in np.unique(np.round(np.quantile(score, np.linspace(0, 1, 41)), 4))
    )


def _readers(log: ReviewLog, named: frozenset[str]) -> tuple[ReaderFigures, ...]:
    by_person: dict[str, list[int]] = defaultdict(list)
    for place in np.flatnonzero(log.verdict >= RIGHT):
        if log.reviewer[place]:
            by_person[log.reviewer[place]].append(int(place))
    total = sum(len(places) for places in by_person.values())
    mild = sum(int((log.verdict[places] == RIGHT).sum()) for places in by_person.values())
    found = []
    for name, places in sorted(by_person.items(), key=lambda item: -len(item[1])):
        mine = int((log.verdict[places] == RIGHT).sum())
        seconds = log.seconds[places]
        timed = seconds[np.isfinite(seconds)]
        found.append(
            ReaderFigures(
                name=name,
                unchanged=share(mine, len(places)),
                others=share(mild - mine, total - len(places)),
                median_s=float(np.median(timed)) if len(timed) else None,
                is_named=name in named,
            )
        )
    return tuple(found)


def _rules(log: ReviewLog) -> tuple[RuleFigures, ...]:
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place in np.flatnonzero(log.is_held):
        for rule, trigger in dict(zip(log.rules[place], log.triggers[place], strict=True)).items():
            places[rule, trigger].append(int(place))
    found = []
    for (rule, trigger), mine in places.items():
        read = log.verdict[mine] >= RIGHT
        right = int((log.verdict[mine] == RIGHT).sum())
        needless = share(right, int(read.sum()))
        found.append(RuleFigures(rule=rule, trigger=trigger, hand_offs=len(mine), needless=needless))
    return tuple(sorted(found, key=lambda each: (-each.hand_offs, each.rule)))


def _conflicts(log: ReviewLog) -> tuple[tuple[str, str, int], ...]:
    pairs: Counter[tuple[str, str]] = Counter()
    wanted = str(Trigger.POLICY_CONFLICT)
    for rules, triggers in zip(log.rules, log.triggers, strict=True):
        between = sorted({r for r, t in zip(rules, triggers, strict=True) if t == wanted})
        pairs.update(combinations(between, 2))
    return tuple((one, other, count) for (one, other), count in pairs.most_common())


def as_tables(figures: LogFigures) -> Mapping[str, Sequence[Mapping[str, object]]]:
    """Return the figures as tables of plain values, by name; for CSV, Parquet and JSON. Pure."""
    flow = ("exchanges", "passed", "blocked", "held", "changed", "unchanged", "unread")
    return {
        "flow": [{"step": name, "count": getattr(figures, name)} for name in flow],
        "weeks": [_week_row(week) for week in figures.weeks],
        "scores": [
            {
                "from": one.low,
                "answers": one.answers,
                "mean_score": round(one.mean_score, 4),
                **_rate("right", one.right),
            }
            for one in figures.bins
        ],
        "coverage": [
            {"threshold": one.threshold, "coverage": round(one.coverage, 4), "risk": round(one.risk, 4)}
            for one in figures.coverage
        ],
        "readers": [
            {
                "reader": one.name,
                **_rate("unchanged", one.unchanged),
                "others_unchanged": one.others.value,
                "median_s": one.median_s,
                "fatigue_zone": one.is_in_zone,
                "found": one.is_named,
            }
            for one in figures.readers
        ],
        "rules": [
            {
                "rule": one.rule,
                "trigger": one.trigger,
                "hand_offs": one.hand_offs,
                **_rate("needless", one.needless),
                "cost_per_error": one.cost_per_error,
            }
            for one in figures.rules
        ],
        "conflicts": [{"rule": a, "other": b, "count": n} for a, b, n in figures.conflicts],
    }


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
        "certified_threshold": None if np.isinf(found.threshold) else round(found.threshold, 4),
        "drift": found.has_drifted,
    }
