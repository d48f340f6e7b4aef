"""One approval, many processes, kill -9 in the middle: at most one effect at a real endpoint."""

import http.client
import http.server
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from handrail import Guard, HandoffRequired, TicketError
from handrail.tickets.lifecycle import State
from support.scenes import PEOPLE, POLICY

FORK = multiprocessing.get_context("fork")


class Payments(http.server.ThreadingHTTPServer):
    """A loopback endpoint that pays out and remembers under which key."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Pay)
        self.keys: list[str] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Pay(http.server.BaseHTTPRequestHandler):
    server: Payments

    def do_POST(self) -> None:
        self.server.keys.append(self.headers["Idempotency-Key"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def payments() -> Iterator[Payments]:
    with Payments() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextmanager
def shop(folder: Path, port: int) -> Iterator[Guard]:
    """A guard whose refund tool pays over HTTP, in this process."""
    guard = Guard.from_policy(
        folder / "policy.yaml", people=folder / "people.yaml", store=f"sqlite:///{folder}/handrail.db"
    )

    @guard.tool(name="issue_refund")
    def refund(order_id: str, amount: int) -> str:
        return "refunded"

    yield guard
    guard.close()


def pay(port: int, key: str) -> None:
    """Do the real thing, once for each call."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/refunds", headers={"Idempotency-Key": key})
    connection.getresponse().read()
    connection.close()


@pytest.fixture
def approved(tmp_path: Path, payments: Payments) -> str:
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "people.yaml").write_text(PEOPLE)
    with shop(tmp_path, payments.port) as guard:
        refund = guard.tool(name="issue_refund")(lambda order_id, amount: "refunded")
        with guard.context(customer="c1", conversation="v1"), pytest.raises(HandoffRequired) as raised:
            refund(order_id="o1", amount=640)
        ticket = raised.value.handoff.ticket
        guard.resolve(ticket, "fay", "approve")
    return ticket


def _apply(folder: Path, port: int, ticket: str, start: Any, die: bool) -> None:
    with shop(folder, port) as guard:
        start.wait()
        try:
            with guard.authorised(ticket) as action:
                pay(port, action.idempotency_key)
                if die:
                    os.kill(os.getpid(), signal.SIGKILL)
        except TicketError:
            pass


def _run(workers: int, folder: Path, payments: Payments, ticket: str, *, die: bool) -> None:
    start = FORK.Event()
    running = [
        FORK.Process(target=_apply, args=(folder, payments.port, ticket, start, die), daemon=True)
        for _ in range(workers)
    ]
    for process in running:
        process.start()
    time.sleep(0.2)
    start.set()
    for process in running:
        process.join(timeout=60)
        assert process.exitcode is not None
        process.close()


def test_two_processes_that_race_have_one_effect(tmp_path: Path, payments: Payments, approved: str) -> None:
    _run(4, tmp_path, payments, approved, die=False)
    assert payments.keys == [f"{approved}-1"]
    with shop(tmp_path, payments.port) as guard:
        assert guard.store.get("default", approved).state is State.APPLIED  # type: ignore[attr-defined]


def test_a_process_killed_before_it_could_report_leaves_an_unknown_outcome(
    tmp_path: Path, payments: Payments, approved: str
) -> None:
    _run(1, tmp_path, payments, approved, die=True)
    assert payments.keys == [f"{approved}-1"]
    _run(3, tmp_path, payments, approved, die=False)
    assert payments.keys == [f"{approved}-1"]
    with shop(tmp_path, payments.port) as guard:
        store = guard.store
        assert store.get("default", approved).state is State.APPLYING  # type: ignore[attr-defined]
        store.recover(datetime.now(UTC) + timedelta(minutes=10))  # type: ignore[attr-defined]
        assert store.get("default", approved).state is State.OUTCOME_UNKNOWN  # type: ignore[attr-defined]
        with pytest.raises(TicketError), guard.authorised(approved):
            pytest.fail("an action of unknown outcome must not run again")
    _run(2, tmp_path, payments, approved, die=False)
    assert payments.keys == [f"{approved}-1"]
