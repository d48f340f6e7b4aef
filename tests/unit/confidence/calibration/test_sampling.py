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
