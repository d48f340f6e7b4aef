"""A customer's talk with the shop: who says what, who is waited for, and what comes of it, once."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast, get_args, get_type_hints

import pytest

from handrail.store import Actor, SqlStore
from handrail.tickets.ports import ResolutionView
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict
from handrail_adapters.demo.play import TENANT, Shop, open_shop
from handrail_adapters.demo.talk import Line, Speaker, Talk, repeated, who_says, words_of

HEADPHONES = "Refund the $640 headphones."


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with open_shop(store=f"sqlite:///{tmp_path / 'handrail.db'}") as opened:
        yield opened


def resolve(shop: Shop, ticket: str, resolution: Resolution) -> None:
    assert shop.guard.people is not None
    store = cast("SqlStore", shop.guard.store)
    actor = Actor(person="fatima", people=shop.guard.people, now=datetime.now(UTC))
    store.claim(TENANT, ticket, actor)
    store.resolve(TENANT, ticket, resolution, actor)


def test_what_the_assistant_may_decide_it_answers(shop: Shop) -> None:
    talk = Talk(shop=shop)
    talk.say("Where is order 1182?")
    asked, answered = talk.lines
    assert (asked.speaker, answered.speaker) == (Speaker.CUSTOMER, Speaker.ASSISTANT)
    assert "tomorrow" in answered.text
    assert not talk.is_waiting
    assert talk.look() == 0


def test_a_held_request_names_the_role_and_by_when(shop: Shop) -> None:
    talk = Talk(shop=shop)
    talk.say(HEADPHONES)
    held = talk.lines[-1]
    assert held.speaker is Speaker.NOTICE
    assert held.is_open
    assert held.due is not None
    assert who_says(held, "UTC") == f"With a person: finance lead, until {held.due:%H:%M} UTC"
    assert shop.service.refunds == []


def test_a_persons_answer_comes_once_and_the_action_runs_once(shop: Shop) -> None:
    talk = Talk(shop=shop)
    talk.say(HEADPHONES)
    edit = Resolution(verdict=Verdict.EDIT, changes={"amount": 590}, message_to_user="Without the case.")
    resolve(shop, talk.lines[-1].ticket, edit)
    assert [talk.look(), talk.look()] == [1, 0]
    held, answer = talk.lines[-2:]
    assert not held.is_open
    assert (answer.speaker, answer.text, answer.role) == (
        Speaker.PERSON,
        "Without the case.",
        "finance_lead",
    )
    assert [refund["amount"] for refund in shop.service.refunds] == [590]
    assert not talk.is_waiting


def test_a_rejected_request_never_runs_and_is_said(shop: Shop) -> None:
    talk = Talk(shop=shop)
    talk.say(HEADPHONES)
    resolve(shop, talk.lines[-1].ticket, Resolution(verdict=Verdict.REJECT))
    assert talk.look() == 1
    assert talk.lines[-1].text == "We cannot do that."
    assert shop.service.refunds == []


def test_what_is_sent_back_is_answered_anew_and_judged_anew(shop: Shop) -> None:
    talk = Talk(shop=shop)
    talk.say(HEADPHONES)
    first = talk.lines[-1].ticket
    resolve(shop, first, Resolution(verdict=Verdict.REVISE, message_to_agent="Offer an exchange first."))
    assert talk.look() == 1
    assert shop.model is not None
    assert "Offer an exchange first." in str(shop.model.seen[-1].body["messages"])
    assert talk.lines[-1].is_open
    assert talk.lines[-1].ticket != first
    assert shop.service.refunds == []


def test_what_cannot_be_carried_out_yet_is_looked_at_again(shop: Shop) -> None:
    talk = Talk(shop=shop)
    talk.say(HEADPHONES)
    ticket = talk.lines[-1].ticket
    resolve(shop, ticket, Resolution(verdict=Verdict.APPROVE))
    store = cast("SqlStore", shop.guard.store)
    assert shop.guard.people is not None
    actor = Actor(person="quinn", people=shop.guard.people, now=datetime.now(UTC))
    store.pause(TENANT, "", why="drill", actor=actor)
    assert talk.look() == 0
    assert talk.is_waiting
    store.resume(TENANT, "", why="drill", actor=actor)
    assert talk.look() == 1
    assert len(shop.service.refunds) == 1


def test_a_look_that_fails_is_not_the_last_one() -> None:
    looks = threading.Semaphore(0)

    def look() -> None:
        looks.release()
        raise KeyError("words of a customer")

    with repeated(look, 0.001):
        assert looks.acquire(timeout=30)
        assert looks.acquire(timeout=30)


@pytest.mark.parametrize("verdict", get_args(get_type_hints(ResolutionView)["verdict"]))
def test_every_end_is_told_in_words(verdict: str) -> None:
    found = ResolutionView(
        ticket="t",
        verdict=verdict,  # type: ignore[arg-type]
        role="finance_lead",
        decided_at=datetime(2026, 1, 5, tzinfo=UTC),
    )
    assert words_of(found)


@pytest.mark.parametrize("speaker", Speaker)
def test_every_speaker_has_a_name(speaker: Speaker) -> None:
    assert who_says(Line(speaker=speaker, text="x", role="finance_lead"), "UTC")
