"""`handrail serve` as a process: it says where it listens, runs the desk beside it, stops when told to."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from handrail.store import open_store
from handrail.tickets.lifecycle import State
from support.inbox import TICKETS_PEOPLE, TICKETS_POLICY
from support.stores import new_ticket

WITHIN_S = 20.0
TOKEN = re.compile(r'name="csrf" value="([0-9a-f]+)"')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.yaml").write_text(TICKETS_POLICY)
    (tmp_path / "people.yaml").write_text(TICKETS_PEOPLE)
    return tmp_path


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, with the address that it says."""
    command = [sys.executable, "-m", "handrail", "serve", "--policy", "shop.yaml", "--people", "people.yaml"]
    process = subprocess.Popen(
        [*command, "--port", "0", *options],
        cwd=folder,
        env={**os.environ, "HANDRAIL_STORE": f"sqlite:///{folder}/handrail.db"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        said = process.stderr.readline()
        assert said.startswith("inbox at http://127.0.0.1:"), said
        assert process.stderr.readline().startswith("no channels are named here")
        yield process, said.removeprefix("inbox at ").strip()
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def test_people_sign_in_and_see_their_tickets_until_it_is_stopped(folder: Path) -> None:
    store = open_store(f"sqlite:///{folder}/handrail.db")
    ticket = new_ticket(now=datetime.now(UTC))
    store.open(ticket)
    store.close()
    with serving(folder, "--development") as (process, address), httpx.Client(base_url=address) as browser:
        found = TOKEN.search(browser.get("/sign-in").text)
        assert found is not None
        browser.post("/sign-in", data={"csrf": found[1], "person": "fay"})
        assert browser.get("/").status_code == 200
        rows = browser.get("/api/v1/tickets").json()["rows"]
        assert [row["id"] for row in rows] == [ticket.id]
        process.send_signal(signal.SIGTERM)
        assert process.wait(WITHIN_S) == 0


def test_the_desk_runs_beside_it(folder: Path) -> None:
    store = open_store(f"sqlite:///{folder}/handrail.db")
    ticket = new_ticket(now=datetime.now(UTC) - timedelta(days=3))
    store.open(ticket)
    with serving(folder, "--development"):
        give_up = time.monotonic() + WITHIN_S
        while store.get("default", ticket.id).state is State.READY and time.monotonic() < give_up:
            if store.get("default", ticket.id).level > 0:
                break
            time.sleep(0.1)
        view = store.get("default", ticket.id)
    store.close()
    assert view.level > 0 or view.state is not State.READY
