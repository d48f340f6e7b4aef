import math

import numpy as np
import pytest
from sklearn import metrics as theirs

from handrail.confidence.calibration.fit import metrics

RNG = np.random.default_rng(0)


SCORES = np.round(RNG.random(500), 2)


RIGHT = RNG.random(500) < SCORES


def test_figures_agree_with_scikit_learn() -> None:
    found = metrics.measure(SCORES, RIGHT)
    assert found.auroc == pytest.approx(theirs.roc_auc_score(RIGHT, SCORES))
    assert found.brier == pytest.approx(theirs.brier_score_loss(RIGHT, SCORES))
    assert found.log_loss == pytest.approx(theirs.log_loss(RIGHT, np.clip(SCORES, 1e-15, 1 - 1e-15)))


def test_a_perfect_order_has_a_rejection_ratio_of_one_and_a_random_one_of_nothing() -> None:
    assert metrics.prr(RIGHT.astype(float), RIGHT) == pytest.approx(1.0)
    assert metrics.prr(np.full(500, 0.5), RIGHT) == pytest.approx(0.0)
    assert metrics.prr(-RIGHT.astype(float), RIGHT) < -0.5


def test_area_under_risk_and_coverage_is_between_the_best_and_the_worst_order() -> None:
    best, worst = metrics.aurc(RIGHT.astype(float), RIGHT), metrics.aurc(-RIGHT.astype(float), RIGHT)
    assert best < metrics.aurc(SCORES, RIGHT) < worst
    assert metrics.aurc(np.full(500, 0.5), RIGHT) == pytest.approx(1 - RIGHT.mean())


def test_ranking_is_undefined_when_all_answers_are_alike() -> None:
    everything = np.ones(5, dtype=np.bool_)
    assert math.isnan(metrics.auroc(SCORES[:5], everything))
    assert math.isnan(metrics.prr(SCORES[:5], everything))


def test_coverage_cannot_part_equal_scores() -> None:
    scores = np.array([0.9, 0.9, 0.9, 0.1])
    right = np.array([True, True, False, False])
    assert metrics.coverage_at(scores, right, 0.1) == 0.0
    assert metrics.coverage_at(scores, right, 0.34) == 0.75


def test_calibration_error_of_a_calibrated_constant_is_nothing() -> None:
    right = np.arange(100) < 70
    assert metrics.ece(np.full(100, 0.7), right) == pytest.approx(0.0)
    table = metrics.reliability(np.array([0.05, 1.0]), np.array([False, True]))
    assert table.stated.tolist() == [0.05, 1.0]
    assert table.counts.sum() == 2
