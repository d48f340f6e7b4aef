"""What the transports of both HTTP libraries share: one guarded exchange per request."""

import time
from typing import Any, ClassVar

from handrail.http.driver import GuardLike
from handrail.http.endpoints import Endpoint, endpoint
from handrail.http.exchange import Incoming, Received, Reply, Settings
from handrail.records import FaultKind

# Of the provider's headers these describe a body that is replaced.
_OF_ENCODING = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_OF_BODY = _OF_ENCODING | {"content-type"}
_LENGTHS = frozenset({b"content-length", b"transfer-encoding"})
_RETRY_COUNT = "x-stainless-retry-count"


class Kept:
    """The provider's last answer, whole, so that it can be given back byte for byte."""

    def __init__(self) -> None:
        self.response: Any = None
        self.raw = b""
        self.pieces: Any = None
        self.error: Exception | None = None


class Judging:
    """State and translation; the subclasses add the sending.

    Args:
        inner: the transport that is guarded.
        guard: decides.
        settings: how hand-offs look and what is let through.
        retries: how often the client tries again, so that only its last failure is judged.
        owner: kept alive as long as this transport, because it closes `inner` when it goes.
    """

    http: ClassVar[Any]
    early_stream: ClassVar[Any]

    def __init__(
        self,
        inner: Any,
        guard: GuardLike,
        settings: Settings | None = None,
        *,
        retries: int = 0,
        owner: object = None,
    ) -> None:
        self._inner, self._guard, self._settings = inner, guard, settings or Settings()
        self._retries, self._owner = retries, owner

    def is_open(self, method: str, path: str) -> bool:
        """Tell whether a request is let through as it is."""
        return endpoint(method, path, named=self._settings.named) is Endpoint.OPEN

    def incoming(self, request: Any, path: str, body: bytes) -> Incoming:
        """Describe a request to the exchange."""

        def is_last() -> bool:
            tried = request.headers.get(_RETRY_COUNT, "")
            return not tried.isdecimal() or int(tried) >= self._retries

        return Incoming(
            method=request.method,
            path=path,
            body=body,
            created=int(time.time()),
            is_last=is_last,
            releases=self._guard.policy.stream == "release",
            endpoint=f"{request.url.host}{path}",
        )

    def outgoing(self, request: Any, body: bytes | None) -> Any:
        """Return the request that goes upstream, the caller's own if nothing in it changes."""
        if body is None:
            return request
        headers = [(name, value) for name, value in request.headers.raw if name.lower() not in _LENGTHS]
        return self.http.Request(
            request.method, request.url, headers=headers, content=body, extensions=request.extensions
        )

    def received(self, kept: Kept) -> Received:
        """Describe the provider's answer to the exchange."""
        if kept.error is not None:
            is_late = isinstance(kept.error, self.http.TimeoutException)
            return Received(fault=FaultKind.TIMEOUT if is_late else FaultKind.ERROR)
        response = kept.response
        if "content-encoding" not in response.headers:
            return Received(status=response.status_code, body=kept.raw)
        decoded = self.http.Response(response.status_code, headers=response.headers, content=kept.raw)
        return Received(status=response.status_code, body=decoded.content)

    def response(self, request: Any, kept: Kept, reply: Reply | None) -> Any:
        """Return what the caller gets of a held exchange."""
        if reply is None:
            if kept.error is not None:
                raise kept.error
            # The provider's own response, to be read once more.
            kept.response.stream = self.http.ByteStream(kept.raw)
            return kept.response
        return self.http.Response(
            reply.status, headers=self._headers(kept, reply), content=reply.body, request=request
        )

    def streaming(self, request: Any, kept: Kept, stream: Any) -> Any:
        """Return what the caller gets of an exchange that is released early."""
        theirs = kept.response.headers.multi_items()
        headers = [(name, value) for name, value in theirs if name.lower() not in _OF_ENCODING]
        return self.http.Response(
            kept.response.status_code,
            headers=headers,
            stream=stream,
            extensions=kept.response.extensions,
            request=request,
        )

    def _headers(self, kept: Kept, reply: Reply) -> list[tuple[str, str]]:
        theirs = kept.response.headers.multi_items() if kept.response is not None else []
        headers = [(name, value) for name, value in theirs if name.lower() not in _OF_BODY]
        return [*headers, ("content-type", reply.media_type), *reply.headers.items()]
