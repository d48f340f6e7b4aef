"""A gateway on loopback: who may call, its limits, and that nothing is told to the wrong one."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from handrail import Guard
from handrail.confidence.cascade import SampleRequest
from handrail.errors import StoreUnavailable
from handrail.gateway.settings import key_sha256
from support.gateway import CALLER_KEY, UPSTREAM_KEY, Dripping, app_of, gateway, served, settings_of
from support.model_server import ModelServer, Say, model_server
from support.shop_guard import POLICY
from support.toy_shop import ToyShop

TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
REFUND = Say(None, calls=[("issue_refund", '{"amount": "640 USD"}')])
COMMAND = "import typer; from handrail.cli.gateway import gateway; typer.run(gateway)"
OTHER_KEY = "other-key-00112233445566"


@pytest.fixture(autouse=True)
def _upstream_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_UPSTREAM_KEY", UPSTREAM_KEY)


@pytest.fixture
def provider() -> Iterator[ModelServer]:
    with model_server() as server:
        yield server


def client_of(address: str, key: str = CALLER_KEY, **headers: str) -> httpx.Client:
    return httpx.Client(base_url=address, headers={"authorization": f"Bearer {key}", **headers}, timeout=10)


def ask(client: httpx.Client, text: str = "Where is my order?", **more: Any) -> httpx.Response:
    body = {"model": "m", "messages": [{"role": "user", "content": text}], **more}
    return client.post("/v1/chat/completions", json=body)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nobody", "Basic " + CALLER_KEY, CALLER_KEY])
def test_who_has_no_key_gets_nothing(tmp_path: Path, provider: ModelServer, header: str) -> None:
    with gateway(tmp_path, provider.url) as address, httpx.Client(base_url=address) as client:
        for path in ("/v1/models", "/handrail/tickets/t1"):
            answer = client.get(path, headers={"authorization": header} if header else {})
            assert answer.status_code == 401
        assert ask(client).status_code == 401
    assert provider.seen == []


def test_the_gateway_alone_holds_the_providers_key(tmp_path: Path, provider: ModelServer) -> None:
    with gateway(tmp_path, provider.url) as address, client_of(address) as client:
        ask(client, **{"x": 1})
        client.get("/v1/models")
    assert [seen.headers["authorization"] for seen in provider.seen] == [f"Bearer {UPSTREAM_KEY}"] * 2
    assert CALLER_KEY not in "".join(str(seen.headers) for seen in provider.seen)
    assert not any(name.startswith("x-handrail") for seen in provider.seen for name in seen.headers)


def test_another_header_may_carry_the_key(tmp_path: Path, provider: ModelServer) -> None:
    with (
        gateway(tmp_path, provider.url, upstream_key_header="api-key") as address,
        client_of(address) as client,
    ):
        ask(client)
    assert provider.seen[0].headers["api-key"] == UPSTREAM_KEY
    assert "authorization" not in provider.seen[0].headers


@pytest.mark.parametrize(
    "said",
    [
        Say(status=401, raw=json.dumps({"error": {"message": f"bad key {UPSTREAM_KEY}"}}).encode()),
        Say(status=400, raw=json.dumps({"error": {"message": f"bad key {UPSTREAM_KEY}"}}).encode()),
        Say(status=500, raw=f"<html>{UPSTREAM_KEY}</html>".encode()),
        Say(f"My key is {UPSTREAM_KEY}."),
        Say(f"My key is {UPSTREAM_KEY}.", cut=64),
    ],
)
def test_no_key_is_ever_told_or_logged(
    tmp_path: Path,
    said: Say,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("DEBUG", logger="handrail")
    with (
        model_server(said) as provider,
        gateway(tmp_path, provider.url) as address,
        client_of(address) as client,
    ):
        told = ask(client, stream=said.cut == 64).text
        told += client.get("/metrics").text + client.get("/readyz").text
    logged = caplog.text + "".join(capfd.readouterr())
    for key in (UPSTREAM_KEY, CALLER_KEY):
        assert key not in told
        assert key not in logged


@pytest.mark.parametrize("status", [302, 418, 500])
def test_words_under_a_failing_status_are_not_passed_on(tmp_path: Path, status: int) -> None:
    leak = json.dumps({"error": None, "choices": [{"message": {"content": TOKEN}}]}).encode()
    said = Say(status=status, raw=leak)
    with (
        model_server(said) as provider,
        gateway(tmp_path, provider.url) as address,
        client_of(address) as client,
    ):
        answer = ask(client)
    assert TOKEN not in answer.text
    assert answer.status_code >= 400


def test_a_providers_own_error_is_passed_on(tmp_path: Path) -> None:
    error = {"error": {"message": "too long", "code": "context_length_exceeded"}}
    said = Say(status=400, raw=json.dumps(error, indent=1).encode())
    with (
        model_server(said) as provider,
        gateway(tmp_path, provider.url) as address,
        client_of(address) as client,
    ):
        answer = ask(client)
        assert (answer.status_code, answer.json()) == (400, error)
        assert len(provider.seen) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/../files/f1/content",
        "/v1/models/%2e%2e/files/f1/content",
        "/v1/models%2f..%2ffiles",
        "/v1/models//files",
        "/v1/models/x%00",
        "/v1/models\\..\\files",
        "/v1/files/f1/content",
        "/v1/realtime",
        "/v1/chat/completions/c1",
    ],
)
def test_what_is_not_known_to_be_guarded_is_refused(tmp_path: Path, provider: ModelServer, path: str) -> None:
    with gateway(tmp_path, provider.url) as address:
        answer = _raw_get(address, path)
    assert b" 404 " in answer.split(b"\r\n")[0]
    assert provider.seen == []


def _raw_get(address: str, path: str) -> bytes:
    import socket

    host, _, port = address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        headers = ["host: x", f"authorization: Bearer {CALLER_KEY}", "connection: close"]
        connection.sendall("\r\n".join([f"GET {path} HTTP/1.1", *headers, "", ""]).encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_what_is_named_is_let_through_unguarded(tmp_path: Path, provider: ModelServer) -> None:
    with gateway(tmp_path, provider.url, named=["embeddings"]) as address, client_of(address) as client:
        assert client.post("/v1/embeddings", json={"input": "x"}).status_code == 200
        assert client.post("/v1/files", json={}).status_code == 404
    assert [seen.path for seen in provider.seen] == ["/v1/embeddings"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"messages": [], "messages": [{"role": "user", "content": "x"}]}',
        b'{"messages": [{"role": "user", "content": "a", "content": "b"}]}',
        b"[" * 100_000,
    ],
)
def test_a_body_that_two_readers_could_read_differently_is_refused(
    tmp_path: Path, provider: ModelServer, body: bytes
) -> None:
    with gateway(tmp_path, provider.url) as address, client_of(address) as client:
        answer = client.post("/v1/chat/completions", content=body)
    assert answer.status_code == 400
    assert provider.seen == []


@pytest.mark.parametrize("is_chunked", [True, False])
def test_a_body_over_the_limit_is_refused(tmp_path: Path, provider: ModelServer, is_chunked: bool) -> None:
    limits = {"body_bytes": 1000}
    with gateway(tmp_path, provider.url, limits=limits) as address, client_of(address) as client:
        body: Any = iter([b"x" * 600, b"x" * 600]) if is_chunked else b"x" * 1200
        assert client.post("/v1/chat/completions", content=body).status_code == 413
    assert provider.seen == []


@pytest.mark.parametrize("is_stream", [False, True])
def test_an_answer_over_the_limit_is_handed_off_unread(tmp_path: Path, is_stream: bool) -> None:
    limits = {"answer_bytes": 1000}
    with (
        model_server(Say("word " * 1000)) as provider,
        gateway(tmp_path, provider.url, limits=limits) as address,
        client_of(address) as client,
    ):
        answer = ask(client, stream=is_stream)
        assert len(provider.seen) == 1
    assert answer.status_code == 200
    assert answer.headers["x-handrail-ticket"]
    assert "word" not in answer.text


def test_no_more_than_so_many_at_once(tmp_path: Path) -> None:
    limits = {"at_once": 1}
    with (
        model_server(Say("Slow.", after_s=10)) as provider,
        gateway(tmp_path, provider.url, limits=limits) as address,
        client_of(address) as client,
    ):
        first = threading.Thread(target=ask, args=(client,))
        first.start()
        while not provider.seen:
            time.sleep(0.005)
        second = ask(client)
        provider.gate.set()
        first.join()
        assert (second.status_code, second.headers["retry-after"]) == (429, "1")
        counted(client, "handrail_gateway_under_way 0.0")
        assert ask(client).status_code == 200


def test_a_provider_that_takes_too_long_is_a_fault(tmp_path: Path) -> None:
    limits = {"seconds": 0.2, "retries": 0}
    with (
        model_server(Say("Late.", after_s=10)) as provider,
        gateway(tmp_path, provider.url, limits=limits) as address,
        client_of(address) as client,
    ):
        start = time.monotonic()
        answer = ask(client)
        assert time.monotonic() - start < 5
        provider.gate.set()
    assert answer.status_code == 502
    assert "Late" not in answer.text


def test_a_fault_that_the_policy_hands_off_opens_a_ticket(tmp_path: Path) -> None:
    rule = (
        '  - id: fault\n    when: fault == "error"\n    to: queue_manager\n    trigger: fault\n'
        "    because: Somebody must answer.\n"
    )
    policy = POLICY.replace("hand_offs:\n", "hand_offs:\n" + rule).replace(
        "facts:\n", "facts:\n  fault: {type: one of, from: fault}\n"
    )
    with model_server(Say(status=503)) as provider:
        settings = settings_of(tmp_path, provider.url)
        (tmp_path / "shop.yaml").write_text(policy)
        with served(app_of(settings, tmp_path)) as address, client_of(address) as client:
            answer = ask(client)
        assert len(provider.seen) == 2, "tried again once"
    assert answer.status_code == 200
    assert answer.headers["x-handrail-ticket"] == answer.json()["handoff"]["ticket"]


def test_a_held_stream_shows_signs_of_life_and_then_its_answer(tmp_path: Path) -> None:
    limits = {"keep_alive_s": 0.05}
    with (
        model_server(Say("All of it.", after_s=0.4)) as provider,
        gateway(tmp_path, provider.url, limits=limits) as address,
        client_of(address) as client,
    ):
        told = ask(client, stream=True).text
    assert told.startswith(": waiting\n\n: waiting\n\n")
    assert told.rstrip().endswith("data: [DONE]")
    assert '"content": "All "' in told


def test_an_error_after_signs_of_life_is_one_event(tmp_path: Path) -> None:
    error = json.dumps({"error": {"message": "no"}}, indent=2).encode()
    limits = {"keep_alive_s": 0.05, "retries": 0}
    with (
        model_server(Say(status=400, raw=error, after_s=0.3)) as provider,
        gateway(tmp_path, provider.url, limits=limits) as address,
        client_of(address) as client,
    ):
        told = ask(client, stream=True).text
    events = [event for event in told.split("\n\n") if event and not event.startswith(":")]
    assert len(events) == 1
    assert json.loads(events[0].removeprefix("data: "))["error"]["message"] == "no"


def test_a_provider_cut_mid_stream_gives_no_half_answer(tmp_path: Path) -> None:
    provider = Dripping(ends_after=5)
    with gateway(tmp_path, provider.url, limits={"retries": 0}) as address, client_of(address) as client:
        answer = ask(client, stream=True)
    provider.close()
    assert answer.status_code == 502
    assert "drip" not in answer.text


@pytest.mark.parametrize("is_stream", [True, False])
def test_nothing_goes_on_upstream_for_a_caller_who_is_gone(tmp_path: Path, is_stream: bool) -> None:
    provider = Dripping()
    with gateway(tmp_path, provider.url, limits={"keep_alive_s": 0.05}) as address:
        with client_of(address) as client, pytest.raises(httpx.ReadTimeout):
            if is_stream:
                with client.stream(
                    "POST", "/v1/chat/completions", json=_body(stream=True), timeout=0.3
                ) as told:
                    for piece in told.iter_bytes():
                        assert piece.startswith(b": waiting")
                        if provider.pieces:
                            break
                    raise httpx.ReadTimeout("hung up")
            client.post("/v1/chat/completions", json=_body(), timeout=1)
        assert provider.was_left.wait(5)
        with client_of(address) as client:
            counted(client, 'outcome="gone"} 1.0')
            counted(client, "handrail_gateway_under_way 0.0")
    provider.close()


def counted(client: httpx.Client, line: str) -> None:
    """Wait for a line of the metrics: they are counted when the answer has left."""
    give_up = time.monotonic() + 5
    while line not in (text := client.get("/metrics").text):
        assert time.monotonic() < give_up, text
        time.sleep(0.01)


def _body(**more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": "Hello"}], **more}


def test_a_hand_off_can_be_followed_to_its_resolution(tmp_path: Path) -> None:
    with (
        model_server(REFUND) as provider,
        gateway(tmp_path, provider.url) as address,
        client_of(address, **{"x-handrail-customer": "c1", "x-handrail-conversation": "v1"}) as client,
    ):
        answer = ask(client)
        ticket = answer.headers["x-handrail-ticket"]
        assert "tool_calls" not in answer.json()["choices"][0]["message"]
        told = client.get(f"/handrail/tickets/{ticket}").json()
        assert (told["is_decided"], told["state"], told["role"]) == (False, "ready", "finance_lead")
        assert client.get(f"/handrail/tickets/{ticket}?wait=0.2").json()["is_decided"] is False
        decided = threading.Timer(0.3, decide, args=(tmp_path, ticket))
        decided.start()
        told = client.get(f"/handrail/tickets/{ticket}?wait=9").json()
        decided.join()
        assert told["is_decided"] is True
        assert told["resolution"]["verdict"] == "approve"
        assert json.loads(told["resolution"]["arguments"]) == {"amount": "640 USD"}


def decide(folder: Path, ticket: str) -> None:
    store = f"sqlite:///{folder}/handrail.db"
    guard = Guard.from_policy(folder / "shop.yaml", people=folder / "people.yaml", store=store)
    with guard.context(tenant="shop"):
        guard.resolve(ticket, "fay", "approve", reason_code="ok")
    guard.close()


def test_another_tenants_ticket_is_nobodys(tmp_path: Path) -> None:
    callers = [
        {"sha256": key_sha256(CALLER_KEY), "tenant": "shop"},
        {"sha256": key_sha256(OTHER_KEY), "tenant": "bakery"},
    ]
    with model_server(REFUND) as provider, gateway(tmp_path, provider.url, callers=callers) as address:
        with client_of(address) as client:
            ticket = ask(client).headers["x-handrail-ticket"]
        with client_of(address, OTHER_KEY) as client:
            assert client.get(f"/handrail/tickets/{ticket}").status_code == 404
            assert client.get("/handrail/tickets/t?wait=soon").status_code == 400


def test_each_caller_has_its_own_policy(tmp_path: Path) -> None:
    strict = tmp_path / "strict.yaml"
    strict.write_text(POLICY.replace("policy: shop", "policy: strict").replace("> 500 USD", "> 10 USD"))
    callers = [
        {"sha256": key_sha256(CALLER_KEY), "tenant": "shop"},
        {"sha256": key_sha256(OTHER_KEY), "tenant": "bakery", "policy": str(strict)},
    ]
    said = Say(None, calls=[("issue_refund", '{"amount": "40 USD"}')])
    with model_server(said) as provider, gateway(tmp_path, provider.url, callers=callers) as address:
        with client_of(address) as client:
            assert "x-handrail-ticket" not in ask(client).headers
        with client_of(address, OTHER_KEY) as client:
            assert "x-handrail-ticket" in ask(client).headers


def test_a_conversation_that_waits_for_a_person_stays_with_them(tmp_path: Path) -> None:
    headers = {"x-handrail-conversation": "v1"}
    with (
        model_server(REFUND, Say("Fine.")) as provider,
        gateway(tmp_path, provider.url) as address,
        client_of(address, **headers) as client,
    ):
        first = ask(client).headers["x-handrail-ticket"]
        assert ask(client).headers["x-handrail-ticket"] == first
        assert len(provider.seen) == 1


def test_facts_of_the_caller_reach_the_policy(tmp_path: Path) -> None:
    policy = POLICY.replace("facts:\n", "facts:\n  tier: {type: text, from: context.tier}\n").replace(
        "hand_offs:\n",
        'hand_offs:\n  - id: gold\n    when: tier == "gold"\n    to: queue_manager\n'
        "    trigger: high_stakes\n    because: Gold customers talk to people.\n",
    )
    with model_server() as provider:
        settings = settings_of(tmp_path, provider.url)
        (tmp_path / "shop.yaml").write_text(policy)
        with served(app_of(settings, tmp_path)) as address:
            with client_of(address, **{"x-handrail-facts": '{"tier": "gold"}'}) as client:
                assert "x-handrail-ticket" in ask(client).headers
            with client_of(address, **{"x-handrail-facts": '{"tier": "tin"}'}) as client:
                assert "x-handrail-ticket" not in ask(client).headers
            for wrong in ("[1]", "{", '{"tier": "tin", "tier": "gold"}'):
                with client_of(address, **{"x-handrail-facts": wrong}) as client:
                    assert ask(client).status_code == 400


def test_a_masked_answer_and_its_count(tmp_path: Path) -> None:
    said = Say("Write to ann.smith@example.org.", cut=64)
    with (
        model_server(said) as provider,
        gateway(tmp_path, provider.url) as address,
        client_of(address) as client,
    ):
        for is_stream in (False, True):
            told = ask(client, stream=is_stream)
            assert "ann.smith" not in told.text
            assert "Write to" in told.text
        counted(client, 'requests_total{endpoint="chat/completions",outcome="redact"} 2.0')


def test_metrics_hold_nothing_that_a_caller_wrote(tmp_path: Path, provider: ModelServer) -> None:
    with gateway(tmp_path, provider.url) as address, client_of(address) as client:
        client.get("/v1/some-secret-path")
        ask(client, "some-secret-words", model="some-secret-model")
        assert "some-secret" not in client.get("/metrics").text


def test_it_is_not_ready_while_the_store_is_out_of_reach(tmp_path: Path, provider: ModelServer) -> None:
    class Storeless(ToyShop):
        def conversation(self, tenant: str, name: str) -> None:
            raise StoreUnavailable("read")

    with gateway(tmp_path, provider.url, make_guard=lambda _: Storeless()) as address:
        answer = httpx.get(f"{address}/readyz")
        assert (answer.status_code, answer.json()) == (503, {"status": "store out of reach"})
        assert httpx.get(f"{address}/healthz").status_code == 200


def test_it_takes_nothing_new_while_it_drains(tmp_path: Path, provider: ModelServer) -> None:
    app = app_of(settings_of(tmp_path, provider.url), tmp_path)
    with served(app) as address, client_of(address) as client:
        assert client.get("/readyz").status_code == 200
        app.state.gateway.is_draining = True
        assert client.get("/readyz").json() == {"status": "draining"}
        assert client.get("/healthz").status_code == 200
        refused = ask(client)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert provider.seen == []


def test_a_key_may_come_as_other_clients_send_it(tmp_path: Path, provider: ModelServer) -> None:
    with gateway(tmp_path, provider.url) as address, httpx.Client(base_url=address) as client:
        assert client.get("/v1/models", headers={"x-api-key": CALLER_KEY}).status_code == 200
        assert client.get("/v1/models", headers={"x-api-key": "nobody"}).status_code == 401
    assert CALLER_KEY not in str(provider.seen[0].headers)


def test_a_judgement_that_breaks_is_told_as_no_more_than_that(
    tmp_path: Path, provider: ModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        store = None

        def context(self, **given: object) -> object:
            raise KeyError("words that were scanned")

        def close(self) -> None:
            """Hold nothing."""

    with (
        gateway(tmp_path, provider.url, make_guard=lambda _: Broken()) as address,
        client_of(address) as client,
    ):
        for is_stream in (True, False):
            answer = ask(client, stream=is_stream)
            assert answer.status_code == 502
            assert answer.json()["error"]["code"] == "check_failed"
    assert "words that were scanned" not in caplog.text
    assert "KeyError" in caplog.text
    assert provider.seen == []


def test_the_command_ends_what_is_under_way_before_it_stops(tmp_path: Path, free_port: int) -> None:
    with model_server(Say("All of it.", after_s=1.5)) as provider:
        settings_of(tmp_path, provider.url)
        options = [
            "--upstream",
            provider.url,
            "--policy",
            str(tmp_path / "shop.yaml"),
            "--port",
            str(free_port),
        ]
        command = [sys.executable, "-c", COMMAND, *options]
        store = f"sqlite:///{tmp_path}/handrail.db"
        environment = {**os.environ, "HANDRAIL_STORE": store, "OPENAI_API_KEY": UPSTREAM_KEY}
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
            address = f"http://127.0.0.1:{free_port}"
            _until_ready(address)
            told: list[str] = []
            with client_of(address) as client:
                asking = threading.Thread(target=lambda: told.append(ask(client, stream=True).text))
                asking.start()
                while not provider.seen:
                    time.sleep(0.01)
                process.send_signal(signal.SIGTERM)
                asking.join(10)
            _, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "[DONE]" in told[0]
    assert UPSTREAM_KEY not in errors.decode()
    assert b"Traceback" not in errors


def _until_ready(address: str) -> None:
    give_up = time.monotonic() + 15
    while time.monotonic() < give_up:
        try:
            if httpx.get(f"{address}/readyz").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.05)
    raise TimeoutError("the gateway does not start")


class Asking(ToyShop):
    """A guard that asks the model once more before it lets an answer pass."""

    def begin(self, messages: Any, /, *, exchange: str | None = None) -> Any:
        call = super().begin(messages)
        judge = call.afinish

        async def afinish(drafts: Any, *, ask: Any, wants_json: bool = False) -> Any:
            need = SampleRequest(messages=call.messages, count=1, temperature=1.0)
            assert [draft.text for draft in await ask(need)] == ["SECRET-4711"]
            return await judge(drafts, wants_json=wants_json)

        call.afinish = afinish
        return call


@pytest.mark.parametrize("is_stream", [False, True])
def test_what_is_asked_beside_an_answer_is_never_the_answer(tmp_path: Path, is_stream: bool) -> None:
    script = (Say("On its way.", cut=64), Say("SECRET-4711", cut=64))
    with (
        model_server(*script) as provider,
        gateway(tmp_path, provider.url, make_guard=lambda _: Asking()) as address,
        client_of(address) as client,
    ):
        told = ask(client, stream=is_stream).text
        assert len(provider.seen) == 2
    assert "On its way." in told
    assert "SECRET-4711" not in told
