"""Guarded transports for httpx2."""

from typing import Any, ClassVar

import httpx2

from handrail.http.awaiting import AsyncEarly, AsyncJudging
from handrail.http.blocking import SyncEarly, SyncJudging


class _Stream(SyncEarly, httpx2.SyncByteStream):
    pass


class _AsyncStream(AsyncEarly, httpx2.AsyncByteStream):
    pass


class GuardTransport(SyncJudging, httpx2.BaseTransport):
    """A guarded transport for `httpx2.Client(transport=…)`."""

    http: ClassVar[Any] = httpx2
    early_stream: ClassVar[Any] = _Stream


class AsyncGuardTransport(AsyncJudging, httpx2.AsyncBaseTransport):
    """A guarded transport for `httpx2.AsyncClient(transport=…)`."""

    http: ClassVar[Any] = httpx2
    early_stream: ClassVar[Any] = _AsyncStream
