"""Guarded transports for httpx."""

from typing import Any, ClassVar

import httpx

from handrail.http.awaiting import AsyncEarly, AsyncJudging
from handrail.http.blocking import SyncEarly, SyncJudging


class _Stream(SyncEarly, httpx.SyncByteStream):
    pass


class _AsyncStream(AsyncEarly, httpx.AsyncByteStream):
    pass


class GuardTransport(SyncJudging, httpx.BaseTransport):
    """A guarded transport for `httpx.Client(transport=…)`."""

    http: ClassVar[Any] = httpx
    early_stream: ClassVar[Any] = _Stream


class AsyncGuardTransport(AsyncJudging, httpx.AsyncBaseTransport):
    """A guarded transport for `httpx.AsyncClient(transport=…)`."""

    http: ClassVar[Any] = httpx
    early_stream: ClassVar[Any] = _AsyncStream
