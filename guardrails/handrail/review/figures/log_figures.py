"""A period's figures from its log: flow, missed errors, thresholds, readers, rules and conflicts."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import combinations

import numpy as np

from handrail.policy import Policy
from handrail.records import Trigger
from handrail.review.evidence.certified import Certified
from handrail.review.evidence.log_review import LogReview, WeekFindings
from handrail.review.evidence.readers import FATIGUE_ZONE
from handrail.review.evidence.score_limits import score_limits
from handrail.review.figures.measure import Figure, Share, share
from handrail.review.figures.slice_figures import SliceFigures, slice_figures
from handrail.review.log.review_log import RIGHT, WRONG, ReviewLog

DETECTED = frozenset({str(Trigger.SENSITIVE_DATA), str(Trigger.COMPLAINT), str(Trigger.ASKS_FOR_HUMAN)})
"""Triggers behind which a detector of texts stands."""
BINS = 10
FEWEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreBin:
    """Answers whose score lies in a tenth of 0..1: how many, how sure, how many of those read were right."""

    low: float
    answers: int
    mean_score: float
    right: Share
    tickets: tuple[str, ...] = ()


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
    tickets: tuple[str, ...] = ()

    @property
    def is_in_zone(self) -> bool:
        """True in the fatigue zone: so fast and so mild that the reading is in doubt."""
        if self.median_s is None or self.unchanged.value is None or self.unchanged.total < FEWEST:
            return False
        return self.median_s < FATIGUE_ZONE[0] and self.unchanged.value > FATIGUE_ZONE[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFigures:
    """One rule: what it handed off, what of that nobody changed, and how long people read.

    A hand-off counts under the rule that its ticket names, as tickets do: once. `beside` is how often the
    rule fired where another one is named.
    """

    rule: str
    trigger: str
    hand_offs: int
    needless: Share
    read_s: float = 0.0
    tickets: tuple[str, ...] = ()
    beside: int = 0

    @property
    def minutes_per_error(self) -> float | None:
        """Minutes of reading for each case that people changed, None while there is none."""
        changed = self.needless.total - self.needless.count
        return self.read_s / 60 / changed if changed else None

    @property
    def cost_per_error(self) -> float | None:
        """Verdicts for each case that people changed, None while there is none."""
        changed = self.needless.total - self.needless.count
        return self.needless.total / changed if changed else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorFigures:
    """One item that a detector finds: hand-offs that it brought about, and how many nobody changed.

    `unchanged` is an upper bound of its false alarms: a true find may need no change either.
    """

    fact: str
    item: str
    hand_offs: int
    unchanged: Share
    tickets: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.fact} {self.item}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictFigures:
    """Two rules that disagreed: how often, and how many of these cases people changed."""

    rule: str
    other: str
    count: int
    changed: Share
    tickets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekOfLog:
    """One week in one line: its Monday, and what `WeekFindings` holds of it."""

    monday: date
    findings: WeekFindings


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFigures:
    """What the log says of a period, and of the weeks up to it.

    `threshold_now` is the number in the policy below which a score hands off, None where there is none.
    `steps` are the tickets behind each step of the flow. A decision is one of an answer, or of one call of a
    tool. `uncounted` were decided without a verdict that counts: nothing was proposed, or it came too fast to
    have been reached by reading.
    """

    decisions: int
    passed: int
    blocked: int
    held: int
    changed: int
    unchanged: int
    uncounted: int
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
    detectors: tuple[DetectorFigures, ...]
    conflicts: tuple[ConflictFigures, ...]
    agreement: Figure
    steps: Mapping[str, tuple[str, ...]]
    threshold_now: float | None = None
    slices: tuple[SliceFigures, ...] = ()


def log_figures(log: ReviewLog, review: LogReview, *, policy: Policy | None = None) -> LogFigures:
    """Return the figures of a period; pure.

    Args:
        log: the period's decisions.
        review: the log followed to the end of the period.
        policy: the one in force. Without it, what is certified is that of the policy that decided last.
    """
    held, is_known = log.is_held, log.verdict >= RIGHT
    read = held & log.is_read
    changed, unchanged = read & (log.verdict == WRONG), read & (log.verdict == RIGHT)
    uncounted, unread = held & is_known & ~read, held & ~is_known
    since = review.drift.since
    limits = tuple(score_limits(policy)) if policy is not None else ()
    now = Certified(whole=review.certificate.threshold, slices=review.certificate.slices)
    certified = now if policy is None else review.certificate.under(policy.ref.sha256)
    return LogFigures(
        decisions=len(log),
        passed=int(log.is_passed.sum()),
        blocked=int((~log.is_passed & ~held).sum()),
        held=int(held.sum()),
        changed=int(changed.sum()),
        unchanged=int(unchanged.sum()),
        uncounted=int(uncounted.sum()),
        unread=int(unread.sum()),
        needless=share(int(unchanged.sum()), int(read.sum())),
        weeks=tuple(WeekOfLog(monday=monday_of(week.week), findings=week) for week in review.weeks),
        bins=_bins(log),
        coverage=_coverage(log),
        alpha=review.settings.alpha,
        threshold=certified.whole,
        drift_chance=review.drift.chance,
        drift_since=monday_of(since) if since is not None else None,
        readers=_readers(log, review.readers.found),
        rules=_rules(log),
        detectors=detector_figures(log, review.settings.detectors),
        conflicts=_conflicts(log),
        agreement=_agreement(log),
        steps={
            "held": log.tickets(held),
            "changed": log.tickets(changed),
            "unchanged": log.tickets(unchanged),
            "uncounted": log.tickets(uncounted),
            "unread": log.tickets(unread),
        },
        threshold_now=max((one.limit for one in limits if one.slice is None), default=None),
        slices=slice_figures(log, certified, limits),
    )


def monday_of(week: int) -> date:
    """Return the Monday of a week as `ReviewLog.week` counts them; pure."""
    return datetime.fromtimestamp(week * 7 * 86_400 - 3 * 86_400, UTC).date()


def _bins(log: ReviewLog) -> tuple[ScoreBin, ...]:
    found = []
    scored = log.is_by_score
    place = np.minimum((log.score * BINS), BINS - 1)
    for step in range(BINS):
        inside = scored & (np.floor(np.where(scored, place, -1)) == step)
        if inside.any():
            read = inside & log.is_read
            right = share(int((read & (log.verdict == RIGHT)).sum()), int(read.sum()))
            mean = float(log.score[inside].mean())
            found.append(
                ScoreBin(
                    low=step / BINS,
                    answers=int(inside.sum()),
                    mean_score=mean,
                    right=right,
                    tickets=log.tickets(inside),
                )
            )
    return tuple(found)


def _coverage(log: ReviewLog) -> tuple[CoveragePoint, ...]:
    by_score = log.is_by_score
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
                tickets=log.tickets(places),
            )
        )
    return tuple(found)


def _rules(log: ReviewLog) -> tuple[RuleFigures, ...]:
    places: dict[str, list[int]] = defaultdict(list)
    triggers: dict[str, str] = {}
    beside: Counter[str] = Counter()
    for place in np.flatnonzero(log.is_held):
        fired = log.rules[place] or (str(Trigger.UNSURE),)
        places[fired[0]].append(int(place))
        triggers[fired[0]] = (log.triggers[place] or (str(Trigger.UNSURE),))[0]
        beside.update({*fired} - {fired[0]})
    found = []
    for rule, mine in places.items():
        seconds = log.seconds[mine]
        found.append(
            RuleFigures(
                rule=rule,
                trigger=triggers[rule],
                beside=beside[rule],
                hand_offs=len(mine),
                needless=_unchanged(log, mine),
                read_s=float(seconds[np.isfinite(seconds)].sum()),
                tickets=log.tickets(mine),
            )
        )
    return tuple(sorted(found, key=lambda each: (-each.hand_offs, each.rule)))


def _unchanged(log: ReviewLog, places: Sequence[int]) -> Share:
    found = np.asarray(places, dtype=np.intp)
    verdicts = log.verdict[found][log.is_read[found]]
    return share(int((verdicts == RIGHT).sum()), len(verdicts))


def detector_figures(log: ReviewLog, detectors: Set[str] | None = None) -> tuple[DetectorFigures, ...]:
    """Return what was found in hand-offs that detectors alone brought about; pure.

    Args:
        log: the decisions.
        detectors: the facts that detectors fill; None: every set and every yes.
    """
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place in np.flatnonzero(log.is_held):
        if not set(log.triggers[place]) <= DETECTED:
            continue
        for name, value in log.facts[place].items():
            if detectors is not None and name not in detectors:
                continue
            if isinstance(value, frozenset):
                for item in value:
                    places[name, item].append(int(place))
            elif value is True:
                places[name, ""].append(int(place))
    found = [
        DetectorFigures(
            fact=fact,
            item=item,
            hand_offs=len(mine),
            unchanged=_unchanged(log, mine),
            tickets=log.tickets(mine),
        )
        for (fact, item), mine in places.items()
    ]
    return tuple(sorted(found, key=lambda each: (-each.hand_offs, each.fact, each.item)))


def _agreement(log: ReviewLog) -> Figure:
    """Count the cases that two people judged, and those on which they agree."""
    both = (log.verdict >= RIGHT) & (log.second >= RIGHT)
    same = both & (log.verdict == log.second)
    agreed = share(int(same.sum()), int(both.sum()))
    return Figure(name="two readers agree", share=agreed, tickets=log.tickets(both & ~same))


def _conflicts(log: ReviewLog) -> tuple[ConflictFigures, ...]:
    pairs: dict[tuple[str, str], list[int]] = defaultdict(list)
    wanted = str(Trigger.POLICY_CONFLICT)
    for place, (rules, triggers) in enumerate(zip(log.rules, log.triggers, strict=True)):
        between = sorted({r for r, t in zip(rules, triggers, strict=True) if t == wanted})
        for pair in combinations(between, 2):
            pairs[pair].append(place)
    found = []
    for (one, other), mine in sorted(pairs.items(), key=lambda item: (-len(item[1]), item[0])):
        kept = _unchanged(log, mine)
        found.append(
            ConflictFigures(
                rule=one,
                other=other,
                count=len(mine),
                changed=share(kept.total - kept.count, kept.total),
                tickets=log.tickets(mine),
            )
        )
    return tuple(found)
