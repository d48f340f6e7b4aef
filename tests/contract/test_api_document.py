"""The API answers as its OpenAPI document says, whatever it is sent."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.applications import Starlette

from handrail.inbox import step_up, streams
from handrail.inbox.rest.beside import BESIDE
from handrail.inbox.rest.openapi import BASE, document
from handrail.inbox.rest.operations import OPERATIONS
from handrail.inbox.rest.sent import Nothing
from support.inbox import HERE, Browser, Scene, inbox_of_tickets

EXAMPLES, MANY = 3, 150
DESCRIBED: dict[str, Any] = {one.name: one for one in (*OPERATIONS, *BESIDE)}
NAMES = [name for name, one in DESCRIBED.items() if one.answers is not None]
"""Those with an end: a stream is asked for by a test of its own."""
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    limits = {"steps": 1_000_000, "sign_ins": 1_000_000}
    with inbox_of_tickets(tmp_path_factory.mktemp("inbox"), limits=limits) as found:
        yield found


def test_the_document_names_every_operation_of_the_table_once() -> None:
    found = document("")
    named = [
        (method.upper(), path, about["operationId"])
        for path, methods in found["paths"].items()
        for method, about in methods.items()
        if method != "servers"
    ]
    assert sorted(named) == sorted((one.method, one.path, one.name) for one in (*OPERATIONS, *BESIDE))
    assert len({name for _, _, name in named}) == len(named)


def test_what_stands_beside_the_api_is_served_where_the_document_says() -> None:
    served = {
        (method, route.path) for route in (*step_up.routes, *streams.routes) for method in route.methods
    }
    assert {(one.method, one.path) for one in BESIDE} == served - {("HEAD", path) for _, path in served}
    found = document("https://inbox.example.com")
    assert found["servers"] == [{"url": f"https://inbox.example.com{BASE}"}]
    for one in BESIDE:
        assert found["paths"][one.path]["servers"] == [{"url": "https://inbox.example.com"}]


def test_the_live_stream_answers_as_it_is_documented(scene: Scene) -> None:
    (live,) = [one for one in BESIDE if one.answers is None]
    described = document("")["paths"][live.path]["get"]["responses"]
    stranger = scene.browser().get(live.path)
    assert (stranger.status_code, stranger.headers["content-type"]) == (401, "application/problem+json")
    assert set(described["401"]["content"]) == {"application/problem+json"}
    fay = scene.signed_in("fay")
    found = first_event(scene.app, fay.cookies)
    assert (found.status, found.kind.partition(";")[0]) == (200, "text/event-stream")
    assert set(described["200"]["content"]) == {"text/event-stream"}
    assert found.told.startswith(b"event: change\ndata: {")


@dataclass
class Heard:
    """What a stream answered, up to its first event."""

    status: int = 0
    kind: str = ""
    told: bytes = b""


def first_event(app: Starlette, cookies: httpx.Cookies) -> Heard:
    """Ask for the live stream, and leave it after its first event."""
    heard, cookie = Heard(), "; ".join(f"{name}={value}" for name, value in cookies.items())

    async def ask() -> None:
        asked, has_left = False, asyncio.Event()

        async def receive() -> Any:
            nonlocal asked
            if asked:
                await has_left.wait()
                return {"type": "http.disconnect"}
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                heard.status = message["status"]
                heard.kind = dict(message["headers"]).get(b"content-type", b"").decode()
            elif message.get("body"):
                heard.told = message["body"]
                has_left.set()

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
            "scheme": "http", "path": "/live", "raw_path": b"/live", "query_string": b"", "root_path": "",
            "headers": [(b"host", b"127.0.0.1:8440"), (b"cookie", cookie.encode())],
            "client": ("127.0.0.1", 5000), "server": ("127.0.0.1", 8440),
        }  # fmt: skip
        async with asyncio.timeout(20):
            await app(scope, receive, send)

    asyncio.run(ask())
    return heard


def test_the_document_is_served(scene: Scene) -> None:
    served = scene.signed_in("fay").api("GET", "/openapi.json").json()
    assert served["paths"] == document("")["paths"]


@pytest.mark.parametrize("name", NAMES)
def test_whatever_is_sent_the_answer_is_documented(scene: Scene, name: str) -> None:
    hold(scene, name, EXAMPLES)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_whatever_is_sent_and_much_of_it_the_answer_is_documented(scene: Scene, name: str) -> None:
    hold(scene, name, MANY)


def hold(scene: Scene, name: str, examples: int) -> None:
    """Send an operation what fits its schema and what does not, and hold each answer to the document."""
    operation = schemathesis.openapi.from_dict(dict(document(""))).find_operation_by_id(name)
    browser = scene.signed_in("fay")
    token = browser.token("/sign-in")
    modes = [GenerationMode.POSITIVE]
    if DESCRIBED[name].takes not in (None, Nothing):
        modes.append(GenerationMode.NEGATIVE)
    for mode in modes:

        @given(case=operation.as_strategy(generation_mode=mode), is_real=st.booleans())
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        def holds(case: Any, is_real: bool) -> None:
            if is_real and "ref" in case.path_parameters:
                case.path_parameters["ref"] = scene.ticket().id
            address = HERE if DESCRIBED[name] in BESIDE else f"{HERE}{BASE}"
            case.validate_response(called(browser, token, case, address), checks=CHECKS)

        holds()


def called(browser: Browser, token: str, case: Any, address: str) -> Any:
    """Send what was made, with the session of a browser and the token of its pages."""
    sent = case.as_transport_kwargs(base_url=address)
    made = {**dict(sent["headers"]), "x-csrf-token": token}
    # A header travels as bytes, also one that is no ASCII.
    headers = {name: value.encode("latin-1", "replace") for name, value in made.items()}
    body = {name: sent[name] for name in ("json", "data") if sent.get(name) is not None}
    if isinstance(body.get("data"), bytes | str):
        body["content"] = body.pop("data")
    return browser.request(sent["method"], sent["url"], params=sent.get("params"), headers=headers, **body)
