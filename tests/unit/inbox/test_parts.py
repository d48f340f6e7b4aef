"""Several calls of one turn, decided one by one in one form without scripts."""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from handrail.tickets.lifecycle import State
from support.inbox import Browser, Scene, fields_of, inbox_of_tickets, shown

BESIDE = (("cancel_order", '{"order": "1182"}'), ("send_voucher", '{"amount": 5, "to": "ann"}'))
WORDS = "I will see to all of it."


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with inbox_of_tickets(tmp_path) as found:
        yield found


def chosen(*verdicts: str) -> dict[str, str]:
    names = ["call-1", "call-2", "call-3", "answer"]
    return {
        "verdict": "parts",
        **{f"part.{name}.verdict": verdict for name, verdict in zip(names, verdicts, strict=True)},
    }


def decided(browser: Browser, preview: str, ticket: str) -> int:
    sent = fields_of(preview, "/decide")
    return int(browser.post(f"/tickets/{ticket}/decide", data=sent).status_code)


def ended(scene: Scene, ticket: str) -> list[State]:
    """The states of the action and of the calls beside it, once the decision is in effect."""
    said = scene.store.get("default", ticket).resolution
    assert said is not None
    scene.clock.move(seconds=10)
    tickets = (ticket, *said.parts.values())
    for one in tickets:
        scene.store.take_effect("default", one, now=scene.clock())
    return [scene.store.get("default", one).state for one in tickets]


@pytest.mark.parametrize("verdicts", list(product(("approve", "reject"), repeat=3)))
def test_any_mix_of_verdicts_is_shown_and_is_what_becomes_of_each_call(
    scene: Scene, verdicts: tuple[str, ...]
) -> None:
    ticket, browser = scene.ticket(beside=BESIDE, words=WORDS), scene.signed_in("fay")
    preview = shown(browser, ticket.id, **chosen(*verdicts, "approve"))
    form = preview.text.split('<form class="preview"')[1].split("</form>")[0]
    runs, _, not_ = form.partition("This will not run")
    for tool, verdict in zip(("issue_refund", "cancel_order", "send_voucher"), verdicts, strict=True):
        assert (f'<p class="tool">{tool}</p>' in runs) is (verdict == "approve")
        assert (f'<del class="tool">{tool}</del>' in not_) is (verdict == "reject")
    assert decided(browser, preview.text, ticket.id) == 303
    wanted = [State.DECIDED if verdict == "approve" else State.REJECTED for verdict in verdicts]
    assert ended(scene, ticket.id) == wanted


def test_one_call_is_changed_another_rejected_with_its_reason_and_the_page_says_so(scene: Scene) -> None:
    ticket, browser = scene.ticket(beside=BESIDE, words=WORDS), scene.signed_in("fay")
    fields = {
        **chosen("approve", "reject", "approve", "reject"),
        "part.call-1.arg.amount": "590",
        "part.call-2.reason_code": "no_evidence",
        "part.call-2.message_to_agent": "They want to keep it.",
    }
    preview = shown(browser, ticket.id, **fields)
    assert "590" in preview.text
    assert "Nothing proves it" in preview.text
    assert "They want to keep it." in preview.text
    assert decided(browser, preview.text, ticket.id) == 303
    assert ended(scene, ticket.id) == [State.DECIDED, State.REJECTED, State.DECIDED]
    page = browser.get(f"/tickets/{ticket.id}").text
    assert "amount 640 → 590" in page
    assert len(re.findall(r'<dt class="mono">(?:cancel_order|send_voucher)</dt>', page)) == 2


def test_a_call_of_which_nothing_is_said_keeps_all_of_them_undecided(scene: Scene) -> None:
    ticket, browser = scene.ticket(beside=BESIDE, words=WORDS), scene.signed_in("fay")
    fields = chosen("approve", "approve", "approve", "approve")
    del fields["part.call-2.verdict"]
    answer = shown(browser, ticket.id, **fields)
    assert answer.status_code == 409
    assert "say what becomes of action 2" in answer.text
    assert scene.store.get("default", ticket.id).state is State.READY


def test_words_that_came_with_the_calls_are_sent_only_if_somebody_says_so(scene: Scene) -> None:
    browser = scene.signed_in("fay")
    for verdict, is_read in (("approve", True), ("reject", False)):
        ticket = scene.ticket(beside=BESIDE, words=WORDS)
        preview = shown(browser, ticket.id, **chosen("approve", "approve", "approve", verdict))
        reads = preview.text.split("The customer will read")[1].split("</div>")[0]
        assert (WORDS in reads) is is_read


def test_all_of_it_is_rejected_by_one_button(scene: Scene) -> None:
    ticket, browser = scene.ticket(beside=BESIDE, words=WORDS), scene.signed_in("fay")
    preview = shown(browser, ticket.id, verdict="reject", **{"reject.reason_code": "no_evidence"})
    assert decided(browser, preview.text, ticket.id) == 303
    scene.clock.move(seconds=10)
    scene.store.take_effect("default", ticket.id, now=scene.clock())
    assert scene.store.get("default", ticket.id).state is State.REJECTED
