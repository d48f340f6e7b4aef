"""The gateway as an ASGI application."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from handrail.errors import StoreUnavailable, TicketNotFound
from handrail.gateway.callers import Callers, Known, policies_of
from handrail.gateway.metrics import MEDIA_TYPE, Metrics
from handrail.gateway.proxy import Answered, Asked, Proxy, refused
from handrail.gateway.settings import Settings
from handrail.guard import Guard
from handrail.wire.handoff import error_body

KEEP_ALIVE = b": waiting\n\n"
MAX_WAIT_S = 60.0


class Gateway:
    """The requests of one gateway process.

    Args:
        settings: how it is set up.
        guards: a guard for each policy in the settings.
        client: for the provider.
    """

    def __init__(self, settings: Settings, guards: dict[str, Guard], client: httpx.AsyncClient) -> None:
        self._settings, self._client = settings, client
        self._callers = Callers(settings, guards)
        self._proxy = Proxy(client, settings)
        self._under_way = 0
        self._store = guards[settings.policy].store
        self.metrics = Metrics()
        self.is_draining = False

    async def guarded(self, request: Request) -> Response:
        """Answer a request to the provider's API."""
        known = self._callers.identify(request.headers.get("authorization"))
        if known is None:
            return _error(401, "no such key", code="invalid_api_key")
        if self.is_draining:
            return _error(503, "shutting down", code="draining")
        body = await _body(request, self._settings.limits.body_bytes)
        if body is None:
            return _error(413, "the body is too large", code="too_large")
        if self._under_way >= self._settings.limits.at_once:
            return _error(429, "too many requests at once", code="too_many")
        asked = Asked(
            method=request.method,
            path=request.url.path,
            query=request.url.query,
            headers=dict(request.headers),
            body=body,
        )
        if _is_stream(body):
            return await self._streamed(asked, known, request)
        return _response(await self._answer(asked, known))

    async def _answer(self, asked: Asked, known: Known) -> Answered:
        endpoint = asked.path.removeprefix("/v1/")
        self._under_way += 1
        try:
            with self.metrics.seconds.labels(endpoint).time(), self.metrics.under_way.track_inprogress():
                answered = await self._within(asked, known)
        finally:
            self._under_way -= 1
        self.metrics.requests.labels(endpoint, answered.outcome).inc()
        return answered

    async def _within(self, asked: Asked, known: Known) -> Answered:
        headers = asked.headers
        try:
            async with asyncio.timeout(self._settings.limits.seconds):
                if not self._settings.guard:
                    return await self._proxy.pass_through(asked)
                with known.guard.context(
                    tenant=known.tenant,
                    customer=headers.get("x-handrail-customer"),
                    conversation=headers.get("x-handrail-conversation"),
                    facts=_facts(headers.get("x-handrail-facts")),
                ):
                    return await self._proxy.answer(asked, known.guard)
        except TimeoutError:
            return refused(504, "the time for this request is up", code="timeout")
        except BadFacts:
            return refused(400, "x-handrail-facts is not a JSON object", code="bad_facts")

    async def _streamed(self, asked: Asked, known: Known, request: Request) -> Response:
        """Answer a stream: held to its end, with comments meanwhile so that nobody hangs up."""
        task = asyncio.create_task(self._answer(asked, known))
        every = self._settings.limits.keep_alive_s
        done, _ = await asyncio.wait({task}, timeout=every)
        if done:
            return _response(task.result())

        async def chunks() -> AsyncIterator[bytes]:
            try:
                while not (await asyncio.wait({task}, timeout=every))[0]:
                    yield KEEP_ALIVE
                answered = task.result()
                is_stream = answered.media_type.startswith("text/event-stream")
                yield answered.body if is_stream else b"data: " + answered.body + b"\n\n"
            finally:
                # The caller is gone: nothing upstream should go on for them.
                task.cancel()

        return StreamingResponse(chunks(), media_type="text/event-stream")

    async def ticket(self, request: Request) -> Response:
        """Tell where a ticket stands; `?wait=SECONDS` waits for the decision."""
        known = self._callers.identify(request.headers.get("authorization"))
        if known is None:
            return _error(401, "no such key", code="invalid_api_key")
        ticket = request.path_params["ticket"]
        try:
            wait = min(MAX_WAIT_S, max(0.0, float(request.query_params.get("wait", "0"))))
        except ValueError:
            return _error(400, "wait is a number of seconds", code="bad_wait")
        try:
            with known.guard.context(tenant=known.tenant):
                resolution = await known.guard.wait(ticket, timeout_s=wait)
        except TicketNotFound:
            return _error(404, "no such ticket", code="not_found")
        except StoreUnavailable:
            return _error(503, "the ticket store is out of reach", code="store")
        if resolution is None:
            return JSONResponse({"ticket": ticket, "state": "open"})
        told = {name: str(value) for name, value in asdict(resolution).items()}
        return JSONResponse({"ticket": ticket, "state": "decided", "resolution": told})

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

    async def drain(self) -> None:
        """Take nothing new and wait for what is under way."""
        self.is_draining = True
        left = self._settings.limits.drain_s
        while self._under_way and left > 0:
            await asyncio.sleep(0.05)
            left -= 0.05
        await self._client.aclose()


class BadFacts(Exception):
    """A caller's facts cannot be read."""


def create_app(
    settings: Settings,
    *,
    make_guard: Callable[[str], Guard],
    transport: httpx.AsyncBaseTransport | None = None,
) -> Starlette:
    """Build the gateway.

    Args:
        settings: how it is set up.
        make_guard: returns the guard of a policy; called once for each policy in the settings.
        transport: in place of the network, for tests.
    """
    guards = {name: make_guard(name) for name in policies_of(settings)}
    limits = settings.limits
    client = httpx.AsyncClient(
        timeout=httpx.Timeout(limits.seconds, connect=10.0),
        limits=httpx.Limits(max_connections=limits.at_once, max_keepalive_connections=100),
        transport=transport,
    )
    gateway = Gateway(settings, guards, client)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await gateway.drain()
        for guard in guards.values():
            guard.close()

    app = Starlette(
        routes=[
            Route("/v1/{path:path}", gateway.guarded, methods=["GET", "POST", "DELETE", "PUT", "PATCH"]),
            Route("/handrail/tickets/{ticket}", gateway.ticket),
            Route("/healthz", gateway.health),
            Route("/readyz", gateway.ready),
            Route("/metrics", gateway.measured),
        ],
        lifespan=lifespan,
    )
    app.state.gateway = gateway
    return app


async def _body(request: Request, limit: int) -> bytes | None:
    parts, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            return None
        parts.append(chunk)
    return b"".join(parts)


def _is_stream(body: bytes) -> bool:
    try:
        asked = json.loads(body) if body else {}
    except ValueError:
        return False
    return isinstance(asked, dict) and asked.get("stream") is True


def _facts(header: str | None) -> dict[str, object] | None:
    if not header:
        return None
    try:
        facts = json.loads(header)
    except ValueError:
        raise BadFacts from None
    if not isinstance(facts, dict):
        raise BadFacts
    return facts


def _response(answered: Answered) -> Response:
    return Response(
        answered.body,
        status_code=answered.status,
        headers=dict(answered.headers),
        media_type=answered.media_type,
    )


def _error(status: int, message: str, *, code: str) -> Response:
    return JSONResponse(error_body(message, code=code), status_code=status)
