"""A gateway in this process under hostile requests: what it answers, what goes upstream, what it costs.

The application is called as a server would call it, in one event loop. A second task ticks in that loop; the
processor time of the whole process between two ticks is how long one request has kept all others waiting,
whatever else the machine is doing.
"""

import asyncio
import gc
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_plus

import httpx
from starlette.applications import Starlette

from handrail import Guard
from handrail.gateway import create_app
from support import anthropic_shapes, openai_shapes
from support.gateway import CALLER_KEY, settings_of
from support.hostile_requests import PLANTED, Hostile
from support.model_server import Say

UPSTREAM = "http://provider/v1"
TICK_S = 0.005
POLICY = """\
policy: hostile
version: "1"
owner: process_owner
if_unsure: queue_manager
roles:
  queue_manager:  {answer_within: 30 minutes, backup: process_owner}
  process_owner:  {answer_within: 1 days}
facts:
  input.findings:  {type: set, values: [email]}
  output.findings: {type: set, values: [email]}
hand_offs:
  - id: mask-email
    when: input.findings has email or output.findings has email
    effect: redact
    because: Addresses stay out of the model and out of answers.
on_conflict: {to: process_owner}
tests: []
"""
PEOPLE = "roles:\n  queue_manager: [quinn]\n  process_owner: [petra]\n"


@dataclass
class Report:
    """What came of a number of requests.

    Args:
        statuses: how often each status was given.
        own_failures: names of requests that ended with a status of 500 or more, or in no answer.
        leaks: names of requests whose planted words reached the provider.
        waits: seconds of processor time for which each request kept the loop, by name; the longest.
        memory: megabytes of the process after each request, where that is asked for.
        forwarded: how many requests reached the provider.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    own_failures: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    waits: dict[str, float] = field(default_factory=dict)
    memory: list[float] = field(default_factory=list)
    forwarded: int = 0

    @property
    def longest(self) -> tuple[float, str]:
        """The longest time for which the loop was kept, and by which request."""
        return max(((seconds, name) for name, seconds in self.waits.items()), default=(0.0, ""))


class Provider(httpx.AsyncBaseTransport):
    """Answers every request, as the address wants it; keeps what it was sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raw = await request.aread()
        headers = b"\n".join(name + b": " + value for name, value in request.headers.raw)
        self.sent.append(b"\n".join([str(request.url).encode(), headers, raw]))
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            body = {}
        body = body if isinstance(body, dict) else {}
        shapes = anthropic_shapes if request.url.path.endswith("/messages") else openai_shapes
        pieces = shapes.pieces(request.url.path, {"stream": body.get("stream") is True}, Say("Fine."))
        kind = "text/event-stream" if body.get("stream") is True else "application/json"
        return httpx.Response(200, headers={"content-type": kind}, content=b"".join(pieces))


def holds_planted(sent: bytes) -> bool:
    """True when the planted words are in what was sent, however they are written."""
    text = sent.decode("utf-8", "replace")
    readings = [text, unquote(text), unquote_plus(text)]
    with suppress(ValueError, RecursionError):
        readings.append(json.dumps(json.loads(text.partition("\n{")[2].join(("{", ""))), ensure_ascii=False))
    return any(PLANTED.casefold() in reading.casefold() for reading in readings)


@asynccontextmanager
async def _running(app: Starlette) -> AsyncIterator[None]:
    async with app.router.lifespan_context(app):
        yield


async def ask(app: Starlette, hostile: Hostile) -> int | None:
    """Call the application as a server does; returns the status, None for no answer."""
    begun = asyncio.get_running_loop().create_future()
    parts = [hostile.body[at : at + 65_536] for at in range(0, len(hostile.body), 65_536)] or [b""]

    async def receive() -> dict[str, Any]:
        if parts:
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start" and not begun.done():
            begun.set_result(message["status"])

    raw, _, query = hostile.target.partition("?")
    own = [(b"host", b"gateway"), (b"authorization", f"Bearer {CALLER_KEY}".encode())]
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": hostile.method,
        "scheme": "http",
        "path": unquote(raw),
        "raw_path": raw.encode("ascii", "replace"),
        "query_string": query.encode("ascii", "replace"),
        "root_path": "",
        "headers": [*own, *hostile.headers, (b"content-length", str(len(hostile.body)).encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8080),
        "state": {},
    }
    await app(scope, receive, send)
    return begun.result() if begun.done() else None


async def _attack(app: Starlette, provider: Provider, requests: Iterable[Hostile], *, weighs: bool) -> Report:
    report, longest = Report(), 0.0

    async def ticking() -> None:
        nonlocal longest
        last = time.process_time()
        while True:
            await asyncio.sleep(TICK_S)
            now = time.process_time()
            longest, last = max(longest, now - last), now

    async with _running(app):
        ticks = asyncio.create_task(ticking())
        for hostile in requests:
            provider.sent.clear()
            await asyncio.sleep(2 * TICK_S)
            longest = 0.0
            try:
                status = await ask(app, hostile)
            except Exception:  # noqa: BLE001 - whatever it is, the server's caller would get no answer
                status = None
            await asyncio.sleep(2 * TICK_S)
            report.statuses[status or 0] += 1
            if status is None or status >= 500:
                report.own_failures.append(f"{hostile.name}: {status}")
            report.forwarded += bool(provider.sent)
            if any(map(holds_planted, provider.sent)):
                report.leaks.append(hostile.name)
            report.waits[hostile.name] = max(longest, report.waits.get(hostile.name, 0.0))
            if weighs:
                report.memory.append(memory_mb())
        ticks.cancel()
    return report


def memory_mb() -> float:
    """What this process holds, in megabytes, once what is unreachable is gone."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def attacked(folder: Path, requests: Iterable[Hostile], *, weighs: bool = False, **given: Any) -> Report:
    """Send requests, one after the other, to a gateway with a real guard."""
    settings = settings_of(folder, UPSTREAM, **given)
    (folder / "shop.yaml").write_text(POLICY)
    (folder / "people.yaml").write_text(PEOPLE)
    provider = Provider()

    def make_guard(policy: str) -> Guard:
        return Guard.from_policy(policy, people=folder / "people.yaml", store=settings.store)

    app = create_app(settings, make_guard=make_guard, transport=provider)
    return asyncio.run(_attack(app, provider, requests, weighs=weighs))
