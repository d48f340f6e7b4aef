"""A pytest plugin: every httpx2 client sends chat completions and responses through the guard."""

from typing import Any

import httpx2

from handrail.http.transports import transports_of
from peers.pass_all import guard

GUARDED = ("/chat/completions", "/responses")


def pytest_configure() -> None:
    """Stand in the way of every client that is made from now on."""
    guard()
    kinds = transports_of(httpx2)
    for client, wrap in ((httpx2.Client, kinds.blocking), (httpx2.AsyncClient, kinds.awaiting)):
        _inject(client, wrap)


def _inject(client: Any, wrap: Any) -> None:
    original = client._transport_for_url

    def transport_for_url(self: Any, url: Any) -> Any:
        transport = original(self, url)
        return wrap(transport, guard(), owner=self) if url.path.endswith(GUARDED) else transport

    client._transport_for_url = transport_for_url
