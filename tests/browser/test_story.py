"""The demonstration's story, both sides at once: a customer asks, a person decides, the customer reads it."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from handrail_adapters.demo.chat import make_chat
from handrail_adapters.demo.play import Shop, open_shop
from support.inbox_scene import Served

_WHY = "`make browser` installs Playwright and axe"
expect = pytest.importorskip("playwright.sync_api", reason=_WHY).expect
Axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason=_WHY).Axe
ARRIVES_MS = 20_000
"""A decision takes effect after five seconds, and the chat looks twice a second."""


@contextmanager
def chat_of(inbox: Served) -> Iterator[tuple[Shop, str]]:
    """Serve the shop's chat over the inbox's store; gives the shop and the chat's address."""
    folder = inbox.folder
    store = f"sqlite:///{folder}/handrail.db"
    with (
        open_shop(store=store, policy=folder / "support.yaml", people=folder / "people.yaml") as shop,
        socket.create_server(("127.0.0.1", 0)) as listening,
    ):
        server = uvicorn.Server(uvicorn.Config(make_chat(shop, inbox=inbox.url), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield shop, f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def asked(page: Any, words: str) -> str:
    """Say something in the chat, wait until it is with a person, and return the reference of its ticket."""
    page.locator("#words").fill(words)
    page.keyboard.press("Enter")
    notice = page.locator(".notice.open").last
    expect(notice).to_contain_text("With a person")
    found = re.search(r"HR-\w{4}-\w{2}", notice.inner_text())
    assert found is not None
    assert re.search(r"[0-9a-f]{32}", page.content()) is None
    return found[0]


def test_a_customer_asks_a_person_decides_by_keys_and_the_customer_reads_it(
    inbox: Served, sign_in: Any, chromium: Any
) -> None:
    with chat_of(inbox) as (shop, address):
        customer = chromium.new_context(reduced_motion="reduce").new_page()
        customer.goto(address)
        reference = asked(customer, "Refund the $640 headphones.")
        expect(customer.locator(".notice.open")).to_contain_text("finance lead, until")
        page = sign_in("frank")
        page.keyboard.press("/")
        page.keyboard.type(reference)
        page.keyboard.press("Enter")
        page.wait_for_selector("article.ticket")
        page.keyboard.press("e")
        page.keyboard.type("590")
        page.keyboard.press("Escape")
        page.keyboard.press("w")
        page.keyboard.type("We refund 590 USD; the case was not returned.")
        page.keyboard.press("Escape")
        page.keyboard.press("a")
        expect(page.locator("[data-confirm]")).to_be_focused()
        page.keyboard.press("Enter")
        answer = customer.locator(".person")
        expect(answer).to_contain_text("A person answers: finance lead", timeout=ARRIVES_MS)
        expect(answer).to_contain_text("We refund 590 USD; the case was not returned.")
        assert [int(one["amount"]) for one in shop.service.refunds] == [590]
        customer.context.close()


def test_a_customer_reads_nothing_of_a_decision_that_was_undone(
    inbox: Served, sign_in: Any, chromium: Any
) -> None:
    with chat_of(inbox) as (shop, address):
        customer = chromium.new_context(reduced_motion="reduce").new_page()
        customer.goto(address)
        reference = asked(customer, "Refund the $640 headphones.")
        page = sign_in("frank")
        page.goto(f"/tickets/{reference}")
        page.keyboard.press("a")
        expect(page.locator("[data-confirm]")).to_be_focused()
        page.keyboard.press("Enter")
        page.wait_for_selector(".undo")
        page.keyboard.press("u")
        expect(page.locator(".banner").first).to_contain_text("Undone")
        inbox.clock.move(seconds=10)
        page.goto(f"/tickets/{reference}")
        expect(page.locator("button[value=approve]")).to_be_visible()
        expect(customer.locator(".notice.open")).to_be_visible()
        assert customer.locator(".person").count() == 0
        assert shop.service.refunds == []
        customer.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_chat_has_no_serious_fault_for_those_who_use_aids(
    inbox: Served, chromium: Any, scheme: str
) -> None:
    with chat_of(inbox) as (_, address):
        context = chromium.new_context(color_scheme=scheme, reduced_motion="reduce")
        page = context.new_page()
        page.goto(address)
        asked(page, "Let me talk to a person.")
        found = Axe().run(page).response["violations"]
        assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
        context.close()
