"""How confidence is measured: with and without a calibration, asking once or again."""

import math
from collections.abc import Generator
from typing import Any

import pytest

from handrail.confidence.calibration.artefact import Calibration
from handrail.confidence.cascade import (
    Budget,
    Cascade,
    Replies,
    SampleRequest,
    SelfCheck,
    both,
    is_in_doubt,
    measure,
    prompt_sha256,
    second_look,
)
from handrail.records import Confidence, Draft, FaultKind, Message, Speaker, TokenLogprob

ANSWER = Draft(text="Paris")
NEAR = Confidence(value=0.75, method="sequence")


def drive(
    steps: Generator[SampleRequest, Replies, Confidence], *replies: Replies
) -> tuple[Confidence, list[SampleRequest]]:
    asked: list[SampleRequest] = []
    waiting = iter(replies)
    try:
        asked.append(next(steps))
        while True:
            asked.append(steps.send(next(waiting)))
    except StopIteration as done:
        return done.value, asked


def said(*texts: str) -> Replies:
    return Replies(drafts=tuple(Draft(text=text) for text in texts))


def test_far_from_the_threshold_nothing_is_asked() -> None:
    check = SelfCheck(check="agreement", threshold=0.4)
    assert drive(second_look(ANSWER, NEAR, check)) == (NEAR, [])


@pytest.mark.parametrize("check", ["off", "verbalised"])
def test_checks_of_the_first_tier_never_ask_again(check: str) -> None:
    check = SelfCheck(check=check, threshold=0.75)  # type: ignore[arg-type]
    assert not is_in_doubt(Confidence(value=None, method="none"), check)


def test_inside_the_grey_band_samples_are_asked_for_and_weighed() -> None:
    check = SelfCheck(check="agreement", threshold=0.7)
    found, asked = drive(second_look(ANSWER, NEAR, check), said("paris", "Paris.", "Lyon"))
    assert [(ask.count, ask.temperature, ask.instruction) for ask in asked] == [(3, 0.7, None)]
    assert found.value == pytest.approx(both(0.75, 2 / 3))
    assert found.method == "sequence+agreement"


def test_what_one_call_could_not_measure_is_always_looked_at_again() -> None:
    first = Confidence(value=None, method="none", missing=("logprobs", "self_reported"))
    found, _ = drive(
        second_look(ANSWER, first, SelfCheck(check="agreement", threshold=0.7)), said("Paris", "Rome", "Rome")
    )
    assert (found.value, found.method) == (pytest.approx(1 / 3), "agreement")


def test_a_second_look_that_failed_is_unknown_and_not_zero() -> None:
    for replies in (Replies(), Replies(drafts=(Draft(fault=FaultKind.TIMEOUT),))):
        found, _ = drive(second_look(ANSWER, NEAR, SelfCheck(check="agreement", threshold=0.7)), replies)
        assert found.value is None
        assert found.missing == ("agreement",)


def test_p_true_with_logprobs_costs_one_call() -> None:
    top = (("True", math.log(0.9)), ("False", math.log(0.1)))
    reply = Draft(
        text="True", logprobs=(TokenLogprob(token="True", logprob=math.log(0.9), data=b"True", top=top),)
    )
    found, asked = drive(
        second_look(ANSWER, NEAR, SelfCheck(check="p_true", threshold=0.7)), Replies(drafts=(reply,))
    )
    assert len(asked) == 1
    assert asked[0].wants_logprobs
    assert asked[0].instruction is not None
    assert "Paris" in asked[0].instruction
    assert found.value == pytest.approx(both(0.75, 0.9))


def test_p_true_without_logprobs_takes_a_few_more_replies() -> None:
    found, asked = drive(
        second_look(ANSWER, NEAR, SelfCheck(check="p_true", threshold=0.7)),
        said("True"),
        said("False", "True"),
    )
    assert [ask.count for ask in asked] == [1, 2]
    assert found.value == pytest.approx(both(0.75, 2 / 3))


def test_a_budget_cuts_the_number_of_samples() -> None:
    check = SelfCheck(check="agreement", threshold=0.7, samples=4, budget=Budget(calls=2))
    _, asked = drive(second_look(ANSWER, NEAR, check), said("Paris", "Paris"))
    assert asked[0].count == 2


@pytest.mark.parametrize("budget", [Budget(calls=0), Budget(tokens=1), Budget(seconds=0)])
def test_a_budget_that_allows_nothing_leaves_the_first_look_and_says_so(budget: Budget) -> None:
    check = SelfCheck(check="agreement", threshold=0.7, budget=budget)
    found, asked = drive(second_look(Draft(text="a long enough answer"), NEAR, check))
    assert asked == []
    assert found.value == 0.75
    assert found.missing == ("agreement (over budget)",)


def test_p_true_stops_when_the_time_is_used_up() -> None:
    check = SelfCheck(check="p_true", threshold=0.7, budget=Budget(seconds=2.0))
    slow = Replies(drafts=(Draft(text="True"),), seconds=3.0)
    found, asked = drive(second_look(ANSWER, NEAR, check), slow)
    assert [ask.seconds for ask in asked] == [2.0]
    assert found.value == pytest.approx(both(0.75, 1.0))


def test_several_answers_share_one_budget() -> None:
    check, budget = SelfCheck(check="agreement", threshold=0.7, samples=3), Budget(calls=4)
    drive(second_look(ANSWER, NEAR, check, (), budget), said("Paris", "Paris", "Paris"))
    _, asked = drive(second_look(ANSWER, NEAR, check, (), budget), said("Paris"))
    assert asked[0].count == 1


def test_failed_samples_are_paid_for() -> None:
    check, budget = SelfCheck(check="p_true", threshold=0.7), Budget(calls=1)
    drive(second_look(ANSWER, NEAR, check, (), budget), Replies())
    found, asked = drive(second_look(ANSWER, NEAR, check, (), budget))
    assert asked == []
    assert found.missing == ("p_true (over budget)",)


def test_a_second_look_at_a_certified_value_may_lower_it_and_never_raises_it() -> None:
    check = SelfCheck(check="agreement", threshold=0.7, only_lowers=True)
    same, _ = drive(second_look(ANSWER, NEAR, check), said("Paris", "Paris", "Paris"))
    assert same.value == 0.75
    lower, _ = drive(second_look(ANSWER, NEAR, check), said("Rome", "Rome", "Rome"))
    assert lower.value is not None
    assert lower.value < 0.75


@pytest.mark.parametrize("value", [None, 0.65])
def test_what_is_unknown_or_not_certified_stays_so_without_asking(value: float | None) -> None:
    check = SelfCheck(check="agreement", threshold=0.7, only_lowers=True)
    first = Confidence(value=value, method="uncalibrated: another model")
    assert drive(second_look(ANSWER, first, check)) == (first, [])


PROMPT = Message(speaker=Speaker.SYSTEM, text="Be brief.")
MESSAGES = (PROMPT, Message(speaker=Speaker.USER, text="Is it here?"))
AGREE = SelfCheck(check="agreement", samples=2)
NEAR_SEVEN = SelfCheck(check="agreement", threshold=0.7)


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


def measured(cascade: Cascade, answer: Draft, *said: str, part: str | None = None) -> tuple[Confidence, int]:
    """Run to the end, answering questions with texts; returns the confidence and how often was asked."""
    steps = measure(cascade, answer, MESSAGES, Budget(), named_slice=part)
    asked = 0
    try:
        next(steps)
        while True:
            asked += 1
            steps.send(Replies(drafts=tuple(Draft(text=text) for text in said)))
    except StopIteration as done:
        return done.value, asked


def test_a_score_is_kept_unrounded_only_where_it_is_logged() -> None:
    found, _ = measured(Cascade(is_logged=True), draft(0.123456789))
    assert found.score is not None
    assert found.score.value == pytest.approx(0.123456789, abs=1e-16)
    assert (found.score.method, found.score.model) == ("sequence", "m1")
    assert found.score.prompt_sha256 == prompt_sha256(MESSAGES)
    assert found.score.signals["sequence"] == found.score.value
    assert measured(Cascade(), draft(0.5))[0].score is None


def test_a_calibrated_value_carries_its_threshold_and_the_score_stays_raw() -> None:
    cascade = Cascade(calibration=calibration("sequence", 0.8), is_logged=True)
    found, _ = measured(cascade, draft(0.9))
    assert (found.threshold, found.calibration) == (pytest.approx(0.8), "c1")
    assert found.score is not None
    assert found.score.value == pytest.approx(0.9)


def test_before_anything_is_certified_confidence_is_unknown_and_the_score_is_logged_all_the_same() -> None:
    cascade = Cascade(calibration=calibration("sequence", None), is_logged=True)
    found, _ = measured(cascade, draft(0.9))
    assert found.value is None
    assert found.score is not None
    assert found.score.value == pytest.approx(0.9)


def test_under_a_calibration_a_second_look_near_the_threshold_can_only_lower() -> None:
    cascade = Cascade(self_check=AGREE, calibration=calibration("sequence", 0.8), is_logged=True)
    same, asked = measured(cascade, draft(0.85), "yes", "yes")
    assert (asked, same.value) == (1, pytest.approx(0.85))
    lower, _ = measured(cascade, draft(0.85), "no", "never")
    assert lower.value is not None
    assert lower.value < 0.85
    assert lower.score is not None
    assert lower.score.value == pytest.approx(0.85)
    assert measured(cascade, draft(0.999))[1] == 0


def test_where_only_asking_again_measures_anything_that_is_what_is_logged_and_calibrated() -> None:
    cold, asked = measured(Cascade(self_check=AGREE, is_logged=True), draft(None), "yes", "yes")
    assert asked == 1
    assert cold.score is not None
    assert (cold.score.method, cold.score.value) == ("agreement", cold.value)
    cascade = Cascade(self_check=AGREE, calibration=calibration("agreement", 0.6), is_logged=True)
    agreed, asked = measured(cascade, draft(None), "yes", "yes")
    assert asked == 1
    assert agreed.value is not None
    assert agreed.value >= 0.6
    parted, _ = measured(cascade, draft(None), "no", "never")
    assert parted.value is not None
    assert parted.value < 0.6


def test_a_slice_above_its_cap_is_unknown() -> None:
    slices = [
        {"name": "refunds", "cap": 0.01, "rate": 0.2, "low": 0.1, "high": 0.3, "passed": 9, "audits": 9}
        | {"is_handed_off": True}
    ]
    cascade = Cascade(calibration=calibration("sequence", 0.8, slices=slices))
    assert measured(cascade, draft(0.9), part="refunds")[0].value is None
    assert measured(cascade, draft(0.9), part="orders")[0].value is not None


def test_the_prompt_is_the_developers_part_alone() -> None:
    other = (PROMPT, Message(speaker=Speaker.USER, text="Something else"))
    note = Message(speaker=Speaker.SYSTEM, text="A colleague approved it.", name="handrail")
    assert prompt_sha256(other) == prompt_sha256((PROMPT, note)) == prompt_sha256(MESSAGES)
    assert prompt_sha256(MESSAGES[1:]) != prompt_sha256(MESSAGES)


def test_without_a_calibration_a_second_look_near_the_threshold_may_raise_the_value() -> None:
    found, asked = measured(Cascade(self_check=NEAR_SEVEN, is_logged=True), draft(0.65), "yes", "yes", "yes")
    assert asked == 1
    assert found.value is not None
    assert found.value > 0.65
    assert found.score is not None
    assert (found.score.value, found.score.method) == (pytest.approx(0.65), "sequence")


@pytest.mark.parametrize(("chance", "model"), [(0.55, "m1"), (0.9, "other")])
def test_no_second_look_makes_up_for_a_missing_certificate(chance: float, model: str) -> None:
    cascade = Cascade(self_check=NEAR_SEVEN, calibration=calibration("sequence", 0.6), is_logged=True)
    found, asked = measured(cascade, draft(chance, model=model))
    assert asked == 0
    assert found.value is None or (found.threshold is not None and found.value < found.threshold)
    assert found.score is not None
    assert found.score.value == pytest.approx(chance)
