"""Several gateway processes on one port: the system shares new connections out among them."""

import multiprocessing
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from types import FrameType

from starlette.applications import Starlette

from handrail.errors import ConfigError
from handrail.gateway.log import line, log, log_to_stderr
from handrail.gateway.metrics import SHARED, forget
from handrail.gateway.serve import serve
from handrail.gateway.settings import Settings

MOST_RESTARTS = 5
"""How many workers may end unasked within `WITHIN_S` seconds before all are stopped."""

WITHIN_S = 60.0


def serve_workers(
    make_app: Callable[[Settings], Starlette], settings: Settings, *, host: str, port: int, workers: int
) -> None:
    """Serve from several processes until SIGTERM or SIGINT; each then finishes its requests under way.

    A worker that ends unasked is started again. Limits hold for each worker; metrics are those of all.

    Args:
        make_app: builds the gateway in each process; a function of a module.
        settings: of the gateway.
        host: where all listen.
        port: on which all listen, 0 for a free one.
        workers: how many.

    Raises:
        ConfigError: the system cannot share a port, or workers keep ending by themselves.
    """
    settings.check_listening(host)
    if not hasattr(socket, "SO_REUSEPORT"):
        raise ConfigError("several workers need a system that can share a port between processes")
    log_to_stderr()
    with bound(host, port) as held, tempfile.TemporaryDirectory(prefix="handrail-metrics-") as counted:
        os.environ[SHARED] = counted
        try:
            _Workers(make_app, settings, (host, held.getsockname()[1])).run(workers)
        finally:
            del os.environ[SHARED]


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that shares its port with others of this user. It takes nothing before it listens.

    Raises:
        ConfigError: the port cannot be had.
    """
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise ConfigError(f"cannot listen on {host}, port {port}: {error.strerror}") from None
    return made


class _Workers:
    """The processes of one gateway."""

    def __init__(
        self, make_app: Callable[[Settings], Starlette], settings: Settings, address: tuple[str, int]
    ) -> None:
        self._given = (make_app, settings, *address)
        self._running: dict[int, SpawnProcess] = {}
        self._ended: list[float] = []
        self._is_stopping = False

    def run(self, count: int) -> None:
        """Keep so many at work until a signal stops them."""
        before = {sig: signal.signal(sig, self._stop) for sig in (signal.SIGTERM, signal.SIGINT)}
        try:
            for _ in range(count):
                self._start()
            while self._running:
                wait([one.sentinel for one in self._running.values()])
                self._look()
        finally:
            self._stop()
            for one in self._running.values():
                one.join()
            for sig, handler in before.items():
                signal.signal(sig, handler)

    def _start(self) -> None:
        if self._is_stopping:
            return
        one = multiprocessing.get_context("spawn").Process(target=_work, args=self._given)
        one.start()
        self._running[one.sentinel] = one
        if self._is_stopping:
            one.terminate()

    def _look(self) -> None:
        """Start again what has ended unasked."""
        for sentinel, one in list(self._running.items()):
            if one.is_alive():
                continue
            del self._running[sentinel]
            if one.pid is not None:
                forget(one.pid)
            if self._is_stopping:
                continue
            log.error("%s", line("worker_ended", code=one.exitcode))
            now = time.monotonic()
            self._ended = [*(moment for moment in self._ended if now - moment < WITHIN_S), now]
            if len(self._ended) > MOST_RESTARTS:
                raise ConfigError("the gateway's workers keep ending by themselves; the log says more")
            self._start()

    def _stop(self, sig: int = 0, frame: FrameType | None = None) -> None:
        self._is_stopping = True
        for one in list(self._running.values()):
            one.terminate()


def _work(make_app: Callable[[Settings], Starlette], settings: Settings, host: str, port: int) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    serve(make_app(settings), settings, host=host, port=port, sockets=[bound(host, port)])


def _end_with_parent() -> None:
    """End as by SIGTERM when the process that started this one is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
