"""What every page must be: readable by aids, whole on a phone, and deaf to what customers write."""

from datetime import UTC, datetime
from typing import Any

import pytest

from support.inbox_scene import CARD, HOSTILE, TENANT, Served, play_more

_WHY = "`make browser` installs Playwright and axe"
expect = pytest.importorskip("playwright.sync_api", reason=_WHY).expect
Axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason=_WHY).Axe

PAGES = ("refund-over-500", "opened", "low-confidence", "payment-data")


def _paths(page: Any) -> dict[str, str]:
    rows = page.locator(".row").all()
    return {row.get_attribute("data-rule"): row.get_attribute("data-path") for row in rows}


def _grave(page: Any) -> list[tuple[str, list[str]]]:
    found = Axe().run(page).response["violations"]
    return [
        (one["id"], [node["html"][:160] for node in one["nodes"]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_fault_for_those_who_use_aids(inbox: Served, sign_in: Any, scheme: str) -> None:
    page = sign_in("nora", color_scheme=scheme)
    assert _grave(page) == []
    for rule, path in _paths(page).items():
        if rule not in PAGES:
            continue
        page.goto(path)
        assert _grave(page) == [], rule
        if page.locator("button[value=approve]").count():
            page.keyboard.press("a")
            page.wait_for_selector("[data-confirm]")
            assert _grave(page) == [], rule
    manager = sign_in("mira", color_scheme=scheme)
    for path in ("/overview", "/me"):
        manager.goto(path)
        assert _grave(manager) == [], path
    page.goto("/")
    page.keyboard.press("Control+k")
    assert _grave(page) == []


def test_signing_in_and_the_keys_have_no_serious_fault(inbox: Served, sign_in: Any) -> None:
    page = sign_in("frank")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    assert _grave(page) == []
    page.context.clear_cookies()
    page.goto("/sign-in")
    assert _grave(page) == []


def test_on_a_phone_nothing_is_cut_and_a_ticket_can_be_decided(inbox: Served, sign_in: Any) -> None:
    page = sign_in("petra", viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    widths = "[document.documentElement.scrollWidth, innerWidth]"
    assert len(set(page.evaluate(widths))) == 1
    page.locator(".row[data-rule='opened'] a.what").tap()
    page.wait_for_selector("article.ticket")
    assert len(set(page.evaluate(widths))) == 1
    page.locator("button[value=approve]").tap()
    page.locator("[data-confirm]").tap()
    expect(page.locator("#h-decided")).to_be_visible()


@pytest.mark.shop("odd")
def test_what_customers_and_models_write_is_shown_and_never_run(inbox: Served, sign_in: Any) -> None:
    for person in ("nora", "tara", "aiko"):
        page = sign_in(person)
        for path in _paths(page).values():
            page.goto(path)
            if page.locator("button[value=approve]").count():
                page.keyboard.press("a")
                page.wait_for_selector("[data-preview]")
            assert page.evaluate("window.pwned") is None
            assert (
                page.locator("main script, main img, main svg[onload], main a[href^=javascript]").count() == 0
            )
        assert page.faults == []
    assert HOSTILE


def test_a_masked_value_is_nowhere_in_what_a_browser_is_sent(inbox: Served, sign_in: Any) -> None:
    for person in ("bilal", "nora"):
        page = sign_in(person)
        sent: list[str] = []
        page.on("response", lambda answer: sent.append(_text(answer)))  # noqa: B023
        page.goto("/")
        paths = list(_paths(page).values())
        for path in paths:
            page.goto(path)
        for path in ("/tickets", "/counts", *paths):
            answer = page.request.get(f"/api/v1{path}")
            assert answer.ok, path
            sent.append(answer.text())
        assert len(sent) > 1 + len(paths)
        assert not [text for text in sent if CARD in text or CARD.replace(" ", "") in text]


def _text(answer: Any) -> str:
    kind = answer.headers.get("content-type", "")
    return answer.text() if answer.ok and ("html" in kind or "json" in kind) else ""


def test_a_list_that_changes_keeps_the_focus_where_it_is(inbox: Served, sign_in: Any) -> None:
    page = sign_in("nora")
    row = page.locator(".row[data-rule='opened']")
    row.locator("a.what").focus()
    ticket = inbox.store.by_reference(TENANT, row.get_attribute("data-ref"))[0].id
    inbox.store.cancel(TENANT, ticket, by="the shop", why="test", now=datetime.now(UTC))
    page.evaluate("refresh()")
    expect(row).to_have_class("row is-settled")
    assert row.evaluate("row => row.contains(document.activeElement)")


def test_a_masked_value_is_shown_once_to_who_says_why_and_that_is_on_record(
    inbox: Served, sign_in: Any
) -> None:
    page = sign_in("bilal")
    page.goto(_paths(page)["payment-data"])
    reference = page.locator("article").get_attribute("data-ticket")
    page.keyboard.press("u")
    page.get_by_label("Why do you need to see it?").fill("The customer asks which card it was.")
    page.get_by_role("button", name="Show it").click()
    expect(page.get_by_text(CARD)).to_be_visible()
    ticket = inbox.store.by_reference(TENANT, reference)[0].id
    assert "ticket.unmask" in [event.kind for event in inbox.store.history(TENANT, ticket)]
    page.goto(f"/tickets/{reference}")
    assert page.get_by_text(CARD).count() == 0
    assert page.locator(".log").inner_text().count("unmasked") == 1


def test_sheets_and_batches_have_no_serious_fault(inbox: Served, sign_in: Any) -> None:
    page = sign_in("quinn")
    for box in page.locator("#queue input[name=ref]").all():
        box.check()
    page.keyboard.press("b")
    page.wait_for_selector(".checklist")
    assert _grave(page) == []
    page.goto("/")
    page.goto(_paths(page)["low-confidence"])
    for key in ("d", "r", "g", "m"):
        page.keyboard.press(key)
        expect(page.locator("details.act[open]")).to_have_count(1)
        assert _grave(page) == [], key
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")


def test_a_new_ticket_is_offered_and_nothing_moves_under_the_pointer(inbox: Served, sign_in: Any) -> None:
    page = sign_in("tara")
    page.locator(".row a.what").first.focus()
    before = page.locator(".row").count()
    play_more(inbox.folder)
    page.evaluate("refresh()")
    expect(page.locator("#arrived button")).to_have_text("Show 1 new")
    assert page.locator(".row").count() == before
    assert page.title().startswith("(1)")
    page.locator("#arrived button").click()
    expect(page.locator(".row")).to_have_count(before + 1)


MOST_BYTES = 60_000


def _weight(page: Any, path: str) -> int:
    """Return how many bytes a browser that has nothing yet is sent for a page, with all that it loads."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sizes: list[int] = []
    devtools.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    page.goto(path)
    page.wait_for_load_state("load")
    page.wait_for_timeout(100)
    devtools.detach()
    return sum(sizes)


def test_every_page_weighs_sixty_kilobytes_at_most(inbox: Served, sign_in: Any) -> None:
    page, manager = sign_in("nora"), sign_in("mira")
    weights = {path: _weight(page, path) for path in ("/", "/me", *_paths(page).values())}
    weights["/overview"] = _weight(manager, "/overview")
    assert min(weights.values()) > 10_000
    assert {path: weight for path, weight in weights.items() if weight > MOST_BYTES} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_list_and_no_refusal_has_a_serious_fault(inbox: Served, sign_in: Any, scheme: str) -> None:
    page = sign_in("petra", color_scheme=scheme)
    for path in ("/?state=ended", "/?whose=mine", "/?q=rule:opened", "/?q=HR-2222-22", "/tickets/none"):
        page.goto(path)
        assert _grave(page) == [], path
    page.goto("/")
    page.goto(_paths(page)["opened"])
    page.keyboard.press("a")
    page.wait_for_selector("[data-confirm]")
    page.keyboard.press("Enter")
    page.wait_for_selector(".undo")
    assert _grave(page) == []
