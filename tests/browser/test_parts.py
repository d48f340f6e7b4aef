"""Several calls of one turn on one page of a real browser."""

from datetime import UTC, datetime
from typing import Any

import pytest

from handrail.tickets.lifecycle import State
from support.inbox_scene import TENANT, Served
from support.stores import new_ticket

_WHY = "`make browser` installs Playwright and axe"
expect = pytest.importorskip("playwright.sync_api", reason=_WHY).expect
Axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason=_WHY).Axe
BESIDE = (("cancel_order", '{"order": "1182"}'), ("send_voucher", '{"amount": 5, "to": "ann"}'))


def proposed(inbox: Served) -> str:
    """A ticket about three calls and some words, for the finance lead."""
    refund = '{"amount": 640, "currency": "USD", "order_id": "1160"}'
    now = datetime.now(UTC)
    ticket = new_ticket(arguments=refund, beside=BESIDE, words="I see to all of it.", now=now)
    inbox.store.open(ticket)
    return ticket.id


@pytest.mark.parametrize("scripts", [True, False])
def test_of_three_calls_one_is_changed_one_rejected_and_one_approved(
    inbox: Served, sign_in: Any, scripts: bool
) -> None:
    ticket = proposed(inbox)
    page = sign_in("frank", java_script_enabled=scripts)
    page.goto(f"/tickets/{ticket}")
    page.locator("input[name='part.call-1.arg.amount']").fill("590")
    for name, verdict in (("call-1", "approve"), ("call-2", "reject"), ("call-3", "approve")):
        page.locator(f"input[name='part.{name}.verdict'][value={verdict}]").check()
    page.locator("select[name='part.call-2.reason_code']").select_option("no_evidence")
    page.locator("input[name='part.answer.verdict'][value=reject]").check()
    page.locator("button[value=parts]").click()
    preview = page.locator("form.preview")
    expect(preview).to_contain_text("This will not run")
    expect(preview.locator("del.tool")).to_have_text("cancel_order")
    expect(preview.locator("p.tool")).to_have_text(["issue_refund", "send_voucher"])
    assert inbox.store.get(TENANT, ticket).state is State.READY
    page.locator("[data-confirm]").click()
    expect(page.locator("#h-decided")).to_be_visible()
    assert inbox.store.get(TENANT, ticket).state is State.RESOLVED


def test_several_calls_are_decided_by_keys_alone(inbox: Served, sign_in: Any) -> None:
    ticket = proposed(inbox)
    page = sign_in("frank")
    page.goto(f"/tickets/{ticket}")
    for name in ("call-1", "call-2", "call-3", "answer"):
        page.locator(f"input[name='part.{name}.verdict']").first.focus()
        page.keyboard.press("Space")
        if name == "call-2":
            page.keyboard.press("ArrowRight")
    page.keyboard.press("a")
    expect(page.locator("[data-confirm]")).to_be_focused()
    expect(page.locator("form.preview del.tool")).to_have_text("cancel_order")
    page.keyboard.press("Enter")
    expect(page.locator("#h-decided")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_several_calls_has_no_serious_fault(inbox: Served, sign_in: Any, scheme: str) -> None:
    page = sign_in("frank", color_scheme=scheme)
    page.goto(f"/tickets/{proposed(inbox)}")
    for verdict in ("approve", "reject"):
        for name in ("call-1", "call-2", "call-3", "answer"):
            page.locator(f"input[name='part.{name}.verdict'][value={verdict}]").check()
        found = Axe().run(page).response["violations"]
        assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
