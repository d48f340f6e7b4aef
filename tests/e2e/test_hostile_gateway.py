"""A gateway under hostile requests; `tests/prove/test_hostile_gateway.py` sends a thousand of them."""

import json
from pathlib import Path

import pytest

from support.hostile_gateway import attacked, holds_planted
from support.hostile_requests import PLANTED, Hostile, ours, said

pytestmark = pytest.mark.usefixtures("_upstream_key")

LONGEST_S = 1.0


@pytest.fixture
def _upstream_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_UPSTREAM_KEY", "up-key")


def some(requests: list[Hostile], count: int) -> list[Hostile]:
    """Return requests from all over a list."""
    return requests[:: -(-len(requests) // count)]


def test_no_request_breaks_the_gateway_holds_it_up_or_goes_upstream_unread(tmp_path: Path) -> None:
    report = attacked(tmp_path, some(ours(size=20_000), 45))
    assert report.own_failures == []
    assert report.leaks == []
    assert report.longest < (LONGEST_S, "")
    assert report.forwarded > 10, "a gateway that sends nothing proves nothing"


def test_without_a_guard_the_same_requests_would_leak(tmp_path: Path) -> None:
    asks = Hostile(name="plain", body=json.dumps(said()).encode())
    assert attacked(tmp_path, [asks], guard=False).leaks == ["plain"]


@pytest.mark.parametrize(
    "sent",
    [
        PLANTED.encode(),
        b"http://p/v1/models?q=planted%2Esecret%40example.org",
        b'http://p\n\n{"a": "\\u0070lanted.secret@example.org"}',
    ],
)
def test_planted_words_are_seen_however_they_are_written(sent: bytes) -> None:
    assert holds_planted(sent)
