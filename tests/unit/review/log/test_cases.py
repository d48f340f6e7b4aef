"""Cases read from a real store: how each ended, what was changed, and no word unmasked."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from handrail.policy import Policy, loads
from handrail.policy.runtime.log_row import HANDED_OFF, LogRow
from handrail.records import (
    Context,
    Draft,
    Effect,
    Evidence,
    Finding,
    Message,
    Money,
    Part,
    Place,
    Reason,
    Severity,
    Speaker,
    Stage,
    ToolCall,
    Trigger,
    Unknown,
)
from handrail.records import Decision as Decided
from handrail.review import ReviewCase, ReviewPeriod, TicketEnding, changes, review, write
from handrail.review.log.cases import Collector
from handrail.review.log.log_cases import log_cases
from handrail.review.log.log_rows import rows_of
from handrail.review.training.export import Consent, Form, training_set
from handrail.scan import default_scanner
from handrail.store import Actor, SqlStore, open_store
from handrail.tickets.compose import compose
from handrail.tickets.lifecycle import State
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PERIOD = ReviewPeriod(since=START, until=START + timedelta(days=1))
EMAIL = "ben@example.org"
CONSENT = Consent(source="Terms v3, section 4", given=date(2026, 1, 1))
REFUND = ToolCall(id="c1", name="issue_refund", arguments='{"amount": 640, "currency": "USD"}')
PRICE = Money(amount=Decimal(640), currency="USD")
POLICY = """\
policy: shop
version: "1"
if_unsure: queue_manager
roles:
  finance_lead: {answer_within: 30 minutes}
  queue_manager: {answer_within: 30 minutes}
"""


class Everybody:
    def members(self, role: str) -> frozenset[str]:
        return frozenset({"fay"})


@pytest.fixture
def policy() -> Policy:
    return loads(POLICY)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = open_store(f"sqlite:///{tmp_path / 'handrail.db'}", allow_volatile=True)
    yield opened
    opened.close()


def opened(store: SqlStore, policy: Policy, number: int, *, call: bool = True) -> str:
    words = f"Refund me, I am {EMAIL}"
    at = words.index(EMAIL)
    evidence = Evidence(
        exchange=f"exchange{number:024}",
        context=Context(customer=f"customer-{number}", conversation=f"chat-{number}"),
        messages=(Message(speaker=Speaker.USER, text=words),),
        draft=Draft(text="" if call else "Yes."),
        call=ToolCall(id="c1", name="issue_refund", arguments='{"amount": 640, "currency": "USD"}')
        if call
        else None,
        findings=(
            Finding(
                type="email",
                category="identifier",
                start=at,
                end=at + len(EMAIL),
                place=Place(part=Part.MESSAGE, index=0),
            ),
        ),
    )
    reason = Reason(
        rule="big-refund",
        effect=Effect.HAND_OFF,
        trigger=Trigger.HIGH_STAKES,
        severity=Severity.HIGH,
        role="finance_lead",
        because="Signed by finance.",
        unknown=("order.age",),
    )
    decision = Decided(
        stage=Stage.TOOL,
        effect=Effect.HAND_OFF,
        policy=policy.ref,
        reasons=(reason,),
        role="finance_lead",
        facts={
            "refund.amount": Money(amount=Decimal(640), currency="USD"),
            "order.age": Unknown(why="absent"),
        },
    )
    now = START + timedelta(minutes=number)
    ticket = compose(evidence, decision, notice="Wait.", now=now, id=evidence.exchange, policy=policy)
    return store.open(ticket).ticket


def decided(store: SqlStore, ticket: str, resolution: Resolution) -> None:
    actor = Actor(person="fay", people=Everybody(), now=START + timedelta(minutes=15))
    store.claim("default", ticket, actor)
    store.resolve("default", ticket, resolution, actor)


def collected(store: SqlStore, period: ReviewPeriod = PERIOD) -> dict[str, ReviewCase]:
    collector = Collector(source=store, tenant="default", scanner=default_scanner())
    return {case.id: case for case in collector.cases(period)}


def test_each_ticket_ends_as_people_decided(store: SqlStore, policy: Policy) -> None:
    ids = [opened(store, policy, number) for number in range(5)] + [opened(store, policy, 5, call=False)]
    decided(store, ids[0], Resolution(verdict=Verdict.APPROVE))
    decided(store, ids[1], Resolution(verdict=Verdict.EDIT, changes={"amount": 590}, reason_code="partial"))
    decided(store, ids[2], Resolution(verdict=Verdict.REJECT, reason_code="no_receipt"))
    decided(store, ids[3], Resolution(verdict=Verdict.ANSWER, answer="We call you."))
    decided(store, ids[5], Resolution(verdict=Verdict.APPROVE))
    cases = collected(store)
    assert [cases[ticket].ending for ticket in ids] == [
        TicketEnding.APPROVED,
        TicketEnding.EDITED,
        TicketEnding.REJECTED,
        TicketEnding.ANSWERED,
        TicketEnding.OPEN,
        TicketEnding.APPROVED,
    ]
    assert [str(change) for change in changes(cases[ids[1]])] == ["amount: 640 → 590"]
    assert cases[ids[2]].reason == "no_receipt"
    assert cases[ids[0]].took == timedelta(minutes=15)
    assert cases[ids[0]].unknown == ("order.age",)
    assert str(cases[ids[0]].amounts["refund.amount"]) == "640 USD"


def test_a_ticket_that_nobody_decided_expires(store: SqlStore, policy: Policy) -> None:
    ticket = opened(store, policy, 1)
    for hour in range(1, 4):
        store.sweep(START + timedelta(hours=hour))
    assert collected(store)[ticket].ending is TicketEnding.EXPIRED


def test_an_approval_that_nobody_carried_out_in_time_keeps_its_verdict(
    store: SqlStore, policy: Policy
) -> None:
    ticket = opened(store, policy, 1)
    decided(store, ticket, Resolution(verdict=Verdict.APPROVE))
    for day in range(1, 4):
        store.sweep(START + timedelta(days=day))
    assert store.get("default", ticket).state is State.EXPIRED
    case = collected(store)[ticket]
    assert (case.ending, case.has_lapsed, case.is_late) == (TicketEnding.APPROVED, True, False)
    assert case.took == timedelta(minutes=14)
    said = rows_of(store.entries("default", START, START + timedelta(days=9)), "default")
    held = LogRow(outcome=HANDED_OFF, at=START.isoformat(), ticket=ticket, effect="hand_off", stage="tool")
    (logged,) = log_cases([held, *said])
    assert (logged.ending, logged.has_lapsed, logged.is_late) == (TicketEnding.APPROVED, True, False)


def test_nothing_that_was_found_or_typed_by_reviewers_is_unmasked(store: SqlStore, policy: Policy) -> None:
    ticket = opened(store, policy, 1)
    decided(
        store, ticket, Resolution(verdict=Verdict.ANSWER, answer=f"Write to {EMAIL}.", message_to_user=EMAIL)
    )
    case = collected(store)[ticket]
    assert EMAIL not in repr(case)
    assert "[email]" in case.wanted
    assert case.resolved.startswith("Write to ")


@pytest.mark.parametrize(
    "value", ["0170 1234567", "06 12 34 56 78", "+49 170 1234567", "see\nben@example.org"]
)
@pytest.mark.parametrize("is_ascii", [True, False])
def test_a_value_in_one_field_of_an_edit_is_masked_whatever_stands_beside_it(
    store: SqlStore, policy: Policy, value: str, is_ascii: bool
) -> None:
    ticket = opened(store, policy, 1)
    arguments = json.dumps(
        {"amount": 640, "currency": "USD", "note": value, "é": [json.dumps({"to": value})]},
        ensure_ascii=is_ascii,
    )
    decided(store, ticket, Resolution(verdict=Verdict.EDIT, arguments=arguments))
    case = collected(store)[ticket]
    said = json.loads(case.resolved)
    assert (said["amount"], said["currency"]) == (640, "USD")
    assert "[" in said["note"]
    assert value not in json.dumps(said, ensure_ascii=False)
    assert value not in said["é"][0]
    for form in Form:
        made = training_set(
            [case], form, default_scanner(), consent=lambda _: CONSENT, conversation=lambda ticket: ticket
        )
        assert made.examples
        assert not any(value in str(one.data) for one in made.examples)


@pytest.mark.parametrize("half", ["\\ud83d", "\\u0000", "\\ude00\\ud83d", "\\u001b[31m"])
def test_what_no_page_can_hold_is_marked_where_a_ticket_is_read(
    store: SqlStore, policy: Policy, tmp_path: Path, half: str
) -> None:
    ticket = opened(store, policy, 1)
    arguments = f'{{"amount": 640, "currency": "USD", "note": "{half} and \\ud83d\\ude00", "o": "\\\\u0000"}}'
    decided(store, ticket, Resolution(verdict=Verdict.EDIT, arguments=arguments))
    case = collected(store)[ticket]
    said = json.loads(case.resolved)
    assert said["note"].startswith("\ufffd")
    assert said["note"].endswith(" and \U0001f600")
    assert said["o"] == "\\u0000"
    write(review([case], PERIOD, now=START), tmp_path / "out")
    assert "\ufffd" in (tmp_path / "out" / "review.html").read_text()


def test_a_review_is_written_whole_or_not_at_all(store: SqlStore, policy: Policy, tmp_path: Path) -> None:
    ticket = opened(store, policy, 1)
    decided(store, ticket, Resolution(verdict=Verdict.REJECT, reason_code="no_receipt"))
    case = replace(collected(store)[ticket], reason="\ud83d")
    with pytest.raises(UnicodeEncodeError):
        write(review([case], PERIOD, now=START), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_tickets_of_another_time_or_tenant_are_left_out(store: SqlStore, policy: Policy) -> None:
    opened(store, policy, 1)
    assert collected(store, ReviewPeriod(since=START - timedelta(days=1), until=START)) == {}
    other = Collector(source=store, tenant="other", scanner=default_scanner())
    assert list(other.cases(PERIOD)) == []
