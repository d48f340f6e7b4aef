import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from handrail.confidence.calibration.fit.arrays import Flags, Floats
from handrail.confidence.calibration.fit.metrics import auroc, prr, risk_coverage
from handrail.confidence.calibration.fit.platt import fit_platt, scale_of
from handrail.confidence.calibration.fit.sequential_bounds import Answers, absorb, begin, grid_of
from handrail.confidence.calibration.sampling import SamplingPlan

VERDICTS = st.lists(st.tuples(st.floats(0.01, 0.99), st.booleans()), min_size=2, max_size=60)


def arrays(verdicts: list[tuple[float, bool]]) -> tuple[Floats, Flags]:
    return np.array([score for score, _ in verdicts]), np.array([wrong for _, wrong in verdicts])


def wealth_after(scores: Floats, is_wrong: Flags, odds: float) -> Floats:
    plan = SamplingPlan(threshold=0.0, rate=odds)
    wealth = begin(np.linspace(0.0, 0.9, 10), alpha=0.1, delta=0.1)
    audited = np.ones(len(scores), dtype=np.bool_)
    answers = Answers(
        scores=scores, probabilities=np.full(len(scores), odds), is_sampled=audited, is_wrong=is_wrong
    )
    return absorb(wealth, answers, plan).log_wealth


@given(VERDICTS, st.floats(0.05, 1.0), st.integers(0, 59))
def test_one_more_error_never_makes_a_threshold_richer(
    verdicts: list[tuple[float, bool]], odds: float, at: int
) -> None:
    scores, is_wrong = arrays(verdicts)
    worse = is_wrong.copy()
    worse[at % len(worse)] = True
    assert np.all(wealth_after(scores, worse, odds) <= wealth_after(scores, is_wrong, odds) + 1e-9)


@given(VERDICTS, st.floats(0.05, 1.0))
def test_a_stricter_threshold_is_never_poorer(verdicts: list[tuple[float, bool]], odds: float) -> None:
    scores, is_wrong = arrays(verdicts)
    assert np.all(np.diff(wealth_after(scores, is_wrong, odds), axis=0) >= -1e-9)


@given(VERDICTS, st.floats(0.05, 1.0))
def test_a_bet_never_ruins(verdicts: list[tuple[float, bool]], odds: float) -> None:
    scores, _ = arrays(verdicts)
    everything = np.ones(len(scores), dtype=np.bool_)
    assert np.isfinite(wealth_after(scores, everything, odds)).all()


@given(st.lists(st.tuples(st.floats(-20, 20), st.booleans()), min_size=1, max_size=40))
def test_a_calibrated_probability_never_falls_as_the_score_rises(verdicts: list[tuple[float, bool]]) -> None:
    place, is_right = arrays(verdicts)
    fitted = fit_platt(place, is_right, scale_of(place))
    assert fitted.slope >= 0
    assert math.isfinite(fitted.intercept)
    assert np.all(np.diff(fitted.chances(np.linspace(-25, 25, 200))) >= 0)


@given(VERDICTS)
def test_ranking_figures_stay_in_their_range(verdicts: list[tuple[float, bool]]) -> None:
    scores, is_right = arrays(verdicts)
    curve = risk_coverage(scores, is_right)
    assert np.all((curve.risk >= 0) & (curve.risk <= 1))
    assert curve.risk[-1] == 1 - is_right.mean() or math.isclose(curve.risk[-1], 1 - is_right.mean())
    if is_right.any() and not is_right.all():
        assert 0 <= auroc(scores, is_right) <= 1
        assert prr(scores, is_right) <= 1 + 1e-9


@given(st.lists(st.floats(0, 1), min_size=1, max_size=300), st.integers(1, 80))
def test_a_grid_always_rises_and_consists_of_scores(scores: list[float], points: int) -> None:
    grid = grid_of(np.array(scores), points)
    assert np.all(np.diff(grid) > 0)
    assert set(grid) <= set(scores)
