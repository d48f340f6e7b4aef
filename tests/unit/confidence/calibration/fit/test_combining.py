import numpy as np

from handrail.confidence.calibration.fit.arrays import Flags, sigmoids
from handrail.confidence.calibration.fit.combining import (
    Signal,
    fit_combiner,
    prior_weights,
)


def signals(count: int = 400, seed: int = 0) -> tuple[list[Signal], Flags]:
    rng = np.random.default_rng(seed)
    is_right = rng.random(count) < 0.7
    shown = sigmoids(np.where(is_right, 1.0, -1.0) + rng.normal(0, 1, count))
    stated = np.round(sigmoids(np.where(is_right, 0.5, -0.5) + rng.normal(0, 1, count)), 1)
    stated[::7] = np.nan
    return [
        Signal(name="sequence", kind="logprob", values=shown),
        Signal(name="self_reported", kind="stated", values=stated),
        Signal(name="brevity", kind="length", values=rng.integers(1, 500, count).astype(np.float64)),
    ], is_right


def test_constant_and_absent_signals_are_left_out_of_the_weights() -> None:
    columns, is_right = signals()
    dead = Signal(name="judged", kind="stated", values=np.full(400, 0.5))
    gone = Signal(name="p_true", kind="logprob", values=np.full(400, np.nan))
    combiner = fit_combiner([*columns, dead, gone], range(50), is_right[:50])
    assert {term.name for term in combiner.terms} == {"sequence", "self_reported", "brevity"}


def test_a_combined_weight_is_never_negative() -> None:
    columns, is_right = signals()
    combiner = fit_combiner(columns, range(400), ~is_right)
    assert all(term.weight >= 0 for term in combiner.terms)


def test_a_label_outweighs_the_rest_before_any_verdict() -> None:
    assert prior_weights(["label", "self_reported"]) == {"label": 1.0, "self_reported": 0.25}
    assert prior_weights(["self_reported", "brevity", "own"]) == {
        "self_reported": 0.7,
        "brevity": 0.2,
        "own": 0.25,
    }
