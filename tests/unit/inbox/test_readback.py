"""Typing again what will run, before an approval of high severity, where the role asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from handrail.errors import CheckFailed
from handrail.service.readback import must_be_read_back
from handrail.tickets.lifecycle import State
from support.inbox import TICKETS_PEOPLE, TICKETS_POLICY, Browser, Scene, fields_of, inbox, shown

POLICY = TICKETS_POLICY.replace("sees: [financial]", "sees: [financial], readback: amount")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with inbox(tmp_path, policy=POLICY, people=TICKETS_PEOPLE) as found:
        yield found


def decided(browser: Browser, ticket: str, typed: str, **fields: str) -> int:
    preview = shown(browser, ticket, verdict="approve", **fields)
    assert "Type amount again" in preview.text
    sent = {**fields_of(preview.text, "/decide"), "readback": typed}
    return int(browser.post(f"/tickets/{ticket}/decide", data=sent).status_code)


@pytest.mark.parametrize("typed", ["", "64", "590", "640 USD"])
def test_an_approval_whose_amount_was_typed_otherwise_does_not_count(scene: Scene, typed: str) -> None:
    ticket, browser = scene.ticket(), scene.signed_in("fay")
    assert decided(browser, ticket.id, typed) == 409
    assert scene.store.get("default", ticket.id).state is State.READY


def test_an_approval_whose_amount_was_typed_again_counts(scene: Scene) -> None:
    ticket, browser = scene.ticket(), scene.signed_in("fay")
    assert decided(browser, ticket.id, " 640.00 ") == 303
    assert scene.store.get("default", ticket.id).state is State.RESOLVED


def test_what_is_typed_again_is_the_amount_that_will_run_and_not_the_one_before(scene: Scene) -> None:
    first, second, browser = scene.ticket(), scene.ticket(), scene.signed_in("fay")
    assert decided(browser, first.id, "640", **{"arg.amount": "590"}) == 409
    assert decided(browser, second.id, "590", **{"arg.amount": "590"}) == 303


def test_a_rejection_asks_for_no_typing(scene: Scene) -> None:
    ticket, browser = scene.ticket(), scene.signed_in("fay")
    preview = shown(browser, ticket.id, verdict="reject", **{"reject.reason_code": "no_evidence"})
    assert "Type amount again" not in preview.text
    assert browser.post(f"/tickets/{ticket.id}/decide", data=fields_of(preview.text, "/decide")).is_redirect


BESIDE = (("issue_refund", '{"amount": 900, "order": "7"}'), ("cancel_order", '{"order": "1182"}'))


@pytest.mark.parametrize(
    ("first", "second", "asks", "right", "wrong"),
    [
        ("reject", "approve", "Type amount again", "900", "640"),
        ("approve", "reject", "Type amount again", "640", "900"),
        ("approve", "approve", "Type amount of each call again", "640.0 , 900", "640"),
    ],
)
def test_of_several_calls_the_amount_of_each_that_will_run_is_typed_again(
    scene: Scene, first: str, second: str, asks: str, right: str, wrong: str
) -> None:
    ticket, browser = scene.ticket(beside=BESIDE), scene.signed_in("fay")
    names = ("call-1", "call-2", "call-3")
    said = dict(zip(names, (first, second, "approve"), strict=True))
    chosen = {"verdict": "parts", **{f"part.{name}.verdict": verdict for name, verdict in said.items()}}
    for typed, status in ((wrong, 409), ("", 409), (right, 303)):
        preview = shown(browser, ticket.id, **chosen)
        assert asks in preview.text
        sent = {**fields_of(preview.text, "/decide"), "readback": typed}
        assert browser.post(f"/tickets/{ticket.id}/decide", data=sent).status_code == status


def test_of_several_calls_that_are_all_rejected_nothing_is_typed_again(scene: Scene) -> None:
    ticket, browser = scene.ticket(beside=BESIDE), scene.signed_in("fay")
    chosen = {f"part.call-{number}.verdict": "reject" for number in (1, 2, 3)}
    preview = shown(browser, ticket.id, verdict="parts", **chosen)
    assert "Type amount" not in preview.text


@pytest.mark.parametrize(
    ("typed", "arguments", "is_right"),
    [
        ("640", '{"amount": 640.0}', True),
        ("6.4e2", '{"amount": 640}', True),
        ("HR-7", '{"amount": "hr-7"}', True),
        ("1", '{"amount": true}', False),
        ("true", '{"amount": true}', True),
        ("nan", '{"amount": "inf"}', False),
        ("0.1", '{"amount": 0.1000000000000000055}', False),
        ("{}", "{}", True),
        ("", '{"amount": 0}', False),
        ("x", "not json", False),
    ],
)
def test_numbers_are_compared_by_value_and_texts_without_case(
    typed: str, arguments: str, is_right: bool
) -> None:
    if is_right:
        must_be_read_back("amount", typed, {"call-1": arguments})
        return
    with pytest.raises(CheckFailed):
        must_be_read_back("amount", typed, {"call-1": arguments})
