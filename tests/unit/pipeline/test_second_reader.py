"""A second reader finds what an answer states in words that nobody listed, and can make nothing up."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from handrail import Guard
from handrail.confidence.cascade import SampleRequest
from handrail.errors import PolicyError
from handrail.guard.outcome import Outcome
from handrail.pipeline.second_reader import FAILED
from handrail.policy import loads
from handrail.records import Draft, FaultKind, Message, Speaker

POLICY = """\
policy: shop
version: "1"
if_unsure: queue_manager
roles: {finance_lead: {}, supervisor: {}, billing: {}, queue_manager: {}, process_owner: {}}
facts:
  answer.refund_window: {type: duration, says: [refund, return], second_reader: true}
  answer.covered: {type: yes/no, says: [water damage], second_reader: true}
hand_offs:
  - {id: other-window, when: answer.refund_window != 30 days, to: supervisor, because: It is 30 days.}
  - {id: not-covered, when: answer.covered, to: billing, because: Water damage is not covered.}
"""
UNLISTED = "Keep the box: what you bought finds its way home to us for up to two months."


class Reader:
    """A model that is asked again, with what it replies."""

    def __init__(self, *replies: object) -> None:
        self.replies, self.asked = list(replies), list[SampleRequest]()

    def __call__(self, wanted: SampleRequest) -> Sequence[Draft]:
        self.asked.append(wanted)
        reply = self.replies.pop(0) if self.replies else None
        if isinstance(reply, Exception):
            raise reply
        text = reply if isinstance(reply, str) else json.dumps(reply)
        return [Draft(text=text)] if reply is not None else []


def said(quote: str, *, affirmed: bool = True) -> dict[str, Any]:
    return {"said": True, "quote": quote, "affirmed": affirmed}


NOT_SAID = {"said": False, "quote": "", "affirmed": False}


@pytest.fixture
def judged(make_guard: Callable[..., Guard]) -> Callable[..., Outcome]:
    guard = make_guard(POLICY)

    def judge(text: str, reader: Reader | None) -> Outcome:
        call = guard.begin([Message(speaker=Speaker.USER, text="Can I send it back?")])
        return call.finish([Draft(text=text)], ask=reader)

    return judge


def role(outcome: Outcome) -> str | None:
    return outcome.handoff.role if outcome.handoff else None


def why(outcome: Outcome) -> object:
    value = outcome.decision.facts["answer.refund_window"]
    return getattr(value, "why", value)


def test_what_the_words_miss_is_found_and_read_in_the_answer_s_own_words(
    judged: Callable[..., Outcome],
) -> None:
    reader = Reader(said("up to two months"))
    outcome = judged(UNLISTED, reader)
    assert role(outcome) == "supervisor"
    (asked,) = reader.asked
    assert (asked.count, asked.temperature) == (1, 0.0)
    assert UNLISTED in (asked.instruction or "")
    assert '"additionalProperties": false' in (asked.instruction or "")


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        (NOT_SAID, None),
        (said("up to six months"), "queue_manager"),
        (said("what you bought finds its way home"), "queue_manager"),
        (said(""), "queue_manager"),
        (None, "queue_manager"),
        ("I think it is two months.", "queue_manager"),
        ({"said": True, "quote": "up to two months"}, "queue_manager"),
        ({**said("up to two months"), "value": "30 days"}, "queue_manager"),
        ({**said("up to two months"), "said": "yes"}, "queue_manager"),
        (RuntimeError("no"), "queue_manager"),
        ('Sure: {"said": true, "quote": "up to two\\n months", "affirmed": true}', "supervisor"),
    ],
)
def test_only_words_that_the_answer_holds_count(
    judged: Callable[..., Outcome], reply: object, found: str | None
) -> None:
    assert role(judged(UNLISTED, Reader(reply))) == found


def test_where_nobody_can_be_asked_the_fact_is_unknown_and_says_so(judged: Callable[..., Outcome]) -> None:
    outcome = judged(UNLISTED, None)
    assert (role(outcome), why(outcome)) == ("queue_manager", FAILED)


@pytest.mark.parametrize(
    ("text", "is_released"),
    [
        ("Good morning! How can I help?", True),
        ("You can return it within 30 days.", True),
        ("You can return it within 60 days.", False),
        ("You can return it within 30 or 60 days.", False),
    ],
)
def test_it_is_not_asked_where_the_first_reader_read_or_nothing_can_be_read(
    judged: Callable[..., Outcome], text: str, is_released: bool
) -> None:
    reader = Reader()
    assert judged(text, reader).is_released is is_released
    assert reader.asked == []


@pytest.mark.parametrize(
    ("quote", "affirmed", "found"),
    [
        ("we step in", True, "billing"),
        ("we step in", False, "queue_manager"),
        ("nobody steps in", False, "queue_manager"),
    ],
)
def test_yes_or_no_counts_where_the_words_say_it_as_the_reader_does(
    judged: Callable[..., Outcome], quote: str, affirmed: bool, found: str
) -> None:
    reader = Reader(said(quote, affirmed=affirmed))
    assert role(judged("Water damage: there we step in.", reader)) == found


def test_an_exchange_pays_for_its_readers_within_its_budget(make_guard: Callable[..., Guard]) -> None:
    guard, reader = make_guard(POLICY), Reader(*[NOT_SAID] * 9)
    call = guard.begin([Message(speaker=Speaker.USER, text="Hello")])
    outcome = call.finish([Draft(text=UNLISTED)] * 9, ask=reader)
    assert len(reader.asked) == 4
    assert role(outcome) == "queue_manager"


def test_an_answer_that_failed_is_not_read_again(make_guard: Callable[..., Guard]) -> None:
    guard, reader = make_guard(POLICY), Reader(NOT_SAID)
    call = guard.begin([Message(speaker=Speaker.USER, text="Hello")])
    call.finish([Draft(text=UNLISTED, fault=FaultKind.TRUNCATED)], ask=reader)
    assert reader.asked == []


def test_a_second_reader_is_of_facts_that_an_answer_states() -> None:
    with pytest.raises(PolicyError, match="'second_reader' does not apply"):
        loads(
            POLICY.replace(
                "facts:\n", "facts:\n  vip: {type: yes/no, from: context.vip, second_reader: true}\n"
            )
        )
