"""What a gateway says: how it has started, and one line for each fault, without a word of anybody's."""

import logging
import socket
from pathlib import Path

import httpx
import pytest

from handrail.gateway.log import line, shown_store, tell_start
from handrail.gateway.settings import Settings, key_sha256
from handrail.records import PolicyRef
from support.gateway import CALLER_KEY, UPSTREAM_KEY, gateway
from support.model_server import Say, model_server

WORDS = "some-secret-words"
LOGGER = "handrail.gateway"


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == LOGGER]


def test_a_value_with_blanks_is_quoted_and_one_that_is_missing_left_out() -> None:
    assert line("fault", code="a b", kind="", status=502, ticket=None) == 'event=fault code="a b" status=502'


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///handrail.db", "sqlite:///handrail.db"),
        ("postgresql://app:s3cret@db/x?sslpassword=s3cret", "postgresql://app:***@db/x"),
        ("s3cret", "unreadable"),
    ],
)
def test_a_store_is_shown_without_what_opens_it(url: str, shown: str) -> None:
    assert shown_store(url) == shown


def test_the_start_says_what_is_guarded_and_which_key_is_missing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO", logger=LOGGER)
    monkeypatch.delenv("SOME_KEY", raising=False)
    callers = ({"sha256": key_sha256("k"), "tenant": "t"},)
    settings = Settings.model_validate(
        {
            "upstream": "https://api.example.org/v1",
            "policy": "p",
            "upstream_key_env": "SOME_KEY",
            "callers": callers,
        }
    )
    policy = PolicyRef(name="shop", version="3", sha256="0" * 64)
    tell_start(settings, [policy], "http://127.0.0.1:8080/v1")
    start, missing = told(caplog)
    assert start == (
        'event=start guards=https://api.example.org/v1 policies="shop 3" listens=http://127.0.0.1:8080/v1'
        " store=sqlite:///handrail.db callers=1"
    )
    assert missing == "event=key_missing variable=SOME_KEY"
    monkeypatch.setenv("SOME_KEY", "s3cret")
    caplog.clear()
    tell_start(settings, [policy], "http://127.0.0.1:8080/v1")
    assert len(told(caplog)) == 1
    assert "s3cret" not in caplog.text


FAULTS = {
    "a failing provider": (Say(status=503), {}, "code=upstream upstream_status=503", 503),
    "a provider that breaks off": (
        Say(WORDS, raw=b"<html>" + WORDS.encode(), status=500),
        {},
        "code=upstream",
        500,
    ),
    "a key that the provider refuses": (Say(status=401), {}, "code=upstream_key upstream_status=401", 502),
    "a key that nobody has": (
        Say("Fine."),
        {"authorization": f"Bearer {WORDS}"},
        "code=invalid_api_key",
        401,
    ),
    "a header that is not known": (
        Say("Fine."),
        {"openai-beta": WORDS},
        "code=bad_header kind=openai-beta",
        400,
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_one_line_with_ids_and_kinds(
    case: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO", logger=LOGGER)
    monkeypatch.setenv("TEST_UPSTREAM_KEY", UPSTREAM_KEY)
    said, headers, shown, status = FAULTS[case]
    body = {"model": "m", "messages": [{"role": "user", "content": WORDS}]}
    with (
        model_server(said) as provider,
        gateway(tmp_path, provider.url, limits={"retries": 0}) as address,
        httpx.Client(headers={"authorization": f"Bearer {CALLER_KEY}", **headers}) as client,
    ):
        answer = client.post(f"{address}/v1/chat/completions", json=body)
    (fault,) = told(caplog)
    assert fault.startswith(f"event=fault request={answer.headers['x-handrail-request']}")
    assert answer.status_code == status
    assert f"status={status}" in fault
    assert shown in fault
    for secret in (WORDS, UPSTREAM_KEY, CALLER_KEY):
        assert secret not in caplog.text


def test_a_provider_that_is_not_there_is_a_fault_and_an_answer_is_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger=LOGGER)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        gone = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1"
    body = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
    client = httpx.Client(headers={"authorization": f"Bearer {CALLER_KEY}"})
    with gateway(tmp_path, gone, limits={"retries": 0}) as address, client:
        assert client.post(f"{address}/v1/chat/completions", json=body).status_code == 502
        assert client.get(f"{address}/handrail/tickets/none").status_code == 404
    # A line is written after the answer it is about, so all of them are there once the gateway has ended.
    fault, none = sorted(told(caplog), key=lambda said: "endpoint=tickets" in said)
    assert "tenant=shop endpoint=chat/completions status=502 outcome=failed code=upstream kind=error" in fault
    assert "endpoint=tickets status=404" in none
    levels = {record.getMessage(): record.levelno for record in caplog.records if record.name == LOGGER}
    assert levels[fault] == logging.ERROR
