"""An inbox with very many open tickets: how long its pages take, and many reviewers who look at once."""

import asyncio
import gzip
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from benchmarks.gateway_load import ready
from benchmarks.ticket_load import new_ticket, quantile

from handrail.inbox import Settings, make_app
from handrail.store import SqlStore, open_store

PEOPLE = 200
POLICY = 'policy: shop\nversion: "1"\nif_unsure: lead\nroles:\n  lead: {answer_within: 30 minutes}\n'
EVERY_S = 10.0
_TOKEN = re.compile(r'name="csrf" value="([0-9a-f]+)"')
_STATIC = re.compile(r'"(/static/[^"]+)"')


@dataclass
class Load:
    """What reviewers and streams saw; `failures` counts by kind what went wrong and must stay empty."""

    pages: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    changes: int = 0
    seconds: list[float] = field(default_factory=list)


def write(folder: Path, count: int) -> Path:
    """Write policy, people, settings and a store of open tickets; returns the settings' file."""
    (folder / "shop.yaml").write_text(POLICY)
    people = ", ".join(f"r{number}" for number in range(PEOPLE))
    (folder / "people.yaml").write_text(f"roles:\n  lead: [{people}]\n")
    file = folder / "handrail.toml"
    file.write_text(
        f'policy = "{folder}/shop.yaml"\npeople = "{folder}/people.yaml"\nstore = "sqlite:///{folder}/inbox.db"\n'
        "[inbox]\ndevelopment = true\n[inbox.limits]\nsign_ins = 100000\nsteps = 100000\n"
    )
    store = open_store(f"sqlite:///{folder}/inbox.db", allow_volatile=True)
    for _ in range(count):
        store.open(new_ticket())
    store.close()
    return file


class Pages:
    """Asks the application itself, without a network between, as somebody who has signed in."""

    def __init__(self, folder: Path) -> None:
        self._settings = Settings.model_validate(
            {
                "policy": f"{folder}/shop.yaml",
                "people": f"{folder}/people.yaml",
                "store": f"sqlite:///{folder}/inbox.db",
                "development": True,
                "limits": {"steps": 100_000},
            }
        )
        self.store: SqlStore = open_store(self._settings.store, allow_volatile=True)
        self._app = make_app(self._settings, self.store)
        sessions = self._app.state.inbox.sessions
        session = sessions.signed_in("r0", "default", roles=None, manager=True)
        self._cookie = sessions.set_cookie(session).partition(";")[0]

    async def get(self, path: str) -> tuple[int, float, bytes]:
        """Return the status, the milliseconds and the compressed body of a page."""
        where, _, query = path.partition("?")
        headers = {"host": "127.0.0.1", "cookie": self._cookie, "accept-encoding": "gzip"}
        scope: dict[str, Any] = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": where,
            "raw_path": where.encode(), "query_string": query.encode(), "scheme": "http", "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "app": self._app,
        }  # fmt: skip
        answered: list[dict[str, Any]] = []
        asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> dict[str, Any]:
            found = next(asked, None)
            if found is None:
                # Whoever asked stays until they have their answer.
                await asyncio.Event().wait()
                raise RuntimeError("waiting ends with the request")
            return found

        async def send(message: Any) -> None:
            answered.append(message)

        start = time.perf_counter()
        await self._app(scope, receive, send)
        took = 1000 * (time.perf_counter() - start)
        body = b"".join(message.get("body", b"") for message in answered[1:])
        return int(answered[0]["status"]), took, body

    async def times(self, paths: list[str]) -> list[float]:
        """Return the milliseconds of each page, sorted; raises if one is not shown."""
        found = []
        for path in paths:
            status, took, _ = await self.get(path)
            if status != 200:
                raise RuntimeError(f"{path} answers {status}")
            found.append(took)
        return sorted(found)

    async def weight(self, path: str) -> int:
        """Return the bytes of a page and of all files it loads, compressed."""
        _, _, body = await self.get(path)
        total = len(body)
        for file in set(_STATIC.findall(gzip.decompress(body).decode())):
            total += len((await self.get(file))[2])
        return total


@contextmanager
def served(config: Path, port: int) -> Iterator[int]:
    """Run the inbox in a process of its own; gives its process id."""
    command = [sys.executable, "-m", "handrail", "serve", "--config", str(config), "--port", str(port)]
    with subprocess.Popen(command) as process:
        try:
            yield process.pid
        finally:
            process.terminate()


async def signed_in(port: int, number: int) -> httpx.AsyncClient:
    """Return a browser in which one of the reviewers has signed in."""
    # The server closes a connection that was idle for five seconds; one about to be closed is not taken up.
    idle = httpx.Limits(keepalive_expiry=2.0)
    client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30.0, limits=idle)
    page = await client.get("/sign-in")
    found = _TOKEN.search(page.text)
    answer = await client.post("/sign-in", data={"csrf": found[1] if found else "", "person": f"r{number}"})
    answer_is = answer.status_code
    if answer_is != 303:
        raise RuntimeError(f"signing in answers {answer_is}")
    return client


async def load(port: int, *, pollers: int, streams: int, seconds: float, seen: Load) -> None:
    """Let reviewers look at their list again and again, some of them with a live stream, for a while."""
    await ready(port)
    clients = [await signed_in(port, number) for number in range(pollers)]
    until = time.monotonic() + seconds
    try:
        await asyncio.gather(
            *(_poll(client, at, until, seen) for at, client in enumerate(clients)),
            *(_listen(client, until, seen) for client in clients[:streams]),
        )
    finally:
        for client in clients:
            await client.aclose()


async def _poll(client: httpx.AsyncClient, at: int, until: float, seen: Load) -> None:
    await asyncio.sleep(EVERY_S * at / PEOPLE)
    while time.monotonic() < until:
        start = time.perf_counter()
        try:
            answer = await client.get("/")
            if answer.status_code != 200:
                seen.failures[f"page {answer.status_code}"] += 1
        except httpx.HTTPError as error:
            seen.failures[f"page {type(error).__name__}"] += 1
        seen.pages += 1
        took = time.perf_counter() - start
        seen.seconds.append(took)
        await asyncio.sleep(max(0.0, EVERY_S - took))


async def _listen(client: httpx.AsyncClient, until: float, seen: Load) -> None:
    try:
        async with client.stream("GET", "/live", timeout=httpx.Timeout(60.0)) as answer:
            if answer.status_code != 200:
                seen.failures[f"stream {answer.status_code}"] += 1
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + until - time.monotonic()):
                async for line in answer.aiter_lines():
                    seen.changes += line.startswith("event: change")
    except TimeoutError:
        return
    except httpx.HTTPError as error:
        seen.failures[f"stream {type(error).__name__}"] += 1


async def stir(store: SqlStore, *, until: float) -> None:
    """Open a ticket every second, so that there is something to tell."""
    while time.monotonic() < until:
        await asyncio.to_thread(store.open, new_ticket())
        await asyncio.sleep(1.0)


__all__ = ["EVERY_S", "PEOPLE", "Load", "Pages", "load", "quantile", "served", "stir", "write"]
