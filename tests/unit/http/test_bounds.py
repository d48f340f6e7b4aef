"""How much an exchange may hold: a larger request is refused unsent, a larger answer is unreadable."""

import asyncio
import gzip
import json
import zlib
from typing import Any

import httpx
import pytest

from handrail.errors import CheckFailed, RequestRefused
from handrail.http.bounds import Bounds
from handrail.http.client import guarded_http_client
from handrail.http.exchange import ExchangeSettings
from support.model_server import Say
from support.openai_shapes import completion
from support.toy_guard import ToyGuard

ASKS: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
BOUNDS = Bounds(body_bytes=10_000, answer_bytes=20_000, answers=8, messages=50, depth=20)


def nested(depth: int) -> Any:
    value: Any = "x"
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({**ASKS, "more": "x" * 10_000}, 413, ""),
        *(({**ASKS, "n": n}, 400, "n") for n in (9, 3_000_000, 0, -1, 2.0, 3e6, "4", True, [1], {})),
        ({**ASKS, "messages": ASKS["messages"] * 51}, 400, "messages"),
        ({**ASKS, "input": ["a"] * 51}, 400, "input"),
        ({**ASKS, "tools": [{}] * 51}, 400, "tools"),
        ({**ASKS, "more": nested(20)}, 400, ""),
        ([ASKS], 400, ""),
        ("words", 400, ""),
    ],
)
def test_what_is_beyond_the_bounds_is_refused(body: Any, status: int, param: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        BOUNDS.read(json.dumps(body).encode())
    assert (refused.value.status, refused.value.param) == (status, param)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b"\x00" * 8])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(RequestRefused):
        Bounds().read(body)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"n": 8},
        {"n": None},
        {"more": nested(19)},
        {"more": [[] for _ in range(200)]},
        {"more": "[" * 500 + '\\"{' * 100},
        {"messages": ASKS["messages"] * 50},
    ],
)
def test_what_is_within_the_bounds_is_read_as_it_is(more: dict[str, Any]) -> None:
    body = {**ASKS, **more}
    assert BOUNDS.read(json.dumps(body).encode()) == body


def test_the_depth_is_counted_whatever_the_encoding() -> None:
    for encoding in ("utf-16", "utf-32", "utf-8-sig"):
        with pytest.raises(RequestRefused, match="nested"):
            BOUNDS.read(json.dumps({"a": nested(30)}).encode(encoding))


def answered(content: bytes, *, is_stream: bool = False, **headers: str) -> tuple[ToyGuard, list[str]]:
    """Get an answer through a blocking and an awaiting client; returns what each is told."""
    guard, told = ToyGuard(), []
    settings = ExchangeSettings(bounds=BOUNDS)

    def respond(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(content))

    async def awaited() -> str:
        bare = httpx.AsyncClient(transport=httpx.MockTransport(respond), base_url="http://model")
        async with guarded_http_client(bare, guard, settings) as client:
            return (await client.post("/v1/chat/completions", json={**ASKS, "stream": is_stream})).text

    bare = httpx.Client(transport=httpx.MockTransport(respond), base_url="http://model")
    with guarded_http_client(bare, guard, settings) as client:
        told.append(client.post("/v1/chat/completions", json={**ASKS, "stream": is_stream}).text)
    told.append(asyncio.run(awaited()))
    return guard, told


LARGE = json.dumps(completion({**ASKS}, Say("word " * 10_000))).encode()
MANY = json.dumps(completion({**ASKS, "n": 9}, Say("word", others=["word"] * 8))).encode()


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (LARGE, {}),
        (gzip.compress(LARGE), {"content-encoding": "gzip"}),
        (zlib.compress(b" " * 50_000_000), {"content-encoding": "deflate"}),
        (b"no gzip at all", {"content-encoding": "gzip"}),
        (MANY, {}),
        (b'{"choices":' + b"[" * 15_000, {}),
    ],
    ids=["large", "large once decoded", "a bomb", "broken", "too many answers", "too deep"],
)
def test_an_answer_beyond_the_bounds_is_unreadable_and_never_given(
    content: bytes, headers: dict[str, str]
) -> None:
    # A policy that would let it pass does not get it either.
    with pytest.raises(CheckFailed, match="read answer"):
        answered(content, **headers)


def test_an_answer_within_the_bounds_is_given_as_it_came() -> None:
    said = json.dumps(completion({**ASKS}, Say("word " * 100))).encode()
    _, told = answered(gzip.compress(said), **{"content-encoding": "gzip"})
    assert told == [said.decode()] * 2


def test_a_stream_that_is_shown_in_pieces_ends_at_the_bound() -> None:
    guard = ToyGuard(stream="release")
    piece = {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": "word "}}]}
    content = (b"data: " + json.dumps(piece).encode() + b"\n\n") * 1000

    def respond(_: httpx.Request) -> httpx.Response:
        cut = [content[at : at + 1000] for at in range(0, len(content), 1000)]
        return httpx.Response(200, content=iter(cut))

    bare = httpx.Client(transport=httpx.MockTransport(respond), base_url="http://model")
    client = guarded_http_client(bare, guard, ExchangeSettings(bounds=BOUNDS))
    shown = b""
    asked = client.stream("POST", "/v1/chat/completions", json={**ASKS, "stream": True})
    with asked as told, pytest.raises(CheckFailed):
        for data in told.iter_bytes():
            shown += data
    assert len(shown) <= BOUNDS.answer_bytes
