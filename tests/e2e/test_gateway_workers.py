"""Several gateway processes on one port: they serve, count, fall and end together."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from handrail.errors import ConfigError
from handrail.gateway.workers import bound
from support.gateway import UPSTREAM_KEY, settings_of
from support.model_server import Say, model_server

COMMAND = """
import typer
from handrail.cli.gateway import gateway
if __name__ == "__main__":
    typer.run(gateway)
"""
ASKS = {"model": "m", "messages": [{"role": "user", "content": "Where is my order?"}]}
# Each comes over a connection of its own, so that every worker gets some.
MANY = 40


@contextmanager
def command(folder: Path, upstream: str, *more: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    settings_of(folder, upstream)
    (folder / "command.py").write_text(COMMAND)
    given = ["--upstream", upstream, "--policy", str(folder / "shop.yaml"), "--port", "0", *more]
    own = {"HANDRAIL_STORE": f"sqlite:///{folder}/handrail.db", "OPENAI_API_KEY": UPSTREAM_KEY}
    errors = folder / "errors.log"
    with (
        errors.open("w") as told,
        subprocess.Popen(
            [sys.executable, str(folder / "command.py"), *given],
            env={**os.environ, **own},
            stderr=told,
            text=True,
        ) as process,
    ):
        try:
            yield process, errors
        finally:
            process.terminate()
            process.wait(20)


def until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    give_up = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def starts(errors: Path) -> list[str]:
    return re.findall(r"event=start .*listens=(\S+)/v1", errors.read_text())


def answered(address: str) -> int:
    return sum(httpx.post(f"{address}/v1/chat/completions", json=ASKS).is_success for _ in range(MANY))


def counted(address: str) -> float:
    found = re.search(
        r'requests_total\{endpoint="chat/completions",outcome="pass"\} (\S+)',
        httpx.get(f"{address}/metrics").text,
    )
    return float(found[1]) if found else 0.0


def test_workers_share_a_port_and_one_that_falls_is_started_again(tmp_path: Path) -> None:
    with (
        model_server(Say("Fine.")) as provider,
        command(tmp_path, provider.url, "--workers", "2") as (process, errors),
    ):
        until(lambda: len(starts(errors)) == 2)
        (address,) = set(starts(errors))
        assert answered(address) == MANY
        until(lambda: counted(address) == MANY)
        # The system hands each process some of the connections, so both have counted.
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        workers = [pid for pid in map(int, children) if "spawn_main" in _command_of(pid)]
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        until(lambda: len(starts(errors)) == 3)
        assert answered(address) == MANY
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        told = errors.read_text()
    assert "event=worker_ended" in told
    assert "Traceback" not in told
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/healthz")


def _command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def test_a_port_that_somebody_else_has_is_an_error(tmp_path: Path) -> None:
    with model_server() as other, pytest.raises(ConfigError, match="cannot listen"):
        bound("127.0.0.1", int(other.url.rpartition(":")[2].partition("/")[0]))
