"""An inbox over a small shop, asked as a browser asks it: cookies kept, forms with their page's token."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from handrail.inbox import Settings, make_app
from handrail.store import SqlStore, open_store
from handrail.tickets.ticket import Ticket
from support.shop_guard import PEOPLE, POLICY
from support.stores import new_ticket

TICKETS_POLICY = """\
policy: shop
version: "1"
if_unsure: queue_manager
roles:
  finance_lead: {answer_within: 30 minutes, backup: process_owner, sees: [financial]}
  legal_lead: {answer_within: 30 minutes, backup: process_owner}
  queue_manager: {}
  process_owner: {covers: [finance_lead]}
"""
TICKETS_PEOPLE = """\
roles:
  finance_lead: [fay, finn]
  legal_lead: [lea]
  queue_manager: [quin]
  process_owner: [pat]
"""
HERE = "http://127.0.0.1:8440"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Scene:
    """An inbox, its store and its clock."""

    app: Starlette
    store: SqlStore
    clock: Clock
    folder: Path

    def browser(self, address: str = HERE, client: str = "127.0.0.1") -> "Browser":
        return Browser(self.app, address, client)

    def ticket(self, **about: Any) -> Ticket:
        """A ticket about a refund of 640 USD to a card, opened just now."""
        ticket = new_ticket(**about, now=self.clock())
        self.store.open(ticket)
        return ticket

    def signed_in(self, person: str) -> "Browser":
        browser = self.browser()
        assert browser.sign_in(person).status_code == 303
        return browser


class Browser(TestClient):
    """A browser without JavaScript."""

    def __init__(self, app: Starlette, address: str = HERE, client: str = "127.0.0.1") -> None:
        super().__init__(app, base_url=address, client=(client, 5000), follow_redirects=False)

    def token(self, page: str = "/sign-in") -> str:
        """The token that the forms of a page carry."""
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.get(page).text)
        return found[1] if found else ""

    def submit(self, path: str, fields: dict[str, Any] | None = None, *, page: str = "/", **more: Any) -> Any:
        """Send a form of a page."""
        return self.post(path, data={**(fields or {}), "csrf": self.token(page)}, **more)

    def api(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Ask the API with this browser's session, and the token of its pages if it changes something."""
        sent = {"x-csrf-token": self.token("/sign-in")} if method != "GET" else {}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request(method, f"/api/v1{path}", json=body, headers={**sent, **named})

    def sign_in(self, person: str, *, to: str = "/") -> Any:
        return self.submit("/sign-in", {"person": person, "next": to}, page="/sign-in")


def fields_of(page: str, action: str) -> dict[str, str]:
    """Return the filled-in fields of the form with this action."""
    form = re.search(rf'<form[^>]*action="[^"]*{action}"[^>]*>(.*?)</form>', page, re.S)
    assert form is not None, action
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[1]))


def shown(browser: Any, ticket: str, **fields: str) -> Any:
    """Send the form of a ticket's page to be shown what it comes to."""
    page = browser.get(f"/tickets/{ticket}").text
    return browser.post(f"/tickets/{ticket}/preview", data={**fields_of(page, "/preview"), **fields})


@contextmanager
def inbox_of_tickets(folder: Path, **given: Any) -> Iterator[Scene]:
    """An inbox whose people fill the roles of `support.stores.new_ticket`."""
    with inbox(folder, policy=TICKETS_POLICY, people=TICKETS_PEOPLE, **given) as scene:
        yield scene


@contextmanager
def inbox(folder: Path, *, policy: str = POLICY, people: str = PEOPLE, **given: Any) -> Iterator[Scene]:
    """An inbox with its store in a folder."""
    (folder / "shop.yaml").write_text(policy)
    (folder / "people.yaml").write_text(people)
    settings = Settings.model_validate(
        {
            "policy": str(folder / "shop.yaml"),
            "people": str(folder / "people.yaml"),
            "store": f"sqlite:///{folder}/handrail.db",
            "development": True,
            **given,
        }
    )
    clock = Clock()
    store = open_store(settings.store, clock=clock)
    try:
        yield Scene(make_app(settings, store, clock=clock), store, clock, folder)
    finally:
        store.close()
