import math
from collections.abc import Generator

import pytest

from handrail.confidence.cascade import Ask, Budget, Look, Purse, Replies, both, is_in_doubt, second_look
from handrail.records import Confidence, Draft, FaultKind, TokenLogprob

ANSWER = Draft(text="Paris")
NEAR = Confidence(value=0.75, method="sequence")


def drive(steps: Generator[Ask, Replies, Confidence], *replies: Replies) -> tuple[Confidence, list[Ask]]:
    asked: list[Ask] = []
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
    look = Look(check="agreement", threshold=0.4)
    assert drive(second_look(ANSWER, NEAR, look)) == (NEAR, [])


@pytest.mark.parametrize("check", ["off", "verbalised"])
def test_checks_of_the_first_tier_never_ask_again(check: str) -> None:
    look = Look(check=check, threshold=0.75)  # type: ignore[arg-type]
    assert not is_in_doubt(Confidence(value=None, method="none"), look)


def test_inside_the_grey_band_samples_are_asked_for_and_weighed() -> None:
    look = Look(check="agreement", threshold=0.7)
    found, asked = drive(second_look(ANSWER, NEAR, look), said("paris", "Paris.", "Lyon"))
    assert [(ask.count, ask.temperature, ask.instruction) for ask in asked] == [(3, 0.7, None)]
    assert found.value == pytest.approx(both(0.75, 2 / 3))
    assert found.method == "sequence+agreement"


def test_what_one_call_could_not_measure_is_always_looked_at_again() -> None:
    first = Confidence(value=None, method="none", missing=("logprobs", "self_reported"))
    found, _ = drive(
        second_look(ANSWER, first, Look(check="agreement", threshold=0.7)), said("Paris", "Rome", "Rome")
    )
    assert (found.value, found.method) == (pytest.approx(1 / 3), "agreement")


def test_a_second_look_that_failed_is_unknown_and_not_zero() -> None:
    for replies in (Replies(), Replies(drafts=(Draft(fault=FaultKind.TIMEOUT),))):
        found, _ = drive(second_look(ANSWER, NEAR, Look(check="agreement", threshold=0.7)), replies)
        assert found.value is None
        assert found.missing == ("agreement",)


def test_p_true_with_logprobs_costs_one_call() -> None:
    top = (("True", math.log(0.9)), ("False", math.log(0.1)))
    reply = Draft(
        text="True", logprobs=(TokenLogprob(token="True", logprob=math.log(0.9), data=b"True", top=top),)
    )
    found, asked = drive(
        second_look(ANSWER, NEAR, Look(check="p_true", threshold=0.7)), Replies(drafts=(reply,))
    )
    assert len(asked) == 1
    assert asked[0].wants_logprobs
    assert asked[0].instruction is not None
    assert "Paris" in asked[0].instruction
    assert found.value == pytest.approx(both(0.75, 0.9))


def test_p_true_without_logprobs_takes_a_few_more_replies() -> None:
    found, asked = drive(
        second_look(ANSWER, NEAR, Look(check="p_true", threshold=0.7)), said("True"), said("False", "True")
    )
    assert [ask.count for ask in asked] == [1, 2]
    assert found.value == pytest.approx(both(0.75, 2 / 3))


def test_a_budget_cuts_the_number_of_samples() -> None:
    look = Look(check="agreement", threshold=0.7, samples=4, budget=Budget(calls=2))
    _, asked = drive(second_look(ANSWER, NEAR, look), said("Paris", "Paris"))
    assert asked[0].count == 2


@pytest.mark.parametrize("budget", [Budget(calls=0), Budget(tokens=1), Budget(seconds=0)])
def test_a_budget_that_allows_nothing_leaves_the_first_look_and_says_so(budget: Budget) -> None:
    look = Look(check="agreement", threshold=0.7, budget=budget)
    found, asked = drive(second_look(Draft(text="a long enough answer"), NEAR, look))
    assert asked == []
    assert found.value == 0.75
    assert found.missing == ("agreement (over budget)",)


def test_p_true_stops_when_the_time_is_used_up() -> None:
    look = Look(check="p_true", threshold=0.7, budget=Budget(seconds=2.0))
    slow = Replies(drafts=(Draft(text="True"),), seconds=3.0)
    found, asked = drive(second_look(ANSWER, NEAR, look), slow)
    assert [ask.seconds for ask in asked] == [2.0]
    assert found.value == pytest.approx(both(0.75, 1.0))


def test_several_answers_share_one_purse() -> None:
    look, purse = Look(check="agreement", threshold=0.7, samples=3), Purse(Budget(calls=4))
    drive(second_look(ANSWER, NEAR, look, purse=purse), said("Paris", "Paris", "Paris"))
    _, asked = drive(second_look(ANSWER, NEAR, look, purse=purse), said("Paris"))
    assert asked[0].count == 1


def test_failed_samples_are_paid_for() -> None:
    look, purse = Look(check="p_true", threshold=0.7), Purse(Budget(calls=1))
    drive(second_look(ANSWER, NEAR, look, purse=purse), Replies())
    found, asked = drive(second_look(ANSWER, NEAR, look, purse=purse))
    assert asked == []
    assert found.missing == ("p_true (over budget)",)


def test_a_second_look_at_a_certified_value_may_lower_it_and_never_raises_it() -> None:
    look = Look(check="agreement", threshold=0.7, only_lowers=True)
    same, _ = drive(second_look(ANSWER, NEAR, look), said("Paris", "Paris", "Paris"))
    assert same.value == 0.75
    lower, _ = drive(second_look(ANSWER, NEAR, look), said("Rome", "Rome", "Rome"))
    assert lower.value is not None
    assert lower.value < 0.75


@pytest.mark.parametrize("value", [None, 0.65])
def test_what_is_unknown_or_not_certified_stays_so_without_asking(value: float | None) -> None:
    look = Look(check="agreement", threshold=0.7, only_lowers=True)
    first = Confidence(value=value, method="uncalibrated: another model")
    assert drive(second_look(ANSWER, first, look)) == (first, [])
