"""Guarding an asynchronous transport."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from handrail.errors import CheckFailed
from handrail.http.driver import aadvance, arun
from handrail.http.exchange import Exchange, Need, Open, Received, Reply, Send, exchange
from handrail.http.incremental import Emit, Pull
from handrail.http.judging import Judging, Kept


class AsyncEarly:
    """A response's stream that is released as it is judged."""

    def __init__(self, pieces: AsyncIterator[bytes], close: Callable[[], Awaitable[None]]) -> None:
        self._pieces, self._close = pieces, close

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    async def aclose(self) -> None:
        """Give up the stream and the provider's."""
        await self._close()


class AsyncJudging(Judging):
    """Guards an asynchronous transport."""

    async def handle_async_request(self, request: Any) -> Any:
        """Send a request through the guard; raises as the synchronous one does."""
        path = request.url.path
        if self.is_open(request.method, path):
            return await self._inner.handle_async_request(request)
        kept = Kept()

        async def send(body: bytes | None) -> Received:
            await self._fetch(self.outgoing(request, body), kept)
            return self.received(kept)

        incoming = self.incoming(request, path, await request.aread())
        steps = exchange(incoming, self._settings)
        if incoming.releases:
            return await self._early(request, steps, kept)
        reply = await arun(steps, self._guard, send, self._again(request))
        return self.response(request, kept, reply)

    def _again(self, request: Any) -> Callable[[bytes | None], Awaitable[Received]]:
        """Return how to ask beside a request; what comes back is never given to the caller."""

        async def again(body: bytes | None) -> Received:
            kept = Kept()
            await self._fetch(self.outgoing(request, body), kept)
            return self.received(kept)

        return again

    async def _early(self, request: Any, steps: Exchange, kept: Kept) -> Any:
        again = self._again(request)

        async def meet(need: Need) -> object:
            match need:
                case Open(body=body):
                    return await self._opened(request, body, kept)
                case Pull():
                    return await self._pulled(kept)
                case Send(body=body):
                    await self._fetch(self.outgoing(request, body), kept)
                    return self.received(kept)
            raise CheckFailed("driver", why="not for a transport")

        first = await aadvance(steps, self._guard, meet, again)
        if not isinstance(first, Emit):
            return self.response(request, kept, first)

        async def pieces() -> AsyncIterator[bytes]:
            given: Emit | Reply | None = first
            while isinstance(given, Emit):
                yield given.data
                given = await aadvance(steps, self._guard, meet, again)
            if kept.error is not None:
                raise kept.error

        async def close() -> None:
            steps.close()
            await kept.response.aclose()

        return self.streaming(request, kept, self.early_stream(pieces(), close))

    async def _opened(self, request: Any, body: bytes | None, kept: Kept) -> Received:
        try:
            kept.response = await self._inner.handle_async_request(self.outgoing(request, body))
        except self.http.TransportError as error:
            kept.error = error
            return self.received(kept)
        if kept.response.is_success:
            kept.pieces = kept.response.aiter_bytes()
            return Received(status=kept.response.status_code)
        kept.raw = b"".join([chunk async for chunk in kept.response.stream])
        await kept.response.stream.aclose()
        return self.received(kept)

    async def _pulled(self, kept: Kept) -> bytes | None:
        try:
            return await anext(kept.pieces, None)
        except self.http.TransportError as error:
            kept.error = error
            return None

    async def _fetch(self, request: Any, kept: Kept) -> None:
        kept.error = None
        try:
            kept.response = await self._inner.handle_async_request(request)
            stream = kept.response.stream
            try:
                kept.raw = b"".join([chunk async for chunk in stream])
            finally:
                await stream.aclose()
        except self.http.TransportError as error:
            kept.error = error

    async def aclose(self) -> None:
        """Close the connections, which are also those of the client that was given."""
        await self._inner.aclose()
