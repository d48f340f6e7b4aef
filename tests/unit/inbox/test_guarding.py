"""One's own answer before the draft, seeded cases, and what a manager checks."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from handrail.tickets.lifecycle import State
from support.inbox import TICKETS_PEOPLE, TICKETS_POLICY, Scene, fields_of, inbox, shown

POLICY = TICKETS_POLICY.replace(
    "sees: [financial]", "sees: [financial], answer_first: true, seeded_cases: true"
)
DRAFT = "It is done, on card"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with inbox(tmp_path, policy=POLICY, people=TICKETS_PEOPLE, managers=("mira",)) as found:
        yield found


def test_the_draft_is_on_no_page_until_ones_own_answer_is_kept(scene: Scene) -> None:
    ticket, browser = scene.ticket(with_action=False), scene.signed_in("fay")
    path = f"/tickets/{ticket.id}"
    before = browser.get(path).text
    for text in (before, browser.get("/").text, shown(browser, ticket.id, verdict="approve").text):
        assert DRAFT not in text
    assert 'value="approve"' not in before
    answer = browser.post(f"{path}/own_answer", data={**fields_of(before, "/own_answer"), "text": "We pay."})
    assert answer.status_code == 303
    after = browser.get(path).text
    assert DRAFT in after
    assert "We pay." in after
    assert 'value="approve"' in after


def test_whoever_answers_the_customer_themselves_needs_no_draft(scene: Scene) -> None:
    ticket, browser = scene.ticket(with_action=False), scene.signed_in("fay")
    preview = shown(browser, ticket.id, verdict="answer", **{"answer.answer": "We look into it."})
    sent = fields_of(preview.text, "/decide")
    assert browser.post(f"/tickets/{ticket.id}/decide", data=sent).status_code == 303
    assert scene.store.get("default", ticket.id).state is State.RESOLVED


def decided(scene: Scene, ticket: str, person: str, **fields: str) -> str:
    browser = scene.signed_in(person)
    preview = shown(browser, ticket, **fields)
    browser.post(f"/tickets/{ticket}/decide", data=fields_of(preview.text, "/decide"))
    scene.clock.move(seconds=10)
    return str(browser.get(f"/tickets/{ticket}").text)


def test_a_seeded_case_is_placed_looks_like_any_other_and_tells_its_result_afterwards(scene: Scene) -> None:
    source = scene.ticket()
    decided(scene, source.id, "fay", verdict="reject", **{"reject.reason_code": "no_evidence"})
    manager = scene.signed_in("mira")
    placed = manager.submit("/overview/seed", {"reference": source.id}, page="/overview")
    assert placed.headers["location"] == "/overview?said=seed"
    browser = scene.signed_in("finn")
    case = re.findall(r'data-path="/tickets/([^"]+)"', browser.get("/").text)[0]
    assert "seeded" not in browser.get(f"/tickets/{case}").text.lower()
    page = decided(scene, case, "finn", verdict="approve")
    assert "This was a seeded case" in page
    assert "It had been rejected; your decision now: approved." in page
    assert "0 of 1 right" in manager.get("/overview").text


def test_a_ticket_that_nobody_decided_is_no_seeded_case_and_the_page_says_why(scene: Scene) -> None:
    ticket = scene.ticket()
    answer = scene.signed_in("mira").submit("/overview/seed", {"reference": ticket.id}, page="/overview")
    assert answer.status_code == 200
    assert "It could not be done" in answer.text


def test_the_audit_log_is_checked_when_a_manager_asks_and_by_nobody_else(scene: Scene) -> None:
    scene.ticket()
    manager = scene.signed_in("mira")
    assert "chain intact" not in manager.get("/overview").text
    assert "chain intact" in manager.submit("/overview/audit", page="/overview").text
    assert scene.signed_in("fay").submit("/overview/audit").status_code == 404


def test_the_overview_names_the_policy_its_hash_and_what_a_check_says(scene: Scene) -> None:
    page = scene.signed_in("mira").get("/overview").text
    assert re.search(r'<dd class="mono">[0-9a-f]{64}</dd>', page)
    assert "What a check says" in page


def test_notices_that_were_given_up_are_listed_and_sent_again(scene: Scene) -> None:
    scene.ticket()
    [notice] = scene.store.take_messages(scene.clock(), limit=1)
    scene.store.undelivered(notice.id, again_at=None, error="http_500")
    manager = scene.signed_in("mira")
    assert f'name="message" value="{notice.id}"' in manager.get("/overview").text
    assert manager.submit("/overview/replay", {"message": notice.id}, page="/overview").status_code == 303
    assert notice.id not in manager.get("/overview").text
