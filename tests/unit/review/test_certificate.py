import math
from dataclasses import replace

import numpy as np
import pytest

from handrail.review.certificate import Certificate
from handrail.review.review_log import RIGHT, ReviewLog


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
    assert proved.under("p") == 0.5
    assert proved.under("changed") == math.inf


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
    assert proved.under("stricter") == 0.5
    assert take(proved, week(10, policy="stricter")) == 0.5


def test_a_stricter_policy_of_another_one_keeps_nothing(proved: Certificate) -> None:
    proved.goes_on("stricter", after="unknown")
    assert proved.under("stricter") == math.inf
    assert take(proved, week(10, policy="stricter")) == math.inf


def test_a_likely_change_suspends_and_gives_back_what_was_proved(proved: Certificate) -> None:
    assert take(proved, week(10), chance=0.001) == math.inf
    assert proved.is_suspended
    assert take(proved, week(10)) == 0.5


def test_a_withdrawn_certificate_has_to_be_proved_again(proved: Certificate) -> None:
    proved.withdraw()
    assert proved.under("p") == math.inf
    assert take(proved, week(400)) == 0.5
