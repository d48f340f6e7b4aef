import json
import math
from collections.abc import Generator

import pytest

from handrail.confidence.calibration import artefact
from handrail.confidence.calibration.apply import CalibrationScope
from handrail.confidence.cascade import Ask, InForce, Look, Measured, Replies, measure
from handrail.records import Draft, TokenLogprob

AGREE = Look(check="agreement", threshold=0.7)


def answer(chance: float) -> Draft:
    return Draft(text="yes", logprobs=(TokenLogprob(token="yes", logprob=math.log(chance), data=b"yes"),))


def in_force(model: str = "m") -> InForce:
    guarantee = {
        "target": 0.05, "delta": 0.1, "level": 0.06, "threshold": 0.6, "grid": [0.6], "log_wealth": [[3.0]],
        "is_certified": [True], "answers": 100, "verdicts": 90,
    }  # fmt: skip
    document = {
        "id": "c1", "model": "m", "prompt_sha256": "p", "method": "sequence",
        "created": "2026-01-05T00:00:00Z",
        "log_range": {"first": "2026-01-01T00:00:00Z", "last": "2026-01-04T00:00:00Z"},
        "curve": {"kind": "platt", "mean": 0.0, "sd": 1.0, "slope": 1.0, "intercept": 1.0},
        "guarantee": guarantee,
    }  # fmt: skip
    calibration = artefact.read(json.dumps(document))
    return InForce(calibration=calibration, call=CalibrationScope(model=model, prompt_sha256="p"))


def drive(steps: Generator[Ask, Replies, Measured], *texts: str) -> tuple[Measured, int]:
    asked = 0
    try:
        next(steps)
        asked += 1
        steps.send(Replies(drafts=tuple(Draft(text=text) for text in texts)))
    except StopIteration as done:
        return done.value, asked
    raise AssertionError("asked twice")


def test_without_a_calibration_the_raw_value_is_looked_at_twice_near_the_threshold() -> None:
    found, asked = drive(measure(answer(0.65), AGREE), "yes", "yes", "yes")
    assert asked == 1
    assert found.confidence.value is not None
    assert found.confidence.value > 0.65
    assert found.score == pytest.approx(0.65)
    assert found.method == "sequence"


def test_a_certified_value_can_only_be_lowered_by_a_second_look() -> None:
    same, asked = drive(measure(answer(0.62), AGREE, in_force=in_force()), "yes", "yes", "yes")
    assert asked == 1
    assert same.confidence.value is not None
    assert same.confidence.threshold is not None
    assert same.confidence.value >= same.confidence.threshold
    lower, _ = drive(measure(answer(0.62), AGREE, in_force=in_force()), "no", "no", "no")
    assert lower.confidence.value is not None
    assert lower.confidence.value < same.confidence.threshold
    assert lower.score == pytest.approx(0.62)


@pytest.mark.parametrize(("chance", "model"), [(0.55, "m"), (0.9, "other")])
def test_no_second_look_makes_up_for_a_missing_certificate(chance: float, model: str) -> None:
    found, asked = drive(measure(answer(chance), AGREE, in_force=in_force(model)))
    assert asked == 0
    value, threshold = found.confidence.value, found.confidence.threshold
    assert value is None or (threshold is not None and value < threshold)
    assert found.score == pytest.approx(chance)
