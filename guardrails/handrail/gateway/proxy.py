"""One guarded request through the gateway, within its time and with retries."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TypeAlias

import httpx
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_result,
    stop_after_attempt,
    wait_random_exponential,
)

from handrail.errors import CheckFailed, ConfigError, HandrailError, RequestRefused
from handrail.gateway.callers import KnownCaller
from handrail.gateway.request import GatewayRequest
from handrail.gateway.responses import EVENT_STREAM, Fault, GatewayResponse, Pieces, error_response
from handrail.gateway.settings import Settings
from handrail.gateway.upstream import ProviderResponse, Upstream, fault_of
from handrail.guard import Guard
from handrail.guard.threads import LONG, at_length, step_at_length
from handrail.http.driver import aanswering, aexchange
from handrail.http.endpoints import Endpoint
from handrail.http.exchange import ExchangeSettings, ReleasedStream, Reply, Request
from handrail.http.needs import Need, Send
from handrail.pipeline.needs import arun
from handrail.records import FaultKind

Answer: TypeAlias = Callable[[Need], Awaitable[object]]


class Proxy:
    """Sends guarded requests to one provider.

    Args:
        upstream: the provider.
        settings: the shape of hand-offs, what is let through, and the limits.
    """

    def __init__(self, upstream: Upstream, settings: Settings) -> None:
        self._upstream, self._settings = upstream, settings
        self._again = AsyncRetrying(
            stop=stop_after_attempt(settings.limits.retries + 1),
            wait=wait_random_exponential(multiplier=0.1, max=2),
            retry=retry_if_result(_may_pass),
            retry_error_callback=_last,
        )
        self._exchanges = ExchangeSettings(
            shape=settings.shape,
            named=settings.named,
            trusted=settings.trusted,
            bounds=settings.limits.bounds(),
        )

    async def answer(self, asked: GatewayRequest, known: KnownCaller, pieces: Pieces) -> GatewayResponse:
        """Answer one request within its time; what a policy releases before the end goes through `pieces`."""
        limits = self._settings.limits
        deadline = asyncio.get_running_loop().time() + limits.seconds
        try:
            async with asyncio.timeout_at(deadline + limits.check_s):
                if not self._settings.guard:
                    return await self._unguarded(asked, deadline)
                with known.guard.context(
                    tenant=known.tenant,
                    customer=asked.headers.get("x-handrail-customer") or None,
                    conversation=asked.headers.get("x-handrail-conversation") or None,
                    facts=asked.facts,
                ):
                    if known.guard.policy.stream != "release":
                        return await self._guarded(asked, known.guard, _Way(deadline, pieces))
                    async with AsyncExitStack() as opened:
                        return await self._guarded(asked, known.guard, _Way(deadline, pieces, opened))
        except TimeoutError:
            return error_response(504, "the time for this request is up", code="timeout", outcome="failed")

    async def _guarded(self, asked: GatewayRequest, guard: Guard, way: "_Way") -> GatewayResponse:
        async def send(wanted: Send) -> ProviderResponse:
            body = asked.body if wanted.body is None else wanted.body
            return await self._asked_again(asked, body, way.deadline, way.opened if wanted.opens else None)

        # The gateway has tried again itself; what a client tries again comes as a new request.
        request = Request(
            method=asked.method,
            path=asked.path,
            body=asked.body,
            created=int(time.time()),
            is_last_attempt=lambda: True,
            releases=way.opened is not None,
            endpoint=asked.path,
            query=asked.query,
            loaded=asked.loaded,
        )
        answer = aanswering(guard, send)
        try:
            reply = await aexchange(request, self._exchanges, answer)
            if reply.stream is not None:
                return await self._released(reply, reply.stream, answer, way)
        except ConfigError as error:
            return error_response(404, str(error), code="not_guarded")
        except RequestRefused as error:
            return error_response(error.status, str(error), code=error.code, param=error.param)
        except CheckFailed as error:
            fault = Fault(code="check_failed", kind=error.step, exchange=error.exchange)
            return error_response(502, str(error), code="check_failed", outcome="failed", fault=fault)
        except HandrailError as error:
            return error_response(400, str(error), code="refused")
        return self._given(reply)

    async def _unguarded(self, asked: GatewayRequest, deadline: float) -> GatewayResponse:
        if asked.about is Endpoint.UNKNOWN:
            return error_response(404, "this endpoint is not guarded", code="not_guarded")
        return self._upstream.given(await self._asked_again(asked, asked.body, deadline), "open")

    async def _asked_again(
        self, asked: GatewayRequest, body: bytes, deadline: float, opens: AsyncExitStack | None = None
    ) -> ProviderResponse:
        response: ProviderResponse = await self._again(self._upstream.send, asked, body, deadline, opens)
        return response

    async def _released(
        self, reply: Reply, stream: ReleasedStream, answer: Answer, way: "_Way"
    ) -> GatewayResponse:
        """Give an opened stream as far as it may be shown, and have the whole judged at its end."""
        response = reply.upstream
        assert isinstance(response, ProviderResponse)
        assert response.opened is not None
        headers, size, broken = response.passed_back(), 0, b""
        try:
            async with asyncio.timeout_at(way.deadline):
                async for data in response.opened.aiter_bytes():
                    size += len(data)
                    shown = await at_length(stream.take, data) if len(data) > LONG else stream.take(data)
                    if self._upstream.holds_key(shown):
                        return error_response(502, "the provider's answer cannot be given", code="upstream")
                    if shown:
                        await way.pieces.give(shown, headers)
        except (TimeoutError, httpx.HTTPError, httpx.StreamError):
            # What came is judged as an answer that has not ended.
            broken = error_response(502, "the provider's answer broke off", code="upstream").as_event()
        rest = await arun(stream.end(), answer, stepper=step_at_length if size > LONG else None)
        assert stream.outcome is not None
        if self._upstream.holds_key(rest):
            return error_response(502, "the provider's answer cannot be given", code="upstream")
        return GatewayResponse(
            status=response.status,
            body=rest + (broken if stream.outcome.is_released else b""),
            media_type=EVENT_STREAM,
            headers=headers,
            outcome=stream.outcome.decision.effect.value,
        )

    def _given(self, reply: Reply) -> GatewayResponse:
        response, outcome = reply.upstream, reply.outcome
        assert response is None or isinstance(response, ProviderResponse)
        effect = "open" if outcome is None else outcome.decision.effect.value
        if response is not None and (reply.body is None or _is_failure(reply)):
            return self._upstream.given(response, effect)
        assert reply.body is not None
        return GatewayResponse(
            status=reply.status,
            body=reply.body,
            media_type=reply.media_type,
            headers={**(response.passed_back() if response else {}), **reply.headers},
            outcome=effect,
            fault=_fault_behind(reply),
        )


@dataclass(frozen=True, slots=True)
class _Way:
    """How long a request may take, where pieces of its answer go, and what is closed at its end.

    `opened` is None where the policy holds every answer to its end.
    """

    deadline: float
    pieces: Pieces
    opened: AsyncExitStack | None = None


def _is_failure(reply: Reply) -> bool:
    """True for a failure of the provider that nothing was put in the place of by the policy."""
    failed = reply.upstream is not None and not reply.upstream.is_success
    return failed and (reply.outcome is None or reply.outcome.is_released)


def _fault_behind(reply: Reply) -> Fault | None:
    """Return the provider's failure behind a hand-off, None if it has answered."""
    response, outcome = reply.upstream, reply.outcome
    if response is None or outcome is None or (response.is_success and not response.is_too_large):
        return None
    ticket = outcome.handoff.ticket if outcome.handoff else ""
    return replace(fault_of(response), exchange=outcome.exchange, ticket=ticket)


def _may_pass(response: ProviderResponse) -> bool:
    # A time-out has used up the time there is.
    return response.fault is FaultKind.ERROR or response.status in (409, 429) or response.status >= 500


def _last(state: RetryCallState) -> object:
    return state.outcome.result() if state.outcome else None
