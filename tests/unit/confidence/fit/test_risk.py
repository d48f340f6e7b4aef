import math

import numpy as np
import pytest
from mapie.risk_control.methods import compute_hoeffding_bentkus_p_value
from scipy.stats import binomtest

from handrail.confidence.calibration.fit.arrays import Flags, Floats
from handrail.confidence.calibration.fit.risk import fewest_verdicts, ltt, rcps, upper_bound
from handrail.confidence.calibration.fit.sequential_bounds import grid_of


def verdicts(count: int, seed: int, error: float = 0.15) -> tuple[Floats, Flags]:
    rng = np.random.default_rng(seed)
    scores = rng.random(count)
    return scores, rng.random(count) < 2 * error * (1 - scores)


# Powers of two, so that MAPIE's k = ceil(n * (k / n)) is exact.
@pytest.mark.parametrize("count", [64, 128, 256, 512])
@pytest.mark.parametrize("alpha", [0.05, 0.1])
def test_rcps_accepts_what_mapies_binomial_p_values_accept(count: int, alpha: float) -> None:
    delta = 0.1
    for seed in range(20):
        scores, is_wrong = verdicts(count, seed)
        falling = np.sort(scores)[::-1]
        risks = np.array([np.mean((scores >= t) & is_wrong) for t in falling])
        p_values = compute_hoeffding_bentkus_p_value(risks, count, alpha, binary=True)[:, 0]
        failed = np.flatnonzero(p_values > delta)
        accepted = len(falling) if not len(failed) else int(failed[0])
        chosen = rcps(scores, is_wrong, alpha=alpha, delta=delta)
        assert int((scores >= chosen.threshold).sum()) == accepted


def test_ltt_walks_as_mapies_p_values_do() -> None:
    alpha, delta, count = 0.2, 0.1, 512
    for seed in range(20):
        scores, is_wrong = verdicts(count, seed)
        pool = verdicts(4000, 1000 + seed)[0]
        chosen = ltt(scores, is_wrong, pool, alpha=alpha, delta=delta)
        assert chosen.threshold < math.inf
        walked = [t for t in grid_of(pool, 60) if t >= chosen.threshold]
        passed = np.array([(scores >= t).sum() for t in walked])
        wrong = np.array([((scores >= t) & is_wrong).sum() for t in walked])
        p_values = compute_hoeffding_bentkus_p_value(wrong / passed, passed.astype(float), alpha, binary=True)
        assert p_values[0, 0] <= 0.75 * delta + 1e-9


@pytest.mark.parametrize(("alpha", "count"), [(0.10, 22), (0.05, 45), (0.02, 114), (0.01, 230)])
def test_the_fewest_verdicts_are_known(alpha: float, count: int) -> None:
    assert fewest_verdicts(alpha, 0.1) == count
    right = np.zeros(count, dtype=np.bool_)
    assert rcps(np.linspace(0, 1, count), right, alpha=alpha, delta=0.1).threshold < 1
    chosen = rcps(np.linspace(0, 1, count - 5), right[5:], alpha=alpha, delta=0.1)
    assert (chosen.threshold, chosen.needed, chosen.why) == (math.inf, 5, "too few verdicts")


def test_ltt_with_too_few_verdicts_passes_nothing_and_says_how_many_are_missing() -> None:
    scores, is_wrong = verdicts(40, 0)
    chosen = ltt(scores, is_wrong, np.linspace(0, 1, 500), alpha=0.05, delta=0.1)
    assert chosen.threshold == math.inf
    assert chosen.needed > 0


def test_a_wrong_answer_at_the_top_stops_rcps() -> None:
    scores = np.linspace(0, 1, 50)
    assert rcps(scores, scores > 0.8, alpha=0.05, delta=0.1).threshold >= 0.99


def test_no_wrong_answer_passes_everything() -> None:
    assert (
        rcps(np.linspace(0, 1, 60), np.zeros(60, dtype=np.bool_), alpha=0.05, delta=0.1).threshold
        == -math.inf
    )


@pytest.mark.parametrize(("wrong", "count"), [(0, 20), (3, 40), (12, 100)])
def test_the_upper_bound_is_clopper_and_pearsons(wrong: int, count: int) -> None:
    exact = binomtest(wrong, count, alternative="less").proportion_ci(0.9, method="exact").high
    assert upper_bound(wrong, count, 0.1) == pytest.approx(exact)
    assert upper_bound(0, 0, 0.1) == 1.0


def test_rcps_keeps_its_promise_on_redraws() -> None:
    alpha, delta, broken = 0.1, 0.1, 0
    for seed in range(400):
        scores, is_wrong = verdicts(200, seed, error=0.2)
        t = rcps(scores, is_wrong, alpha=alpha, delta=delta).threshold
        risk = 0.2 * (1 - max(t, 0.0)) ** 2
        broken += risk > alpha
    assert broken / 400 <= delta + 2 * math.sqrt(delta * (1 - delta) / 400)


def test_a_draw_uses_what_whole_counts_leave_of_the_level_and_no_more() -> None:
    rng, alpha, delta = np.random.default_rng(3), 0.05, 0.1
    failed = {"plain": 0, "drawn": 0}
    passed = {"plain": 0.0, "drawn": 0.0}
    for _ in range(3000):
        scores = rng.random(100)
        is_wrong = rng.random(100) < 0.25 * (1 - scores)
        for name, unit in (("plain", 1.0), ("drawn", float(rng.random()))):
            threshold = rcps(scores, is_wrong, alpha=alpha, delta=delta, unit=unit).threshold
            cut = min(max(threshold, 0.0), 1.0)
            failed[name] += (1 - cut) ** 2 / 8 > alpha
            passed[name] += 1 - cut
    assert failed["plain"] <= failed["drawn"] <= 3000 * delta + 2 * (3000 * delta * (1 - delta)) ** 0.5
    assert passed["drawn"] > passed["plain"]
