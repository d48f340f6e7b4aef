import math

import pytest

from handrail.confidence import score
from handrail.confidence.scorers.labels import chosen
from handrail.confidence.scorers.score import signals
from handrail.records import Draft, TokenLogprob, ToolCall


def tokens(*pairs: tuple[str, float], top: tuple[tuple[str, float], ...] = ()) -> tuple[TokenLogprob, ...]:
    return tuple(TokenLogprob(token=t, logprob=p, data=t.encode(), top=top) for t, p in pairs)


def test_a_plain_answer_has_the_length_normalised_probability_of_its_tokens() -> None:
    found = score(Draft(text="Yes, sure", logprobs=tokens(("Yes", -0.1), (", sure", -0.3))))
    assert found.method == "sequence"
    assert found.value == pytest.approx(math.exp(-0.2))
    assert found.missing == ()


def test_the_minimum_token_can_be_asked_for() -> None:
    draft = Draft(text="Yes, sure", logprobs=tokens(("Yes", -0.1), (", sure", -0.3)))
    assert score(draft, method="min_token").value == pytest.approx(math.exp(-0.3))


def test_only_the_answer_span_is_scored_if_one_is_given() -> None:
    text = "Let me think. So: 42"
    draft = Draft(text=text, logprobs=tokens(("Let me think. So:", -9.0), (" 4", -0.2), ("2", -0.1)))
    assert score(draft, span=(18, 20)).value == pytest.approx(math.exp(-0.15))


def test_an_answer_that_is_no_label_is_scored_as_a_sequence() -> None:
    draft = Draft(text="Neither", logprobs=tokens(("Neither", -0.7)))
    assert score(draft, labels=("yes", "no")).method == "sequence"
    assert chosen("Neither", ("yes", "no")) is None
    assert chosen("YES!", ("yes", "no")) == "yes"
    assert chosen("a", ("a", "A")) == "a"


@pytest.mark.parametrize(
    ("logprobs", "missing"),
    [(None, "logprobs"), ((), "logprobs (empty)"), (tokens(("Ye", -0.1)), "logprobs (partial)")],
)
def test_without_usable_logprobs_the_models_own_number_stands_in_and_says_so(
    logprobs: tuple[TokenLogprob, ...] | None, missing: str
) -> None:
    found = score(Draft(text="Yes", logprobs=logprobs, self_reported=0.8))
    assert (found.value, found.method, found.missing) == (0.8, "self_reported", (missing,))


def test_what_nothing_can_measure_is_unknown_and_not_zero() -> None:
    found = score(Draft(text="Yes"))
    assert (found.value, found.method, found.missing) == (None, "none", ("logprobs", "self_reported"))


@pytest.mark.parametrize("stated", [1.5, -0.1, math.nan])
def test_a_stated_number_outside_its_range_is_unknown(stated: float) -> None:
    assert score(Draft(text="Yes", self_reported=stated)).value is None


def test_words_beside_a_tool_call_say_nothing_of_the_call() -> None:
    call = ToolCall(id="1", name="refund", arguments='{"amount": 5}')
    found = score(Draft(text="Sure", logprobs=tokens(("Sure", -0.01)), tool_calls=(call,)))
    assert found.value is None
    assert "logprobs of the tool call" in found.missing


def test_certain_tokens_stay_apart_from_nearly_certain_ones() -> None:
    sure, nearly = (score(Draft(text="B", logprobs=tokens(("B", p)))).value for p in (-1e-12, -1e-10))
    assert sure is not None
    assert nearly is not None
    assert sure > nearly


def test_boasting_in_the_text_changes_no_logprob_score() -> None:
    plain = Draft(text="It is 5", logprobs=tokens(("It", -0.2), (" is", -0.4), (" 5", -0.6)))
    boast = Draft(text="I am 100 % sure", logprobs=tokens(("I am", -0.2), (" 100 %", -0.4), (" sure", -0.6)))
    assert score(plain) == score(boast)


def test_all_signals_of_one_call_are_named_and_missing_ones_are_none() -> None:
    draft = Draft(text="yes", logprobs=tokens(("yes", -0.5)), self_reported=0.9)
    found = signals(draft, labels=("yes", "no"))
    assert found["label"] == found["sequence"] == pytest.approx(math.exp(-0.5))
    assert (found["fields"], found["self_reported"], found["brevity"]) == (None, 0.9, 1.0)
    assert set(signals(Draft(text="yes")).values()) == {None}
