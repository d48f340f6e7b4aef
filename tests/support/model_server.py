"""A scripted model behind real loopback HTTP: says what it is told to, records what it is sent."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from support import openai_shapes

Json = dict[str, Any]


@dataclass
class Say:
    """One scripted answer; `cut` is the length of a streamed piece."""

    text: str | None = None
    calls: list[tuple[str, str]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    refusal: str | None = None
    extra: Json = field(default_factory=dict)
    cut: int = 4
    status: int = 200
    raw: bytes | None = None
    after_s: float = 0.0
    finish: str | None = None
    stop_after: int | None = None


@dataclass
class Seen:
    """One request as it reached the model's side."""

    path: str
    body: Json
    raw: bytes
    headers: dict[str, str]


class ModelServer:
    """Answers each request with the next of `script`, the last one for ever."""

    def __init__(self, script: list[Say]) -> None:
        self.script, self.seen = script, []
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"
        self.gate = threading.Event()
        self.seen: list[Seen] = []

    def next(self) -> Say:
        with self._lock:
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    @property
    def sent(self) -> str:
        """All that ever came upstream, as text."""
        return "\n".join(seen.raw.decode() for seen in self.seen)

    def _handler(server: "ModelServer") -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the closure's subject
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Small answers must not wait for the other side's acknowledgement.
            disable_nagle_algorithm = True
            wbufsize = 1 << 16

            def log_message(self, *args: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                self._answer(b"")

            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers.get("content-length", 0))))

            def _answer(self, raw: bytes) -> None:
                body = json.loads(raw) if raw[:1] == b"{" else {}
                server.seen.append(
                    Seen(self.path, body, raw, {k.lower(): v for k, v in self.headers.items()})
                )
                say = server.next()
                if say.after_s:
                    server.gate.wait(say.after_s)
                pieces = openai_shapes.pieces(self.path, body, say)
                is_stream = body.get("stream") is True and say.status == 200
                self.send_response(say.status)
                self.send_header("content-type", "text/event-stream" if is_stream else "application/json")
                self.send_header("x-request-id", "req_scripted")
                if not is_stream:
                    self.send_header("content-length", str(sum(map(len, pieces))))
                else:
                    self.send_header("connection", "close")
                self.end_headers()
                for piece in pieces[: say.stop_after]:
                    self.wfile.write(piece)
                    self.wfile.flush()
                if is_stream:
                    self.close_connection = True

        return Handler

    def start(self) -> None:
        threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True
        ).start()

    def stop(self) -> None:
        self.gate.set()
        self._http.shutdown()
        self._http.server_close()


@contextmanager
def model_server(*script: Say) -> Iterator[ModelServer]:
    """Run a scripted model while the block runs."""
    server = ModelServer(list(script) or [Say("Fine.")])
    server.start()
    try:
        yield server
    finally:
        server.stop()


Script = Callable[..., Any]
