"""Guarded transports: under an HTTP client of httpx or httpx2, they take its requests through a guard.

Both libraries give their classes and fields the same names, so one description serves both. Neither is
imported here: the library comes with the client that is guarded, and `transports_of` makes the classes that
are transports of that library. A transport does three things, once by plain calls and once by awaiting:

- send a body and read the answer to its end, or leave a success open (`_send`),
- give an opened answer in pieces and have it judged at its end (`_pieces`),
- close what it stands on.

Everything else is shared and does no input or output. What the library raised in place of a response is kept,
and raised again if that failure is what the caller gets.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, ClassVar

from handrail.errors import CheckFailed, ConfigError
from handrail.http.driver import aanswering, aexchange, answering
from handrail.http.endpoints import Endpoint, endpoint, words_beside
from handrail.http.exchange import ExchangeSettings, ReleasedStream, Reply, Request, exchange
from handrail.http.needs import Need, Send, UpstreamResponse
from handrail.pipeline.needs import arun, run
from handrail.records import FaultKind

if TYPE_CHECKING:
    from handrail.guard import Guard

# Of the provider's headers these describe a body that is replaced.
_OF_ENCODING = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_OF_BODY = _OF_ENCODING | {"content-type"}
_LENGTHS = frozenset({b"content-length", b"transfer-encoding"})
# Encoded bytes that are decoded at a time: few can become very many.
_PIECE = 65_536
_RETRY_COUNT = "x-stainless-retry-count"
# Both libraries give a request's extensions to the request that follows a redirect.
_GUARDED = "handrail.guarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryResponse(UpstreamResponse):
    """The provider's response as the HTTP library gave it, to be given back byte for byte.

    `raw` is its body as it came, still encoded; it is empty while the response is open. `error` is what the
    library raised in place of a response.
    """

    response: Any = None
    raw: bytes = b""
    error: Exception | None = None


class GuardedTransport:
    """What the transports share: an exchange's values in terms of the HTTP library.

    Args:
        inner: the transport that is guarded.
        guard: decides.
        settings: how hand-offs look and what is let through.
        retries: how often the client tries again, so that only its last failure is judged.
        owner: the client; kept alive as long as this transport, because it closes `inner` when it goes.
    """

    http: ClassVar[Any]
    stream_class: ClassVar[Any]

    def __init__(
        self,
        inner: Any,
        guard: "Guard",
        settings: ExchangeSettings | None = None,
        *,
        retries: int = 0,
        owner: Any = None,
    ) -> None:
        self._inner, self._guard, self._settings = inner, guard, settings or ExchangeSettings()
        self._retries, self._owner = retries, owner
        # What the client puts before every path.
        self._base = owner.base_url.path if owner is not None else ""

    def _is_open(self, request: Any, path: str, query: str) -> bool:
        """True for a request that is let through unguarded.

        Raises:
            CheckFailed: a redirect leads from a guarded request to an address that is not guarded.
            ConfigError: a request to an open address carries words.
        """
        named, base = self._settings.named, self._base
        kind = endpoint(request.method, path, named=named, base=base)
        if kind in (Endpoint.OPEN, Endpoint.UNKNOWN) and _GUARDED in request.extensions:
            raise CheckFailed("read answer", why="the provider redirects to an address that is not guarded")
        if kind is not Endpoint.OPEN:
            request.extensions[_GUARDED] = True
            return False
        headers = request.headers
        has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        if beside := words_beside(path, query, has_body=has_body, named=named, base=base):
            raise ConfigError(
                f"the {beside} of this request is not guarded; name the resource to let it through"
            )
        return True

    def _described(self, request: Any, path: str, query: str, body: bytes) -> Request:
        def is_last_attempt() -> bool:
            tried = request.headers.get(_RETRY_COUNT, "")
            return not tried.isdecimal() or int(tried) >= self._retries

        return Request(
            method=request.method,
            path=path,
            query=query,
            body=body,
            created=int(time.time()),
            is_last_attempt=is_last_attempt,
            releases=self._guard.policy.stream == "release",
            endpoint=f"{request.url.host}{path}",
        )

    def _outgoing(self, request: Any, send: Send) -> Any:
        """Return the request that goes upstream, the caller's own if nothing in it changes."""
        if send.body is None:
            return request
        headers = [(name, value) for name, value in request.headers.raw if name.lower() not in _LENGTHS]
        return self.http.Request(
            request.method, request.url, headers=headers, content=send.body, extensions=request.extensions
        )

    def _is_beyond(self, size: int) -> bool:
        return size > self._settings.bounds.answer_bytes

    def _read(self, response: Any, raw: bytes) -> LibraryResponse:
        status, body = response.status_code, raw
        if "content-encoding" in response.headers and not self._is_beyond(len(raw)):
            body = self._decoded(response, raw)
        if self._is_beyond(len(body)):
            return LibraryResponse(status=status, response=response, is_too_large=True)
        return LibraryResponse(status=status, body=body, response=response, raw=raw)

    def _decoded(self, response: Any, raw: bytes) -> bytes:
        """Return a decoded body, or so much of it as is beyond the bounds, or nothing if it is broken."""
        pieces = (raw[at : at + _PIECE] for at in range(0, len(raw), _PIECE))
        encoded = self.http.Response(response.status_code, headers=response.headers, content=pieces)
        decoded = bytearray()
        try:
            for piece in encoded.iter_bytes():
                decoded += piece
                if self._is_beyond(len(decoded)):
                    break
        except self.http.DecodingError:
            return b""
        return bytes(decoded)

    def _failed(self, error: Exception) -> LibraryResponse:
        is_late = isinstance(error, self.http.TimeoutException)
        return LibraryResponse(fault=FaultKind.TIMEOUT if is_late else FaultKind.ERROR, error=error)

    def _given(self, request: Any, reply: Reply) -> Any:
        """Return what the caller gets of an exchange that was held to its end."""
        upstream = reply.upstream
        assert upstream is None or isinstance(upstream, LibraryResponse)
        if reply.body is not None:
            response = upstream.response if upstream is not None else None
            theirs = response.headers.multi_items() if response is not None else ()
            headers = [(name, value) for name, value in theirs if name.lower() not in _OF_BODY]
            headers += [("content-type", reply.media_type), *reply.headers.items()]
            return self.http.Response(reply.status, headers=headers, content=reply.body, request=request)
        assert upstream is not None
        if upstream.error is not None:
            raise upstream.error
        # The provider's own response, to be read once more.
        upstream.response.stream = self.http.ByteStream(upstream.raw)
        return upstream.response

    def _streaming(self, request: Any, response: Any, stream: Any) -> Any:
        """Return what the caller gets of an exchange that is given in pieces."""
        theirs = response.headers.multi_items()
        headers = [(name, value) for name, value in theirs if name.lower() not in _OF_ENCODING]
        return self.http.Response(
            response.status_code,
            headers=headers,
            stream=stream,
            extensions=response.extensions,
            request=request,
        )


class SyncGuardedTransport(GuardedTransport):
    """Guards a transport that blocks."""

    def handle_request(self, request: Any) -> Any:
        """Send a request through the guard.

        Raises:
            ConfigError: the endpoint is not guarded and was not named.
            CheckFailed: request or answer could not be judged.
        """
        path, query = _address(request)
        if self._is_open(request, path, query):
            return self._inner.handle_request(request)
        steps = exchange(self._described(request, path, query, request.read()), self._settings)
        answer = answering(self._guard, partial(self._send, request))
        reply = run(steps, answer)
        if reply.stream is None:
            return self._given(request, reply)
        response = _opened(reply)
        pieces = self._pieces(response, reply.stream, answer)
        return self._streaming(request, response, self.stream_class(pieces, response.close))

    def _send(self, request: Any, send: Send) -> LibraryResponse:
        try:
            response = self._inner.handle_request(self._outgoing(request, send))
            if send.opens and response.is_success:
                return LibraryResponse(status=response.status_code, response=response)
            try:
                raw = bytearray()
                for chunk in response.stream:
                    raw += chunk
                    if self._is_beyond(len(raw)):
                        break
            finally:
                response.stream.close()
        except self.http.TransportError as error:
            return self._failed(error)
        return self._read(response, bytes(raw))

    def _pieces(
        self, response: Any, stream: ReleasedStream, answer: Callable[[Need], object]
    ) -> Iterator[bytes]:
        failure = None
        try:
            for data in response.iter_bytes():
                if shown := stream.take(data):
                    yield shown
        except self.http.TransportError as error:
            failure = error
        yield run(stream.end(), answer)
        if failure is not None:
            raise failure

    def close(self) -> None:
        """Close the connections, which are also those of the client that was given."""
        self._inner.close()


class AsyncGuardedTransport(GuardedTransport):
    """Guards a transport that is awaited."""

    async def handle_async_request(self, request: Any) -> Any:
        """Send a request through the guard; raises as the blocking one does."""
        path, query = _address(request)
        if self._is_open(request, path, query):
            return await self._inner.handle_async_request(request)
        answer = aanswering(self._guard, partial(self._send, request))
        described = self._described(request, path, query, await request.aread())
        reply = await aexchange(described, self._settings, answer)
        if reply.stream is None:
            return self._given(request, reply)
        response = _opened(reply)
        pieces = self._pieces(response, reply.stream, answer)
        return self._streaming(request, response, self.stream_class(pieces, response.aclose))

    async def _send(self, request: Any, send: Send) -> LibraryResponse:
        try:
            response = await self._inner.handle_async_request(self._outgoing(request, send))
            if send.opens and response.is_success:
                return LibraryResponse(status=response.status_code, response=response)
            try:
                raw = bytearray()
                async for chunk in response.stream:
                    raw += chunk
                    if self._is_beyond(len(raw)):
                        break
            finally:
                await response.stream.aclose()
        except self.http.TransportError as error:
            return self._failed(error)
        return self._read(response, bytes(raw))

    async def _pieces(
        self, response: Any, stream: ReleasedStream, answer: Callable[[Need], Awaitable[object]]
    ) -> AsyncIterator[bytes]:
        failure = None
        try:
            async for data in response.aiter_bytes():
                if shown := stream.take(data):
                    yield shown
        except self.http.TransportError as error:
            failure = error
        yield await arun(stream.end(), answer)
        if failure is not None:
            raise failure

    async def aclose(self) -> None:
        """Close the connections, which are also those of the client that was given."""
        await self._inner.aclose()


def _address(request: Any) -> tuple[str, str]:
    """Return the path and the query of a request as they are sent."""
    path, _, query = request.url.raw_path.decode("ascii").partition("?")
    return path, query


def _opened(reply: Reply) -> Any:
    assert isinstance(reply.upstream, LibraryResponse)
    return reply.upstream.response


class SyncPieces:
    """The stream of a response that is given in pieces."""

    def __init__(self, pieces: Iterator[bytes], close: Callable[[], None]) -> None:
        self._pieces, self._close = pieces, close

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """Give up the stream and the provider's."""
        self._close()


class AsyncPieces:
    """The stream of an awaited response that is given in pieces."""

    def __init__(self, pieces: AsyncIterator[bytes], close: Callable[[], Awaitable[None]]) -> None:
        self._pieces, self._close = pieces, close

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    async def aclose(self) -> None:
        """Give up the stream and the provider's."""
        await self._close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transports:
    """The guarded transports of one HTTP library, for its two kinds of client."""

    blocking: type[SyncGuardedTransport]
    awaiting: type[AsyncGuardedTransport]


@cache
def transports_of(http: Any) -> Transports:
    """Return the guarded transports of a library: `httpx` or `httpx2`."""

    def made(name: str, shared: type, own: type, **values: Any) -> Any:
        return type(name, (shared, own), {"__module__": __name__, **values})

    stream = made("Pieces", SyncPieces, http.SyncByteStream)
    astream = made("AsyncPieces", AsyncPieces, http.AsyncByteStream)
    return Transports(
        blocking=made(
            "GuardTransport", SyncGuardedTransport, http.BaseTransport, http=http, stream_class=stream
        ),
        awaiting=made(
            "AsyncGuardTransport",
            AsyncGuardedTransport,
            http.AsyncBaseTransport,
            http=http,
            stream_class=astream,
        ),
    )
