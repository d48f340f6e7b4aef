import math
from dataclasses import replace

import numpy as np
import pytest

from handrail.confidence.calibration.fit.arrays import Flags, Floats
from handrail.confidence.calibration.fit.plans import plan_samples_only, plan_with_free_verdicts
from handrail.confidence.calibration.fit.sequential_bounds import (
    FRACTIONS,
    Answers,
    absorb,
    begin,
    grid_of,
    level_of_start,
    verdicts_needed,
)
from handrail.confidence.calibration.sampling import SamplingPlan

EVERYTHING = SamplingPlan(threshold=math.inf, rate=1.0)


def answers(scores: Floats, is_wrong: Flags, odds: Floats, is_sampled: Flags) -> Answers:
    return Answers(scores=scores, probabilities=odds, is_sampled=is_sampled, is_wrong=is_wrong)


def checked(scores: Floats, is_wrong: Flags) -> Answers:
    return answers(scores, is_wrong, np.ones(len(scores)), np.ones(len(scores), dtype=np.bool_))


def run_year(seed: int, *, is_live: bool, risk: float = 1.0) -> bool:
    """A year whose every threshold has joint risk `risk` times the target; True if any is ever certified."""
    rng = np.random.default_rng(seed)
    grid = np.array([0.2, 0.5])
    wealth = begin(grid, alpha=0.1, delta=0.1)
    pool = np.linspace(0, 1, 200)
    for _ in range(20):
        plan = (
            plan_with_free_verdicts(wealth, pool, samples=10, answers=200)
            if is_live
            else plan_samples_only(wealth, pool, None, samples=40, answers=200)
        )
        scores = rng.random(200)
        is_wrong = (scores > 0.5) & (rng.random(200) < 0.2 * risk)
        odds = np.array([plan.probability(float(score)) for score in scores])
        audited = rng.random(200) < odds
        wealth = absorb(wealth, answers(scores, is_wrong, odds, audited), plan)
    return wealth.threshold < math.inf


def test_wealth_is_the_product_that_the_formula_says() -> None:
    rng = np.random.default_rng(0)
    scores, is_wrong = rng.random(200), rng.random(200) < 0.1
    odds = np.where(scores >= 0.5, 0.25, 1.0)
    audited = rng.random(200) < odds
    plan = SamplingPlan(threshold=0.5, rate=0.25)
    wealth = absorb(
        begin(np.array([0.2, 0.5, 0.8]), alpha=0.1, delta=0.1), answers(scores, is_wrong, odds, audited), plan
    )
    for row, threshold in enumerate((0.2, 0.5, 0.8)):
        for column, fraction in enumerate(FRACTIONS):
            bet = fraction / (1 / 0.25 - 0.1)
            z = np.where(audited, is_wrong / odds, 0.0)
            direct = np.log1p(bet * (0.1 - (scores >= threshold) * z)).sum()
            assert wealth.log_wealth[row, column] == pytest.approx(direct)


def test_periods_may_be_taken_in_at_once_or_one_by_one() -> None:
    rng = np.random.default_rng(1)
    scores, is_wrong = rng.random(300), rng.random(300) < 0.05
    start = begin(np.linspace(0, 0.9, 10), alpha=0.1, delta=0.1)
    once = absorb(start, checked(scores, is_wrong), EVERYTHING)
    twice = absorb(
        absorb(start, checked(scores[:100], is_wrong[:100]), EVERYTHING),
        checked(scores[100:], is_wrong[100:]),
        EVERYTHING,
    )
    assert np.allclose(once.log_wealth, twice.log_wealth)
    assert once.answers == twice.answers == 300


def test_a_certificate_is_never_taken_back() -> None:
    start = begin(np.array([0.5]), alpha=0.1, delta=0.1)
    good = absorb(start, checked(np.full(60, 0.9), np.zeros(60, dtype=np.bool_)), EVERYTHING)
    assert good.threshold == 0.5
    bad = absorb(good, checked(np.full(200, 0.9), np.ones(200, dtype=np.bool_)), EVERYTHING)
    assert bad.threshold == 0.5


def test_a_threshold_counts_only_if_all_stricter_ones_are_certified() -> None:
    wealth = begin(np.array([0.1, 0.5, 0.9]), alpha=0.1, delta=0.1)
    assert wealth.threshold == math.inf
    assert replace(wealth, is_certified=np.array([True, False, True])).threshold == 0.9
    assert replace(wealth, is_certified=np.array([True, True, True])).threshold == 0.1


def test_nothing_is_bet_where_nothing_is_drawn() -> None:
    plan = SamplingPlan(threshold=0.9, rate=0.5, lowest=0.6, has_free_verdicts=False)
    scores = np.linspace(0, 1, 101)
    odds = np.where(scores >= 0.6, 0.5, 0.0)
    no = np.zeros(101, dtype=np.bool_)
    wealth = absorb(begin(np.array([0.3, 0.6]), alpha=0.1, delta=0.1), answers(scores, no, odds, no), plan)
    assert np.all(wealth.log_wealth[0] == 0)
    assert np.all(wealth.log_wealth[1] > 0)


@pytest.mark.parametrize(("odds", "is_sampled"), [(0.1, False), (0.0, True), (1.5, False)])
def test_a_draw_outside_the_plan_is_refused(odds: float, is_sampled: bool) -> None:
    wealth = begin(np.array([0.5]), alpha=0.1, delta=0.1)
    one = answers(np.array([0.9]), np.array([True]), np.array([odds]), np.array([is_sampled]))
    with pytest.raises(ValueError, match="probability"):
        absorb(wealth, one, SamplingPlan(threshold=0.5, rate=0.2))


@pytest.mark.parametrize(("grid", "alpha"), [([0.5, 0.5], 0.1), ([], 0.1), ([0.5], 0.0)])
def test_a_grid_that_does_not_rise_and_a_target_of_nothing_are_refused(
    grid: list[float], alpha: float
) -> None:
    with pytest.raises(ValueError, match="must"):
        begin(np.array(grid), alpha=alpha, delta=0.1)


@pytest.mark.parametrize(("alpha", "count"), [(0.10, 37), (0.05, 75), (0.02, 187), (0.01, 374)])
def test_the_first_threshold_needs_about_so_many_errorless_verdicts(alpha: float, count: int) -> None:
    wealth = begin(np.array([0.5]), alpha=alpha, delta=0.1)
    needed = verdicts_needed(wealth)
    assert count - 3 <= needed <= count
    for size, is_enough in ((needed - 1, False), (needed, True)):
        after = absorb(wealth, checked(np.full(size, 0.9), np.zeros(size, dtype=np.bool_)), EVERYTHING)
        assert (after.threshold == 0.5) is is_enough
        assert verdicts_needed(after) == (0 if is_enough else 1)


def test_all_starts_together_spend_delta() -> None:
    assert sum(level_of_start(0.1, start) for start in range(1, 20_000)) == pytest.approx(0.1, abs=1e-5)


def test_a_grid_is_made_of_scores_and_ties_make_it_short() -> None:
    scores = np.array([0.5, 0.9, 0.9, 0.9, 1.0])
    assert set(grid_of(scores)) <= set(scores)
    assert np.all(np.diff(grid_of(scores)) > 0)


def test_a_control_variate_changes_the_bets_but_not_the_rules() -> None:
    rng = np.random.default_rng(2)
    scores = rng.random(400)
    is_wrong = rng.random(400) < 0.1
    odds = np.full(400, 0.5)
    audited = rng.random(400) < odds
    with_one = replace(answers(scores, is_wrong, odds, audited), predicted=np.full(400, 0.1))
    wealth = absorb(
        begin(np.array([0.5]), alpha=0.2, delta=0.1), with_one, SamplingPlan(threshold=0.5, rate=0.5)
    )
    assert np.isfinite(wealth.log_wealth).all()


@pytest.mark.parametrize("is_live", [True, False])
def test_a_risk_on_target_is_seldom_certified_in_a_whole_run(is_live: bool) -> None:
    broken = sum(run_year(seed, is_live=is_live) for seed in range(150))
    assert broken / 150 <= 0.1 + 2 * math.sqrt(0.1 * 0.9 / 150)


def test_a_risk_far_below_target_is_certified() -> None:
    assert all(run_year(seed, is_live=True, risk=0.2) for seed in range(10))
