"""A gateway under hostile requests; `tests/prove/test_hostile_gateway.py` sends a thousand of them."""

import json
import time
from pathlib import Path

import pytest

from support.hostile_gateway import attacked, holds_planted
from support.hostile_requests import PLANTED, Hostile, ours, said
from support.schema_requests import made

pytestmark = pytest.mark.usefixtures("_upstream_key")

LONGEST_S = 1.0


@pytest.fixture
def _upstream_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_UPSTREAM_KEY", "up-key")


def some(requests: list[Hostile], count: int) -> list[Hostile]:
    """Return requests from all over a list."""
    return requests[:: -(-len(requests) // count)]


def test_no_request_breaks_the_gateway_holds_it_up_or_goes_upstream_unread(tmp_path: Path) -> None:
    listed = ours(size=20_000)
    calls = [one for one in listed if one.name.startswith(("the arguments are", "the role is"))]
    report = attacked(tmp_path, [*some(listed, 45), *calls, *made(30)])
    assert report.own_failures == []
    assert report.leaks == []
    assert report.longest < (LONGEST_S, "")
    assert report.forwarded > 10, "a gateway that sends nothing proves nothing"


def test_a_long_request_leaves_the_loop_to_others_while_it_is_read(tmp_path: Path) -> None:
    # Reading it takes seconds; in the loop, they would pass between two ticks.
    asks = Hostile(name="long", body=json.dumps(said({"role": "user", "content": "4" * 4_000_000})).encode())
    begun = time.process_time()
    report = attacked(tmp_path, [asks])
    taken = time.process_time() - begun
    assert report.forwarded == 1
    assert report.longest[0] < taken / 3


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
