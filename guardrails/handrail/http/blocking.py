"""Guarding a synchronous transport."""

from collections.abc import Callable, Iterator
from typing import Any

from handrail.errors import CheckFailed
from handrail.http.driver import advance, run
from handrail.http.exchange import Exchange, Need, Open, Received, Reply, Send, exchange
from handrail.http.incremental import Emit, Pull
from handrail.http.judging import Judging, Kept


class SyncEarly:
    """A response's stream that is released as it is judged."""

    def __init__(self, pieces: Iterator[bytes], close: Callable[[], None]) -> None:
        self._pieces, self._close = pieces, close

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """Give up the stream and the provider's."""
        self._close()


class SyncJudging(Judging):
    """Guards a synchronous transport."""

    def handle_request(self, request: Any) -> Any:
        """Send a request through the guard.

        Raises:
            ConfigError: the endpoint is not guarded and was not named.
            CheckFailed: request or answer could not be judged.
        """
        path = request.url.path
        if self.is_open(request.method, path):
            return self._inner.handle_request(request)
        kept = Kept()

        def send(body: bytes | None) -> Received:
            self._fetch(self.outgoing(request, body), kept)
            return self.received(kept)

        incoming = self.incoming(request, path, request.read())
        steps = exchange(incoming, self._settings)
        if incoming.releases:
            return self._early(request, steps, kept)
        return self.response(request, kept, run(steps, self._guard, send, self._again(request)))

    def _again(self, request: Any) -> Callable[[bytes | None], Received]:
        """Return how to ask beside a request; what comes back is never given to the caller."""

        def again(body: bytes | None) -> Received:
            kept = Kept()
            self._fetch(self.outgoing(request, body), kept)
            return self.received(kept)

        return again

    def _early(self, request: Any, steps: Exchange, kept: Kept) -> Any:
        again = self._again(request)

        def meet(need: Need) -> object:
            match need:
                case Open(body=body):
                    return self._opened(request, body, kept)
                case Pull():
                    return self._pulled(kept)
                case Send(body=body):
                    self._fetch(self.outgoing(request, body), kept)
                    return self.received(kept)
            raise CheckFailed("driver", why="not for a transport")

        first = advance(steps, self._guard, meet, again)
        if not isinstance(first, Emit):
            return self.response(request, kept, first)

        def pieces() -> Iterator[bytes]:
            given: Emit | Reply | None = first
            while isinstance(given, Emit):
                yield given.data
                given = advance(steps, self._guard, meet, again)
            if kept.error is not None:
                raise kept.error

        def close() -> None:
            steps.close()
            kept.response.close()

        return self.streaming(request, kept, self.early_stream(pieces(), close))

    def _opened(self, request: Any, body: bytes | None, kept: Kept) -> Received:
        try:
            kept.response = self._inner.handle_request(self.outgoing(request, body))
        except self.http.TransportError as error:
            kept.error = error
            return self.received(kept)
        if kept.response.is_success:
            kept.pieces = kept.response.iter_bytes()
            return Received(status=kept.response.status_code)
        kept.raw = b"".join(kept.response.stream)
        kept.response.stream.close()
        return self.received(kept)

    def _pulled(self, kept: Kept) -> bytes | None:
        try:
            return next(kept.pieces, None)
        except self.http.TransportError as error:
            kept.error = error
            return None

    def _fetch(self, request: Any, kept: Kept) -> None:
        kept.error = None
        try:
            kept.response = self._inner.handle_request(request)
            stream = kept.response.stream
            try:
                kept.raw = b"".join(stream)
            finally:
                stream.close()
        except self.http.TransportError as error:
            kept.error = error

    def close(self) -> None:
        """Close the connections, which are also those of the client that was given."""
        self._inner.close()
