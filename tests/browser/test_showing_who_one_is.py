"""Passkeys with an authenticator of the browser's own, and what is filled in while one signs in again."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from handrail.tickets.lifecycle import State
from support.inbox_scene import TENANT, Served

expect = pytest.importorskip("playwright.sync_api", reason="`make browser` installs Playwright").expect
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def by_name(inbox: Served) -> str:
    """The inbox by a name of this machine: passkeys are bound to names, and to no number."""
    return inbox.url.replace("127.0.0.1", "localhost")


def with_authenticator(page: Any) -> tuple[Any, str]:
    """Give a page's browser an authenticator whose person is always there."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    made = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return devtools, made["authenticatorId"]


def registered(inbox: Served, sign_in: Any) -> tuple[Any, Any, str]:
    """A page of somebody who has just added a passkey, and whose sign-in is not fresh any more."""
    page = sign_in("frank", base_url=by_name(inbox))
    devtools, authenticator = with_authenticator(page)
    page.goto("/me")
    page.get_by_label("What do you call this device?").fill("Frank's key")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("Your passkey is kept.")).to_be_visible()
    inbox.clock.move(minutes=6)
    return page, devtools, authenticator


def opened(page: Any, rule: str) -> str:
    page.goto("/")
    page.locator(f".row[data-rule='{rule}'] a.what").first.click()
    page.wait_for_selector("article.ticket")
    return urlsplit(page.url).path.split("/")[2]


def state_of(inbox: Served, reference: str) -> State:
    return inbox.store.get(TENANT, inbox.store.by_reference(TENANT, reference)[0].id).state


def test_a_passkey_signs_one_action_and_that_is_all_an_approval_of_high_stake_asks_for(
    inbox: Served, sign_in: Any
) -> None:
    page, devtools, authenticator = registered(inbox, sign_in)
    reference = opened(page, "refund-over-500")
    page.keyboard.press("a")
    expect(page.locator("form.preview")).to_contain_text("Your passkey signs exactly this action")
    expect(page.locator("[data-confirm]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#h-decided")).to_be_visible()
    assert state_of(inbox, reference) is State.RESOLVED
    kept = devtools.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})["credentials"]
    assert [one["signCount"] for one in kept] == [2]


def test_a_passkey_is_asked_for_again_when_a_decision_was_undone_and_is_another_one(
    inbox: Served, sign_in: Any
) -> None:
    page, devtools, authenticator = registered(inbox, sign_in)
    reference = opened(page, "refund-over-500")
    for amount in ("590", "580"):
        page.get_by_role("textbox", name="amount").fill(amount)
        page.keyboard.press("Enter")
        expect(page.locator("form.preview")).to_contain_text("Your passkey signs exactly this action")
        expect(page.locator("[data-confirm]")).to_be_focused()
        page.keyboard.press("Enter")
        page.wait_for_selector(".undo")
        if amount == "590":
            page.keyboard.press("u")
            page.wait_for_selector("button[value=approve]")
    assert state_of(inbox, reference) is State.RESOLVED
    kept = devtools.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})["credentials"]
    assert [one["signCount"] for one in kept] == [3]


def test_a_passkey_that_does_not_confirm_decides_nothing_and_leaves_the_way_of_signing_in_anew(
    inbox: Served, sign_in: Any
) -> None:
    page, devtools, authenticator = registered(inbox, sign_in)
    reference = opened(page, "refund-over-500")
    devtools.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
    page.keyboard.press("a")
    expect(page.locator("[data-confirm]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The passkey did not confirm it")
    assert state_of(inbox, reference) is State.READY
    page.get_by_role("alert").get_by_role("link").click()
    page.click("button[value=frank]")
    expect(page.locator("article.ticket")).to_be_visible()


def test_a_passkey_is_removed_by_a_form_and_only_after_a_fresh_sign_in(inbox: Served, sign_in: Any) -> None:
    page, _, _ = registered(inbox, sign_in)
    page.goto("/me")
    page.get_by_role("button", name="Remove").click()
    page.wait_for_url("**/sign-in/again*")
    page.click("button[value=frank]")
    expect(page.get_by_text("Frank's key").first).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("You have none yet.")).to_be_visible()


def fill_in(page: Any) -> None:
    page.get_by_role("textbox", name="amount").fill("590")
    page.locator("summary", has_text="Add words").click()
    page.locator("textarea[name='approve.message_to_user']").fill("We refund 590 USD.")


def still_there(page: Any, reference: str) -> None:
    """Sign in again, and find what was filled in."""
    page.wait_for_url(re.compile("/sign-in"))
    page.click("button[value=frank]")
    expect(page.locator(".banner").first).to_contain_text("What you had filled in is still here")
    assert urlsplit(page.url).path == f"/tickets/{reference}"
    assert page.get_by_role("textbox", name="amount").input_value() == "590"
    assert page.locator("textarea[name='approve.message_to_user']").input_value() == "We refund 590 USD."


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.shop("story", limits={"idle_s": 300})
def test_what_was_filled_in_is_still_there_after_a_session_ran_out(
    inbox: Served, sign_in: Any, scripts: bool
) -> None:
    page = sign_in("frank", java_script_enabled=scripts)
    reference = opened(page, "refund-over-500")
    fill_in(page)
    inbox.clock.move(minutes=6)
    page.click("button[name=verdict][value=approve]")
    still_there(page, reference)
    assert state_of(inbox, reference) is State.READY


def test_what_was_filled_in_is_still_there_after_a_fresh_sign_in_without_scripts(
    inbox: Served, sign_in: Any
) -> None:
    page = sign_in("frank", java_script_enabled=False)
    reference = opened(page, "refund-over-500")
    fill_in(page)
    inbox.clock.move(minutes=6)
    page.click("button[name=verdict][value=approve]")
    page.click("[data-confirm]")
    still_there(page, reference)
    page.click("button[name=verdict][value=approve]")
    page.click("[data-confirm]")
    expect(page.locator("article")).to_contain_text("amount 640 → 590")
    assert state_of(inbox, reference) is State.RESOLVED


def test_what_one_person_filled_in_is_shown_to_nobody_else(inbox: Served, sign_in: Any) -> None:
    page = sign_in("frank", java_script_enabled=False)
    opened(page, "refund-over-500")
    page.get_by_role("textbox", name="amount").fill("590")
    inbox.clock.move(minutes=6)
    page.click("button[name=verdict][value=approve]")
    page.click("[data-confirm]")
    page.wait_for_url("**/sign-in/again*")
    other = sign_in("nora")
    opened(other, "refund-over-500")
    assert other.get_by_role("textbox", name="amount").input_value() == "640"


@pytest.mark.shop("batch")
def test_tickets_that_were_selected_are_still_selected_after_signing_in_again(
    inbox: Served, sign_in: Any
) -> None:
    page = sign_in("quinn")
    page.goto("/")
    refs = [row.get_attribute("data-ref") for row in page.locator(".row").all()[:3]]
    chosen = "&".join(f"ref={ref}" for ref in refs)
    page.context.clear_cookies()
    page.goto(f"/batch?{chosen}&verdict=reject&reason=no_evidence")
    page.click("button[value=quinn]")
    expect(page.locator("h1")).to_contain_text("3 tickets")
    expect(page.locator("[data-confirm]")).to_have_text("Yes, reject all 3")
