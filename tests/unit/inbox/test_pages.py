"""Pages of the inbox as a browser without scripts is sent them."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from handrail.inbox.rendering import STATIC
from handrail.tickets.lifecycle import State
from support.inbox import Scene, fields_of, inbox_of_tickets, shown

MOST_BYTES = 60_000
SCRIPTS = ("htmx.min.js", "inbox.js", "inbox.css")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with inbox_of_tickets(tmp_path, managers=("mira",)) as found:
        yield found


def test_a_page_with_all_it_loads_is_sixty_kilobytes_at_most(scene: Scene) -> None:
    ticket, browser = scene.ticket(), scene.signed_in("fay")
    loaded = sum(len(gzip.compress((STATIC / name).read_bytes())) for name in SCRIPTS)
    for path in ("/", f"/tickets/{ticket.id}"):
        assert loaded + len(gzip.compress(browser.get(path).content)) <= MOST_BYTES


def test_what_was_shown_can_be_confirmed_and_undone_by_forms(scene: Scene) -> None:
    ticket, browser = scene.ticket(), scene.signed_in("fay")
    preview = shown(browser, ticket.id, verdict="reject", **{"reject.reason_code": "no_evidence"})
    decided = browser.post(f"/tickets/{ticket.id}/decide", data=fields_of(preview.text, "/decide"))
    assert decided.status_code == 303
    assert scene.store.get("default", ticket.id).state is State.RESOLVED
    browser.submit(f"/tickets/{ticket.id}/undo")
    assert scene.store.get("default", ticket.id).state is State.CLAIMED


def test_a_form_that_was_changed_after_it_was_shown_decides_nothing(scene: Scene) -> None:
    ticket, browser = scene.ticket(), scene.signed_in("fay")
    preview = shown(browser, ticket.id, verdict="reject", **{"reject.reason_code": "no_evidence"})
    fields = {**fields_of(preview.text, "/decide"), "reject.message_to_user": "Never."}
    assert browser.post(f"/tickets/{ticket.id}/decide", data=fields).status_code == 409
    assert scene.store.get("default", ticket.id).state is State.READY


def test_looking_decides_nothing_whatever_the_address_says(scene: Scene) -> None:
    ticket, browser = scene.ticket(), scene.signed_in("fay")
    for path in ("preview", "decide", "undo", "claim", "release"):
        assert browser.get(f"/tickets/{ticket.id}/{path}?verdict=approve").status_code in (404, 405)
    assert scene.store.get("default", ticket.id).state is State.READY


def test_a_ticket_of_another_role_is_not_there(scene: Scene) -> None:
    ticket, browser = scene.ticket(), scene.signed_in("mira")
    assert browser.get(f"/tickets/{ticket.id}").status_code == 404
    assert browser.get("/tickets/HR-2222-22").status_code == 404


def test_the_overview_is_for_managers(scene: Scene) -> None:
    assert scene.signed_in("mira").get("/overview").status_code == 200
    assert scene.signed_in("fay").get("/overview").status_code == 404
    assert 'href="/overview"' not in scene.signed_in("fay").get("/").text


def test_a_reader_chooses_language_and_keys(scene: Scene) -> None:
    browser = scene.signed_in("fay")
    assert browser.get("/", headers={"accept-language": "de"}).text.count('lang="de"') >= 1
    browser.submit("/preferences", {"language": "de", "next": "https://elsewhere.example/"})
    page = browser.get("/").text
    assert "Offene Tickets" in page
    assert 'class="keys-off"' in page


def test_a_page_says_only_what_its_catalogue_knows(scene: Scene) -> None:
    page = scene.signed_in("fay").get("/?said=<b>hello</b>").text
    assert "hello</b>" not in page
    assert 'class="banner' not in page


def test_what_is_looked_for_is_kept_as_a_view_of_ones_own(scene: Scene) -> None:
    scene.ticket()
    fay, finn = scene.signed_in("fay"), scene.signed_in("finn")
    page = fay.get("/?whose=nobody").text
    kept = fay.submit("/views", {"whose": "nobody", "name": "Free ones"})
    assert 'name="whose" value="nobody"' in page
    assert kept.headers["location"] == "/?view=Free+ones"
    assert "Free ones</h1>" in fay.get("/?view=Free+ones").text
    assert "Free ones" not in finn.get("/").text
    fay.submit("/views", {"name": "Free ones", "forget": "1"})
    assert "Free ones" not in fay.get("/").text


def test_who_must_show_anew_who_they_are_is_told_before_they_begin(scene: Scene) -> None:
    ticket, browser = scene.ticket(), scene.signed_in("fay")
    assert "/sign-in/again" not in browser.get(f"/tickets/{ticket.id}").text
    scene.clock.move(minutes=6)
    assert "/sign-in/again?next=" in browser.get(f"/tickets/{ticket.id}").text


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_page_is_told_in_every_language(scene: Scene, language: str) -> None:
    tickets = [scene.ticket(conversation=f"talk-{number}") for number in range(2)]
    fay, mira = scene.signed_in("fay"), scene.signed_in("mira")
    speaks = {"accept-language": language}
    for path in ("/", "/?state=ended", "/?q=refund", f"/batch?ref={tickets[0].id}&ref={tickets[1].id}"):
        assert fay.get(path, headers=speaks).status_code == 200
    assert mira.get("/overview", headers=speaks).status_code == 200
    page = fay.get(f"/tickets/{tickets[0].id}", headers=speaks)
    assert f'<html lang="{language}">' in page.text
    fields = {**fields_of(page.text, "/preview"), "verdict": "reject"}
    preview = fay.post(f"/tickets/{tickets[0].id}/preview", data=fields, headers=speaks)
    fay.post(f"/tickets/{tickets[0].id}/decide", data=fields_of(preview.text, "/decide"))
    assert fay.get(f"/tickets/{tickets[0].id}", headers=speaks).status_code == 200


def test_a_ticket_says_in_one_breath_what_why_who_and_by_when(scene: Scene) -> None:
    page = scene.signed_in("fay").get(f"/tickets/{scene.ticket().id}").text
    assert "Refunds above 500 USD are signed by finance. Finance lead decides by" in page
    assert "if nobody does, it is denied." in page


def test_a_list_draws_a_masked_value_as_such(scene: Scene) -> None:
    scene.ticket(with_action=False)
    page = scene.signed_in("pat").get("/").text
    assert '<span class="masked">credit card</span>' in page
    assert "[credit_card]" not in page


def test_a_page_says_who_else_looks_at_its_ticket(scene: Scene) -> None:
    ticket, fay, finn = scene.ticket(), scene.signed_in("fay"), scene.signed_in("finn")
    fay.get(f"/tickets/{ticket.id}")
    assert "fay is looking at it too" in finn.get(f"/tickets/{ticket.id}").text
    scene.clock.move(minutes=5)
    assert "fay looked at it 5 min ago" in finn.get(f"/tickets/{ticket.id}").text
    scene.clock.move(minutes=20)
    assert "fay looked at it" not in finn.get(f"/tickets/{ticket.id}").text.split('<ol class="log">')[0]


def test_what_was_decided_a_moment_ago_cannot_be_selected_for_another_decision(scene: Scene) -> None:
    ticket, browser = scene.ticket(), scene.signed_in("fay")
    preview = shown(browser, ticket.id, verdict="reject", **{"reject.reason_code": "no_evidence"})
    browser.post(f"/tickets/{ticket.id}/decide", data=fields_of(preview.text, "/decide"))
    page = browser.get("/").text
    assert "Just decided" in page
    assert re.search(r'<input type="checkbox" name="ref"[^>]*disabled', page)


def test_a_list_says_how_long_decisions_take_of_late(scene: Scene) -> None:
    ticket, browser = scene.ticket(), scene.signed_in("fay")
    assert "at the median" not in browser.get("/").text
    scene.clock.move(minutes=4)
    preview = shown(browser, ticket.id, verdict="reject", **{"reject.reason_code": "no_evidence"})
    browser.post(f"/tickets/{ticket.id}/decide", data=fields_of(preview.text, "/decide"))
    scene.clock.move(minutes=2)
    browser.get(f"/tickets/{ticket.id}")
    assert "A decision takes 4 min here, at the median of the last 7 days." in browser.get("/").text


def test_who_comes_too_late_is_told_who_decided_and_how(scene: Scene) -> None:
    ticket, fay, finn = scene.ticket(), scene.signed_in("fay"), scene.signed_in("finn")
    previews = [shown(one, ticket.id, verdict="reject") for one in (fay, finn)]
    fay.post(f"/tickets/{ticket.id}/decide", data=fields_of(previews[0].text, "/decide"))
    answer = finn.post(f"/tickets/{ticket.id}/decide", data=fields_of(previews[1].text, "/decide"))
    assert answer.status_code == 409
    assert "Already decided: fay rejected it as finance lead at" in answer.text
