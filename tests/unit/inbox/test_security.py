"""What stands before every route: nobody who has not signed in, no other site, no other host, no flood."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from handrail.inbox.security import local_path
from support.inbox import HERE, Scene, inbox


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with inbox(tmp_path) as found:
        yield found


def test_who_has_not_signed_in_is_asked_to(scene: Scene) -> None:
    answer = scene.browser().get("/?role=finance_lead")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/%3Frole%3Dfinance_lead")


def test_a_path_that_is_not_there_tells_a_stranger_nothing(scene: Scene) -> None:
    assert scene.browser().get("/no-such-page").status_code == 303
    assert scene.signed_in("fay").get("/no-such-page").status_code == 404


def test_signing_in_opens_the_list_and_signing_out_closes_it(scene: Scene) -> None:
    browser = scene.signed_in("fay")
    assert browser.get("/").status_code == 200
    assert browser.submit("/sign-out").status_code == 303
    assert browser.get("/").status_code == 303


def test_nobody_signs_in_who_is_not_in_the_people_file(scene: Scene) -> None:
    browser = scene.browser()
    assert browser.sign_in("mallory").status_code == 403
    assert browser.get("/").status_code == 303


def test_a_session_from_before_signing_in_is_worth_nothing(scene: Scene) -> None:
    browser = scene.browser()
    token = browser.token()
    planted = dict(browser.cookies)
    browser.sign_in("fay")
    other = scene.browser()
    other.cookies.update(planted)
    assert other.get("/").status_code == 303
    assert browser.post("/sign-out", data={"csrf": token}).status_code == 403


def test_an_altered_cookie_is_no_session(scene: Scene) -> None:
    browser = scene.signed_in("fay")
    value = browser.cookies["handrail"]
    for altered in (value[:-2] + ("AA" if value[-2:] != "AA" else "BB"), "", "x", "é", value[:40]):
        other = scene.browser()
        answer = other.get("/", headers={"cookie": f"handrail={altered}".encode()})
        assert answer.status_code == 303


@pytest.mark.parametrize(("moved", "is_open"), [(3590, True), (3610, False)])
def test_a_session_ends_when_nothing_is_done(scene: Scene, moved: int, is_open: bool) -> None:
    browser = scene.signed_in("fay")
    scene.clock.move(seconds=moved)
    assert (browser.get("/").status_code == 200) is is_open


def test_a_session_ends_however_much_is_done(scene: Scene) -> None:
    browser = scene.signed_in("fay")
    for _ in range(20):
        scene.clock.move(minutes=29)
        assert browser.get("/").status_code == 200
    scene.clock.move(minutes=29)
    assert browser.get("/").status_code == 303


@pytest.mark.parametrize("token", ["", "0" * 96, "nothing"])
def test_a_form_without_the_sessions_token_changes_nothing(scene: Scene, token: str) -> None:
    browser = scene.signed_in("fay")
    assert browser.post("/sign-out", data={"csrf": token}).status_code == 403
    assert browser.get("/").status_code == 200


def test_another_persons_token_does_not_serve(scene: Scene) -> None:
    fay, quinn = scene.signed_in("fay"), scene.signed_in("quinn")
    assert fay.post("/sign-out", data={"csrf": quinn.token("/")}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_form_of_another_site_changes_nothing(scene: Scene, headers: dict[str, str]) -> None:
    browser = scene.signed_in("fay")
    assert browser.submit("/sign-out", headers=headers).status_code == 403
    assert browser.submit("/sign-out", headers={"origin": HERE, "sec-fetch-site": "same-origin"}).is_redirect


def test_nothing_is_changed_by_asking(scene: Scene) -> None:
    browser = scene.signed_in("fay")
    assert browser.get("/sign-out").status_code == 405
    assert browser.get("/").status_code == 200


def test_development_sign_in_is_for_this_machine_only(scene: Scene) -> None:
    assert scene.browser(client="192.0.2.7").get("/sign-in").status_code == 403
    assert scene.browser("http://rebound.example").get("/sign-in").status_code == 403
    assert scene.browser().get("/sign-in").status_code == 200


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "text/plain", "application/xml"])
def test_a_file_or_anything_but_a_form_is_not_taken(scene: Scene, kind: str) -> None:
    browser = scene.signed_in("fay")
    headers = {"content-type": kind, "x-csrf-token": browser.token("/")}
    assert browser.post("/sign-out", content=b"--x--", headers=headers).status_code == 415


def test_a_body_beyond_the_bound_is_not_read(tmp_path: Path) -> None:
    with inbox(tmp_path, limits={"body_bytes": 1000}) as scene:
        browser = scene.browser()
        assert browser.submit("/sign-in", {"person": "x" * 2000}, page="/sign-in").status_code == 413


def test_trying_names_is_slowed_down(tmp_path: Path) -> None:
    with inbox(tmp_path, limits={"sign_ins": 3}) as scene:
        browser = scene.browser()
        tries = [browser.sign_in("mallory") for _ in range(5)]
    assert [answer.status_code for answer in tries] == [403, 403, 403, 429, 429]
    assert int(tries[-1].headers["retry-after"]) > 0


@pytest.mark.parametrize("path", ["/", "/sign-in", "/healthz", "/no-such-page", "/static/inbox.css"])
def test_every_answer_is_protected(scene: Scene, path: str) -> None:
    headers = scene.signed_in("fay").get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


def test_pages_are_kept_by_nobody_and_files_by_everybody(scene: Scene) -> None:
    browser = scene.signed_in("fay")
    assert browser.get("/").headers["cache-control"] == "no-store"
    page = browser.get("/").text
    file = next(part for part in page.split('"') if part.startswith("/static/inbox.css?v="))
    assert "immutable" in browser.get(file).headers["cache-control"]


def test_a_session_cookie_is_out_of_reach_of_scripts_and_other_sites(scene: Scene, tmp_path: Path) -> None:
    cookie = scene.browser().get("/sign-in").headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_over_https_the_cookie_never_travels_otherwise(tmp_path: Path) -> None:
    oidc = {"issuer": "https://id.example.com", "client_id": "inbox"}
    with inbox(tmp_path, development=False, address="https://inbox.example.com", oidc=oidc) as scene:
        answer = scene.browser("https://inbox.example.com", client="192.0.2.7").get("/sign-in")
        assert answer.status_code == 200
        assert answer.headers["set-cookie"].startswith("__Host-handrail=")
        assert "; Secure" in answer.headers["set-cookie"]
        assert "max-age" in answer.headers["strict-transport-security"]
        assert scene.browser("https://other.example.com").get("/sign-in").status_code == 421


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/a\\b",
        "javascript:alert(1)",
        "evil",
        "",
        "/\t/evil.example",
        "/\r\nset-cookie: x=1",
        "/sign-in?next=/",
        "/sign-out",
    ],
)
def test_after_signing_in_nobody_is_sent_elsewhere(scene: Scene, path: str) -> None:
    assert local_path(path) == "/"
    browser = scene.browser()
    assert browser.sign_in("fay", to=path).headers["location"] == "/"


def test_after_signing_in_one_is_where_one_wanted_to_be(scene: Scene) -> None:
    browser = scene.browser()
    assert browser.sign_in("fay", to="/tickets/HR-7K3F-2Q?x=1").headers["location"] == (
        "/tickets/HR-7K3F-2Q?x=1"
    )
