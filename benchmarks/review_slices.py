"""Thresholds that are certified for a slice, held against the truth: none may pass more than is promised.

Two kinds of traffic. That of a simulated quarter, whose most frequent slices are followed from its second
week on. And traffic in which a third of the answers has the scores of the rest and other errors: in half of
the quarters the slice is declared, in the rest the review has to find it. Readers overlook there as many
errors as the bound allows for.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from handrail.records import FactValue
from handrail.review.evidence.certificate import UNSEEN
from handrail.review.evidence.certified import CertifiedSlice
from handrail.review.evidence.log_review import ALPHA, LogReview, LogSettings
from handrail.review.evidence.score_limits import Slice
from handrail.review.log.review_log import NO_VERDICT, RIGHT, WRONG, ReviewLog
from handrail.testing.quarter import WeekTruth

FREQUENT = 3
"""So many slices of a simulated quarter are followed."""
WEEKS, WEEKLY, AUDIT_RATE, LIMIT = 20, 400, 0.2, 0.9
UNSURE, OTHER = Slice(fact="topic", value="unsure"), Slice(fact="topic", value="other")
ERRORS = ((1.5, 0.4), (1.5, 1.5), (0.5, 0.5), (0.5005, 0.5005))
"""P(wrong) for each unit of doubt, 0.1 on average, in the slice and beside it: the last lies just above the
target at the loosest threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceWeek:
    """One week: scores, P(wrong) of what a score decides and 0 of the rest, and what was in force then."""

    score: np.ndarray
    chance: np.ndarray
    facts: Sequence[Mapping[str, FactValue]]
    in_force: Sequence[CertifiedSlice]
    is_calm: bool = True
    _places: dict[Slice, np.ndarray] = field(default_factory=dict)

    def places(self, part: Slice) -> np.ndarray:
        """Return where a slice is."""
        if part not in self._places:
            self._places[part] = np.array([part.holds(facts) for facts in self.facts], dtype=np.bool_)
        return self._places[part]


@dataclass(slots=True, kw_only=True)
class SliceRisks:
    """The weeks of a quarter, and what became of the promise of its slices."""

    weeks: list[SliceWeek] = field(default_factory=list)

    @property
    def certified(self) -> int:
        """Thresholds that were in force for a week."""
        return sum(not math.isinf(threshold) for week in self.weeks for *_, threshold in _thresholds(week))

    @property
    def is_above(self) -> bool:
        """Whether any threshold passed more than alpha and wrong of its part.

        One that was in force in a week without a change is held against all such weeks: it is the share that
        is bounded, and not what one week's few answers of a slice come to. With a change it is the mean over
        all weeks, each with what was then in force.
        """
        calm = [week for week in self.weeks if week.is_calm]
        found = {one for week in calm for one in _thresholds(week)}
        if any(_risk(calm, part, is_in, [threshold] * len(calm)) > ALPHA for part, is_in, threshold in found):
            return True
        parts = {(part, is_in) for week in self.weeks for part, is_in, _ in _thresholds(week)}
        return any(_risk(self.weeks, *one, self._in_force(*one)) > ALPHA for one in parts)

    def _in_force(self, part: Slice, is_in: bool) -> list[float]:
        by_week = [{one[:2]: one[2] for one in _thresholds(week)} for week in self.weeks]
        return [week.get((part, is_in), math.inf) for week in by_week]


def _thresholds(week: SliceWeek) -> Iterable[tuple[Slice, bool, float]]:
    for one in week.in_force:
        yield one.slice, True, one.inside
        yield one.slice, False, one.outside


def _risk(weeks: Sequence[SliceWeek], part: Slice, is_in: bool, thresholds: Sequence[float]) -> float:
    lost = answers = 0.0
    for week, threshold in zip(weeks, thresholds, strict=True):
        inside = week.places(part) if is_in else ~week.places(part)
        lost += float(week.chance[inside & (week.score >= threshold)].sum())
        answers += float(inside.sum())
    return lost / answers if answers else 0.0


def frequent_slices(log: ReviewLog) -> tuple[Slice, ...]:
    """Return the most frequent slices of a log that are not nearly all of it."""
    seen = Counter(
        Slice(fact=name, value=value)
        for facts in log.facts
        for name, value in facts.items()
        if isinstance(value, str)
    )
    found = (one for one, count in seen.most_common() if count < 0.9 * len(log))
    return tuple(islice(found, FREQUENT))


def week_of(
    log: ReviewLog, truth: WeekTruth, in_force: Sequence[CertifiedSlice], *, is_calm: bool
) -> SliceWeek:
    """Return a week of a simulated quarter as the promise of its slices is judged."""
    return SliceWeek(
        score=truth.score,
        chance=truth.chance * log.is_by_score,
        facts=truth.facts,
        in_force=in_force,
        is_calm=is_calm,
    )


def differing(seed: int) -> SliceRisks:
    """Play twenty weeks of traffic in which a slice differs, or does not."""
    rng = np.random.default_rng(20_000 + seed)
    is_declared = (seed // len(ERRORS)) % 2 == 1
    review = LogReview(LogSettings(slices=(UNSURE,) if is_declared else ()))
    risks = SliceRisks()
    for week in range(WEEKS):
        in_force = review.certificate.slices
        log, chance = _week(rng, week, ERRORS[seed % len(ERRORS)])
        risks.weeks.append(SliceWeek(score=log.score, chance=chance, facts=log.facts, in_force=in_force))
        review.take(log)
    return risks


def _week(rng: np.random.Generator, week: int, errors: tuple[float, float]) -> tuple[ReviewLog, np.ndarray]:
    doubt = rng.beta(1.0, 9.0, WEEKLY)
    score = np.round(1.0 - doubt, 4)
    is_unsure = rng.random(WEEKLY) < 1 / 3
    chance = np.where(is_unsure, *errors) * doubt
    chance = np.minimum(chance, 0.95)
    is_passed = score >= LIMIT
    is_drawn = ~is_passed | (rng.random(WEEKLY) < AUDIT_RATE)
    is_seen = (rng.random(WEEKLY) < chance) & (rng.random(WEEKLY) >= UNSEEN)
    rules = tuple(() if passed else ("low-confidence",) for passed in is_passed)
    log = ReviewLog(
        exchange=tuple(f"{week}-{place}" for place in range(WEEKLY)),
        ticket=tuple("" if passed else f"t{week}-{place}" for place, passed in enumerate(is_passed)),
        at=(week * 7 + 7 * np.arange(WEEKLY) / WEEKLY) * 86_400.0,
        week=np.full(WEEKLY, week),
        facts=tuple({"topic": UNSURE.value if yes else OTHER.value} for yes in is_unsure),
        rules=rules,
        triggers=tuple(tuple("low_confidence" for _ in fired) for fired in rules),
        is_held=~is_passed,
        is_passed=is_passed,
        is_blocked=np.zeros(WEEKLY, dtype=np.bool_),
        score=score,
        is_scored=np.ones(WEEKLY, dtype=np.bool_),
        probability=np.where(is_passed, AUDIT_RATE, 1.0),
        is_drawn=is_drawn,
        verdict=np.where(is_drawn, np.where(is_seen, WRONG, RIGHT), NO_VERDICT),
        reviewer=tuple("reader" if drawn else "" for drawn in is_drawn),
        seconds=np.full(WEEKLY, 60.0),
        second=np.full(WEEKLY, NO_VERDICT),
        policy=("p",) * WEEKLY,
        maker=("m",) * WEEKLY,
    )
    return log, chance
