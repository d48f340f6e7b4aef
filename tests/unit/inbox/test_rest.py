"""The API: what it shows is masked, what it records was previewed, and what it refuses it names by a code."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handrail.inbox.app import make_app
from support.inbox import Browser, Scene, inbox_of_tickets
from support.stores import SECRET


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with inbox_of_tickets(tmp_path) as found:
        yield found


def decided(browser: Browser, ref: str, verdict: str = "approve", **said: Any) -> Any:
    """Preview a decision, then record what was shown."""
    wish = {"verdict": verdict, **said}
    shown = browser.api("POST", f"/tickets/{ref}/preview", wish).json()
    bound = {"digest": shown["digest"], "version": shown["version"], "previewed": shown["token"]}
    return browser.api("POST", f"/tickets/{ref}/decide", {**wish, **bound})


def test_a_program_knows_who_it_is(scene: Scene) -> None:
    me = scene.signed_in("fay").api("GET", "/me").json()
    assert (me["person"], me["roles"], me["level"]) == ("fay", ["finance_lead"], "fresh")


def test_nobody_asks_without_showing_who_they_are(scene: Scene) -> None:
    for path in ("/tickets", "/openapi.json", "/no-such-thing"):
        answer = scene.browser().get(f"/api/v1{path}")
        assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_token_that_is_none_opens_nothing_even_beside_a_session(scene: Scene) -> None:
    browser = scene.signed_in("fay")
    for header in ("Bearer nobody", "Bearer", "Basic ZmF5OmZheQ==", "x"):
        assert browser.api("GET", "/tickets", authorization=header).status_code == 401


def test_lists_are_of_ones_own_roles(scene: Scene) -> None:
    ticket = scene.ticket()
    rows = scene.signed_in("fay").api("GET", "/tickets?role=finance_lead&limit=10").json()["rows"]
    assert [row["id"] for row in rows] == [ticket.id]
    assert scene.signed_in("quin").api("GET", "/tickets").json()["rows"] == []
    assert scene.signed_in("quin").api("GET", "/tickets?role=finance_lead").json()["rows"] == []


def test_pages_of_a_list_follow_each_other_without_gaps(scene: Scene) -> None:
    ids = {scene.ticket().id for _ in range(5)}
    browser, found, cursor = scene.signed_in("fay"), [], ""
    while cursor is not None:
        page = browser.api("GET", f"/tickets?limit=2&cursor={cursor}").json()
        found += [row["id"] for row in page["rows"]]
        cursor = page["cursor"]
    assert len(found) == 5
    assert set(found) == ids


def test_a_ticket_is_shown_with_all_one_needs_and_nothing_one_may_not_see(scene: Scene) -> None:
    ticket = scene.ticket(customer="anna@example.org", co_approvers=("legal_lead",))
    answer = scene.signed_in("lea").api("GET", f"/tickets/{ticket.id}")
    shown = answer.json()
    assert shown["digest"] == ticket.action.digest  # type: ignore[union-attr]
    assert [field["name"] for field in shown["fields"]] == ["amount", "order"]
    assert SECRET not in answer.text
    assert "anna@example.org" not in answer.text


def test_who_may_see_it_sees_it(scene: Scene) -> None:
    ticket = scene.ticket()
    assert SECRET in scene.signed_in("fay").api("GET", f"/tickets/{ticket.id}").text


def test_somebody_elses_ticket_is_as_if_it_were_not_there(scene: Scene) -> None:
    ticket, quin = scene.ticket(), scene.signed_in("quin")
    theirs = quin.api("GET", f"/tickets/{ticket.id}")
    none = quin.api("GET", "/tickets/0197f0000000")
    assert theirs.status_code == none.status_code == 404
    assert theirs.json() == none.json()
    for step in ("claim", "release", "withdraw", "take-over"):
        assert quin.api("POST", f"/tickets/{ticket.id}/{step}", {}).status_code == 404


def test_a_ticket_seen_before_is_not_sent_again(scene: Scene) -> None:
    ticket, browser = scene.ticket(), scene.signed_in("fay")
    tag = browser.api("GET", f"/tickets/{ticket.id}").headers["etag"]
    again = browser.api("GET", f"/tickets/{ticket.id}", if_none_match=tag)
    assert (again.status_code, again.content) == (304, b"")
    browser.api("POST", f"/tickets/{ticket.id}/claim", {})
    assert browser.api("GET", f"/tickets/{ticket.id}", if_none_match=tag).status_code == 200


def test_a_decision_counts_once_it_was_previewed(scene: Scene) -> None:
    ticket, browser = scene.ticket(), scene.signed_in("fay")
    bare = {"verdict": "approve", "digest": ticket.action.digest}  # type: ignore[union-attr]
    refused = browser.api("POST", f"/tickets/{ticket.id}/decide", bare)
    assert (refused.status_code, refused.json()["code"]) == (422, "check_failed")
    assert scene.store.get("default", ticket.id).state == "ready"
    receipt = decided(browser, ticket.id)
    assert (receipt.status_code, receipt.json()["state"]) == (200, "decided")


def test_asking_decides_nothing(scene: Scene) -> None:
    ticket, browser = scene.ticket(), scene.signed_in("fay")
    for step in ("decide", "claim", "unmask", "preview"):
        answer = browser.api("GET", f"/tickets/{ticket.id}/{step}")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert scene.store.get("default", ticket.id).state == "ready"


def test_what_changed_after_the_preview_is_not_what_was_shown(scene: Scene) -> None:
    ticket, browser = scene.ticket(), scene.signed_in("fay")
    wish = {"verdict": "edit", "changes": {"amount": 590}}
    shown = browser.api("POST", f"/tickets/{ticket.id}/preview", wish).json()
    bound = {"digest": shown["digest"], "version": shown["version"], "previewed": shown["token"]}
    other = {**wish, **bound, "changes": {"amount": 6400}}
    assert browser.api("POST", f"/tickets/{ticket.id}/decide", other).status_code == 422
    assert browser.api("POST", f"/tickets/{ticket.id}/decide", {**wish, **bound}).status_code == 200


def test_a_second_reviewer_hears_that_it_is_decided(scene: Scene) -> None:
    ticket = scene.ticket()
    fay, finn = scene.signed_in("fay"), scene.signed_in("finn")
    shown = finn.api("POST", f"/tickets/{ticket.id}/preview", {"verdict": "approve"}).json()
    decided(fay, ticket.id)
    late = {"verdict": "approve", "digest": shown["digest"], "previewed": shown["token"]}
    answer = finn.api("POST", f"/tickets/{ticket.id}/decide", {**late, "version": shown["version"]})
    assert (answer.status_code, answer.json()["code"]) in ((409, "already_decided"), (403, "not_allowed"))


def test_the_same_key_is_the_same_step(scene: Scene) -> None:
    ticket, browser = scene.ticket(), scene.signed_in("fay")
    first = browser.api("POST", f"/tickets/{ticket.id}/claim", {}, idempotency_key="k1")
    events = len(scene.store.history("default", ticket.id))
    again = browser.api("POST", f"/tickets/{ticket.id}/claim", {}, idempotency_key="k1")
    assert first.json() == again.json()
    assert len(scene.store.history("default", ticket.id)) == events
    other = browser.api("POST", f"/tickets/{ticket.id}/release", {}, idempotency_key="k1")
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")


def test_a_long_answer_is_given_again_as_it_was(scene: Scene) -> None:
    browser = scene.signed_in("fay")
    for number in range(8):
        browser.api("POST", "/make-token", {"name": f"nightly {number}", "scopes": ["read"]})
    token = browser.api("GET", "/tokens").json()["tokens"][0]["id"]
    first, again = (
        browser.api("POST", "/revoke-token", {"id": token}, idempotency_key="k-long") for _ in range(2)
    )
    assert first.headers["content-encoding"] == again.headers["content-encoding"] == "gzip"
    assert len(first.text) > 1000
    assert first.json() == again.json()


def test_a_key_holds_in_every_process_and_for_every_step_that_changes_something(scene: Scene) -> None:
    ticket, browser = scene.ticket(), scene.signed_in("fay")
    body = {"question": "Which order?"}
    browser.api("POST", f"/tickets/{ticket.id}/claim", {})
    first = browser.api("POST", f"/tickets/{ticket.id}/ask", body, idempotency_key="k-ask")
    events = len(scene.store.history("default", ticket.id))
    other = make_app(scene.app.state.inbox.settings, scene.store, clock=scene.clock)
    elsewhere = replace(scene, app=other).signed_in("fay")
    again = elsewhere.api("POST", f"/tickets/{ticket.id}/ask", body, idempotency_key="k-ask")
    assert first.json() == again.json()
    assert len(scene.store.history("default", ticket.id)) == events


def test_a_step_that_was_refused_may_be_sent_again_under_its_key(scene: Scene) -> None:
    ticket, browser = scene.ticket(), scene.signed_in("fay")
    path = f"/tickets/{ticket.id}/release"
    assert browser.api("POST", path, {}, idempotency_key="k-again").status_code in (403, 409)
    browser.api("POST", f"/tickets/{ticket.id}/claim", {})
    assert browser.api("POST", path, {}, idempotency_key="k-again").status_code == 200


def test_what_is_shown_once_is_not_shown_again_under_its_key(scene: Scene) -> None:
    browser = scene.signed_in("fay")
    wish = {"name": "nightly", "scopes": ["read"]}
    made = browser.api("POST", "/make-token", wish, idempotency_key="k-token").json()
    again = browser.api("POST", "/make-token", wish, idempotency_key="k-token")
    assert (again.status_code, again.json()["code"]) == (409, "key_in_use")
    assert made["text"] not in again.text


def test_a_key_is_ones_own(scene: Scene) -> None:
    ticket = scene.ticket()
    scene.signed_in("fay").api("POST", f"/tickets/{ticket.id}/claim", {}, idempotency_key="k1")
    finn = scene.signed_in("finn").api("POST", f"/tickets/{ticket.id}/claim", {}, idempotency_key="k1")
    assert finn.status_code in (403, 409)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("ask", {}),
        ("ask", {"question": "  "}),
        ("ask", {"question": 7}),
        ("ask", {"question": "Which?", "more": 1}),
        ("decide", {"verdict": "maybe"}),
        ("decide", []),
        ("unmask", {"fields": [], "reason": "x"}),
        ("reconcile", {"outcome": "unknown"}),
    ],
)
def test_what_cannot_be_read_is_refused_and_not_repeated(scene: Scene, path: str, body: Any) -> None:
    ticket = scene.ticket()
    answer = scene.signed_in("fay").api("POST", f"/tickets/{ticket.id}/{path}", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "unreadable")
    assert "Which?" not in answer.text


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "state=nonsense", "whose=x", "more=1", "cursor=!!"])
def test_a_query_that_cannot_be_read_is_refused(scene: Scene, query: str) -> None:
    assert scene.signed_in("fay").api("GET", f"/tickets?{query}").status_code == 422


def test_a_form_of_another_site_reaches_no_step(scene: Scene) -> None:
    ticket, browser = scene.ticket(), scene.signed_in("fay")
    answer = browser.post(f"/api/v1/tickets/{ticket.id}/claim", json={})
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    assert scene.store.get("default", ticket.id).state == "ready"


def test_a_high_stake_asks_anew_who_it_is(scene: Scene) -> None:
    ticket, browser = scene.ticket(), scene.signed_in("fay")
    scene.clock.move(minutes=6)
    answer = decided(browser, ticket.id)
    assert (answer.status_code, answer.json()["code"]) == (403, "step_up_needed")
    browser.sign_in("fay")
    assert decided(browser, ticket.id).status_code == 200


def test_unmasking_is_on_record_before_it_is_shown(scene: Scene) -> None:
    ticket = scene.ticket(co_approvers=("legal_lead",))
    browser = scene.signed_in("lea")
    asked = {"fields": ["lines"], "reason": "is it their card?"}
    answer = browser.api("POST", f"/tickets/{ticket.id}/unmask", asked)
    assert answer.status_code == 200
    assert SECRET in json.dumps(answer.json()["fields"]["lines"])
    assert set(answer.json()["fields"]) == {"lines"}
    kinds = [event.kind for event in scene.store.history("default", ticket.id)]
    assert "ticket.unmask" in kinds
    scene.clock.move(minutes=6)
    assert browser.api("POST", f"/tickets/{ticket.id}/unmask", asked).json()["code"] == "step_up_needed"
