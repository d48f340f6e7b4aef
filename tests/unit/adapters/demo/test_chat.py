"""The shop's chat page: every visitor sees their own talk, and nothing that is said becomes markup."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import cast

import pytest
from starlette.testclient import TestClient

from handrail.store import Actor, SqlStore
from handrail.tickets.lifecycle import State
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict
from handrail_adapters.demo.chat import LONGEST_WORDS, make_chat
from handrail_adapters.demo.play import TENANT, Shop, open_shop

ORIGIN = {"origin": "http://localhost"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder: Path = tmp_path_factory.mktemp("chat")
    with open_shop(store=f"sqlite:///{folder / 'handrail.db'}") as opened:
        yield opened


@pytest.fixture
def client(shop: Shop) -> Iterator[TestClient]:
    with TestClient(make_chat(shop, inbox="http://127.0.0.1:9"), base_url="http://localhost") as opened:
        yield opened


def say(client: TestClient, words: str) -> str:
    answer = client.post("/say", data={"words": words}, headers=ORIGIN)
    assert answer.status_code == 200
    assert answer.url.path == "/"
    return answer.text


def test_the_page_says_what_is_invented_and_where_people_decide(client: TestClient) -> None:
    page = client.get("/").text
    assert "scripted" in page
    assert 'href="http://127.0.0.1:9"' in page
    assert "refresh" not in page


def test_forms_alone_are_enough(client: TestClient) -> None:
    page = say(client, "Where is order 1182?")
    assert "arrives tomorrow" in page
    held = say(client, "Refund the $640 headphones.")
    assert "With a person: finance lead" in held
    assert '<noscript><meta http-equiv="refresh"' in held


def test_a_persons_answer_arrives_on_the_page(client: TestClient, shop: Shop) -> None:
    say(client, "Refund the $640 headphones.")
    store = cast("SqlStore", shop.guard.store)
    assert shop.guard.people is not None
    actor = Actor(person="fatima", people=shop.guard.people, now=datetime.now(UTC))
    newest = max(store.list(TENANT).rows, key=lambda row: row.created_at)
    assert newest.state is State.READY
    ticket = newest.id
    mark = client.get("/lines").json()["mark"]
    store.claim(TENANT, ticket, actor)
    edit = Resolution(verdict=Verdict.EDIT, changes={"amount": 590}, message_to_user="Without the case.")
    store.resolve(TENANT, ticket, edit, actor)
    until, told = monotonic() + 60, ""
    while "Without the case." not in told:
        assert monotonic() < until
        state = client.get("/lines", params={"known": mark}).json()
        mark, told = state["mark"], state["lines"]
    assert "A person answers: finance lead" in told
    assert "Decided: finance lead" in told


def test_what_is_said_is_text(client: TestClient) -> None:
    words = '<script>alert(1)</script> & "x" {{ 7*7 }}'
    assert words not in say(client, words)
    told = client.get("/lines").json()["lines"]
    assert "&lt;script&gt;" in told
    assert "{{ 7*7 }}" in told


def test_nobody_sees_anothers_talk(client: TestClient, shop: Shop) -> None:
    say(client, "Where is order 1182?")
    with TestClient(make_chat(shop), base_url="http://localhost") as stranger:
        assert "order" not in stranger.get("/lines").json()["lines"]
    client.cookies.clear()
    assert "order" not in client.get("/lines").json()["lines"]


@pytest.mark.parametrize("origin", [None, "http://elsewhere.example", "null", "http://localhost:81"])
def test_no_other_page_speaks_for_the_customer(client: TestClient, origin: str | None) -> None:
    headers = {} if origin is None else {"origin": origin}
    assert client.post("/say", data={"words": "x"}, headers=headers).status_code == 403
    assert "<li" not in client.get("/lines").json()["lines"]


def test_another_host_name_is_refused(client: TestClient) -> None:
    assert client.get("/", headers={"host": "rebound.example"}).status_code == 400


def test_words_are_bounded_and_blanks_say_nothing(client: TestClient) -> None:
    assert (
        client.post("/say", content=b"words=" + b"x" * 9 * LONGEST_WORDS, headers=ORIGIN).status_code == 413
    )
    assert "<li class" not in say(client, "   ")


def test_only_the_pages_own_files_are_served(client: TestClient) -> None:
    assert client.get("/chat.css").headers["content-type"].startswith("text/css")
    assert client.get("/chat.py").status_code == 404
    assert "default-src 'none'" in client.get("/").headers["content-security-policy"]
