"""Goes through a log week by week: missed errors, thresholds, drift, readers and rules, with evidence."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np

from handrail.confidence.calibration.fit.arrays import Flags, Floats, logits
from handrail.confidence.calibration.fit.false_pass_rate import FalsePassRate, false_pass_rate
from handrail.confidence.calibration.fit.platt import fit_platt, scale_of
from handrail.policy import Policy
from handrail.policy.language import sources
from handrail.policy.language.ir import Order, atoms
from handrail.review.evidence.candidate import Candidate, shrunk
from handrail.review.evidence.certificate import Certificate
from handrail.review.evidence.costs import Costs
from handrail.review.evidence.model_drift import ModelDrift
from handrail.review.evidence.readers import Readers
from handrail.review.evidence.rule_search import RuleSearch
from handrail.review.evidence.score_limits import Slice, slice_rules
from handrail.review.evidence.score_worth import ScoreWorth, score_worth
from handrail.review.evidence.slice_choice import suspected_slices
from handrail.review.log.review_log import WRONG, ReviewLog, joined

DETECTING = sources.InputFindings | sources.OutputFindings | sources.ToolFindings | sources.SignalSeen
"""Where a fact comes from that a detector of texts fills."""
ALPHA, DELTA = 0.05, 0.1
FEWEST_TO_PREDICT = 25
NEW_SLICES = 2
"""As many slices are newly followed in a week at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """What a log is held to: costs, the risk that a threshold may have, and its chance of being wrong.

    `slices` are followed from the first week on, each of `slice_rules` from the week after its rule first
    stopped something: it may have been written because of what came before. `detectors` are the facts that a
    detector of texts fills, None where no policy says so.
    """

    costs: Costs = field(default_factory=Costs)
    alpha: float = ALPHA
    delta: float = DELTA
    reads: Mapping[str, frozenset[str]] = field(default_factory=dict)
    scores: frozenset[str] = frozenset()
    slices: tuple[Slice, ...] = ()
    slice_rules: Mapping[str, Slice] = field(default_factory=dict)
    detectors: frozenset[str] | None = None

    @classmethod
    def of(cls, policy: Policy, *, costs: Costs | None = None) -> "LogSettings":
        """Return the settings for a log of a policy; pure."""
        scores = {
            name for name, fact in policy.facts.items() if isinstance(fact.source, sources.ConfidenceValue)
        }
        detectors = {name for name, fact in policy.facts.items() if isinstance(fact.source, DETECTING)}
        return cls(
            costs=costs or Costs(),
            reads=limits_of(policy),
            scores=frozenset(scores),
            slice_rules=slice_rules(policy),
            detectors=frozenset(detectors),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekFindings:
    """What one week adds.

    `threshold` is the loosest one that is certified by now, infinity for none; `is_suspended`: a change of
    the model is likely, so that for now none is.
    """

    week: int
    missed: FalsePassRate
    threshold: float
    readers: tuple[str, ...] = ()
    has_drifted: bool = False
    rules: tuple[Candidate, ...] = ()
    is_suspended: bool = False


class LogReview:
    """Follows a log; every statistic in it may be looked at after every week."""

    def __init__(self, settings: LogSettings | None = None) -> None:
        self.settings = settings or LogSettings()
        self.readers = Readers()
        self.drift = ModelDrift()
        self.rules = RuleSearch(self.settings.costs, reads=self.settings.reads, scores=self.settings.scores)
        self.certificate = Certificate(alpha=self.settings.alpha, delta=self.settings.delta)
        for one in self.settings.slices:
            self.certificate.follow(one)
        self.weeks: list[WeekFindings] = []
        self._seen: list[ReviewLog] = []

    def take(self, week: ReviewLog) -> WeekFindings:
        """Take in the next week's decisions, all with the verdicts that came."""
        named = self.readers.take(week)
        ignoring = self.readers.found
        has_drifted = self.drift.take(week, ignoring=ignoring)
        if has_drifted:
            # What was certified was of a model that is no more.
            self.certificate.withdraw()
        read = _read(week, ignoring)
        probability = self._probability(week, read)
        drawn = read & week.is_drawn
        threshold = self.certificate.take(week, probability, drawn, chance=self.drift.chance)
        found = WeekFindings(
            week=int(week.week[-1]) if len(week) else 0,
            missed=self._missed(week, probability, drawn),
            threshold=threshold,
            is_suspended=self.certificate.is_suspended,
            readers=named,
            has_drifted=has_drifted,
            rules=self.rules.take(week, ignoring=ignoring),
        )
        self._seen.append(replace(week, probability=probability).taken(read))
        self.weeks.append(found)
        self._follow_slices(week)
        return found

    def _follow_slices(self, week: ReviewLog) -> None:
        """Choose what the certificate follows from the next week on."""
        at_work = {rule for rules in week.rules for rule in rules}
        for rule, one in self.settings.slice_rules.items():
            if rule in at_work:
                self.certificate.follow(one)
        known = {one.slice for one in self.certificate.slices}
        suspected = (one for one in suspected_slices(self.decided_by_score()) if one not in known)
        for one in islice(suspected, NEW_SLICES):
            self.certificate.follow(one)

    def decided_by_score(self) -> ReviewLog:
        """Return what was read since the model changed of the answers that a score alone decides."""
        if not self._seen:
            return ReviewLog()
        past = joined(self._seen)
        since = -1 if self.drift.found is None else self.drift.found
        by_score = past.is_by_score & ~self.rules.is_suspected(past)
        return past.taken(by_score & (past.week > since) & (past.probability > 0))

    def worth(self) -> ScoreWorth | None:
        """Return the confidence below which a person's look pays, by all verdicts since the model changed."""
        return score_worth(self.decided_by_score(), self.settings.costs.break_even)

    def worth_above(self, limit: float) -> ScoreWorth | None:
        """Return the confidence up to which a limit is worth raising, None where it is not.

        The estimate says where, and what was read between the two has to bear it out by itself.
        """
        worth = self.worth()
        if worth is None or worth.cautious <= limit:
            return None
        read = self.decided_by_score()
        between = (read.score >= limit) & (read.score < worth.cautious)
        seen = int((read.verdict[between] == WRONG).sum()), int(between.sum())
        return worth if shrunk(seen) > self.settings.costs.break_even else None

    def _probability(self, week: ReviewLog, read: Flags) -> Floats:
        """Return the chance with which each decision was drawn and then read.

        What was drawn is not all read. Which of it is, is chance within a part: of the passed answers and of
        the unsure ones, those that a suspicion is about and that people may have read first, and the others.
        """
        probability = np.asarray(week.probability, dtype=np.float64).copy()
        asked = self.rules.is_asked(week)
        for part in (week.is_passed, week.is_unsure_only):
            halves = (part & asked, part & ~asked)
            is_split = all((read & half & week.is_drawn).any() for half in halves)
            for inside in halves if is_split else (part,):
                wanted = inside & week.is_drawn
                probability[inside] *= _share(read & wanted, wanted)
        return probability

    def _missed(self, week: ReviewLog, probability: Floats, drawn: Flags) -> FalsePassRate:
        """Estimate the share of wrong ones among what was passed."""
        passed = week.is_passed & week.is_scored & (probability > 0)
        return false_pass_rate(
            probability[passed],
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
