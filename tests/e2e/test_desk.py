"""The desk as people run it: a process, real HTTP, signals; and desks that are killed at any moment."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handrail.store import SqlStore, open_store
from handrail.tickets.lifecycle import State
from support.desk_chaos import Chaos, PostBox, post_box
from support.desk_scene import ticket
from support.desk_worker import SECRET
from support.stores import KEYS, Sides, postgres_sides, sqlite_sides

COMMAND = [sys.executable, "-c", "from handrail.cli.desk import commands; commands()"]


@pytest.fixture
def box() -> Iterator[PostBox]:
    with post_box() as served:
        yield served


@pytest.fixture
def shop(tmp_path: Path, box: PostBox) -> Iterator[tuple[SqlStore, Callable[..., list[str]]]]:
    """A store with the desk's file beside it, and the words of a command on both."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    (tmp_path / "desk.yaml").write_text(
        "calendars:\n  office: {zone: Europe/Berlin, hours: {mon-fri: 09:00-17:00}, holidays: DE-BE}\n"
        "hours: {supervisor: office}\n"
        "link: https://inbox.example/t/{ticket}\n"
        f"channels:\n  ops: {{kind: webhook, url: '{box.url}', secrets: ['env:HOOK_SECRET']}}\n"
    )
    store = open_store(url, allow_volatile=True)
    store.counts("default")
    box.chance.random = lambda: 1.0  # type: ignore[method-assign]

    def command(*words: str) -> list[str]:
        if words and words[0] in ("dead", "replay"):
            return [*COMMAND, "--store", url, *words]
        desk = str(tmp_path / "desk.yaml")
        return [*COMMAND, "--store", url, "--policy", "support", "--desk", desk, "--json", *words]

    yield store, command
    store.close()


def run(words: list[str]) -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"HOOK_SECRET": SECRET}
    return subprocess.run(words, capture_output=True, text=True, env=environ, timeout=60, check=False)


def wait_for(holds: Callable[[], object], *, seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_the_desk_delivers_while_it_runs_and_ends_when_it_is_told_to(
    shop: tuple[SqlStore, Callable[..., list[str]]], box: PostBox
) -> None:
    store, command = shop
    environ = os.environ | {"HOOK_SECRET": SECRET}
    desk = subprocess.Popen(command("--every", "0.05"), stdout=subprocess.PIPE, text=True, env=environ)
    try:
        store.open(ticket("a", at=datetime.now(UTC)))
        wait_for(lambda: box.events)
        desk.send_signal(signal.SIGTERM)
        out, _ = desk.communicate(timeout=20)
    finally:
        desk.kill()
        desk.wait()
    assert desk.returncode == 0
    assert sum(json.loads(line)["delivered"] for line in out.splitlines()) == 1
    event = next(iter(box.events.values()))
    assert event["data"]["link"] == "https://inbox.example/t/a"
    assert store.get("default", "a").state is State.READY


def test_timers_that_came_while_no_desk_ran_fire_at_the_next_start(
    shop: tuple[SqlStore, Callable[..., list[str]]],
) -> None:
    store, command = shop
    store.open(ticket("a"))
    done = run(command("--once"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["timers"] == {"escalate": 1}


def test_dead_letters_are_listed_and_replayed(
    shop: tuple[SqlStore, Callable[..., list[str]]], box: PostBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, command = shop
    store.open(ticket("a", at=datetime.now(UTC)))
    monkeypatch.setattr(box, "receive", lambda headers, body: 410)
    assert json.loads(run(command("--once")).stdout)["died"] == 1
    listed = [json.loads(line) for line in run(command("dead", "--json")).stdout.splitlines()]
    assert [(one["ticket"], one["kind"], one["error"]) for one in listed] == [("a", "open", "ops HTTP 410")]
    monkeypatch.undo()
    assert run(command("replay", "--all")).stdout == "1 put back\n"
    assert json.loads(run(command("--once")).stdout)["delivered"] == 1
    assert run(command("dead")).stdout == "no dead letters\n"


def test_mistakes_are_told_in_one_line(
    shop: tuple[SqlStore, Callable[..., list[str]]], tmp_path: Path
) -> None:
    _, command = shop
    (tmp_path / "desk.yaml").write_text(
        "channels: {ops: {kind: webhook, url: 'http://example.org', secrets: []}}"
    )
    done = run(command("--once"))
    assert done.returncode != 0
    assert "https" in done.stderr


def sqlite(path: Path) -> tuple[Sides, str]:
    sides = sqlite_sides(path / "handrail.db", key_provider=KEYS)
    return sides, sides.url


def postgres(_: Path) -> tuple[Sides, str]:
    sides = postgres_sides()
    assert sides.logins is not None
    return sides, sides.logins.desk


BACKENDS = [
    pytest.param(sqlite, id="sqlite"),
    pytest.param(postgres, id="postgresql", marks=pytest.mark.xdist_group("postgres")),
]


@pytest.mark.parametrize("backend", BACKENDS)
def test_killed_desks_lose_nothing_and_approve_nothing(
    backend: Callable[[Path], tuple[Sides, str]], tmp_path: Path, box: PostBox
) -> None:
    sides, url = backend(tmp_path)
    Chaos(sides=sides, desk_url=url, box=box, count=12, kills=3, seed=1).run(give_up_s=60)
    sides.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12])
@pytest.mark.parametrize("backend", BACKENDS)
def test_desks_that_are_killed_fifty_times_lose_nothing_and_approve_nothing(
    backend: Callable[[Path], tuple[Sides, str]], tmp_path: Path, box: PostBox, seed: int
) -> None:
    sides, url = backend(tmp_path)
    Chaos(sides=sides, desk_url=url, box=box, count=300, kills=50, seed=seed).run(give_up_s=300)
    sides.close()


def test_a_desk_in_the_wrong_folder_says_so_and_makes_no_store(tmp_path: Path) -> None:
    missing = tmp_path / "missing.db"
    ran = run([sys.executable, "-m", "handrail", "desk", "--store", f"sqlite:///{missing}", "-p", "support"])
    assert ran.returncode == 2
    assert "there is no store" in ran.stderr
    assert not missing.exists()
