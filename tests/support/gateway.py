"""A gateway on loopback, served by uvicorn in a thread, before a scripted provider."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from handrail import Guard
from handrail.gateway import Settings, create_app
from handrail.gateway.serve import Server
from handrail.gateway.settings import key_sha256
from support.shop_guard import PEOPLE, POLICY

CALLER_KEY = "app-key-0123456789abcdef"
UPSTREAM_KEY = "up-key-fedcba9876543210"


def settings_of(folder: Path, upstream: str, **given: Any) -> Settings:
    """Settings of a shop with one known caller."""
    (folder / "shop.yaml").write_text(POLICY)
    (folder / "people.yaml").write_text(PEOPLE)
    return Settings.model_validate(
        {
            "upstream": upstream,
            "policy": str(folder / "shop.yaml"),
            "store": f"sqlite:///{folder}/handrail.db",
            "upstream_key_env": "TEST_UPSTREAM_KEY",
            "callers": [
                {"sha256": key_sha256(CALLER_KEY), "tenant": "shop"},
                {"sha256": key_sha256("k"), "tenant": "entries"},
            ],
            **given,
        }
    )


def app_of(settings: Settings, folder: Path, make_guard: Callable[[str], Any] | None = None) -> Starlette:
    """The application, with a guard per policy unless others are given."""

    def made(policy: str) -> Guard:
        return Guard.from_policy(policy, people=folder / "people.yaml", store=settings.store)

    return create_app(settings, make_guard=make_guard or made)


@contextmanager
def served(app: Starlette) -> Iterator[str]:
    """Serve an application while the block runs; gives its address, without `/v1`."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False, ws="none")
    server = Server(config, app)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{_port(server)}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def _port(server: uvicorn.Server) -> int:
    give_up = time.monotonic() + 10
    while not server.started:
        if time.monotonic() > give_up:
            raise TimeoutError("the gateway does not start")
        time.sleep(0.005)
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port


@contextmanager
def gateway(
    folder: Path, upstream: str, *, make_guard: Callable[[str], Any] | None = None, **given: Any
) -> Iterator[str]:
    """Serve a gateway before a provider."""
    settings = settings_of(folder, upstream, **given)
    with served(app_of(settings, folder, make_guard)) as address:
        yield address


class Dripping:
    """A provider that streams for ever, piece by piece, until its reader is gone."""

    def __init__(self, *, ends_after: int | None = None) -> None:
        self.was_left, self.pieces, self._ends_after = threading.Event(), 0, ends_after
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                reader, _ = self._socket.accept()
                threading.Thread(target=self._drip, args=(reader,), daemon=True).start()

    def _drip(self, reader: socket.socket) -> None:
        with reader:
            reader.recv(65536)
            reader.sendall(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            )
            try:
                while self._ends_after is None or self.pieces < self._ends_after:
                    reader.sendall(b"%x\r\n%b\r\n" % (len(PIECE), PIECE))
                    self.pieces += 1
                    time.sleep(0.02)
            except OSError:
                self.was_left.set()

    def close(self) -> None:
        self._socket.close()


PIECE = (
    b'data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":'
    b'[{"index":0,"delta":{"content":"drip"},"finish_reason":null}]}\n\n'
)
