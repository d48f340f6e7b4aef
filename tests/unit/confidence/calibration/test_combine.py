import math

import pytest

from handrail.confidence.calibration.combine import Combiner, Term, reading
from handrail.confidence.scorers.logprobs import logit, sigmoid

LABEL = Term(name="label", kind="logprob", mean=2.0, sd=2.0, weight=1.0)
STATED = Term(name="self_reported", kind="stated", mean=1.0, sd=1.0, weight=0.5, if_missing=-0.2)
COMBINER = Combiner(terms=(LABEL, STATED), intercept=0.3)


def test_terms_add_up_in_log_odds() -> None:
    found = COMBINER.combine({"label": 0.9, "self_reported": 0.8})
    expected = 0.3 + (logit(0.9) - 2) / 2 + 0.5 * (logit(0.8) - 1)
    assert found == pytest.approx(sigmoid(expected))


@pytest.mark.parametrize("gone", [None, math.nan])
def test_a_missing_signal_drops_its_term_and_is_never_zero(gone: float | None) -> None:
    expected = sigmoid(0.3 + (logit(0.9) - 2) / 2 - 0.2)
    assert COMBINER.combine({"label": 0.9, "self_reported": gone}) == pytest.approx(expected)
    assert COMBINER.combine({"label": 0.9}) == pytest.approx(expected)


def test_without_any_signal_there_is_no_number() -> None:
    assert COMBINER.combine({}) is None
    assert COMBINER.combine({"label": math.nan}) is None


def test_stated_certainty_is_cut_and_measured_certainty_is_not() -> None:
    assert reading(1.0, "stated") == pytest.approx(logit(0.99))
    assert reading(1.0, "logprob") == pytest.approx(logit(1 - 1e-9))
    assert reading(100.0, "length") == pytest.approx(-math.log(100))
