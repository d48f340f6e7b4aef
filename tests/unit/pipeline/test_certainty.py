"""How confidence is measured in a session: with and without a calibration, asking once or again."""

import math
from typing import Any

import pytest

from handrail.confidence.calibration.artefact import Calibration
from handrail.confidence.cascade import Budget, Look, Purse, Replies
from handrail.pipeline.certainty import Certainty, measure, prompt_sha256, slice_of
from handrail.records import Confidence, Context, Draft, Message, Speaker, TokenLogprob

PROMPT = Message(speaker=Speaker.SYSTEM, text="Be brief.")
MESSAGES = (PROMPT, Message(speaker=Speaker.USER, text="Is it here?"))
AGREE = Look(check="agreement", samples=2)


def draft(sure: float | None, text: str = "yes", model: str = "m1") -> Draft:
    tokens = None if sure is None else (TokenLogprob(token=text, logprob=math.log(sure)),)
    return Draft(text=text, logprobs=tokens, model=model)


def calibration(method: str, threshold: float | None, **more: Any) -> Calibration:
    return Calibration.model_validate(
        {
            "id": "c1",
            "model": "m1",
            "prompt_sha256": prompt_sha256(MESSAGES),
            "method": method,
            "created": "2026-01-05T09:00:00Z",
            "log_range": {"first": "2026-01-01T00:00:00Z", "last": "2026-01-04T00:00:00Z"},
            "curve": {"kind": "platt", "mean": 0.0, "sd": 1.0, "slope": 1.0, "intercept": 0.0},
            "guarantee": {
                "target": 0.05,
                "delta": 0.1,
                "level": 0.06,
                "threshold": threshold,
                "grid": [],
                "log_wealth": [],
                "is_certified": [],
                "answers": 0,
                "verdicts": 0,
            },
            **more,
        }
    )


def measured(
    certainty: Certainty, answer: Draft, *said: str, part: str | None = None
) -> tuple[Confidence, int]:
    """Run to the end, answering questions with texts; returns the confidence and how often was asked."""
    steps = measure(certainty, answer, MESSAGES, Purse(Budget()), part=part)
    asked = 0
    try:
        next(steps)
        while True:
            asked += 1
            steps.send(Replies(drafts=tuple(Draft(text=text) for text in said)))
    except StopIteration as done:
        return done.value, asked


def test_a_score_is_kept_unrounded_only_where_it_is_logged() -> None:
    found, _ = measured(Certainty(is_logged=True), draft(0.123456789))
    assert found.score is not None
    assert found.score.value == pytest.approx(0.123456789, abs=1e-16)
    assert (found.score.method, found.score.model) == ("sequence", "m1")
    assert found.score.prompt_sha256 == prompt_sha256(MESSAGES)
    assert found.score.signals["sequence"] == found.score.value
    assert measured(Certainty(), draft(0.5))[0].score is None


def test_a_calibrated_value_carries_its_threshold_and_the_score_stays_raw() -> None:
    certainty = Certainty(calibration=calibration("sequence", 0.8), is_logged=True)
    found, _ = measured(certainty, draft(0.9))
    assert (found.threshold, found.calibration) == (pytest.approx(0.8), "c1")
    assert found.score is not None
    assert found.score.value == pytest.approx(0.9)


def test_before_anything_is_certified_confidence_is_unknown_and_the_score_is_logged_all_the_same() -> None:
    certainty = Certainty(calibration=calibration("sequence", None), is_logged=True)
    found, _ = measured(certainty, draft(0.9))
    assert found.value is None
    assert found.score is not None
    assert found.score.value == pytest.approx(0.9)


def test_under_a_calibration_a_second_look_near_the_threshold_can_only_lower() -> None:
    certainty = Certainty(look=AGREE, calibration=calibration("sequence", 0.8), is_logged=True)
    same, asked = measured(certainty, draft(0.85), "yes", "yes")
    assert (asked, same.value) == (1, pytest.approx(0.85))
    lower, _ = measured(certainty, draft(0.85), "no", "never")
    assert lower.value is not None
    assert lower.value < 0.85
    assert lower.score is not None
    assert lower.score.value == pytest.approx(0.85)
    assert measured(certainty, draft(0.999))[1] == 0


def test_where_only_asking_again_measures_anything_that_is_what_is_logged_and_calibrated() -> None:
    cold, asked = measured(Certainty(look=AGREE, is_logged=True), draft(None), "yes", "yes")
    assert asked == 1
    assert cold.score is not None
    assert (cold.score.method, cold.score.value) == ("agreement", cold.value)
    certainty = Certainty(look=AGREE, calibration=calibration("agreement", 0.6), is_logged=True)
    agreed, asked = measured(certainty, draft(None), "yes", "yes")
    assert asked == 1
    assert agreed.value is not None
    assert agreed.value >= 0.6
    parted, _ = measured(certainty, draft(None), "no", "never")
    assert parted.value is not None
    assert parted.value < 0.6


def test_a_slice_above_its_cap_is_unknown() -> None:
    slices = [
        {"name": "refunds", "cap": 0.01, "rate": 0.2, "low": 0.1, "high": 0.3, "passed": 9, "audits": 9}
        | {"is_handed_off": True}
    ]
    certainty = Certainty(calibration=calibration("sequence", 0.8, slices=slices))
    assert measured(certainty, draft(0.9), part="refunds")[0].value is None
    assert measured(certainty, draft(0.9), part="orders")[0].value is not None


@pytest.mark.parametrize(
    ("facts", "name"), [({"slice": "refunds"}, "refunds"), ({}, None), ({"slice": 3}, None)]
)
def test_the_slice_is_what_the_caller_states(facts: dict[str, object], name: str | None) -> None:
    assert slice_of(Context(facts=facts)) == name


def test_the_prompt_is_the_developers_part_alone() -> None:
    other = (PROMPT, Message(speaker=Speaker.USER, text="Something else"))
    note = Message(speaker=Speaker.SYSTEM, text="A colleague approved it.", name="handrail")
    assert prompt_sha256(other) == prompt_sha256((PROMPT, note)) == prompt_sha256(MESSAGES)
    assert prompt_sha256(MESSAGES[1:]) != prompt_sha256(MESSAGES)
