"""The provider's side: sends one request within its limits and reads the answer; the key never leaves."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import httpx

from handrail.gateway.request import OF_GUARDED, PREFIX, GatewayRequest
from handrail.gateway.responses import Fault, GatewayResponse, error_response
from handrail.gateway.settings import Limits, Settings
from handrail.http.endpoints import Endpoint
from handrail.http.failures import is_error
from handrail.http.needs import UpstreamResponse
from handrail.records import FaultKind

_OF_ONE_POOL = 8
IDLE_S = 5.0
"""How long a connection waits for its next request, which is what httpx allows a pool that is in use."""


class Pools:
    """Clients for one provider, of which the least busy is used.

    A pool of httpx looks at its idle connections when it gets a request. After a burst most pools get none,
    so their connections are let go here.

    Args:
        limits: times, and how many requests there are at once.
        transport: in place of the network, for tests.
        idle_s: how long connections are kept that nobody uses.
    """

    def __init__(
        self, limits: Limits, transport: httpx.AsyncBaseTransport | None = None, *, idle_s: float = IDLE_S
    ) -> None:
        count = -(-limits.at_once // _OF_ONE_POOL)
        # One set of certificates for all: reading them is slow, and holding them many times is large.
        self._made = partial(
            httpx.AsyncClient,
            timeout=httpx.Timeout(limits.seconds, connect=10.0),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=_OF_ONE_POOL),
            transport=transport,
            trust_env=False,
            verify=ssl.create_default_context(),
        )
        self._clients = [self._made() for _ in range(count)]
        self._busy = [0] * count
        self._idle_s, self._is_network = idle_s, transport is None
        self._used: dict[int, float] = {}
        self._look: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def answer(self, request: httpx.Request) -> AsyncIterator[httpx.Response]:
        """Send a request; gives the response, not yet read, and closes it at the end of the block."""
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
            self._note(pool)

    def _note(self, pool: int) -> None:
        """Note that a pool has been used just now."""
        if self._is_network:
            loop = asyncio.get_running_loop()
            self._used[pool] = loop.time()
            if self._look is None:
                self._look = loop.call_later(self._idle_s, self._let_go)

    def _let_go(self) -> None:
        """Close the connections of pools that nobody has used for a while; look again while any has some."""
        loop = asyncio.get_running_loop()
        before = loop.time() - self._idle_s
        for pool in [pool for pool, at in self._used.items() if at <= before and not self._busy[pool]]:
            del self._used[pool]
            closed, self._clients[pool] = self._clients[pool], self._made()
            task = loop.create_task(closed.aclose())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        self._look = loop.call_later(self._idle_s, self._let_go) if self._used else None

    def build(
        self, method: str, address: str, *, headers: dict[str, str], body: bytes | None
    ) -> httpx.Request:
        """Build a request."""
        return self._clients[0].build_request(method, address, headers=headers, content=body)

    async def aclose(self) -> None:
        """Close every connection."""
        if self._look is not None:
            self._look.cancel()
        await asyncio.gather(*self._closing, *(client.aclose() for client in self._clients))


# With what the program has named, the caller's description of its body goes on as well.
_OF_OPEN = ("accept", "content-type", "user-agent", *OF_GUARDED)
_OWN = {
    "accept": "application/json, text/event-stream",
    "content-type": "application/json",
    "user-agent": "handrail-gateway",
}
_PASSED_BACK = (
    "openai-processing-ms",
    "openai-version",
    "openai-model",
    "x-ratelimit-",
    "x-request-id",
    "retry-after",
)
_KEY_REFUSED = (401, 403, 407)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderResponse(UpstreamResponse):
    """The provider's response with its headers, so that it can be given back byte for byte.

    `opened` is a response whose body has not been read, because it is given in pieces.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    opened: httpx.Response | None = None

    def passed_back(self) -> dict[str, str]:
        """Return the headers that a caller may see."""
        return {name: value for name, value in self.headers.items() if name.startswith(_PASSED_BACK)}


class Upstream:
    """Sends requests to one provider, with the gateway's own key.

    Args:
        pools: connections to it.
        settings: where to, with which key, within which limits.
    """

    def __init__(self, pools: Pools, settings: Settings) -> None:
        self._pools, self._settings = pools, settings

    async def send(
        self, asked: GatewayRequest, body: bytes, deadline: float, opens: AsyncExitStack | None = None
    ) -> ProviderResponse:
        """Send a request and read its answer to the end. A failure of the provider is a fault, not an error.

        Args:
            asked: whose address is used.
            body: what is sent.
            deadline: in the event loop's time.
            opens: a success is left unread, and closed with this; None reads it.
        """
        try:
            async with asyncio.timeout_at(deadline), AsyncExitStack() as closing:
                request = self._pools.build(
                    asked.method, self._address(asked), headers=self._headers(asked), body=body or None
                )
                response = await closing.enter_async_context(self._pools.answer(request))
                if opens is not None and response.is_success:
                    opens.push_async_callback(closing.pop_all().aclose)
                    return ProviderResponse(
                        status=response.status_code, headers=response.headers, opened=response
                    )
                read = await self._read(response)
            if read is None:
                return ProviderResponse(
                    status=response.status_code, headers=response.headers, is_too_large=True
                )
        except (TimeoutError, httpx.TimeoutException):
            return ProviderResponse(fault=FaultKind.TIMEOUT)
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL):
            return ProviderResponse(fault=FaultKind.ERROR)
        return ProviderResponse(status=response.status_code, body=read, headers=response.headers)

    async def _read(self, response: httpx.Response) -> bytes | None:
        """Read an answer to its end, None if it is larger than it may be."""
        parts, size = [], 0
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > self._settings.limits.answer_bytes:
                return None
            parts.append(chunk)
        return b"".join(parts)

    def given(self, response: ProviderResponse, outcome: str) -> GatewayResponse:
        """Return the provider's own answer, or, if it failed, what a caller may know of that."""
        if response.fault is not None:
            return _upstream_error(502, "the provider gave no answer", response)
        if not response.is_success:
            return self._failed(response)
        if response.is_too_large or self.holds_key(response.body):
            return _upstream_error(502, "the provider's answer cannot be given", response)
        return GatewayResponse(
            status=response.status,
            body=response.body,
            media_type=response.headers.get("content-type", "application/json"),
            headers=response.passed_back(),
            outcome=outcome,
        )

    def _failed(self, response: ProviderResponse) -> GatewayResponse:
        """Return a failure, in the provider's own words only if they are an error and name no key."""
        if response.status in _KEY_REFUSED:
            # These words are about the gateway's key, which is not the caller's.
            return _upstream_error(
                502, "the provider refuses the gateway's key", response, code="upstream_key"
            )
        if response.status < 400 or not is_error(response.body) or self.holds_key(response.body):
            status = response.status if response.status >= 400 else 502
            return _upstream_error(status, "the provider failed", response)
        return GatewayResponse(
            status=response.status,
            body=response.body,
            headers=response.passed_back(),
            outcome="failed",
            fault=fault_of(response),
        )

    def holds_key(self, body: bytes) -> bool:
        """True for bytes that give away the gateway's key."""
        key = self._settings.upstream_key()
        return key is not None and key.encode() in body

    def _address(self, asked: GatewayRequest) -> str:
        address = self._settings.upstream + asked.path.removeprefix(PREFIX)
        return f"{address}?{asked.query}" if asked.query else address

    def _headers(self, asked: GatewayRequest) -> dict[str, str]:
        is_open = asked.about is Endpoint.OPEN
        passed_on = _OF_OPEN if is_open else OF_GUARDED
        headers = {} if is_open else dict(_OWN)
        headers.update({name: asked.headers[name] for name in passed_on if name in asked.headers})
        key, header = self._settings.upstream_key(), self._settings.upstream_key_header
        if key is not None:
            headers[header] = f"Bearer {key}" if header == "authorization" else key
        return headers


def fault_of(response: UpstreamResponse, code: str = "upstream") -> Fault:
    """Return what failed at the provider."""
    kind = "too_large" if response.is_too_large else response.fault.value if response.fault else ""
    return Fault(code=code, kind=kind, upstream_status=response.status or None)


def _upstream_error(
    status: int, message: str, response: ProviderResponse, code: str = "upstream"
) -> GatewayResponse:
    fault = fault_of(response, code)
    return error_response(status, message, code=code, outcome="failed", fault=fault)
