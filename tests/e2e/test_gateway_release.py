"""A gateway under `stream: release`: what is safe comes at once, what is not is never shown."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from support.gateway import CALLER_KEY, PIECE, UPSTREAM_KEY, Dripping, app_of, served, settings_of
from support.model_server import Say, model_server
from support.shop_guard import KEY, MAIL, POLICY

RELEASING = POLICY.replace("if_unsure:", "stream: release\nif_unsure:")
WORDS = PIECE.replace(b'"drip"', b'"it drips on "')
LONG = "the order left the house this morning and comes by two at the latest. "


@pytest.fixture(autouse=True)
def _upstream_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_UPSTREAM_KEY", UPSTREAM_KEY)


@contextmanager
def client_of(folder: Path, upstream: str, **given: object) -> Iterator[httpx.Client]:
    settings = settings_of(folder, upstream, **given)
    (folder / "shop.yaml").write_text(RELEASING)
    headers = {"authorization": f"Bearer {CALLER_KEY}"}
    with (
        served(app_of(settings, folder)) as address,
        httpx.Client(base_url=address, headers=headers, timeout=10) as client,
    ):
        yield client


def asked(text: str = "Where is my order?") -> dict[str, object]:
    return {"model": "m", "stream": True, "messages": [{"role": "user", "content": text}]}


def said_in(stream: str) -> str:
    events = [line[6:] for line in stream.splitlines() if line.startswith("data: {")]
    choices = [choice for event in events for choice in json.loads(event).get("choices", ())]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


@pytest.mark.parametrize("cut", [3, 400])
def test_a_clean_stream_comes_byte_for_byte_as_it_came(tmp_path: Path, cut: int) -> None:
    with model_server(Say(LONG * 3, cut=cut)) as provider, client_of(tmp_path, provider.url) as client:
        plain = httpx.post(f"{provider.url}/chat/completions", json=asked())
        answer = client.post("/v1/chat/completions", json=asked())
    assert answer.content == plain.content
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["x-request-id"] == "req_scripted"
    assert answer.headers["x-handrail-request"]


def test_pieces_come_while_the_model_still_writes(tmp_path: Path) -> None:
    goes_on = threading.Event()
    with (
        broken_provider(WORDS * 20, goes_on) as url,
        client_of(tmp_path, url) as client,
        client.stream("POST", "/v1/chat/completions", json=asked()) as answer,
    ):
        came = b""
        for data in answer.iter_bytes():
            came += data
            if came.count(WORDS) >= 5:
                break
        assert not goes_on.is_set(), "the stream has not ended"
        goes_on.set()
    assert came.startswith(WORDS * 5)


def test_who_hangs_up_ends_the_work_behind(tmp_path: Path) -> None:
    provider = Dripping()
    with (
        client_of(tmp_path, provider.url) as client,
        client.stream("POST", "/v1/chat/completions", json=asked()) as answer,
    ):
        next(answer.iter_bytes())
    assert provider.was_left.wait(5)
    provider.close()


@pytest.mark.parametrize("cut", [1, 5, 400])
def test_what_is_withheld_is_never_shown_and_the_notice_follows(tmp_path: Path, cut: int) -> None:
    said = (Say(f"{LONG}the key is {KEY}. {LONG}", cut=cut), Say(f"{LONG}write to {MAIL} now.", cut=cut))
    with model_server(*said) as provider, client_of(tmp_path, provider.url) as client:
        held, masked = (client.post("/v1/chat/completions", json=asked()).text for _ in said)
        # A request is counted once its answer has gone.
        ends = [
            f'endpoint="chat/completions",outcome="{outcome}"}} 1.0' for outcome in ("hand_off", "redact")
        ]
        give_up = time.monotonic() + 5
        while not all(end in client.get("/metrics").text for end in ends):
            assert time.monotonic() < give_up
            time.sleep(0.01)
    assert KEY not in held
    assert KEY[8:] not in said_in(held)
    assert "privacy lead" in said_in(held)
    assert '"handoff"' in held
    assert said_in(masked).startswith(LONG)
    assert MAIL not in masked
    assert said_in(masked).endswith(" now.")


def test_an_answer_that_breaks_off_ends_with_an_error_or_a_notice(tmp_path: Path) -> None:
    with broken_provider(WORDS * 20) as url, client_of(tmp_path, url) as client:
        text = client.post("/v1/chat/completions", json=asked()).text
    assert text.startswith(WORDS.decode())
    assert "[DONE]" not in text
    last = json.loads(text.strip().rpartition("data: ")[2])
    assert "error" in last or "handoff" in last


def test_no_key_of_the_gateway_is_told_in_pieces(tmp_path: Path) -> None:
    telling = WORDS.replace(b"it drips on ", b"the key is %b and " % UPSTREAM_KEY.encode())
    with broken_provider(WORDS * 20 + telling + WORDS) as url, client_of(tmp_path, url) as client:
        text = client.post("/v1/chat/completions", json=asked()).text
    assert said_in(text).startswith("it drips on ")
    assert UPSTREAM_KEY not in text


def test_a_failure_before_the_first_piece_is_an_error_as_ever(tmp_path: Path) -> None:
    with (
        model_server(Say(status=429)) as provider,
        client_of(tmp_path, provider.url, limits={"retries": 0}) as client,
    ):
        answer = client.post("/v1/chat/completions", json=asked())
    assert answer.status_code == 429


def test_a_stream_beyond_the_bounds_is_not_released_to_its_end(tmp_path: Path) -> None:
    with (
        broken_provider(WORDS * 400 + b"data: [DONE]\n\n") as url,
        client_of(tmp_path, url, limits={"answer_bytes": 10_000}) as client,
    ):
        text = client.post("/v1/chat/completions", json=asked()).text
    assert said_in(text).count("drips on") < 100
    assert "[DONE]" not in text or '"handoff"' in text


def test_many_readers_get_each_their_own_stream(tmp_path: Path) -> None:
    async def one(client: httpx.AsyncClient) -> bytes:
        return (await client.post("/v1/chat/completions", json=asked())).content

    async def main(address: str) -> set[bytes]:
        headers = {"authorization": f"Bearer {CALLER_KEY}"}
        async with httpx.AsyncClient(base_url=address, headers=headers, timeout=20) as client:
            return set(await asyncio.gather(*(one(client) for _ in range(20))))

    with model_server(Say(LONG * 5, cut=5)) as provider:
        settings = settings_of(tmp_path, provider.url)
        (tmp_path / "shop.yaml").write_text(RELEASING)
        with served(app_of(settings, tmp_path)) as address:
            plain = httpx.post(f"{provider.url}/chat/completions", json=asked()).content
            assert asyncio.run(main(address)) == {plain}


@contextmanager
def broken_provider(said: bytes, goes_on: threading.Event | None = None) -> Iterator[str]:
    """A provider whose streams end without their last chunk; each waits before that, if it is told to."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                reader, _ = listening.accept()
                with reader:
                    reader.recv(65536)
                    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                    reader.sendall(head + b"transfer-encoding: chunked\r\n\r\n")
                    reader.sendall(b"%x\r\n%b\r\n" % (len(said), said))
                    if goes_on is not None:
                        goes_on.wait(10)

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
    listening.close()
