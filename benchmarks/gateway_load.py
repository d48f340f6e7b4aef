"""A scripted provider and many callers in one event loop; the gateway between them is another process."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SECRET = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
TEXT = (
    "Thank you for your message about the order that you placed with us last week. The parcel left our "
    "warehouse on the next working day and is now with the carrier, who will bring it to your door. You can "
    "follow its way with the link in the letter that we sent when it left. Should it not arrive within five "
    "working days, write to us again and we will look for it together with the carrier at once. "
)
SECRET_EVERY = 25
PAUSE_S = 0.01
# The gateway closes a connection after five seconds in which nobody asked.
IDLE_S = 2.0
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
START = """
import sys
from handrail.gateway import Settings, create_app
from handrail.gateway.serve import serve
from handrail.guard import Guard
from handrail.store import open_store
settings = Settings.model_validate_json(sys.argv[1])
store = open_store(settings.store, allow_volatile=True)
app = create_app(settings, make_guard=lambda policy: Guard.from_policy(policy, store=store))
serve(app, settings, host="127.0.0.1", port=int(sys.argv[2]))
"""


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def script(text: str) -> list[bytes]:
    """An answer as a stream: a token each four words, in ten pieces."""
    words = re.findall(r"\S+\s*", text)
    tokens = ["".join(words[at : at + 4]) for at in range(0, len(words), 4)]
    events = [_event({"content": token}) for token in tokens]
    events += [_event({}, "stop"), b"data: [DONE]\n\n"]
    size = -(-len(events) // 10)
    return [b"".join(events[at : at + size]) for at in range(0, len(events), size)]


CLEAN = script((TEXT * 3)[:1024])
LEAKING = script(TEXT + f"Use the token {SECRET} for it. " + TEXT)


@dataclass
class Load:
    """What the callers saw; `leaks` must stay 0."""

    answers: int = 0
    handed_off: int = 0
    leaks: int = 0
    failures: int = 0
    bytes: int = 0
    seconds: list[float] = field(default_factory=list)
    elapsed: float = 0.0
    cpu: float = 0.0
    memory: float = 0.0


class Clock:
    """When the provider wrote the first and the last piece of each answer, by the number in its request."""

    def __init__(self) -> None:
        self.first: dict[int, float] = {}
        self.last: dict[int, float] = {}


@asynccontextmanager
async def provider(clock: Clock | None = None) -> AsyncIterator[str]:
    """Stream scripted answers; every so often one holds a secret."""
    asked = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head.lower())
                body = await reader.readexactly(int(length[1]) if length else 0)
                named = re.search(rb'"user": ?"n(\d+)"', body)
                number = int(named[1]) if named else -1
                asked += 1
                writer.write(HEAD)
                for piece in LEAKING if asked % SECRET_EVERY == 0 else CLEAN:
                    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                    if clock is not None and number >= 0:
                        clock.first.setdefault(number, time.monotonic())
                        clock.last[number] = time.monotonic()
                    await asyncio.sleep(PAUSE_S)
                writer.write(b"0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    server.close()
    # The gateway is gone by now, so every connection ends by itself.
    await asyncio.sleep(0.2)


@contextmanager
def gateway(folder: Path, upstream: str, port: int, *, guard: bool, policy: str = "support") -> Iterator[int]:
    """Run a gateway in a process of its own; gives its process id."""
    settings = {
        "upstream": upstream,
        "policy": policy,
        "store": f"sqlite:///{folder}/gateway-{port}.db",
        "guard": guard,
        "limits": {"at_once": 2000},
    }
    command = [sys.executable, "-c", START, json.dumps(settings), str(port)]
    with subprocess.Popen(command) as process:
        try:
            yield process.pid
        finally:
            process.terminate()


async def ready(port: int) -> None:
    """Wait until a gateway answers."""
    for _ in range(600):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.write(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        status = await reader.readline()
        await reader.read()
        writer.close()
        if b" 200 " in status:
            return
    raise TimeoutError("the gateway does not start")


async def load(port: int, *, callers: int, until: float, seen: Load) -> None:
    """Let many callers ask one after the other until a moment of `time.monotonic`."""
    await asyncio.gather(*(_caller(port, number, until, seen) for number in range(callers)))


async def _caller(port: int, number: int, until: float, seen: Load) -> None:
    body = json.dumps(
        {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Where is my parcel?"}]}
    ).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-handrail-customer: c{number}\r\n"
    request = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    try:
        while time.monotonic() < until:
            start = time.monotonic()
            writer.write(request)
            told = await _read(reader)
            _note(seen, told, time.monotonic() - start)
    except (asyncio.IncompleteReadError, ConnectionError):
        seen.failures += 1
    finally:
        writer.close()


Idle = tuple[float, asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class FirstBytes:
    """Milliseconds from the provider's first and last piece to the first byte that a caller gets."""

    after_first: list[float] = field(default_factory=list)
    after_last: list[float] = field(default_factory=list)
    leaks: int = 0


async def paced(port: int, *, rate: float, seconds: float, clock: Clock) -> FirstBytes:
    """Ask at a steady rate, whatever comes of it, and time the first byte of each answer.

    Args:
        port: of the gateway.
        rate: requests a second.
        seconds: how long.
        clock: of the provider.
    """
    seen, tasks, start = FirstBytes(), [], time.monotonic()
    clock.first.clear()
    clock.last.clear()
    idle: list[Idle] = []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, start + number / rate - time.monotonic()))
        tasks.append(asyncio.create_task(_timed(port, number, seen, clock, idle)))
    await asyncio.gather(*tasks)
    for _, _, writer in idle:
        writer.close()
    return seen


async def _connection(port: int, idle: list[Idle]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a connection that is open; one that nobody used for a while may be closed at any moment."""
    while idle:
        since, reader, writer = idle.pop()
        if time.monotonic() - since < IDLE_S and not reader.at_eof():
            return reader, writer
        writer.close()
    return await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)


async def _timed(
    port: int,
    number: int,
    seen: FirstBytes,
    clock: Clock,
    idle: list[Idle],
) -> None:
    reader, writer = await _connection(port, idle)
    asks: dict[str, object] = {"model": "m", "stream": True, "user": f"n{number}"}
    body = json.dumps({**asks, "messages": [{"role": "user", "content": "Where is my parcel?"}]}).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-handrail-customer: c1\r\n"
    writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    came = await reader.read(1)
    now = time.monotonic()
    told = came + await _read(reader)
    seen.leaks += SECRET.encode() in told
    seen.after_first.append((now - clock.first[number]) * 1000)
    seen.after_last.append((now - clock.last[number]) * 1000)
    idle.append((time.monotonic(), reader, writer))


async def _read(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    if length is not None:
        return head + await reader.readexactly(int(length[1]))
    parts = [head]
    while size := int(await reader.readline(), 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readexactly(2)
    return b"".join(parts)


def _note(seen: Load, told: bytes, seconds: float) -> None:
    seen.seconds.append(seconds)
    seen.bytes += len(told)
    seen.leaks += SECRET.encode() in told
    if not told.startswith(b"HTTP/1.1 200"):
        seen.failures += 1
    elif b'"handoff"' in told:
        seen.handed_off += 1
    else:
        seen.answers += 1


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
