"""A guarded copy of an HTTP client, whichever library it is from."""

import copy
import sys
from typing import Any, TypeVar

from handrail.errors import ConfigError
from handrail.http.driver import GuardLike
from handrail.http.exchange import Settings

ClientT = TypeVar("ClientT")


def guarded_http_client(
    client: ClientT, guard: GuardLike, settings: Settings | None = None, *, retries: int = 0
) -> ClientT:
    """Return a copy of an httpx or httpx2 client whose every route goes through the guard.

    The client that was given is not changed. Both use the same connections, so closing one closes those of
    both; the copy keeps the other alive.

    Raises:
        ConfigError: not a client of either library, or one that is guarded already.
    """
    wrap = _transport_for(client)
    twin: Any = copy.copy(client)
    if hasattr(type(client), "__del__"):
        # A client that closes itself when it is collected: the copy must not do that to the other one.
        twin.__class__ = next(base for base in type(client).__mro__ if not hasattr(base, "__del__"))
    routes = getattr(client, "_mounts", None)
    inner = getattr(client, "_transport", None)
    if inner is None or routes is None:
        raise ConfigError("this version of the HTTP library keeps its transports elsewhere")
    if isinstance(inner, wrap):
        raise ConfigError("this client is guarded already")

    def wrapped(transport: Any) -> Any:
        return transport and wrap(transport, guard, settings, retries=retries, owner=client)

    twin._transport = wrapped(inner)
    twin._mounts = {pattern: wrapped(transport) for pattern, transport in routes.items()}
    guarded: ClientT = twin
    return guarded


def _transport_for(client: object) -> Any:
    for library, module in (("httpx2", "on_httpx2"), ("httpx", "on_httpx")):
        http = sys.modules.get(library)
        if http is None:
            continue
        if isinstance(client, (http.Client, http.AsyncClient)):
            transports = __import__(f"handrail.http.{module}", fromlist=["GuardTransport"])
            is_async = isinstance(client, http.AsyncClient)
            return transports.AsyncGuardTransport if is_async else transports.GuardTransport
    raise ConfigError("not a client of httpx or httpx2")
