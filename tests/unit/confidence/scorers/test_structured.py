import json
import math

import pytest

from handrail.confidence import score
from handrail.confidence.scorers.logprobs import Aligned, align
from handrail.confidence.scorers.structured import argument_scores, field_scores
from handrail.records import Draft, TokenLogprob, ToolCall


def tokens(*pairs: tuple[str, float], top: tuple[tuple[str, float], ...] = ()) -> tuple[TokenLogprob, ...]:
    return tuple(TokenLogprob(token=t, logprob=p, data=t.encode(), top=top) for t, p in pairs)


def aligned(draft: Draft) -> Aligned:
    found = align(draft)
    assert isinstance(found, Aligned)
    return found


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
