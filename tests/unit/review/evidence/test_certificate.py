import math
from dataclasses import replace

import numpy as np
import pytest
from tests.support.scored_log import scored_week

from handrail.review.evidence.certificate import MOST_SLICES, Certificate
from handrail.review.evidence.certified import Certified
from handrail.review.evidence.score_limits import Slice
from handrail.review.evidence.slice_choice import suspected_slices
from handrail.review.log.review_log import RIGHT, ReviewLog


def week(count: int = 400, *, policy: str = "p", maker: str = "m") -> ReviewLog:
    """All passed, all read, all right."""
    return ReviewLog(
        exchange=tuple(map(str, range(count))),
        ticket=("",) * count,
        at=np.arange(count, dtype=np.float64),
        week=np.zeros(count, dtype=np.int64),
        facts=({},) * count,
        rules=((),) * count,
        triggers=((),) * count,
        is_held=np.zeros(count, dtype=np.bool_),
        is_passed=np.ones(count, dtype=np.bool_),
        is_blocked=np.zeros(count, dtype=np.bool_),
        score=np.linspace(0.5, 1.0, count),
        is_scored=np.ones(count, dtype=np.bool_),
        probability=np.ones(count),
        is_drawn=np.ones(count, dtype=np.bool_),
        verdict=np.full(count, RIGHT),
        reviewer=("ann",) * count,
        seconds=np.full(count, 60.0),
        second=np.full(count, -1),
        policy=(policy,) * count,
        maker=(maker,) * count,
    )


def take(certificate: Certificate, log: ReviewLog, *, chance: float = 1.0) -> float:
    return certificate.take(log, log.probability, log.is_drawn, chance=chance)


@pytest.fixture
def proved() -> Certificate:
    certificate = Certificate(alpha=0.05, delta=0.1)
    assert take(certificate, week()) == 0.5
    return certificate


def test_what_was_proved_holds_under_its_policy_and_no_other(proved: Certificate) -> None:
    assert proved.under("p").whole == 0.5
    assert proved.under("changed") == Certified()


@pytest.mark.parametrize("changed", [{"policy": "changed"}, {"maker": "another model"}])
def test_a_changed_policy_and_another_model_begin_anew(proved: Certificate, changed: dict[str, str]) -> None:
    few = week(10, **changed)
    assert take(proved, few) == math.inf
    assert proved.starts == 2


def test_what_came_before_the_change_proves_nothing_of_what_comes_after(proved: Certificate) -> None:
    mixed = week()
    mixed = replace(mixed, policy=("p",) * 395 + ("changed",) * 5)
    assert take(proved, mixed) == math.inf


def test_a_policy_that_only_stops_more_keeps_what_was_proved(proved: Certificate) -> None:
    proved.goes_on("stricter", after="p")
    assert proved.under("stricter").whole == 0.5
    assert take(proved, week(10, policy="stricter")) == 0.5


def test_a_stricter_policy_of_another_one_keeps_nothing(proved: Certificate) -> None:
    proved.goes_on("stricter", after="unknown")
    assert proved.under("stricter") == Certified()
    assert take(proved, week(10, policy="stricter")) == math.inf


def test_a_likely_change_suspends_and_gives_back_what_was_proved(proved: Certificate) -> None:
    assert take(proved, week(10), chance=0.001) == math.inf
    assert proved.is_suspended
    assert take(proved, week(10)) == 0.5


def test_a_withdrawn_certificate_has_to_be_proved_again(proved: Certificate) -> None:
    proved.withdraw()
    assert proved.under("p") == Certified()
    assert take(proved, week(400)) == 0.5


CARD = Slice(fact="topic", value="card")


def worse_where_it_is_a_card(topic: str) -> float:
    return 1.5 if topic == "card" else 0.3


def same_everywhere(topic: str) -> float:
    return 0.7


@pytest.fixture
def of_slices() -> Certificate:
    certificate = Certificate(alpha=0.05, delta=0.1)
    certificate.follow(CARD)
    for number in range(12):
        take(certificate, scored_week(number, worse_where_it_is_a_card))
    return certificate


def test_a_slice_in_which_a_score_means_less_is_certified_for_more_of_it(of_slices: Certificate) -> None:
    (found,) = of_slices.under("p").slices
    assert found.outside < of_slices.threshold < found.inside < 1.0
    assert found.verdicts < found.answers == 12 * 134


def test_a_slice_proves_nothing_from_weeks_before_it_was_followed() -> None:
    certificate = Certificate(alpha=0.05, delta=0.1)
    for number in range(12):
        take(certificate, scored_week(number, worse_where_it_is_a_card))
    certificate.follow(CARD)
    (found,) = certificate.slices
    assert (found.inside, found.outside, found.answers) == (math.inf, math.inf, 0)


@pytest.mark.parametrize("changed", [{"policy": "changed"}, {"maker": "another model"}])
def test_what_was_proved_of_slices_ends_with_what_was_proved_of_all(
    of_slices: Certificate, changed: dict[str, str]
) -> None:
    take(of_slices, scored_week(20, worse_where_it_is_a_card, count=30, **changed))
    (found,) = of_slices.slices
    assert (found.inside, found.outside) == (math.inf, math.inf)


def test_a_slice_is_suspended_and_withdrawn_with_all_the_rest(of_slices: Certificate) -> None:
    few = scored_week(20, worse_where_it_is_a_card, count=10)
    take(of_slices, few, chance=0.001)
    assert math.isinf(of_slices.slices[0].inside)
    take(of_slices, few)
    assert of_slices.slices[0].inside < 1.0
    of_slices.withdraw()
    assert math.isinf(of_slices.slices[0].inside)


def test_no_more_slices_are_followed_than_there_is_a_level_for() -> None:
    certificate = Certificate(alpha=0.05, delta=0.1)
    for number in range(2 * MOST_SLICES):
        certificate.follow(Slice(fact="topic", value=str(number)))
    assert len(certificate.slices) == MOST_SLICES


def test_a_slice_is_suspected_where_more_is_wrong_than_its_scores_say() -> None:
    weeks = range(20)
    found = [CARD in suspected_slices(scored_week(week, worse_where_it_is_a_card)) for week in weeks]
    by_chance = [CARD in suspected_slices(scored_week(week, same_everywhere)) for week in weeks]
    assert sum(found) == len(weeks)
    assert sum(by_chance) <= 3
    assert suspected_slices(scored_week(1, worse_where_it_is_a_card, count=20)) == ()
