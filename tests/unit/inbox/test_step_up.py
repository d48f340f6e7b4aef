"""A passkey shows who somebody is for one action: not for another one, not for somebody else, not twice."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.authenticator import PRESENT, Authenticator
from support.inbox import Browser, Scene, inbox_of_tickets

HERE = "http://localhost:8440"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with inbox_of_tickets(tmp_path) as found:
        yield found


def posted(browser: Browser, path: str, body: Any = None) -> Any:
    return browser.post(path, json=body or {}, headers={"x-csrf-token": browser.token("/sign-in")})


def signed_in(scene: Scene, person: str = "fay") -> Browser:
    browser = scene.browser(HERE)
    browser.sign_in(person)
    return browser


def with_passkey(scene: Scene, person: str = "fay") -> tuple[Browser, Authenticator]:
    """Somebody who signed in long enough ago, with a passkey."""
    browser, key = signed_in(scene, person), Authenticator(HERE, "localhost")
    asked = posted(browser, "/passkeys/options").json()
    made = {"token": asked["token"], "credential": key.made(asked["publicKey"]), "name": "laptop"}
    assert posted(browser, "/passkeys", made).status_code == 200
    scene.clock.move(minutes=6)
    return browser, key


def asked_of(browser: Browser, ref: str, digest: str) -> Any:
    return posted(browser, "/step-up/options", {"ref": ref, "digest": digest}).json()


def stepped_up(browser: Browser, key: Authenticator, asked: Any) -> Any:
    return posted(
        browser, "/step-up", {"token": asked["token"], "credential": key.signed(asked["publicKey"])}
    )


def approved(browser: Browser, ref: str) -> Any:
    shown = browser.api("POST", f"/tickets/{ref}/preview", {"verdict": "approve"}).json()
    bound = {"digest": shown["digest"], "version": shown["version"], "previewed": shown["token"]}
    return browser.api("POST", f"/tickets/{ref}/decide", {"verdict": "approve", **bound})


def binding_of(browser: Browser, ref: str, **said: object) -> str:
    proposal = {"verdict": "approve", **said}
    return str(browser.api("POST", f"/tickets/{ref}/preview", proposal).json()["binds"])


def digest_of(scene: Scene, ref: str) -> str:
    return scene.store.get("default", ref).digest


def test_a_passkey_lets_its_person_decide_what_it_signed(scene: Scene) -> None:
    browser, key = with_passkey(scene)
    ticket = scene.ticket()
    assert approved(browser, ticket.id).json()["code"] == "step_up_needed"
    asked = asked_of(browser, ticket.id, binding_of(browser, ticket.id))
    assert stepped_up(browser, key, asked).status_code == 200
    assert approved(browser, ticket.id).status_code == 200


def test_what_was_signed_for_one_ticket_says_nothing_of_another(scene: Scene) -> None:
    browser, key = with_passkey(scene)
    first, second = scene.ticket(), scene.ticket()
    stepped_up(browser, key, asked_of(browser, first.id, digest_of(scene, first.id)))
    assert approved(browser, second.id).json()["code"] == "step_up_needed"
    unmask = {"fields": ["lines"], "reason": "to check"}
    assert browser.api("POST", f"/tickets/{second.id}/unmask", unmask).json()["code"] == "step_up_needed"
    assert browser.api("POST", f"/tickets/{first.id}/unmask", unmask).status_code == 200


def test_what_was_signed_for_anything_else_does_not_count(scene: Scene) -> None:
    browser, key = with_passkey(scene)
    ticket = scene.ticket()
    edited = binding_of(browser, ticket.id, verdict="edit", changes={"amount": 1})
    for other in ("ab" * 32, digest_of(scene, ticket.id), edited):
        stepped_up(browser, key, asked_of(browser, ticket.id, other))
        assert approved(browser, ticket.id).json()["code"] == "step_up_needed"


def test_it_holds_for_a_short_while(scene: Scene) -> None:
    browser, key = with_passkey(scene)
    ticket = scene.ticket()
    stepped_up(browser, key, asked_of(browser, ticket.id, binding_of(browser, ticket.id)))
    scene.clock.move(seconds=121)
    assert approved(browser, ticket.id).json()["code"] == "step_up_needed"


def test_an_answer_comes_too_late(scene: Scene) -> None:
    browser, key = with_passkey(scene)
    ticket = scene.ticket()
    asked = asked_of(browser, ticket.id, digest_of(scene, ticket.id))
    scene.clock.move(seconds=121)
    assert stepped_up(browser, key, asked).status_code == 403


def test_the_same_answer_does_not_count_twice(scene: Scene) -> None:
    browser, key = with_passkey(scene)
    ticket = scene.ticket()
    asked = asked_of(browser, ticket.id, digest_of(scene, ticket.id))
    answer = {"token": asked["token"], "credential": key.signed(asked["publicKey"])}
    assert posted(browser, "/step-up", answer).status_code == 200
    assert posted(browser, "/step-up", answer).status_code == 403


def test_an_answer_serves_the_session_that_was_asked(scene: Scene) -> None:
    browser, key = with_passkey(scene)
    ticket = scene.ticket()
    asked = asked_of(browser, ticket.id, digest_of(scene, ticket.id))
    other = signed_in(scene)
    assert stepped_up(other, key, asked).status_code == 403


def test_somebody_elses_passkey_does_not_serve(scene: Scene) -> None:
    browser, _ = with_passkey(scene)
    _, theirs = with_passkey(scene, "finn")
    ticket = scene.ticket()
    asked = asked_of(browser, ticket.id, digest_of(scene, ticket.id))
    assert stepped_up(browser, theirs, asked).status_code == 403


@pytest.mark.parametrize(
    "change",
    [{"origin": "http://localhost:9999"}, {"host": "evil.example"}, {"flags": PRESENT}, {"flags": 0}],
    ids=str,
)
def test_an_answer_of_another_site_or_of_nobody_in_person_is_refused(scene: Scene, change: Any) -> None:
    browser, key = with_passkey(scene)
    ticket = scene.ticket()
    asked = asked_of(browser, ticket.id, digest_of(scene, ticket.id))
    for name, value in change.items():
        setattr(key, name, value)
    assert stepped_up(browser, key, asked).status_code == 403
    assert approved(browser, ticket.id).json()["code"] == "step_up_needed"


def test_another_key_under_the_same_name_is_refused(scene: Scene) -> None:
    browser, key = with_passkey(scene)
    ticket = scene.ticket()
    asked = asked_of(browser, ticket.id, digest_of(scene, ticket.id))
    copy = Authenticator(HERE, "localhost", id=key.id, uses=key.uses)
    assert stepped_up(browser, copy, asked).status_code == 403


def test_a_copied_passkey_is_told_by_its_count(scene: Scene) -> None:
    browser, key = with_passkey(scene)
    ticket = scene.ticket()
    copy = Authenticator(HERE, "localhost", id=key.id, key=key.key)
    assert stepped_up(browser, key, asked_of(browser, ticket.id, "")).status_code == 200
    assert stepped_up(browser, copy, asked_of(browser, ticket.id, "")).status_code == 403


def test_a_passkey_that_does_not_count_serves_all_the_same(scene: Scene) -> None:
    browser, key = with_passkey(scene)
    key.counts = False
    ticket = scene.ticket()
    for _ in range(2):
        assert stepped_up(browser, key, asked_of(browser, ticket.id, "")).status_code == 200


def test_a_new_passkey_needs_a_fresh_sign_in(scene: Scene) -> None:
    browser = signed_in(scene)
    asked = posted(browser, "/passkeys/options").json()
    made = Authenticator(HERE, "localhost").made(asked["publicKey"])
    scene.clock.move(minutes=6)
    assert posted(browser, "/passkeys/options").status_code == 403
    assert posted(browser, "/passkeys", {"token": asked["token"], "credential": made}).status_code == 403
    assert browser.get("/passkeys").json() == {"passkeys": []}


def test_a_passkey_that_is_removed_serves_no_more(scene: Scene) -> None:
    browser, key = with_passkey(scene)
    browser.sign_in("fay")
    (known,) = browser.get("/passkeys").json()["passkeys"]
    assert known["name"] == "laptop"
    assert posted(browser, f"/passkeys/{known['id']}/remove").status_code == 200
    assert posted(browser, f"/passkeys/{known['id']}/remove").status_code == 404
    ticket = scene.ticket()
    assert asked_of(browser, ticket.id, "")["code"] == "no_passkey"
    assert key.uses == 0


def test_nobody_removes_somebody_elses(scene: Scene) -> None:
    browser, _ = with_passkey(scene)
    (known,) = browser.get("/passkeys").json()["passkeys"]
    assert posted(signed_in(scene, "finn"), f"/passkeys/{known['id']}/remove").status_code == 404
    assert len(browser.get("/passkeys").json()["passkeys"]) == 1


def test_adding_and_removing_is_on_record(scene: Scene) -> None:
    with_passkey(scene)
    kinds = [entry["kind"] for entry in scene.store.export()]
    assert "passkey.added" in kinds
    assert scene.store.verify().is_intact


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"token": "x", "credential": {}}', b'{"ref": 7}'])
def test_what_cannot_be_read_is_refused(scene: Scene, body: bytes) -> None:
    browser, _ = with_passkey(scene)
    headers = {"x-csrf-token": browser.token("/sign-in"), "content-type": "application/json"}
    for path in ("/step-up", "/step-up/options", "/passkeys"):
        assert 400 <= browser.post(path, content=body, headers=headers).status_code < 500


def test_where_people_reach_it_by_an_address_there_are_no_passkeys(scene: Scene) -> None:
    browser = scene.signed_in("fay")
    assert posted(browser, "/passkeys/options").json()["code"] == "no_passkey"
