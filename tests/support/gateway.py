"""A gateway on loopback, served by uvicorn in a thread, before a scripted provider."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from tests.support.shop_guard import PEOPLE, POLICY

from handrail import Guard
from handrail.gateway import Settings, create_app
from handrail.gateway.serve import Server
from handrail.gateway.settings import key_sha256

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
            "callers": [{"sha256": key_sha256(CALLER_KEY), "tenant": "shop"}],
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
