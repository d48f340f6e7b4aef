"""Small talk is no case for a person, whatever the shipped policy."""

from datetime import UTC, datetime

import pytest

from handrail.guard.opening import pipeline_of
from handrail.pipeline.exchange import Exchange
from handrail.pipeline.judge import judge
from handrail.pipeline.needs import run
from handrail.pipeline.screen import screen
from handrail.policy import load
from handrail.records import Context, Decision, Draft, Effect, Evidence, Message, Speaker

SMALL_TALK = [
    "hi",
    "Hello!",
    "Good morning",
    "hey there :)",
    "Thanks!",
    "thank you so much, bye",
    "ok great",
    "How are you today?",
    "Who are you?",
    "Tell me a joke",
    "nice weather today",
    "👋",
    "Guten Tag",
    "Hola, buenos días",
    "Bonjour !",
    "Danke schön",
]


def decisions(name: str, words: str) -> list[Decision]:
    exchange = Exchange(
        pipeline=pipeline_of(load(name)),
        evidence=Evidence(exchange="1", context=Context()),
        now=datetime(2026, 1, 5, 12, tzinfo=UTC),
    )
    screened = run(screen(exchange, [Message(speaker=Speaker.USER, text=words)]), lambda need: {})
    judged = run(judge(exchange, [Draft(text="Hello! What can I do for you?")], screened), lambda need: {})
    return [screened.decision, judged.decision]


@pytest.mark.parametrize("name", ["support", "hr", "clinic", "banking"])
def test_small_talk_is_no_hand_off(name: str) -> None:
    handed_off = [
        (words, reason.rule)
        for words in SMALL_TALK
        for decision in decisions(name, words)
        if decision.effect is Effect.HAND_OFF
        for reason in decision.reasons
    ]
    assert handed_off == []


@pytest.mark.parametrize("name", ["support", "banking"])
def test_a_wish_for_a_person_still_is(name: str) -> None:
    assert decisions(name, "hi, let me talk to a person")[0].effect is Effect.HAND_OFF


def test_a_language_that_nobody_trained_is_unsure_and_not_passed_by() -> None:
    decision = decisions("support", "Vorrei parlare con una persona, il mio ordine non è arrivato")[0]
    assert decision.effect is Effect.HAND_OFF
    assert any("language_not_trained" in reason.because for reason in decision.reasons)
