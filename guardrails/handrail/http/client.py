"""A guarded copy of an HTTP client, whichever library it is from."""

import copy
import sys
from typing import TYPE_CHECKING, Any, TypeVar

from handrail.errors import ConfigError
from handrail.http.exchange import ExchangeSettings
from handrail.http.transports import GuardedTransport, transports_of

if TYPE_CHECKING:
    from handrail.guard import Guard

ClientT = TypeVar("ClientT")


def guarded_http_client(
    client: ClientT, guard: "Guard", settings: ExchangeSettings | None = None, *, retries: int = 0
) -> ClientT:
    """Return a copy of an httpx or httpx2 client whose every route goes through the guard.

    The client that was given is not changed. Both use the same connections, so closing one closes those of
    both; the copy keeps the other alive.

    Args:
        client: an `httpx.Client`, `httpx.AsyncClient` or one of httpx2.
        guard: decides.
        settings: how hand-offs look and what is let through.
        retries: how often whoever uses the client tries a request again, so that only the last failure is
            judged.

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
    if isinstance(inner, GuardedTransport):
        raise ConfigError("this client is guarded already")

    def wrapped(transport: Any) -> Any:
        return transport and wrap(transport, guard, settings, retries=retries, owner=client)

    twin._transport = wrapped(inner)
    twin._mounts = {pattern: wrapped(transport) for pattern, transport in routes.items()}
    guarded: ClientT = twin
    return guarded


def _transport_for(client: object) -> Any:
    # A client's library is imported already; one that is not cannot be the client's.
    for http in (sys.modules.get("httpx2"), sys.modules.get("httpx")):
        if http is not None and isinstance(client, http.Client):
            return transports_of(http).blocking
        if http is not None and isinstance(client, http.AsyncClient):
            return transports_of(http).awaiting
    raise ConfigError("not a client of httpx or httpx2")
