"""Connections to the provider, in many small pools: a pool looks through all it holds for every request."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx

from handrail.gateway.settings import Limits

_OF_ONE_POOL = 8


class Pools:
    """Clients for one provider, of which the least busy is used.

    Args:
        limits: times, and how many requests there are at once.
        transport: in place of the network, for tests.
    """

    def __init__(self, limits: Limits, transport: httpx.AsyncBaseTransport | None = None) -> None:
        count = -(-limits.at_once // _OF_ONE_POOL)
        # One set of certificates for all: reading them is slow, and holding them many times is large.
        certificates = ssl.create_default_context()
        self._clients: Sequence[httpx.AsyncClient] = [
            httpx.AsyncClient(
                timeout=httpx.Timeout(limits.seconds, connect=10.0),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=_OF_ONE_POOL),
                transport=transport,
                trust_env=False,
                verify=certificates,
            )
            for _ in range(count)
        ]
        self._busy = [0] * count

    @asynccontextmanager
    async def answer(self, request: httpx.Request) -> AsyncIterator[httpx.Response]:
        """Send a request; gives the response, not yet read, and lets go of it at the end of the block."""
        pool = self._busy.index(min(self._busy))
        self._busy[pool] += 1
        try:
            response = await self._clients[pool].send(request, stream=True)
            try:
                yield response
            finally:
                await response.aclose()
        finally:
            self._busy[pool] -= 1

    def build(
        self, method: str, address: str, *, headers: dict[str, str], body: bytes | None
    ) -> httpx.Request:
        """Build a request."""
        return self._clients[0].build_request(method, address, headers=headers, content=body)

    async def aclose(self) -> None:
        """Close every connection."""
        for client in self._clients:
            await client.aclose()
