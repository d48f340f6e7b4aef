"""Pseudonyms: the model sees a name in place of a value, and whoever said the value gets it back."""

import json
from collections.abc import Callable

import pytest

from handrail import Guard
from handrail.records import Draft, Message, Speaker, ToolCall
from support.scenes import POLICY

WITH_PSEUDONYMS = POLICY.replace('version: "1"', 'version: "1"\nscan: {redaction: pseudonym}').replace(
    "input.findings has email or output.findings has email", "input.findings has email"
)


@pytest.fixture
def guard(make_guard: Callable[..., Guard]) -> Guard:
    return make_guard(WITH_PSEUDONYMS)


def test_the_value_comes_back_in_the_answer_but_never_reaches_the_model(guard: Guard) -> None:
    asked: list[str] = []

    @guard
    def ask(question: str) -> str:
        asked.append(question)
        return "I will write to <EMAIL_1> today."

    assert ask("My address is jane.doe@example.com.") == "I will write to jane.doe@example.com today."
    assert asked == ["My address is <EMAIL_1>."]


def test_a_pseudonym_that_was_never_given_stays(guard: Guard) -> None:
    assert guard(lambda question: "see <EMAIL_7>")("I am a@example.com") == "see <EMAIL_7>"


def test_a_proposed_call_is_judged_and_released_with_the_real_value(guard: Guard) -> None:
    with guard.context(customer="c1"):
        call = guard.begin([Message(speaker=Speaker.USER, text="Send it to jane.doe@example.com please")])
        proposal = ToolCall(id="1", name="send_mail", arguments='{"to": "<EMAIL_1>"}')
        outcome = call.finish([Draft(tool_calls=(proposal,))])
    assert json.loads(outcome.drafts[0].tool_calls[0].arguments) == {"to": "jane.doe@example.com"}


UNNAMED = POLICY.replace("input.findings has email or output.findings has email", "input.findings is known")


def test_a_rule_that_names_no_type_masks_whatever_older_messages_and_their_calls_hold(
    make_guard: Callable[..., Guard],
) -> None:
    guard = make_guard(UNNAMED)
    old = ToolCall(id="c1", name="look_up", arguments='{"iban": "DE89370400440532013000"}')
    messages = [
        Message(speaker=Speaker.USER, text="I am at 192.168.7.31 and jane.doe@example.com."),
        Message(speaker=Speaker.ASSISTANT, tool_calls=(old,)),
        Message(speaker=Speaker.TOOL, text="fine", tool_call_id="c1"),
        Message(speaker=Speaker.USER, text="Thank you."),
    ]
    with guard.context(customer="c1"):
        sent = guard.begin(messages).messages
    told = " ".join([*(m.text for m in sent), *(c.arguments for m in sent for c in m.tool_calls)])
    assert not any(value in told for value in ("192.168.7.31", "jane.doe", "DE8937"))
