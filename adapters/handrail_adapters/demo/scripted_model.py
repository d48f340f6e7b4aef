"""A model server on loopback that speaks the OpenAI chat protocol and says only what a script tells it."""

import itertools
import json
import math
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """One request: method, path, headers (lower case) and the JSON body, empty if there is none."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerReply:
    """One answer: a JSON body, or server-sent events when `events` is given."""

    status: int = 200
    body: dict[str, Any] = field(default_factory=dict)
    events: Iterable[str] | None = None


class LoopbackServer:
    """Serves `answer` on 127.0.0.1, at a free port, inside a `with` block.

    Requests are kept in `seen`, in order of arrival.
    """

    def __init__(self, answer: Callable[[ReceivedRequest], ServerReply]) -> None:
        self.seen: list[ReceivedRequest] = []
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

    def _noting(
        self, answer: Callable[[ReceivedRequest], ServerReply]
    ) -> Callable[[ReceivedRequest], ServerReply]:
        def noted(request: ReceivedRequest) -> ServerReply:
            with self._lock:
                self.seen.append(request)
            return answer(request)

        return noted


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    reply_to: Callable[[ReceivedRequest], ServerReply]

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
            self._write(ServerReply(status=400, body={"error": {"message": "the body is not JSON"}}))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._write(
            self.reply_to(ReceivedRequest(method=self.command, path=self.path, headers=headers, body=body))
        )

    def _write(self, reply: ServerReply) -> None:
        if reply.events is not None:
            self._stream(reply)
            return
        data = json.dumps(reply.body).encode()
        self.send_response(reply.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, reply: ServerReply) -> None:
        self.send_response(reply.status)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for event in reply.events or ():
            self.wfile.write(f"data: {event}\n\n".encode())
            self.wfile.flush()
        self.close_connection = True


MODEL = "scripted-model"
SURE = 0.999
"""Probability of each token of an answer the model is sure of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedReply:
    """One reply of the model: words, or a tool call; `sure` is the probability it gives each token."""

    text: str = ""
    tool: str = ""
    arguments: Mapping[str, object] = field(default_factory=dict)
    sure: float = SURE


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedLine:
    """What the model replies, step by step, when `cue` stands in the person's last words."""

    cue: str
    replies: tuple[ScriptedReply, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """Everything the model can say; `otherwise` answers words that no cue fits."""

    lines: tuple[ScriptedLine, ...]
    otherwise: ScriptedReply = field(
        default_factory=lambda: ScriptedReply(text="I do not know, sorry.", sure=0.4)
    )

    def reply(self, messages: Sequence[Mapping[str, Any]]) -> ScriptedReply:
        """Return the next reply in a conversation; pure.

        The step within a line is the number of tool results since the person's last words.
        """
        last = max((i for i, m in enumerate(messages) if m.get("role") == "user"), default=-1)
        words = _text(messages[last].get("content")) if last >= 0 else ""
        step = sum(1 for message in messages[last + 1 :] if message.get("role") == "tool")
        line = next((line for line in self.lines if line.cue.casefold() in words.casefold()), None)
        if line is None:
            return self.otherwise
        return line.replies[min(step, len(line.replies) - 1)]


class ScriptedModelServer(LoopbackServer):
    """Serves a script as `POST /v1/chat/completions`, whole or streamed, with logprobs on request."""

    def __init__(self, script: Script) -> None:
        self._script, self._numbers = script, itertools.count(1)
        super().__init__(self._answer)

    @property
    def base_url(self) -> str:
        """What an OpenAI client takes as `base_url`."""
        return f"{self.url}/v1"

    def _answer(self, request: ReceivedRequest) -> ServerReply:
        if request.method == "GET" and request.path == "/v1/models":
            return ServerReply(body={"object": "list", "data": [{"id": MODEL, "object": "model"}]})
        if request.method != "POST" or request.path != "/v1/chat/completions":
            return ServerReply(status=404, body={"error": {"message": f"no {request.method} {request.path}"}})
        says = self._script.reply(request.body.get("messages", []))
        number = next(self._numbers)
        wants_logprobs = request.body.get("logprobs") is True
        if request.body.get("stream") is True:
            return ServerReply(events=_chunks(says, number, wants_logprobs))
        return ServerReply(body=_completion(says, number, wants_logprobs))


def _completion(says: ScriptedReply, number: int, wants_logprobs: bool) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": says.text or None}
    if says.tool:
        message["tool_calls"] = [_call(says, number)]
    words = len(_tokens(says.text))
    return {
        **_head(number, "chat.completion"),
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": {"content": _logprobs(says)} if wants_logprobs and says.text else None,
                "finish_reason": "tool_calls" if says.tool else "stop",
            }
        ],
        "usage": {"prompt_tokens": 0, "completion_tokens": words, "total_tokens": words},
    }


def _chunks(says: ScriptedReply, number: int, wants_logprobs: bool) -> Iterator[str]:
    head = _head(number, "chat.completion.chunk")

    def chunk(delta: dict[str, Any], *, logprobs: Any = None, finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return json.dumps({**head, "choices": [choice]})

    yield chunk({"role": "assistant", "content": "" if says.text else None})
    for token, logprob in zip(_tokens(says.text), _logprobs(says), strict=True):
        yield chunk({"content": token}, logprobs={"content": [logprob]} if wants_logprobs else None)
    if says.tool:
        yield chunk({"tool_calls": [{"index": 0, **_call(says, number)}]})
    yield chunk({}, finish="tool_calls" if says.tool else "stop")
    yield "[DONE]"


def _head(number: int, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{number}", "object": kind, "created": 0, "model": MODEL}


def _call(says: ScriptedReply, number: int) -> dict[str, Any]:
    function = {"name": says.tool, "arguments": json.dumps(dict(says.arguments))}
    return {"id": f"call_{number}", "type": "function", "function": function}


def _logprobs(says: ScriptedReply) -> list[dict[str, Any]]:
    logprob = math.log(says.sure)
    return [
        {"token": token, "logprob": logprob, "bytes": list(token.encode()), "top_logprobs": []}
        for token in _tokens(says.text)
    ]


def _tokens(text: str) -> list[str]:
    return re.findall(r"\s*\S+", text)


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return " ".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))
