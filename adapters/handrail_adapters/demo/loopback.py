"""A small HTTP server on loopback, for programs that must show the whole way without any network."""

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request: method, path, headers (lower case) and the JSON body, empty if there is none."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer: a JSON body, or server-sent events when `events` is given."""

    status: int = 200
    body: dict[str, Any] = field(default_factory=dict)
    events: Iterable[str] | None = None


class LoopbackServer:
    """Serves `answer` on 127.0.0.1, at a free port, inside a `with` block.

    Requests are kept in `seen`, in order of arrival.
    """

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        self.seen: list[Request] = []
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"reply_to": staticmethod(self._noting(answer))})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Address of the server, without a trailing slash."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _noting(self, answer: Callable[[Request], Reply]) -> Callable[[Request], Reply]:
        def noted(request: Request) -> Reply:
            with self._lock:
                self.seen.append(request)
            return answer(request)

        return noted


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    reply_to: Callable[[Request], Reply]

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's signature
        """Write nothing: a request may hold what nobody should read in a log."""

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            self._write(Reply(status=400, body={"error": {"message": "the body is not JSON"}}))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._write(self.reply_to(Request(method=self.command, path=self.path, headers=headers, body=body)))

    def _write(self, reply: Reply) -> None:
        if reply.events is not None:
            self._stream(reply)
            return
        data = json.dumps(reply.body).encode()
        self.send_response(reply.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for event in reply.events or ():
            self.wfile.write(f"data: {event}\n\n".encode())
            self.wfile.flush()
        self.close_connection = True
