"""The gateway as an ASGI application."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from time import perf_counter
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from handrail.errors import StoreUnavailable
from handrail.gateway.callers import Callers, KnownCaller, policies_of
from handrail.gateway.log import RequestLog
from handrail.gateway.metrics import MEDIA_TYPE, Metrics
from handrail.gateway.proxy import Proxy
from handrail.gateway.request import GatewayRequest, read_request
from handrail.gateway.responses import (
    GatewayResponse,
    Pieces,
    Refusal,
    deliver,
    error_response,
    send_whole,
)
from handrail.gateway.settings import Settings
from handrail.gateway.tickets import MAX_WAIT_S, state_of
from handrail.gateway.upstream import Pools, Upstream
from handrail.guard import Guard
from handrail.records import PolicyRef


class Gateway:
    """The requests of one gateway process.

    Args:
        settings: how it is set up.
        guards: a guard for each policy in the settings.
        pools: connections to the provider.
    """

    def __init__(self, settings: Settings, guards: dict[str, Guard], pools: Pools) -> None:
        self._settings, self._pools = settings, pools
        self._callers = Callers(settings, guards)
        self._proxy = Proxy(Upstream(pools, settings), settings)
        self._store, self._guards = guards[settings.policy].store, guards
        self._under_way = self._waiting = 0
        self.metrics = Metrics()
        self.is_draining = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def model(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request to the provider's API."""
        request, told = Request(scope, receive), RequestLog()
        start, answered = perf_counter(), None
        try:
            with self._slot():
                known = self._identify(request)
                told.tenant = known.tenant
                async with asyncio.timeout(self._settings.limits.seconds):
                    asked = await read_request(
                        request, limit=self._settings.limits.body_bytes, named=self._settings.named
                    )
                told.endpoint = asked.about.value
                answered = await self._given(asked, known, receive, told.sender(send))
        except Refusal as refusal:
            answered = refusal.response
            await send_whole(answered, told.sender(send))
        except TimeoutError:
            answered = error_response(408, "the request took too long to arrive", code="timeout")
            await send_whole(answered, told.sender(send))
        except ClientDisconnect:
            return
        finally:
            self.metrics.seconds.labels(told.endpoint).observe(perf_counter() - start)
            self.metrics.requests.labels(told.endpoint, answered.outcome if answered else "gone").inc()
            told.end(answered)

    async def _given(
        self, asked: GatewayRequest, known: KnownCaller, receive: Receive, send: Send
    ) -> GatewayResponse | None:
        every, pieces = self._settings.limits.keep_alive_s if asked.is_stream else None, Pieces(send)
        work = self._proxy.answer(asked, known, pieces)
        return await deliver(work, receive, send, keep_alive_s=every, pieces=pieces)

    async def ticket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Return a ticket's state; `?wait=SECONDS` waits for a person's decision."""
        request, told = Request(scope, receive), RequestLog(endpoint="tickets")
        answered = None
        try:
            known = self._identify(request)
            told.tenant = known.tenant
            wait_s = _seconds(request.query_params.get("wait", "0"))
            with self._waiter(wait_s):
                work = state_of(known, request.path_params["ticket"], wait_s)
                answered = await deliver(work, receive, told.sender(send), keep_alive_s=None)
        except Refusal as refusal:
            answered = refusal.response
            await send_whole(answered, told.sender(send))
        finally:
            told.end(answered)

    def _identify(self, request: Request) -> KnownCaller:
        known = self._callers.identify(request.headers)
        if known is None:
            raise Refusal(error_response(401, "no such key", code="invalid_api_key"))
        return known

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if self.is_draining:
            raise Refusal(error_response(503, "shutting down", code="draining"))
        if self._under_way >= self._settings.limits.at_once:
            raise Refusal(error_response(429, "too many requests at once", code="too_many"))
        self._under_way += 1
        self._idle.clear()
        try:
            with self.metrics.under_way.track_inprogress():
                yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    @contextmanager
    def _waiter(self, wait_s: float) -> Iterator[None]:
        if wait_s > 0 and self._waiting >= self._settings.limits.waiters:
            raise Refusal(error_response(429, "too many callers wait", code="too_many"))
        self._waiting += 1
        try:
            with self.metrics.waiting.track_inprogress():
                yield
        finally:
            self._waiting -= 1

    async def health(self, request: Request) -> Response:
        """Say that the process is alive."""
        return JSONResponse({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """Say whether requests are taken: not while draining, not without the store."""
        if self.is_draining:
            return JSONResponse({"status": "draining"}, status_code=503)
        try:
            await asyncio.to_thread(self._store.conversation, "default", "readiness")
        except StoreUnavailable:
            return JSONResponse({"status": "store out of reach"}, status_code=503)
        return JSONResponse({"status": "ok"})

    async def measured(self, request: Request) -> Response:
        """Return the metrics."""
        return Response(self.metrics.text(), media_type=MEDIA_TYPE)

    def policies(self) -> tuple[PolicyRef, ...]:
        """Return the policies in force, each once."""
        return tuple(guard.policy.ref for guard in self._guards.values())

    async def drain(self) -> None:
        """Take no new request, wait for those under way, close the connections to the provider."""
        self.is_draining = True
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.limits.drain_s):
                await self._idle.wait()
        await self._pools.aclose()


def create_app(
    settings: Settings,
    *,
    make_guard: Callable[[str], Guard],
    transport: httpx.AsyncBaseTransport | None = None,
) -> Starlette:
    """Build the gateway; `app.state.gateway` is its `Gateway`.

    Args:
        settings: how it is set up.
        make_guard: returns the guard of a policy; called once for each policy in the settings.
        transport: in place of the network, for tests.
    """
    guards = {name: make_guard(name) for name in policies_of(settings)}
    gateway = Gateway(settings, guards, Pools(settings.limits, transport))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await gateway.drain()
        for guard in guards.values():
            await guard.aclose()

    app = Starlette(
        routes=[
            Route("/v1/{path:path}", _Endpoint(gateway.model)),
            Route("/handrail/tickets/{ticket}", _Endpoint(gateway.ticket), methods=["GET"]),
            Route("/healthz", gateway.health),
            Route("/readyz", gateway.ready),
            Route("/metrics", gateway.measured),
        ],
        lifespan=lifespan,
    )
    # An address is known as it is written, or not at all.
    app.router.redirect_slashes = False
    app.state.gateway = gateway
    return app


class _Endpoint:
    """Marks a method as an ASGI application of its own."""

    def __init__(self, run: Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]) -> None:
        self._run = run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._run(scope, receive, send)


def _seconds(text: str) -> float:
    try:
        return min(MAX_WAIT_S, max(0.0, float(text)))
    except ValueError:
        raise Refusal(error_response(400, "wait is a number of seconds", code="bad_wait")) from None
