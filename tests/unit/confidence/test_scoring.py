import json
import math

import pytest

from handrail.confidence import score
from handrail.confidence.scorers.labels import chosen
from handrail.confidence.scorers.logprobs import Aligned, align
from handrail.confidence.scorers.score import signals
from handrail.confidence.scorers.structured import argument_scores, field_scores
from handrail.records import Draft, TokenLogprob, ToolCall


def tokens(*pairs: tuple[str, float], top: tuple[tuple[str, float], ...] = ()) -> tuple[TokenLogprob, ...]:
    return tuple(TokenLogprob(token=t, logprob=p, data=t.encode(), top=top) for t, p in pairs)


def aligned(draft: Draft) -> Aligned:
    found = align(draft)
    assert isinstance(found, Aligned)
    return found


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


def test_a_label_sums_the_variants_of_its_spelling_and_its_beginnings() -> None:
    top = (("Tru", -1.0), (" true", -2.0), ("False", -3.0), ("T", -4.0), ("The", -5.0))
    draft = Draft(text="True", logprobs=tokens(("Tru", -1.0), ("e", 0.0), top=top))
    found = score(draft, labels=("True", "False"))
    assert found.method == "label"
    assert found.value == pytest.approx(math.exp(-1) + math.exp(-2) + math.exp(-4))


def test_a_beginning_that_two_labels_share_speaks_for_neither() -> None:
    draft = Draft(
        text="refund", logprobs=tokens(("re", -0.1), ("fund", -0.5), top=(("re", -0.1), ("refund", -3.0)))
    )
    assert score(draft, labels=("refund", "return")).value == pytest.approx(math.exp(-3.0))


def test_marks_around_a_label_do_not_hide_its_token() -> None:
    draft = Draft(
        text=" (B).",
        logprobs=(
            *tokens((" (", -2.0)),
            *tokens(("B", -0.5), top=(("B", -0.5), ("A", -1.2))),
            *tokens((").", -3.0)),
        ),
    )
    assert score(draft, labels="ABCD").value == pytest.approx(math.exp(-0.5))


def test_an_answer_that_is_no_label_is_scored_as_a_sequence() -> None:
    draft = Draft(text="Neither", logprobs=tokens(("Neither", -0.7)))
    assert score(draft, labels=("yes", "no")).method == "sequence"
    assert chosen("Neither", ("yes", "no")) is None
    assert chosen("YES!", ("yes", "no")) == "yes"
    assert chosen("a", ("a", "A")) == "a"


def test_a_structured_answer_has_the_probability_of_its_weakest_value() -> None:
    pieces = [
        ('{"city": "', -9.0),
        ("Par", -0.1),
        ("is", -0.1),
        ('", "n": ', -9.0),
        ("12", -0.4),
        ("}", -9.0),
    ]
    draft = Draft(text="".join(p for p, _ in pieces), logprobs=tokens(*pieces))
    found = score(draft)
    assert found.method == "fields"
    assert found.value == pytest.approx(math.exp(-0.4))


def test_fields_are_named_and_cover_nested_values_and_many_byte_characters() -> None:
    text = json.dumps({"a": [{"é": "zoë"}], "b": ""}, ensure_ascii=False)
    draft = Draft(text=text, logprobs=tokens(*((character, -1.0) for character in text)))
    scores = field_scores(aligned(draft))
    assert scores is not None
    assert {each.name: each.logprob for each in scores} == {"a[0].é": -3.0, "b": -2.0}


def test_a_field_with_fixed_choices_counts_only_up_to_where_they_part() -> None:
    text = '{"size": "medium"}'
    draft = Draft(text=text, logprobs=tokens(*((character, -1.0) for character in text)))
    scores = field_scores(aligned(draft), choices={"size": ("medium", "mini", "small")})
    assert scores is not None
    assert scores[0].logprob == -2.0


def test_a_structured_answer_in_a_code_fence_is_scored_by_its_values() -> None:
    pieces = [("```json\n", -5.0), ('{"a": ', -5.0), ("1", -0.2), ("}\n```", -5.0)]
    draft = Draft(text="".join(p for p, _ in pieces), logprobs=tokens(*pieces))
    assert score(draft).value == pytest.approx(math.exp(-0.2))


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


def test_a_tool_calls_arguments_are_scored_where_the_tokens_cover_them() -> None:
    call = ToolCall(id="1", name="refund", arguments='{"amount": 55, "to": "me"}')
    spoken = tokens(
        ("refund(", -4.0), ('{"amount": ', -4.0), ("55", -0.3), (', "to": "', -4.0), ('me"})', -0.1)
    )
    found = score(Draft(tool_calls=(call,), logprobs=spoken))
    assert found.method == "tool_arguments"
    assert found.value == pytest.approx(math.exp(-0.3))


def test_arguments_that_stand_twice_among_the_tokens_are_not_guessed() -> None:
    call = ToolCall(id="1", name="f", arguments='{"a": 1}')
    assert argument_scores(tokens(('{"a": 1}', -0.1), ('{"a": 1}', -0.2)), call) is None


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
