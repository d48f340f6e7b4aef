"""Where a redirect leads is judged, whatever its status, client and library; its body is not given."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import httpx2
import pytest

from handrail.errors import CheckFailed, ConfigError
from handrail.http.client import guarded_http_client
from support.model_server import Say
from support.openai_shapes import completion
from support.toy_guard import NOTICE, ToyGuard

SECRET = "SECRET-4711"
ASKS = {"model": "m", "messages": [{"role": "user", "content": "Hello HIDE-this"}]}
STATUSES = [301, 302, 303, 307, 308]
PLACES = {
    "an open address": "/v1/models/x",
    "an open address elsewhere": "http://other/v1/models",
    "an unknown address": "/v1/results/7",
    "an unknown address elsewhere": "http://other/answers",
    "a named address": "/v1/files/f",
    "a guarded address": "/v2/chat/completions",
    "a guarded address elsewhere": "http://other/v1/chat/completions",
}


class Provider:
    """Redirects what is posted to it, and answers wherever that leads."""

    def __init__(self, http: Any, status: int, location: str, text: str) -> None:
        self._http, self._status, self._location, self._text = http, status, location, text
        self.bodies: list[bytes] = []

    def __call__(self, request: Any) -> Any:
        self.bodies.append(request.content)
        if len(self.bodies) == 1 and request.url.path == "/v1/chat/completions":
            said = completion({**ASKS}, Say(f"On the way, {self._text}"))
            return self._http.Response(self._status, headers={"location": self._location}, json=said)
        return self._http.Response(200, json=completion({**ASKS}, Say(f"There: {self._text}")))


Ask = Callable[[Provider, Any], str]


def _sync(provider: Provider, guard: Any) -> str:
    http = provider._http
    settings = {"base_url": "http://model", "follow_redirects": True}
    with http.Client(transport=http.MockTransport(provider), **settings) as bare:
        client = guarded_http_client(bare, guard) if guard is not None else bare
        return str(client.post("/v1/chat/completions", json=ASKS).text)


def _awaited(provider: Provider, guard: Any) -> str:
    http = provider._http
    settings = {"base_url": "http://model", "follow_redirects": True}

    async def main() -> str:
        async with http.AsyncClient(transport=http.MockTransport(provider), **settings) as bare:
            client = guarded_http_client(bare, guard) if guard is not None else bare
            return str((await client.post("/v1/chat/completions", json=ASKS)).text)

    return asyncio.run(main())


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    return {"sync": _sync, "async": _awaited}[request.param]


@pytest.mark.parametrize("http", [httpx, httpx2], ids=["httpx", "httpx2"])
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("place", PLACES)
def test_an_answer_is_judged_wherever_it_comes_from(ask: Ask, http: Any, status: int, place: str) -> None:
    def provider() -> Provider:
        return Provider(http, status, PLACES[place], SECRET)

    assert SECRET in ask(provider(), None), "the control must leak"
    asked, guard = provider(), ToyGuard()
    if status in (307, 308) and "a guarded" in place:
        assert NOTICE in ask(asked, guard)
    else:
        # Any other status makes the client ask without the words, for what no request has described.
        with pytest.raises(CheckFailed, match="redirects"):
            ask(asked, guard)
    assert not any(b"HIDE-this" in body for body in asked.bodies)


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_to_a_guarded_address_may_be_followed(ask: Ask, status: int) -> None:
    asked = Provider(httpx, status, PLACES["a guarded address elsewhere"], "on Monday.")
    assert "There: on Monday." in ask(asked, ToyGuard())
    assert len(asked.bodies) == 2


@pytest.mark.parametrize("status", [*STATUSES, 304, 400, 404, 418, 500, 503])
def test_an_answer_under_a_failing_status_is_not_given(status: int) -> None:
    def leaking(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json=completion({**ASKS}, Say(SECRET)))

    bare = httpx.Client(transport=httpx.MockTransport(leaking), base_url="http://model")
    assert SECRET in bare.post("/v1/chat/completions", json=ASKS).text, "the control must leak"
    told = guarded_http_client(bare, ToyGuard()).post("/v1/chat/completions", json=ASKS)
    assert told.status_code == status
    assert SECRET not in told.text


@pytest.mark.parametrize(
    "error",
    [
        {"error": {"message": "too long", "type": "invalid_request_error", "code": "too_long"}},
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        {"detail": [{"loc": ["body", "n"], "msg": "too many"}]},
        {"object": "error", "message": "no such model", "type": "NotFoundError", "code": 404},
    ],
)
def test_an_error_of_the_provider_is_given_as_it_came(error: dict[str, Any]) -> None:
    bare = httpx.Client(
        transport=httpx.MockTransport(lambda _: httpx.Response(400, json=error)), base_url="http://model"
    )
    assert guarded_http_client(bare, ToyGuard()).post("/v1/chat/completions", json=ASKS).json() == error


def test_an_open_request_goes_without_words_and_no_further_than_to_another_open_one() -> None:
    def answering(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/models/moved":
            return httpx.Response(302, headers={"location": "/v1/responses/r1"})
        return httpx.Response(200, json={"data": []})

    bare = httpx.Client(
        transport=httpx.MockTransport(answering), base_url="http://model", follow_redirects=True
    )
    guarded = guarded_http_client(bare, ToyGuard())
    assert guarded.get("/v1/models", params={"limit": 5}).json() == {"data": []}
    for sent in ({"params": {"q": SECRET}}, {"content": SECRET.encode()}):
        with pytest.raises(ConfigError, match="not guarded"):
            guarded.request("GET", "/v1/models", **sent)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="not guarded"):
        guarded.get("/v1/models/moved")
