"""Takes the screenshots of docs: `PYTHONPATH=tests python docs/images/generate.py`, after `make browser`.

A shop is played, an inbox served over it, and chromium looks at it in light and dark. Nothing in it is real.
"""

import io
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import uvicorn
from PIL import Image
from playwright.sync_api import sync_playwright

from handrail.store import Actor, Filter, SqlStore
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict
from handrail_adapters.demo.chat import make_chat
from handrail_adapters.demo.play import Shop, open_shop
from support.inbox_scene import MANAGER, REFUNDS, STORY, Served, play, served

HERE = Path(__file__).parent
CHROMIUM = os.environ.get("HANDRAIL_CHROMIUM") or shutil.which("chromium")
SIZE = {"width": 1440, "height": 900}
Page = Any


def the_list(page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("j")


def the_ticket(page: Page) -> None:
    _open(page, "refund-over-500")
    page.get_by_role("textbox", name="amount").fill("590")
    page.keyboard.press("Escape")


def the_conflict(page: Page) -> None:
    _open(page, "opened")
    page.keyboard.press("a")
    page.wait_for_selector("[data-confirm]")


def the_overview(page: Page) -> None:
    page.goto("/overview")


def _open(page: Page, rule: str) -> None:
    page.locator(f".row[data-rule='{rule}'] a.what").first.click()
    page.wait_for_selector("article.ticket")


SHOTS: dict[str, tuple[str, Callable[[Page], None]]] = {
    "list": ("nora", the_list),
    "ticket": ("nora", the_ticket),
    "conflict": ("petra", the_conflict),
    "overview": (MANAGER, the_overview),
}


def decided_before(browser: Any, inbox: Served) -> None:
    """Let colleagues claim and decide some tickets, so that pages show a day's work."""
    lena = _signed_in(browser, inbox, "lena", "light")
    paths = [row.get_attribute("data-path") for row in lena.locator(".row").all()][:4]
    for path in paths:
        lena.goto(path)
        lena.keyboard.press("a")
        lena.wait_for_selector("[data-confirm]")
        lena.keyboard.press("Enter")
        lena.wait_for_selector(".undo")
    sofia = _signed_in(browser, inbox, "sofia", "light")
    sofia.locator(".row a.what").first.focus()
    sofia.keyboard.press("c")
    sofia.wait_for_selector(".banner")
    # What was decided is in effect once it can no longer be undone and somebody looks.
    lena.wait_for_selector(".undo", state="detached")
    for path in paths:
        lena.goto(path)


def _signed_in(browser: Any, inbox: Served, person: str, scheme: str) -> Page:
    context = browser.new_context(
        base_url=inbox.url, color_scheme=scheme, viewport=SIZE, locale="en-US", reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto("/sign-in")
    page.click(f"button[value={person}]")
    page.wait_for_selector("#queue")
    return page


def the_chat(browser: Any, folder: Path) -> None:
    """Take the customer's side: what they read while a person decides."""
    folder.mkdir()
    with open_shop(store=f"sqlite:///{folder}/handrail.db") as shop:
        listening = socket.create_server(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(make_chat(shop, inbox=address), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        for scheme in ("light", "dark"):
            size = {"width": 1100, "height": 840}
            page = browser.new_context(color_scheme=scheme, viewport=size).new_page()
            page.goto(address)
            _say(page, "Where is order 1182?", ".assistant")
            _say(page, "Refund the $640 headphones.", ".notice.open")
            _decided(shop)
            page.locator(".person").wait_for()
            _say(page, "Let me talk to a person.", ".notice.open")
            _kept(page, f"chat-{scheme}")
        server.should_exit = True
        thread.join()


def _say(page: Page, words: str, until: str) -> None:
    page.locator("textarea").fill(words)
    page.keyboard.press("Enter")
    page.locator(until).wait_for()


def _decided(shop: Shop) -> None:
    """Let the finance lead approve less than was asked for."""
    store, people = cast("SqlStore", shop.guard.store), shop.guard.people
    actor = Actor(person="fatima", people=people, now=datetime.now(UTC))
    said = "We refund 590 USD; the carrying case was not returned."
    resolution = Resolution(verdict=Verdict.EDIT, changes={"amount": 590}, message_to_user=said)
    for row in store.list("default", Filter(roles=("finance_lead",))).rows:
        store.claim("default", row.id, actor)
        store.resolve("default", row.id, resolution, actor)


def _kept(page: Page, name: str) -> None:
    page.wait_for_timeout(300)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    small = picture.quantize(colors=256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    small.save(HERE / f"{name}.png", optimize=True)


def main() -> None:
    """Play, serve, look, and write one picture for each page and scheme."""
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as running:
        folder = Path(temporary)
        play(folder / "played", (*STORY, *REFUNDS))
        with served(folder / "played", folder / "served") as inbox:
            browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            decided_before(browser, inbox)
            for name, (person, prepare) in SHOTS.items():
                for scheme in ("light", "dark"):
                    page = _signed_in(browser, inbox, person, scheme)
                    prepare(page)
                    _kept(page, f"inbox-{name}-{scheme}")
            the_chat(browser, folder / "chat")
            browser.close()


if __name__ == "__main__":
    main()
