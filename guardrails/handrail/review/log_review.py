"""Goes through a log week by week: missed errors, thresholds, drift, readers and rules, with evidence."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from handrail.confidence.calibration.fit.arrays import Flags, Floats, logits
from handrail.confidence.calibration.fit.false_pass_rate import FalsePassRate, false_pass_rate
from handrail.confidence.calibration.fit.platt import fit_platt, scale_of
from handrail.confidence.calibration.fit.sequential_bounds import (
    Answers,
    Wealth,
    absorb,
    begin,
    grid_of,
    level_of_start,
)
from handrail.confidence.calibration.sampling import SamplingPlan
from handrail.policy import Policy
from handrail.policy.language.ir import Order, atoms
from handrail.review.model_drift import ModelDrift
from handrail.review.readers import Readers
from handrail.review.review_log import WRONG, ReviewLog, joined
from handrail.review.rule_search import Candidate, Costs, RuleSearch

ALPHA, DELTA = 0.05, 0.1
UNSEEN = 0.15
"""Share of the wrong answers that readers overlook and that the bound allows for."""
FEWEST_TO_PREDICT = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """What a log is held to: costs, the risk that a threshold may have, and its chance of being wrong."""

    costs: Costs = field(default_factory=Costs)
    alpha: float = ALPHA
    delta: float = DELTA
    reads: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekFindings:
    """What one week adds. `threshold` is the loosest one that is certified by now, infinity for none."""

    week: int
    missed: FalsePassRate
    threshold: float
    readers: tuple[str, ...] = ()
    has_drifted: bool = False
    rules: tuple[Candidate, ...] = ()


class LogReview:
    """Follows a log; every statistic in it may be looked at after every week."""

    def __init__(self, settings: LogSettings | None = None) -> None:
        self.settings = settings or LogSettings()
        self.readers = Readers()
        self.drift = ModelDrift()
        self.rules = RuleSearch(self.settings.costs, reads=self.settings.reads)
        self.weeks: list[WeekFindings] = []
        self._seen: list[ReviewLog] = []
        self._wealth: Wealth | None = None
        self._starts = 0

    def take(self, week: ReviewLog) -> WeekFindings:
        """Take in the next week's decisions, all with the verdicts that came."""
        named = self.readers.take(week)
        ignoring = self.readers.found
        has_drifted = self.drift.take(week, ignoring=ignoring)
        if has_drifted:
            # What was certified was of a model that is no more.
            self._wealth = None
        read = _read(week, ignoring)
        found = WeekFindings(
            week=int(week.week[-1]) if len(week) else 0,
            missed=self._missed(week, read),
            threshold=self._certified(week, read),
            readers=named,
            has_drifted=has_drifted,
            rules=self.rules.take(week, ignoring=ignoring),
        )
        self._seen.append(week.taken(read))
        self.weeks.append(found)
        return found

    def _missed(self, week: ReviewLog, read: Flags) -> FalsePassRate:
        """Estimate the share of wrong ones among what was passed."""
        passed = week.is_passed & week.is_scored
        drawn = read & week.is_drawn & passed
        share = _share(drawn, week.is_drawn & passed)
        return false_pass_rate(
            week.probability[passed] * share,
            drawn[passed],
            (week.verdict == WRONG)[passed],
            predicted=self._predicted(week.score[passed]),
        )

    def _predicted(self, scores: Floats) -> Floats | None:
        """Foretell P(wrong) of passed answers from the verdicts of earlier weeks."""
        if not self._seen:
            return None
        past = joined(self._seen)
        past = past.taken(past.is_passed & past.is_scored & np.isfinite(past.score))
        wrong = past.verdict == WRONG
        if len(past) < FEWEST_TO_PREDICT or not wrong.any() or wrong.all():
            return None
        place = logits(past.score)
        scale = scale_of(place)
        return np.asarray(1.0 - fit_platt(place, ~wrong, scale).chances(logits(scores)), dtype=np.float64)

    def _certified(self, week: ReviewLog, read: Flags) -> float:
        """Bet on with what a score alone decides: passed answers, and those held for low confidence only."""
        by_score = week.is_scored & (week.is_passed | week.is_unsure_only) & np.isfinite(week.score)
        if not by_score.any():
            return math.inf if self._wealth is None else self._wealth.threshold
        if self._wealth is None:
            self._starts += 1
            level = level_of_start(self.settings.delta, self._starts)
            alpha = self.settings.alpha * (1.0 - UNSEEN)
            self._wealth = begin(grid_of(week.score[by_score]), alpha=alpha, delta=level)
        probability, drawn = np.ones(len(week)), np.ones(len(week), dtype=np.bool_)
        for part in (week.is_passed & by_score, week.is_unsure_only & by_score):
            wanted = part & week.is_drawn
            share = _share(read & wanted, wanted)
            probability[part] = np.clip(week.probability[part] * share, 0.0, 1.0)
            drawn[part] = (read & wanted)[part]
        scored = week.is_scored & np.isfinite(week.score)
        floor = float(probability[scored].min())
        if floor <= 0:
            return self._wealth.threshold
        answers = Answers(
            scores=week.score[scored],
            probabilities=probability[scored],
            is_sampled=drawn[scored],
            # What another rule stops does not go out, whatever its score.
            is_wrong=(by_score & (week.verdict == WRONG))[scored],
        )
        self._wealth = absorb(self._wealth, answers, SamplingPlan(threshold=math.inf, rate=floor))
        return self._wealth.threshold


def _read(week: ReviewLog, ignoring: frozenset[str]) -> Flags:
    ignored = np.array([name in ignoring for name in week.reviewer], dtype=np.bool_)
    return week.is_read & ~ignored


def _share(part: Flags, whole: Flags) -> float:
    return float(part.sum() / whole.sum()) if whole.any() else 1.0


def limits_of(policy: Policy) -> dict[str, frozenset[str]]:
    """Return of each hand-off rule the facts that it holds against a limit; pure."""
    return {
        rule.id: frozenset(atom.fact for atom in atoms(rule.when.formula) if isinstance(atom, Order))
        for rule in policy.hand_offs
    }
