"""One guarded request through the gateway: in, screened, upstream, judged, out."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from handrail.errors import CheckFailed, ConfigError, HandrailError
from handrail.gateway.settings import Settings
from handrail.guard import Guard
from handrail.records import FaultKind
from handrail.wire.drive import arun
from handrail.wire.exchange import Incoming, Received, Reply, exchange
from handrail.wire.exchange import Settings as Wiring
from handrail.wire.handoff import TICKET_HEADER, error_body

_PASSED_ON = ("accept", "content-type", "openai-beta", "openai-organization", "openai-project", "user-agent")
_PASSED_BACK = ("openai-", "x-ratelimit-", "x-request-id", "retry-after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A caller's request; `path` begins with `/v1`."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What the caller gets; `outcome` is for the metrics: passed, changed, handed_off, failed."""

    status: int
    body: bytes
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    outcome: str = "passed"


class Proxy:
    """Sends guarded requests to one provider.

    Args:
        client: for the provider; its time-outs are the gateway's.
        settings: where to, with which key.
    """

    def __init__(self, client: httpx.AsyncClient, settings: Settings) -> None:
        self._client, self._settings = client, settings
        self._wiring = Wiring(shape=settings.shape, named=settings.named, trusted=settings.trusted)
        self._base = settings.upstream.rstrip("/")

    async def answer(self, asked: Asked, guard: Guard) -> Answered:
        """Guard one request; never raises for what a request or a provider does."""
        kept: list[httpx.Response] = []

        async def send(body: bytes | None) -> Received:
            return await self._send(asked, asked.body if body is None else body, kept)

        incoming = Incoming(
            method=asked.method, path=asked.path, body=asked.body, created=int(time.time()), is_last=True
        )
        try:
            reply = await arun(exchange(incoming, self._wiring), guard, send)
        except ConfigError as error:
            return refused(404, str(error), code="not_guarded")
        except CheckFailed as error:
            return refused(502, str(error), code="check_failed")
        except HandrailError as error:
            return refused(400, str(error), code="refused")
        if reply is None:
            return (
                _as_it_came(kept[-1])
                if kept
                else refused(502, "the provider gave no answer", code="upstream")
            )
        return _replied(reply, kept[-1] if kept else None)

    async def pass_through(self, asked: Asked) -> Answered:
        """Send a request on without judging it; only where the guard is switched off."""
        kept: list[httpx.Response] = []
        await self._send(asked, asked.body, kept)
        return _as_it_came(kept[-1]) if kept else refused(502, "the provider gave no answer", code="upstream")

    async def _send(self, asked: Asked, body: bytes, kept: list[httpx.Response]) -> Received:
        kept.clear()
        request = self._client.build_request(
            asked.method, self._address(asked), headers=self._headers(asked), content=body or None
        )
        try:
            response = await self._client.send(request)
        except httpx.TimeoutException:
            return Received(fault=FaultKind.TIMEOUT)
        except httpx.HTTPError:
            return Received(fault=FaultKind.ERROR)
        kept.append(response)
        return Received(status=response.status_code, body=response.content)

    def _address(self, asked: Asked) -> str:
        address = self._base + asked.path.removeprefix("/v1")
        return f"{address}?{asked.query}" if asked.query else address

    def _headers(self, asked: Asked) -> dict[str, str]:
        headers = {name: asked.headers[name] for name in _PASSED_ON if name in asked.headers}
        key = self._settings.upstream_key()
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        return headers


def refused(status: int, message: str, *, code: str) -> Answered:
    """Return an error in the shape OpenAI clients read; they are told not to try again."""
    body = json.dumps(error_body(message, code=code)).encode()
    return Answered(status=status, body=body, headers={"x-should-retry": "false"}, outcome="failed")


def _as_it_came(response: httpx.Response) -> Answered:
    return Answered(
        status=response.status_code,
        body=response.content,
        media_type=response.headers.get("content-type", "application/json"),
        headers=_back(response),
        outcome="passed" if response.is_success else "failed",
    )


def _replied(reply: Reply, upstream: httpx.Response | None) -> Answered:
    headers = {**(_back(upstream) if upstream is not None else {}), **reply.headers}
    is_handed_off = TICKET_HEADER in reply.headers
    return Answered(
        status=reply.status,
        body=reply.body,
        media_type=reply.media_type,
        headers=headers,
        outcome="handed_off" if is_handed_off else "changed",
    )


def _back(response: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name.startswith(_PASSED_BACK)}
