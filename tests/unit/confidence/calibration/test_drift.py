import math

import pytest

from handrail.confidence.calibration.drift import LEVEL, Drift, watch


def test_an_alarm_needs_evidence_and_stays() -> None:
    state, errors = Drift(alpha=0.05), 0
    while not state.is_alarm:
        state = watch(state, is_passed=True, probability=0.1, is_sampled=True, is_wrong=True)
        errors += 1
    assert 5 <= errors <= 100
    right = watch(state, is_passed=True, probability=0.1, is_sampled=True, is_wrong=False)
    assert right.is_alarm


def test_answers_that_were_not_passed_are_no_evidence_against_the_threshold() -> None:
    state = Drift(alpha=0.05)
    for _ in range(200):
        state = watch(state, is_passed=False, probability=1.0, is_sampled=True, is_wrong=True)
    assert not state.is_alarm
    assert all(log < 0 for log in state.logs)


def test_a_long_good_time_does_not_delay_the_alarm() -> None:
    fresh = tired = Drift(alpha=0.05)
    for _ in range(5000):
        tired = watch(tired, is_passed=True, probability=0.1, is_sampled=False, is_wrong=False)
    steps = []
    for before in (fresh, tired):
        state, count = before, 0
        while not state.is_alarm:
            state = watch(state, is_passed=True, probability=0.1, is_sampled=True, is_wrong=True)
            count += 1
        steps.append(count)
    assert steps[0] == steps[1]


def test_an_audit_that_could_not_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="probability is 0"):
        watch(Drift(alpha=0.05), is_passed=True, probability=0.0, is_sampled=True, is_wrong=True)
    assert math.log(LEVEL) > 0
