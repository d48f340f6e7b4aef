"""From logged answers to a certified threshold and the audit plan of the coming week."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from handrail.confidence.calibration.artefact import GuaranteePart
from handrail.confidence.calibration.audit import AuditPlan
from handrail.confidence.calibration.fit.arrays import Floats
from handrail.confidence.calibration.fit.plans import plan_audits_only, plan_with_free_verdicts
from handrail.confidence.calibration.fit.sequential_bounds import (
    Answers,
    Wealth,
    absorb,
    begin,
    grid_of,
    level_of_start,
    verdicts_needed,
)
from handrail.review.calibrate_log import LoggedAnswer, Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """P(passed and wrong) <= `target`, with probability 1 - `delta` for all refits and restarts together."""

    target: float = 0.05
    delta: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """Audits that a week can afford, and whether people judge everything that is handed off anyway."""

    audits: float = 20.0
    has_free_verdicts: bool = True


def begin_bets(pool: Floats, promise: Promise, *, start: int) -> Wealth:
    """Begin the `start`-th run of bets on a grid from unlabelled scores."""
    level = level_of_start(promise.delta, start)
    return begin(grid_of(pool), alpha=promise.target, delta=level)


def resume(part: GuaranteePart) -> Wealth:
    """Bets as an earlier calibration left them."""
    return Wealth(
        grid=np.array(part.grid),
        log_wealth=np.array(part.log_wealth),
        is_certified=np.array(part.is_certified),
        alpha=part.target,
        delta=part.level,
        answers=part.answers,
    )


def absorb_periods(wealth: Wealth, periods: Sequence[Period]) -> Wealth:
    """Bet through several periods, each under the plan that was logged with it."""
    for period in periods:
        plan = AuditPlan(
            threshold=math.inf,
            rate=period.floor,
            lowest=-math.inf if period.lowest is None else period.lowest,
            has_free_verdicts=period.lowest is None,
        )
        wealth = absorb(wealth, answers_of(period.rows), plan)
    return wealth


def answers_of(rows: Sequence[LoggedAnswer]) -> Answers:
    """Rows as arrays."""
    return Answers(
        scores=np.array([row.score for row in rows]),
        probabilities=np.array([row.audit_probability for row in rows]),
        is_audited=np.array([row.audited for row in rows], dtype=np.bool_),
        is_wrong=np.array([row.is_wrong for row in rows], dtype=np.bool_),
    )


def coming_plan(
    wealth: Wealth, pool: Floats, predicted: Floats | None, effort: Effort, *, weekly: float
) -> AuditPlan:
    """Audit plan for a week of about `weekly` answers that score as the pool does."""
    if effort.has_free_verdicts:
        return plan_with_free_verdicts(wealth, pool, audits=effort.audits, answers=weekly)
    return plan_audits_only(wealth, pool, predicted, audits=effort.audits, answers=weekly)


def part_of(wealth: Wealth, plan: AuditPlan, promise: Promise, *, start: int, verdicts: int) -> GuaranteePart:
    """Write down the bets, the threshold they certify and the coming plan."""
    threshold = wealth.threshold
    return GuaranteePart(
        target=promise.target,
        delta=promise.delta,
        level=wealth.delta,
        start=start,
        threshold=None if math.isinf(threshold) else threshold,
        needed=verdicts_needed(wealth),
        rate=plan.rate,
        lowest=None if math.isinf(plan.lowest) else plan.lowest,
        has_free_verdicts=plan.has_free_verdicts,
        grid=tuple(wealth.grid.tolist()),
        log_wealth=tuple(map(tuple, wealth.log_wealth.tolist())),
        is_certified=tuple(wealth.is_certified.tolist()),
        answers=wealth.answers,
        verdicts=verdicts,
    )
