"""An API token acts as its person, with its scopes and no more, until it ends; signing out ends sessions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.inbox import Browser, Scene, inbox_of_tickets


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with inbox_of_tickets(tmp_path, managers=["mara"]) as found:
        yield found


def token_of(scene: Scene, person: str, *scopes: str, days: int = 30) -> str:
    wish = {"name": "nightly", "scopes": scopes or ("read",), "days": days}
    answer = scene.signed_in(person).api("POST", "/make-token", wish)
    assert answer.status_code == 200
    return str(answer.json()["text"])


def asked(scene: Scene, token: str, method: str, path: str, body: Any = None) -> Any:
    headers = {"authorization": f"Bearer {token}"}
    return scene.browser().request(method, f"/api/v1{path}", json=body, headers=headers)


def test_a_token_reads_what_its_person_may(scene: Scene) -> None:
    ticket, token = scene.ticket(), token_of(scene, "fay")
    me = asked(scene, token, "GET", "/me").json()
    assert (me["person"], me["level"], me["scopes"]) == ("fay", "token", ["read"])
    assert asked(scene, token, "GET", f"/tickets/{ticket.id}").status_code == 200
    assert asked(scene, token_of(scene, "quin"), "GET", f"/tickets/{ticket.id}").status_code == 404


def test_a_token_does_no_more_than_its_scopes(scene: Scene) -> None:
    ticket = scene.ticket()
    reading, deciding = token_of(scene, "fay"), token_of(scene, "fay", "read", "decide")
    refused = asked(scene, reading, "POST", f"/tickets/{ticket.id}/claim", {})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    assert asked(scene, deciding, "POST", f"/tickets/{ticket.id}/claim", {}).status_code == 200


def test_a_token_proves_nothing_anew(scene: Scene) -> None:
    ticket, token = scene.ticket(), token_of(scene, "fay", "read", "decide", "unmask")
    unmask = {"fields": ["lines"], "reason": "to check"}
    assert asked(scene, token, "POST", f"/tickets/{ticket.id}/unmask", unmask).status_code == 403
    shown = asked(scene, token, "POST", f"/tickets/{ticket.id}/preview", {"verdict": "approve"}).json()
    bound = {"digest": shown["digest"], "version": shown["version"], "previewed": shown["token"]}
    decided = asked(scene, token, "POST", f"/tickets/{ticket.id}/decide", {"verdict": "approve", **bound})
    assert (decided.status_code, decided.json()["code"]) == (403, "step_up_needed")
    wish = {"name": "more", "scopes": ["read"]}
    assert asked(scene, token, "POST", "/make-token", wish).status_code == 403


def test_nobody_makes_a_token_for_more_than_they_may(scene: Scene) -> None:
    wish = {"name": "all", "scopes": ["read", "manage"]}
    assert scene.signed_in("fay").api("POST", "/make-token", wish).status_code == 403


def test_a_managers_token_sees_queues(scene: Scene) -> None:
    token = token_of(scene, "mara", "read", "manage")
    assert asked(scene, token, "GET", "/queues").status_code == 200
    assert asked(scene, token_of(scene, "mara"), "GET", "/queues").status_code == 403


def test_a_token_ends(scene: Scene) -> None:
    token = token_of(scene, "fay", days=1)
    scene.clock.move(hours=23)
    assert asked(scene, token, "GET", "/me").status_code == 200
    scene.clock.move(hours=2)
    assert asked(scene, token, "GET", "/me").status_code == 401


def test_a_token_is_revoked_by_its_person_only(scene: Scene) -> None:
    token = token_of(scene, "fay")
    (known,) = scene.signed_in("fay").api("GET", "/tokens").json()["tokens"]
    scene.signed_in("finn").api("POST", "/revoke-token", {"id": known["id"]})
    assert asked(scene, token, "GET", "/me").status_code == 200
    scene.signed_in("fay").api("POST", "/revoke-token", {"id": known["id"]})
    assert asked(scene, token, "GET", "/me").status_code == 401


def test_a_token_of_somebody_who_left_opens_nothing(scene: Scene) -> None:
    ticket, token = scene.ticket(), token_of(scene, "finn")
    people = scene.folder / "people.yaml"
    people.write_text(people.read_text().replace("fay, finn", "fay"))
    assert asked(scene, token, "GET", f"/tickets/{ticket.id}").status_code == 404
    assert asked(scene, token, "GET", "/tickets").json()["rows"] == []


@pytest.mark.parametrize("change", ["", "x", ".", "hrt1...", "ä"])
def test_an_altered_token_is_none(scene: Scene, change: str) -> None:
    token = token_of(scene, "fay")
    for altered in (change, token + "x", token[:-1], token.replace("hrt1", "hrt2"), f"{token}.{change}"):
        headers = {"authorization": f"Bearer {altered}".encode()}
        assert scene.browser().get("/api/v1/me", headers=headers).status_code == 401


def test_a_token_opens_the_api_and_no_page(scene: Scene) -> None:
    headers = {"authorization": f"Bearer {token_of(scene, 'fay')}"}
    for path in ("/", "/live", "/passkeys"):
        assert scene.browser().get(path, headers=headers).status_code in (303, 401)


def test_a_tokens_text_is_shown_once(scene: Scene) -> None:
    token = token_of(scene, "fay")
    listed = scene.signed_in("fay").api("GET", "/tokens")
    assert token.rpartition(".")[2] not in listed.text
    assert token.encode() not in (scene.folder / "handrail.db").read_bytes()


def test_steps_of_a_token_are_slowed_down_too(tmp_path: Path) -> None:
    with inbox_of_tickets(tmp_path, limits={"steps": 4}) as scene:
        token, ticket = token_of(scene, "fay", "read", "decide"), scene.ticket()
        found = [asked(scene, token, "POST", f"/tickets/{ticket.id}/claim", {}).status_code for _ in range(6)]
    assert found[-1] == 429


def cookie_of(browser: Browser) -> dict[str, str]:
    return dict(browser.cookies)


def test_signing_out_ends_every_session_of_a_person_and_of_nobody_else(scene: Scene) -> None:
    first, second, other = scene.signed_in("fay"), scene.signed_in("fay"), scene.signed_in("finn")
    stolen = cookie_of(first)
    scene.clock.move(seconds=1)
    first.submit("/sign-out")
    thief = scene.browser()
    thief.cookies.update(stolen)
    assert thief.get("/").status_code == 303
    assert second.get("/").status_code == 303
    assert other.get("/").status_code == 200
    assert scene.signed_in("fay").get("/").status_code == 200
