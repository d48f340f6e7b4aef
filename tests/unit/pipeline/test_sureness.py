"""How sure the model is of one value is read from that value's own tokens, or is unknown with the reason."""

import json
import math

import pytest

from handrail.pipeline.sureness import sureness
from handrail.policy import loads
from handrail.records import (
    NOT_SAID,
    Draft,
    Effect,
    FactValue,
    Stage,
    TokenLogprob,
    ToolCall,
    Trigger,
    Unknown,
)

POLICY = loads(
    """\
policy: sure
version: "1"
if_unsure: lead
roles: {lead: , boss: }
facts:
  confidence.min_token: {type: number}
  confidence.of.amount: {type: number}
  confidence.missing: {type: one of}
hand_offs:
  - {id: unlikely-token, when: confidence.min_token < 0.2, to: boss}
  - {id: unlikely-amount, when: confidence.of.amount < 0.8, to: boss}
  - {id: nothing-came, when: 'confidence.missing == "none_came"', to: boss}
"""
)


def tokens(*parts: tuple[str, float]) -> tuple[TokenLogprob, ...]:
    """Return tokens with these probabilities."""
    return tuple(TokenLogprob(token=text, logprob=math.log(chance)) for text, chance in parts)


def read(draft: Draft, *, was_asked: bool = True) -> dict[str, FactValue]:
    """Return the facts on confidence."""
    return sureness(POLICY, draft, (), was_asked=was_asked)


JSON = tokens(('{"amount": ', 0.99), ("640", 0.5), (', "why": "', 0.99), ("late", 0.3), ('"}', 0.99))


def test_a_field_has_the_confidence_of_its_own_tokens() -> None:
    draft = Draft(text="".join(one.token for one in JSON), logprobs=JSON)
    found = read(draft)
    assert float(found["confidence.of.amount"]) == pytest.approx(0.5)  # type: ignore[arg-type]
    assert float(found["confidence.min_token"]) == pytest.approx(0.3)  # type: ignore[arg-type]
    decision = POLICY.decide(found, Stage.ANSWER)
    assert [(one.rule, one.trigger) for one in decision.reasons] == [
        ("unlikely-amount", Trigger.LOW_CONFIDENCE)
    ]


def test_an_argument_has_the_confidence_of_its_own_tokens() -> None:
    call = ToolCall(id="1", name="refund", arguments="".join(one.token for one in JSON))
    found = read(Draft(tool_calls=(call,), logprobs=JSON))
    assert float(found["confidence.of.amount"]) == pytest.approx(0.5)  # type: ignore[arg-type]


def test_an_answer_without_the_value_lets_the_rule_rest() -> None:
    spoken = tokens(("Hello", 0.9), (" there", 0.9))
    found = read(Draft(text="Hello there", logprobs=spoken))
    assert found["confidence.of.amount"] == Unknown(why=NOT_SAID)
    assert POLICY.decide(found, Stage.ANSWER).effect is Effect.PASS


@pytest.mark.parametrize(
    ("logprobs", "was_asked", "why"),
    [
        (None, False, "not_asked"),
        (None, True, "none_came"),
        ((), True, "none_came"),
        (JSON[:2], True, "too_few"),
        (JSON, True, "none"),
    ],
)
def test_it_is_told_why_confidence_is_missing(
    logprobs: tuple[TokenLogprob, ...] | None, was_asked: bool, why: str
) -> None:
    draft = Draft(text="".join(one.token for one in JSON), logprobs=logprobs)
    found = read(draft, was_asked=was_asked)
    assert found["confidence.missing"] == why
    assert (found["confidence.min_token"] == Unknown(why=why)) is (why != "none")


def test_a_value_that_nothing_could_measure_is_unknown_and_hands_off() -> None:
    draft = Draft(text=json.dumps({"amount": 640}))
    found = read(draft, was_asked=False)
    assert found["confidence.of.amount"] == Unknown(why="not_asked")
    reasons = POLICY.decide(found, Stage.ANSWER).reasons
    assert {one.rule for one in reasons} == {"unlikely-token", "unlikely-amount"}
    assert {one.trigger for one in reasons} == {Trigger.UNSURE}
