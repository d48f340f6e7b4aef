"""Whoever signs in is who the provider says, and nothing but a right answer of the provider says it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from support.inbox import START, Browser, Scene, inbox
from support.oidc_provider import CLIENT, SECRET, OidcProvider, new_key, oidc_provider

ADDRESS = "https://inbox.example.com"


@dataclass
class Organisation:
    scene: Scene
    provider: OidcProvider

    def browser(self) -> Browser:
        return self.scene.browser(ADDRESS, client="192.0.2.7")

    def sent_to(self, browser: Browser, path: str = "/sign-in/oidc?next=/tickets/x") -> str:
        answer = browser.get(path)
        assert answer.status_code == 303
        return str(answer.headers["location"])

    def back(self, target: str) -> str:
        """Sign in at the provider; returns the path with which it sends the browser back."""
        with httpx.Client() as client:
            location = client.get(target).headers["location"]
        assert location.startswith(f"{ADDRESS}/sign-in/callback?")
        return str(location.removeprefix(ADDRESS))

    def sign_in(self, browser: Browser, path: str = "/sign-in/oidc?next=/tickets/x") -> Any:
        return browser.get(self.back(self.sent_to(browser, path)))


@pytest.fixture(scope="module")
def running() -> Iterator[OidcProvider]:
    with oidc_provider(START.timestamp) as provider:
        yield provider


@pytest.fixture
def organisation(
    tmp_path: Path, running: OidcProvider, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Organisation]:
    monkeypatch.setenv("HANDRAIL_OIDC_SECRET", SECRET)
    oidc = {
        "issuer": running.issuer,
        "client_id": CLIENT,
        "roles_claim": "groups",
        "roles": {"finance": ["finance_lead"], "all": ["queue_manager", "privacy_lead"]},
        "managers": ["heads"],
    }
    with inbox(tmp_path, development=False, address=ADDRESS, oidc=oidc) as scene:
        running.now = lambda: scene.clock().timestamp()
        running.claims = {"email": "fay", "email_verified": True, "groups": ["finance", "unknown"]}
        running.bend, running.algorithm, running.key = (lambda claims: None), "ES256", running.published[0]
        running.asked.clear()
        yield Organisation(scene, running)


def session_of(organisation: Organisation, browser: Browser) -> Any:
    sessions = organisation.scene.app.state.inbox.sessions
    return sessions.read(browser.cookies[sessions.cookie])


def test_who_signs_in_has_the_roles_of_their_claims(organisation: Organisation) -> None:
    browser = organisation.browser()
    answer = organisation.sign_in(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/tickets/x")
    session = session_of(organisation, browser)
    assert (session.person, session.roles, session.is_manager) == ("fay", ("finance_lead",), False)


def test_the_request_is_bound_by_state_nonce_and_challenge(organisation: Organisation) -> None:
    organisation.back(organisation.sent_to(organisation.browser()))
    organisation.back(organisation.sent_to(organisation.browser()))
    first, second = organisation.provider.asked
    assert first["code_challenge_method"] == "S256"
    assert first["redirect_uri"] == f"{ADDRESS}/sign-in/callback"
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) >= 43
        assert first[name] != second[name]


def test_several_groups_are_several_roles_and_some_make_a_manager(organisation: Organisation) -> None:
    organisation.provider.claims["groups"] = ["finance", "all", "heads"]
    browser = organisation.browser()
    organisation.sign_in(browser)
    session = session_of(organisation, browser)
    assert session.roles == ("finance_lead", "privacy_lead", "queue_manager")
    assert session.is_manager


BENT: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "other"},
    "no audience": {"aud": None},
    "an audience of many for another": {"aud": [CLIENT, "other"], "azp": "other"},
    "an audience of many for nobody": {"aud": [CLIENT, "other"]},
    "another's party": {"azp": "other"},
    "another nonce": {"nonce": "x" * 43},
    "no nonce": {"nonce": None},
    "run out": {"exp": START.timestamp() - 61},
    "no end": {"exp": None},
    "an end in words": {"exp": "tomorrow"},
    "from later": {"iat": START.timestamp() + 3600},
    "not yet": {"nbf": START.timestamp() + 3600},
    "nobody": {"email": None},
    "an empty name": {"email": ""},
    "a name that is none": {"email": ["fay"]},
    "an address nobody verified": {"email_verified": False},
    "an address perhaps verified": {"email_verified": None},
    "no role": {"groups": ["unknown"]},
    "no groups": {"groups": None},
}


@pytest.mark.parametrize("name", BENT)
def test_an_answer_that_is_not_right_signs_nobody_in(organisation: Organisation, name: str) -> None:
    def bend(claims: dict[str, Any]) -> None:
        for claim, value in BENT[name].items():
            if value is None:
                claims.pop(claim, None)
            else:
                claims[claim] = value

    organisation.provider.bend = bend
    browser = organisation.browser()
    assert organisation.sign_in(browser).status_code == 403
    assert browser.get("/").status_code == 303


def test_a_signature_of_another_key_is_refused(organisation: Organisation) -> None:
    organisation.provider.key = new_key("one")
    assert organisation.sign_in(organisation.browser()).status_code == 403


def test_no_signature_is_refused(organisation: Organisation) -> None:
    organisation.provider.algorithm = "none"
    assert organisation.sign_in(organisation.browser()).status_code == 403


def test_the_providers_public_key_is_no_shared_secret(organisation: Organisation) -> None:
    organisation.provider.algorithm = "HS256"
    assert organisation.sign_in(organisation.browser()).status_code == 403


def test_a_key_that_the_provider_changed_to_is_read(organisation: Organisation) -> None:
    assert organisation.sign_in(organisation.browser()).status_code == 303
    before = organisation.provider.published[:]
    try:
        organisation.provider.key = new_key("two")
        organisation.provider.published[:] = [organisation.provider.key]
        organisation.scene.clock.move(minutes=2)
        assert organisation.sign_in(organisation.browser()).status_code == 303
    finally:
        organisation.provider.published[:] = before


def test_wrong_signatures_do_not_make_the_inbox_ask_for_keys_again_and_again(
    organisation: Organisation,
) -> None:
    organisation.sign_in(organisation.browser())
    read = organisation.provider.key_reads
    organisation.provider.key = new_key("one")
    for _ in range(5):
        assert organisation.sign_in(organisation.browser()).status_code == 403
    assert organisation.provider.key_reads <= read + 1


def test_an_answer_serves_the_browser_that_asked_and_once(organisation: Organisation) -> None:
    asked, other = organisation.browser(), organisation.browser()
    back = organisation.back(organisation.sent_to(asked))
    assert other.get(back).status_code == 403
    organisation.sent_to(other)
    assert other.get(back).status_code == 403
    assert asked.get(back).status_code == 303
    assert asked.get(back).status_code == 403


def test_a_session_from_before_is_not_the_one_afterwards(organisation: Organisation) -> None:
    browser = organisation.browser()
    browser.get("/sign-in")
    cookie = organisation.scene.app.state.inbox.sessions.cookie
    before = browser.cookies[cookie]
    organisation.sign_in(browser)
    sessions = organisation.scene.app.state.inbox.sessions
    assert sessions.read(before).id != sessions.read(browser.cookies[cookie]).id


def test_a_sign_in_that_took_too_long_is_begun_anew(organisation: Organisation) -> None:
    browser = organisation.browser()
    back = organisation.back(organisation.sent_to(browser))
    organisation.scene.clock.move(minutes=11)
    assert browser.get(back).status_code == 403


@pytest.mark.parametrize("change", ["state", "iss", "code", "error"])
def test_an_altered_way_back_signs_nobody_in(organisation: Organisation, change: str) -> None:
    browser = organisation.browser()
    back = organisation.back(organisation.sent_to(browser))
    query = {name: found[0] for name, found in parse_qs(urlsplit(back).query).items()}
    answer = browser.get("/sign-in/callback", params={**query, change: "changed"})
    assert answer.status_code == 403
    assert "changed" not in answer.text


def test_showing_anew_who_one_is_must_be_the_same_person_just_now(organisation: Organisation) -> None:
    browser = organisation.browser()
    organisation.sign_in(browser)
    organisation.scene.clock.move(minutes=20)
    sessions = organisation.scene.app.state.inbox.sessions
    assert not sessions.is_fresh(session_of(organisation, browser))
    again = "/sign-in/oidc?again=1&next=/tickets/x"

    organisation.provider.claims["auth_time"] = START.timestamp()
    assert organisation.sign_in(browser, again).status_code == 403
    del organisation.provider.claims["auth_time"]

    organisation.provider.claims["email"] = "quinn"
    assert organisation.sign_in(browser, again).status_code == 403
    organisation.provider.claims["email"] = "fay"

    assert organisation.sign_in(browser, again).status_code == 303
    assert organisation.provider.asked[-1]["prompt"] == "login"
    assert sessions.is_fresh(session_of(organisation, browser))


def test_development_sign_in_is_not_there(organisation: Organisation) -> None:
    browser = organisation.browser()
    answer = browser.submit("/sign-in", {"person": "fay"}, page="/sign-in")
    assert answer.status_code in (403, 404)
    assert browser.get("/").status_code == 303


def test_a_provider_that_is_not_there_lets_nobody_in(tmp_path: Path) -> None:
    oidc = {"issuer": "http://127.0.0.1:1", "client_id": CLIENT}
    with inbox(tmp_path, development=False, address=ADDRESS, oidc=oidc) as scene:
        assert scene.browser(ADDRESS).get("/sign-in/oidc").status_code == 502


def test_a_provider_that_calls_itself_otherwise_is_not_the_one(tmp_path: Path, running: OidcProvider) -> None:
    oidc = {"issuer": running.issuer.replace("127.0.0.1", "localhost"), "client_id": CLIENT}
    with inbox(tmp_path, development=False, address=ADDRESS, oidc=oidc) as scene:
        assert scene.browser(ADDRESS).get("/sign-in/oidc").status_code == 502
