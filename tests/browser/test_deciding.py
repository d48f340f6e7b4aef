"""Deciding tickets in a real browser: by keys, with undo, beside others, without scripts."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from handrail.tickets.lifecycle import State
from support.inbox_scene import TENANT, Served

expect = pytest.importorskip("playwright.sync_api", reason="`make browser` installs Playwright").expect


def of_rule(page: Any, rule: str) -> None:
    page.locator(f".row[data-rule='{rule}'] a.what").first.click()
    page.wait_for_selector("article.ticket")


def ticket_of(inbox: Served, page: Any) -> str:
    """Return the id of the ticket that a page shows."""
    reference = urlsplit(page.url).path.split("/")[2]
    return str(inbox.store.by_reference(TENANT, reference)[0].id)


def state_of(inbox: Served, page: Any) -> State:
    return inbox.store.get(TENANT, ticket_of(inbox, page)).state


def test_a_refund_is_edited_shown_and_approved_and_the_customer_reads_why(
    inbox: Served, sign_in: Any
) -> None:
    page = sign_in("frank")
    of_rule(page, "refund-over-500")
    page.get_by_role("textbox", name="amount").fill("590")
    expect(page.locator("tr.is-changed")).to_contain_text("640 → 590")
    page.keyboard.press("Escape")
    page.keyboard.press("w")
    page.locator("textarea[name='approve.message_to_user']").fill("We refund 590 USD.")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    shown = page.locator("form.preview")
    expect(shown).to_contain_text("590")
    expect(shown).to_contain_text("We refund 590 USD.")
    assert state_of(inbox, page) in (State.READY, State.CLAIMED)
    page.keyboard.press("Enter")
    expect(page.locator("article")).to_contain_text("amount 640 → 590")


def test_two_keys_approve_and_a_count_of_them_is_all_it_takes(inbox: Served, sign_in: Any) -> None:
    page = sign_in("petra")
    keys = ["j", "Enter", "a", "Enter"]
    page.keyboard.press(keys[0])
    page.keyboard.press(keys[1])
    page.wait_for_selector("article.ticket")
    page.keyboard.press(keys[2])
    expect(page.locator("[data-confirm]")).to_be_focused()
    page.keyboard.press(keys[3])
    expect(page.locator("#h-decided")).to_be_visible()
    assert len(keys[2:]) <= 3


def test_three_keys_reject_with_a_reason(inbox: Served, sign_in: Any) -> None:
    page = sign_in("petra")
    of_rule(page, "opened")
    page.keyboard.press("d")
    page.keyboard.press("2")
    expect(page.locator("form.preview")).to_contain_text("Nothing will run.")
    page.keyboard.press("Enter")
    expect(page.locator("#h-decided")).to_be_visible()
    assert page.locator("article").inner_text().count("Nothing proves it") == 1


def test_of_two_reviewers_one_decides_and_the_other_is_told_so(inbox: Served, sign_in: Any) -> None:
    first, second = sign_in("petra"), sign_in("nora")
    for page in (first, second):
        of_rule(page, "opened")
        page.keyboard.press("a")
        page.wait_for_selector("[data-confirm]")
    first.keyboard.press("Enter")
    expect(first.locator("#h-decided")).to_be_visible()
    second.keyboard.press("Enter")
    expect(second.get_by_role("alert").first).to_contain_text("Already decided: Petra Novak approved it")
    told = [event.kind for event in inbox.store.history(TENANT, ticket_of(inbox, first))]
    assert told.count("ticket.resolve") == 1


def test_going_back_after_deciding_shows_what_was_decided_and_decides_nothing(
    inbox: Served, sign_in: Any
) -> None:
    page = sign_in("petra")
    of_rule(page, "opened")
    page.keyboard.press("a")
    page.wait_for_selector("[data-confirm]")
    page.keyboard.press("Enter")
    expect(page.locator("#h-decided")).to_be_visible()
    page.go_back()
    page.wait_for_load_state()
    page.go_forward()
    page.wait_for_load_state()
    assert page.locator("#proposal").count() == 0


def test_a_session_that_ended_asks_to_sign_in_and_leads_back(inbox: Served, sign_in: Any) -> None:
    page = sign_in("petra")
    of_rule(page, "opened")
    here = page.url
    page.context.clear_cookies()
    page.keyboard.press("a")
    page.wait_for_url("**/sign-in*")
    page.click("button[value=petra]")
    page.goto(here)
    expect(page.locator("article.ticket")).to_be_visible()


def test_a_decision_is_undone_by_one_key_while_it_is_not_in_effect(inbox: Served, sign_in: Any) -> None:
    page = sign_in("petra")
    of_rule(page, "opened")
    page.keyboard.press("a")
    page.wait_for_selector("[data-confirm]")
    page.keyboard.press("Enter")
    expect(page.locator(".undo")).to_contain_text("Approved.")
    assert state_of(inbox, page) is State.RESOLVED
    page.keyboard.press("u")
    expect(page.locator(".banner")).to_contain_text("Undone")
    assert state_of(inbox, page) is State.CLAIMED
    expect(page.locator("button[value=approve]")).to_be_visible()


def test_a_decision_takes_effect_when_its_time_to_be_undone_is_over(inbox: Served, sign_in: Any) -> None:
    page = sign_in("petra")
    of_rule(page, "opened")
    page.keyboard.press("a")
    page.wait_for_selector("[data-confirm]")
    page.keyboard.press("Enter")
    page.wait_for_selector(".undo")
    page.wait_for_selector(".undo", state="detached", timeout=12_000)
    expect(page.locator(".crumbs .tag").first).to_have_text("Approved")
    assert state_of(inbox, page) is State.DECIDED


def test_a_manager_holds_every_approval_and_a_reviewer_is_told(inbox: Served, sign_in: Any) -> None:
    manager, page = sign_in("mira"), sign_in("petra")
    of_rule(page, "opened")
    manager.goto("/overview")
    manager.get_by_role("button", name="Pause every approval").click()
    page.keyboard.press("a")
    page.wait_for_selector("[data-preview]")
    if page.locator("[data-confirm]").count():
        with page.expect_navigation():
            page.keyboard.press("Enter")
    assert state_of(inbox, page) in (State.READY, State.CLAIMED)
    page.goto("/")
    expect(page.locator(".banner").first).to_contain_text("Paused")


@pytest.mark.parametrize("verdict", ["approve", "edit", "reject", "answer", "revise"])
def test_without_scripts_every_decision_is_a_form(inbox: Served, sign_in: Any, verdict: str) -> None:
    page = sign_in("petra", java_script_enabled=False)
    of_rule(page, "opened")
    if verdict == "edit":
        page.get_by_role("textbox", name="amount").fill("80")
    if verdict in ("approve", "edit"):
        page.click("button[name=verdict][value=approve]")
    else:
        names = {"reject": "Reject", "answer": "Answer", "revise": "Send back"}
        page.locator("#proposal summary", has_text=names[verdict]).click()
        if verdict == "answer":
            page.locator("textarea[name='answer.answer']").fill("Please send it in.")
        elif verdict == "revise":
            page.locator("textarea[name='revise.message_to_agent']").fill("Offer an exchange first.")
        else:
            page.locator("input[name='reject.reason_code']").first.check()
        page.click(f"button[name=verdict][value={verdict}]")
    expect(page.locator("form.preview")).to_be_visible()
    page.click("[data-confirm]")
    expect(page.locator("#h-decided")).to_be_visible()
    assert state_of(inbox, page) is State.RESOLVED


def test_keys_that_are_switched_off_do_nothing(inbox: Served, sign_in: Any) -> None:
    page = sign_in("petra")
    page.locator("details.who summary").click()
    page.get_by_label("Single keys do something").uncheck()
    page.get_by_role("button", name="Save").click()
    of_rule(page, "opened")
    page.keyboard.press("a")
    page.keyboard.press("d")
    assert page.locator("form.preview").count() == 0
    assert page.locator("details.act[open]").count() == 0


@pytest.mark.shop("batch")
def test_twenty_answers_are_decided_together_and_each_is_recorded(inbox: Served, sign_in: Any) -> None:
    page = sign_in("quinn")
    for box in page.locator("#queue input[name=ref]").all():
        box.check()
    page.keyboard.press("b")
    expect(page.locator("h1")).to_contain_text("20 tickets")
    page.click("[data-confirm]")
    expect(page.locator(".banner")).to_contain_text("each on its own")
    assert inbox.store.counts(TENANT) == {State.RESOLVED: 20}


def test_without_scripts_a_ticket_is_claimed_asked_about_handed_on_and_a_decision_undone(
    inbox: Served, sign_in: Any
) -> None:
    page = sign_in("petra", java_script_enabled=False)
    of_rule(page, "opened")
    page.get_by_role("button", name="Claim").first.click()
    expect(page.locator(".banner").first).to_contain_text("It is yours.")
    page.click("button[name=verdict][value=approve]")
    page.click("[data-confirm]")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".banner").first).to_contain_text("Undone")
    page.locator(".end-bar > details > summary", has_text="Snooze").click()
    page.locator(".end-bar > details[open] > form button").click()
    expect(page.locator(".banner").first).to_contain_text("Put off")
    page.locator(".end-bar > details > summary", has_text="Reassign").click()
    page.locator(".end-bar > details[open] > form select[name=role]").select_option("supervisor")
    page.locator(".end-bar > details[open] > form input[name=text]").fill("theirs")
    page.locator(".end-bar > details[open] > form button").click()
    expect(page.locator(".crumbs, .panel").first).to_be_visible()
    assert inbox.store.get(TENANT, ticket_of(inbox, page)).role == "supervisor"


@pytest.mark.shop("batch")
def test_without_scripts_several_are_decided_together(inbox: Served, sign_in: Any) -> None:
    page = sign_in("quinn", java_script_enabled=False)
    for box in page.locator("#queue input[name=ref]").all()[:3]:
        box.check()
    page.locator("#tools button").click()
    page.locator("[data-confirm]").click()
    expect(page.locator(".banner")).to_contain_text("each on its own")
    assert inbox.store.counts(TENANT)[State.RESOLVED] == 3
