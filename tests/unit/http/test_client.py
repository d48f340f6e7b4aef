"""A guarded HTTP client: where a redirect may lead, and how much one request may ask for."""

import json

import httpx
import pytest

from handrail.errors import CheckFailed, HandrailError
from handrail.http.client import guarded_http_client
from support.model_server import Say
from support.openai_shapes import completion
from support.toy_guard import ToyGuard

SECRET = "SECRET-4711"
ASKS = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


def redirecting(request: httpx.Request) -> httpx.Response:
    if request.method == "POST":
        return httpx.Response(303, headers={"location": "/v1/models/x"})
    return httpx.Response(200, json={"id": "x", "secret": SECRET})


def test_a_redirect_from_a_guarded_request_to_an_open_address_is_not_answered() -> None:
    bare = httpx.Client(
        transport=httpx.MockTransport(redirecting), base_url="http://model", follow_redirects=True
    )
    assert SECRET in bare.post("/v1/chat/completions", json=ASKS).text, "the control must leak"
    guarded = guarded_http_client(bare, ToyGuard())
    with pytest.raises(CheckFailed, match="redirects"):
        guarded.post("/v1/chat/completions", json=ASKS)
    assert guarded.get("/v1/models/x").status_code == 200


def test_a_request_for_too_many_answers_is_refused_before_it_is_sent() -> None:
    sent: list[bytes] = []

    def answering(request: httpx.Request) -> httpx.Response:
        sent.append(request.read())
        return httpx.Response(200, content=json.dumps(completion({**ASKS}, Say("Fine."))))

    guarded = guarded_http_client(
        httpx.Client(transport=httpx.MockTransport(answering), base_url="http://model"), ToyGuard()
    )
    with pytest.raises(HandrailError, match="128 answers at most"):
        guarded.post("/v1/chat/completions", json={**ASKS, "n": 3_000_000})
    assert sent == []
    assert guarded.post("/v1/chat/completions", json={**ASKS, "n": 2}).status_code == 200
