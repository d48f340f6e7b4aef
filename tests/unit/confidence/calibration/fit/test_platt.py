import math

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from handrail.confidence.calibration.fit.arrays import Flags, Floats, logits, sigmoids
from handrail.confidence.calibration.fit.platt import (
    Prior,
    Scale,
    fit_isotonic,
    fit_platt,
    map_weights,
    scale_of,
)


def sample(count: int, seed: int = 0, slope: float = 1.5) -> tuple[Floats, Flags]:
    rng = np.random.default_rng(seed)
    place = rng.normal(2, 3, count)
    return place, rng.random(count) < sigmoids(slope * (place - 2) / 3 + 1)


def test_map_weights_are_those_of_a_penalised_logistic_regression() -> None:
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(300, 3))
    is_right = rng.random(300) < sigmoids(columns @ np.array([1.0, -0.5, 0.2]))
    mine = map_weights(columns, is_right, Prior(mean=np.zeros(3), sd=np.full(3, 0.5)))
    theirs = LogisticRegression(C=0.25, fit_intercept=False, tol=1e-10).fit(columns, is_right).coef_[0]
    assert mine == pytest.approx(theirs, abs=1e-4)


def test_without_verdicts_the_prior_comes_back() -> None:
    nothing = np.empty(0)
    fitted = fit_platt(nothing, nothing.astype(np.bool_), Scale(mean=0.0, sd=1.0))
    assert (fitted.slope, fitted.intercept) == (1.0, 1.0)


def test_many_verdicts_outweigh_the_prior() -> None:
    place, is_right = sample(20_000)
    fitted = fit_platt(place, is_right, Scale(mean=2.0, sd=3.0))
    assert fitted.slope == pytest.approx(1.5, abs=0.1)
    assert fitted.intercept == pytest.approx(1.0, abs=0.1)


def test_a_score_that_points_the_wrong_way_gets_no_slope() -> None:
    place, is_right = sample(2000)
    fitted = fit_platt(place, ~is_right, scale_of(place))
    assert fitted.slope == 0.0
    assert fitted.chances(np.array([0.0])) == pytest.approx((~is_right).mean(), abs=0.01)


def test_weights_count_as_copies() -> None:
    place, is_right = sample(60)
    scale = scale_of(place)
    heavy = fit_platt(place, is_right, scale, importance=np.full(60, 3.0))
    thrice = fit_platt(np.tile(place, 3), np.tile(is_right, 3), scale)
    assert heavy.slope == pytest.approx(thrice.slope, abs=1e-6)


def test_isotonic_follows_scikit_learn_but_for_the_smoothing() -> None:
    place, is_right = sample(5000)
    fitted = fit_isotonic(place, is_right)
    theirs = IsotonicRegression().fit(place, is_right).predict(place)
    assert fitted.chances(place) == pytest.approx(theirs, abs=0.35)
    assert np.abs(fitted.chances(place) - theirs).mean() < 0.01
    assert np.all(np.diff(fitted.values) >= 0)
    assert 0 < fitted.values[0] <= fitted.values[-1] < 1
    assert len(fitted.knots) < 500


def test_isotonic_refuses_few_verdicts() -> None:
    place, is_right = sample(499)
    with pytest.raises(ValueError, match="500"):
        fit_isotonic(place, is_right)


def test_standard_scale_of_a_constant_or_of_nothing_divides_by_one() -> None:
    assert scale_of(np.full(5, 3.0)).sd == 1.0
    assert scale_of(np.array([np.nan])) == Scale(mean=0.0, sd=1.0)


def test_logits_are_clipped_at_a_billionth_only() -> None:
    assert logits([1.0, 0.0, np.nan])[0] == pytest.approx(math.log(1e9), abs=1e-6)
    assert logits([1 - 1e-8])[0] < logits([1 - 1e-9])[0]
    assert np.isnan(logits([np.nan])).all()
