import numpy as np

from handrail.confidence.calibration.fit.false_pass_rate import false_pass_rate


def audited_year(seed: int) -> tuple[float, float, bool]:
    """Error of the estimate with foresight, of an even audit's plain rate, and whether the interval holds."""
    rng = np.random.default_rng(seed)
    risk = rng.beta(0.5, 6, 1500)
    is_wrong = rng.random(1500) < risk
    odds = np.clip(60 * (0.2 + 0.8 * risk / risk.mean()) / 1500, 0, 1)
    drawn = rng.random(1500) < odds
    found = false_pass_rate(odds, drawn, is_wrong, predicted=risk)
    even = rng.permutation(1500)[:60]
    truth = is_wrong.mean()
    assert found.rate is not None
    return found.rate - truth, is_wrong[even].mean() - truth, found.low <= truth <= found.high


def test_the_false_pass_rate_is_unbiased_and_sharper_than_even_audits() -> None:
    runs = [audited_year(seed) for seed in range(300)]
    mine, even = np.array([run[0] for run in runs]), np.array([run[1] for run in runs])
    assert abs(mine.mean()) < 0.006
    assert mine.std() < even.std()
    assert np.mean([run[2] for run in runs]) >= 0.92


def test_no_audits_say_nothing_and_no_errors_do_not_promise_certainty() -> None:
    no, yes = np.zeros(50, dtype=np.bool_), np.ones(50, dtype=np.bool_)
    nothing = false_pass_rate(np.full(50, 0.1), no, no)
    assert (nothing.rate, nothing.low, nothing.high) == (None, 0.0, 1.0)
    clean = false_pass_rate(np.full(50, 1.0), yes, no)
    assert clean.rate == 0.0
    assert clean.high > 0.02
