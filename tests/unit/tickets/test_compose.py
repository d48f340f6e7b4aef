"""A ticket holds the whole case: short, masked, and answering six questions by itself."""

import json
import re
from datetime import timedelta

import pytest
from jsonschema import Draft202012Validator

from handrail.records import Context, Evidence, Finding, Message, Part, Place, Speaker, Trigger
from handrail.tickets.compose import summarise
from handrail.tickets.lifecycle import TABLE, State, Verb
from handrail.tickets.masking import mask_of
from handrail.tickets.notices import NoticeFields, render
from handrail.tickets.questions import QUESTIONS, six_answers
from handrail.tickets.routing import safe_default
from handrail.tickets.ticket import SUMMARY_LIMIT, Promise, Ticket, schema
from support.stores import NOW, SECRET, new_ticket


def test_the_six_questions_are_answered_from_the_ticket_alone() -> None:
    for ticket in (new_ticket(), new_ticket(with_action=False)):
        answers = six_answers(Ticket.model_validate_json(ticket.model_dump_json()))
        assert tuple(answers) == QUESTIONS
        assert all(answers.values())


def test_an_answer_says_what_was_promised_and_what_would_be_done() -> None:
    answers = six_answers(new_ticket())
    assert "You will get 640 USD back." in answers["What did the assistant say or promise?"]
    assert answers["What exactly would be done?"] == 'issue_refund {"amount":640,"order":"1182"}'
    assert "Refunds above 500 USD are signed by finance." in answers["Why was it stopped?"]


def test_the_summary_is_short_and_its_request_names_the_action() -> None:
    summary = new_ticket().summary
    assert sum(len(text) for text in summary.model_dump().values()) <= SUMMARY_LIMIT
    assert "issue_refund" in summary.request


def test_the_assessment_puts_one_full_stop_after_each_reason() -> None:
    ticket = new_ticket()
    rule = ticket.policy.rules[0]
    reasons = ("Refunds are signed by finance.", "no-stop", "Is it theirs?", "They said “now.”")
    rules = tuple(rule.model_copy(update={"because": text}) for text in reasons)
    policy = ticket.policy.model_copy(update={"rules": rules})
    said = summarise(ticket.model_copy(update={"policy": policy})).assessment
    assert said.startswith("Refunds are signed by finance. no-stop. Is it theirs? They said “now.”")
    assert not re.search(r"[.;?][.;]", said)


def test_a_question_without_an_answer_says_so_and_the_time_is_one_a_person_reads() -> None:
    ticket = new_ticket().model_copy(
        update={
            "wanted": "",
            "said": "",
            "promised": (),
            "promise": Promise(text=""),
            "decide_by": NOW.replace(microsecond=123456),
        }
    )
    answers = six_answers(ticket)
    assert answers["What does the customer want?"] == "Nothing of theirs is on record."
    assert answers["What did the assistant say or promise?"] == "Nothing."
    assert answers["By when?"] == f"{NOW:%Y-%m-%d %H:%M} UTC"


def test_every_text_outside_the_sealed_part_is_masked() -> None:
    for ticket in (
        new_ticket(),
        new_ticket(with_action=False),
        new_ticket(arguments=f'{{"card": "{SECRET}"}}'),
    ):
        assert SECRET not in ticket.model_copy(update={"sealed": None}).model_dump_json()
        assert SECRET not in repr(ticket)
        assert ticket.sealed is not None
        assert SECRET in ticket.sealed.model_dump_json()


def test_the_ticket_fits_its_published_schema() -> None:
    Draft202012Validator(schema()).validate(json.loads(new_ticket().model_dump_json()))


def test_deadlines_come_from_the_role_and_the_warning_at_half_time() -> None:
    ticket = new_ticket()
    assert ticket.decide_by == NOW + timedelta(minutes=30)
    assert ticket.warn_at == NOW + timedelta(minutes=15)
    assert ticket.chain == ("process_owner",)
    assert ticket.promise.text.startswith("A finance lead answers by 12:30 UTC")


@pytest.mark.parametrize("trigger", list(Trigger))
def test_every_trigger_has_a_safe_default_that_approves_nothing(trigger: Trigger) -> None:
    assert new_ticket(trigger=trigger).on_expiry is safe_default(trigger).action
    assert TABLE[Verb.EXPIRE].target is State.EXPIRED


def test_unreadable_arguments_have_no_digest_and_are_shown_as_they_are() -> None:
    ticket = new_ticket(arguments='{"amount": NaN}')
    assert ticket.action is not None
    assert ticket.action.digest == ""
    assert "NaN" in ticket.action.arguments


def test_a_notice_keeps_braces_it_does_not_know() -> None:
    about = NoticeFields(role="a_b", due=None, ticket="t")
    text = render("{role} {due} {ticket} {else}", about, zone="UTC", now=NOW)
    assert text == "a b as soon as possible t {else}"


def test_a_stored_ticket_with_fields_that_were_never_filled_is_read_without_them() -> None:
    ticket = new_ticket()
    raw = json.loads(ticket.model_dump_json())
    raw |= {"locale": "", "response_schema": {}, "consent_export": False, "labels": {"verdict": ""}}
    raw["action"]["reversible"] = None
    assert Ticket.model_validate_json(json.dumps(raw)) == ticket


def test_a_ticket_has_no_room_for_fields_it_does_not_know() -> None:
    raw = json.loads(new_ticket().model_dump_json())
    raw["approved"] = True
    with pytest.raises(ValueError, match="approved"):
        Ticket.model_validate(raw)


def test_the_words_that_made_a_topic_are_no_values_to_mask() -> None:
    words = "Refund 640 USD, my loan is due"
    place = Place(part=Part.MESSAGE, index=0)
    heard = Finding(
        type="finance_topic", category="financial", start=7, end=14, scanner="heads", score=0.9, place=place
    )
    evidence = Evidence(
        exchange="x",
        context=Context(),
        messages=(Message(speaker=Speaker.USER, text=words),),
        findings=(heard,),
    )
    assert mask_of(evidence)(words) == words
