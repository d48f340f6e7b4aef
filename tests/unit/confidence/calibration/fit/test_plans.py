from dataclasses import replace

import numpy as np
import pytest

from handrail.confidence.calibration.fit.arrays import Flags, Floats
from handrail.confidence.calibration.fit.plans import plan_samples_only, plan_with_free_verdicts
from handrail.confidence.calibration.fit.sequential_bounds import (
    Answers,
    Wealth,
    begin,
)


def answers(scores: Floats, is_wrong: Flags, odds: Floats, is_sampled: Flags) -> Answers:
    return Answers(scores=scores, probabilities=odds, is_sampled=is_sampled, is_wrong=is_wrong)


def test_audits_alone_reach_below_the_threshold_in_force() -> None:
    grid = np.linspace(0, 0.99, 100)
    wealth: Wealth = replace(begin(grid, alpha=0.1, delta=0.1), is_certified=np.arange(100) >= 60)
    pool = np.linspace(0, 1, 1000)
    hopeless = plan_samples_only(wealth, pool, np.full(1000, 0.9), samples=20, answers=400)
    assert hopeless.lowest == pytest.approx(grid[60 - 4])
    hopeful = plan_samples_only(wealth, pool, np.full(1000, 0.01), samples=20, answers=400)
    assert hopeful.lowest == 0.0
    assert hopeful.rate == pytest.approx(20 / 400)
    assert hopeless.rate > hopeful.rate


def test_an_audit_rate_never_passes_one() -> None:
    wealth = begin(np.array([0.5]), alpha=0.1, delta=0.1)
    assert plan_with_free_verdicts(wealth, np.array([0.9]), samples=20, answers=400).rate == 1.0
