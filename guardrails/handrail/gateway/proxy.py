"""One guarded request through the gateway: in, screened, upstream, judged, out."""

import asyncio
import time
from collections.abc import Sequence

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_result,
    stop_after_attempt,
    wait_random_exponential,
)

from handrail.errors import CheckFailed, ConfigError, HandrailError
from handrail.gateway.answers import Answered, refused
from handrail.gateway.callers import Known
from handrail.gateway.request import Asked
from handrail.gateway.settings import Settings
from handrail.gateway.upstream import Kept, Upstream
from handrail.guard import Call, Guard
from handrail.http.driver import arun
from handrail.http.endpoints import Endpoint
from handrail.http.exchange import Incoming, Received, Reply, exchange
from handrail.http.exchange import Settings as Wiring
from handrail.policy import Policy
from handrail.records import FaultKind, Message


class _Noting:
    """A guard that remembers the call it began, so that its outcome can be counted."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self.call: Call | None = None

    @property
    def policy(self) -> Policy:
        return self._guard.policy

    def begin(self, messages: Sequence[Message], /) -> Call:
        self.call = self._guard.begin(messages)
        return self.call

    async def abegin(self, messages: Sequence[Message], /) -> Call:
        self.call = await self._guard.abegin(messages)
        return self.call

    @property
    def effect(self) -> str:
        """What the policy said, `open` if it was not asked."""
        outcome = self.call.outcome if self.call else None
        return "open" if outcome is None else outcome.decision.effect.value


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
            retry=retry_if_result(_is_passing),
            retry_error_callback=_last,
        )
        self._wiring = Wiring(shape=settings.shape, named=settings.named, trusted=settings.trusted)

    async def answer(self, asked: Asked, known: Known) -> Answered:
        """Answer one request within its time."""
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
                    return await self._guarded(asked, known.guard, deadline)
        except TimeoutError:
            return refused(504, "the time for this request is up", code="timeout", outcome="failed")

    async def _guarded(self, asked: Asked, guard: Guard, deadline: float) -> Answered:
        kept, noting = Kept(), _Noting(guard)

        async def send(body: bytes | None) -> Received:
            sent = asked.body if body is None else body
            received: Received = await self._again(self._upstream.send, asked, sent, kept, deadline)
            return received

        async def again(body: bytes | None) -> Received:
            beside: Received = await self._again(
                self._upstream.send, asked, asked.body if body is None else body, Kept(), deadline
            )
            return beside

        # The gateway has tried again itself; what a client tries again comes as a new request.
        incoming = Incoming(
            method=asked.method,
            path=asked.path,
            body=asked.body,
            created=int(time.time()),
            is_last=lambda: True,
            endpoint=asked.path,
        )
        try:
            reply = await arun(exchange(incoming, self._wiring), noting, send, again)
        except ConfigError as error:
            return refused(404, str(error), code="not_guarded")
        except CheckFailed as error:
            return refused(502, str(error), code="check_failed", outcome="failed")
        except HandrailError as error:
            return refused(400, str(error), code="refused")
        if reply is None:
            return self._upstream.given(kept, noting.effect)
        return _replied(reply, kept, noting.effect)

    async def _unguarded(self, asked: Asked, deadline: float) -> Answered:
        kept = Kept()
        if asked.about is Endpoint.UNKNOWN:
            return refused(404, "this endpoint is not guarded", code="not_guarded")
        await self._again(self._upstream.send, asked, asked.body, kept, deadline)
        return self._upstream.given(kept, "open")


def _is_passing(received: Received) -> bool:
    # A time-out has used up the time there is.
    return received.fault is FaultKind.ERROR or received.status in (409, 429) or received.status >= 500


def _last(state: RetryCallState) -> object:
    return state.outcome.result() if state.outcome else None


def _replied(reply: Reply, kept: Kept, effect: str) -> Answered:
    return Answered(
        status=reply.status,
        body=reply.body,
        media_type=reply.media_type,
        headers={**kept.headers(), **reply.headers},
        outcome=effect,
    )
