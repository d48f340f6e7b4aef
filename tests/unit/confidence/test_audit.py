import math

import pytest

from handrail.confidence.calibration.drift import LEVEL, Drift, watch
from handrail.confidence.calibration.sampling import SampleDraw, SamplingPlan, unit_of


def test_what_people_see_anyway_is_audited_for_certain() -> None:
    plan = SamplingPlan(threshold=0.9, rate=0.2)
    assert plan.probability(0.5) == 1.0
    assert plan.probability(0.95) == 0.2
    assert plan.probability(0.95, is_handed_off=True) == 1.0
    assert plan.floor == 0.2


def test_audits_alone_reach_down_to_the_lowest_score() -> None:
    plan = SamplingPlan(threshold=0.9, rate=0.2, lowest=0.7, has_free_verdicts=False)
    assert [plan.probability(score) for score in (0.6, 0.7, 0.95)] == [0.0, 0.2, 0.2]


def test_a_draw_carries_its_odds_and_those_of_the_plan() -> None:
    plan = SamplingPlan(threshold=0.9, rate=0.2)
    assert plan.draw(0.95, 0.19) == SampleDraw(probability=0.2, floor=0.2, lowest=None, is_sampled=True)
    assert not plan.draw(0.95, 0.2).is_sampled
    assert plan.draw(0.5, 0.999999).is_sampled
    below = SamplingPlan(threshold=0.9, rate=0.2, lowest=0.7, has_free_verdicts=False).draw(0.6, 0.0)
    assert below == SampleDraw(probability=0.0, floor=0.2, lowest=0.7, is_sampled=False)


def test_draws_are_even_and_hang_on_the_key() -> None:
    units = [unit_of(f"exchange {at}", b"key") for at in range(4000)]
    assert all(0 <= unit < 1 for unit in units)
    assert abs(sum(units) / 4000 - 0.5) < 0.02
    assert abs(sum(unit < 0.05 for unit in units) / 4000 - 0.05) < 0.015
    assert unit_of("exchange 0", b"key") == units[0]
    assert unit_of("exchange 0", b"other") != units[0]


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
