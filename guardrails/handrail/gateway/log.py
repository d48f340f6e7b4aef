"""What a gateway says of itself: how it has started, and one line for each fault.

A line is `key=value` pairs, through `logging` under `handrail.gateway`. Values are ids, kinds, counts and
names out of the settings; never anything that a caller, a model or a provider wrote.
"""

import json
import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from starlette.types import Message, Send

from handrail.gateway.responses import GatewayResponse
from handrail.gateway.settings import Settings
from handrail.ids import new_id
from handrail.records import PolicyRef

log = logging.getLogger("handrail.gateway")

REQUEST_HEADER = "x-handrail-request"

_BARE = re.compile(r"[\w.:/@+-]+", re.ASCII)


def line(event: str, **fields: str | int | None) -> str:
    """Return an event as one line; fields without a value are left out."""
    told = {"event": event, **fields}
    return " ".join(f"{name}={_written(value)}" for name, value in told.items() if value not in (None, ""))


def _written(value: str | int | None) -> str:
    text = str(value)
    return text if _BARE.fullmatch(text) else json.dumps(text)


@dataclass(slots=True)
class RequestLog:
    """One request as the log names it; its id is in the header `x-handrail-request` of the answer, too.

    Args:
        endpoint: what it is about, out of a fixed list.
        tenant: whose it is, empty as long as nobody knows.
    """

    endpoint: str = "unknown"
    tenant: str = ""
    request: str = field(default_factory=new_id)

    def sender(self, send: Send) -> Send:
        """Return what sends an answer, with this request's id in its headers."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = (REQUEST_HEADER.encode(), self.request.encode())
                message = {**message, "headers": [*message["headers"], own]}
            await send(message)

        return sending

    def end(self, response: GatewayResponse | None) -> None:
        """Log what went wrong with this request, nothing if it was answered or its caller is gone."""
        fault = response.fault if response is not None else None
        if response is None or fault is None:
            return
        told = line(
            "fault",
            request=self.request,
            tenant=self.tenant,
            endpoint=self.endpoint,
            status=response.status,
            outcome=response.outcome,
            code=fault.code,
            kind=fault.kind,
            upstream_status=fault.upstream_status,
            exchange=fault.exchange,
            ticket=fault.ticket,
        )
        log.log(logging.ERROR if response.outcome == "failed" else logging.WARNING, "%s", told)


def tell_start(settings: Settings, policies: Sequence[PolicyRef], address: str) -> None:
    """Log what is guarded, under which policies, where it listens, and what is missing.

    Args:
        settings: of the gateway.
        policies: those in force.
        address: where it listens.
    """
    told = line(
        "start",
        guards=settings.upstream,
        policies=", ".join(f"{ref.name} {ref.version}" for ref in policies),
        listens=address,
        store=shown_store(settings.store),
        callers=len(settings.callers) or "anybody on this machine",
        unguarded=", ".join(settings.named),
    )
    log.info("%s", told)
    if settings.upstream_key() is None:
        log.warning("%s", line("key_missing", variable=settings.upstream_key_env))
    if not settings.guard:
        log.warning("%s", line("guard_off"))


def shown_store(url: str) -> str:
    """Return a store's URL without credentials: no user's password, and no parameter."""
    try:
        parts = make_url(url)
    except ArgumentError:
        return "unreadable"
    return parts.set(query={}).render_as_string(hide_password=True)


def log_to_stderr() -> None:
    """Write what handrail logs to standard error, unless the program has set up logging itself."""
    ours = logging.getLogger("handrail")
    if ours.hasHandlers():
        return
    handler = logging.StreamHandler()
    formatter = logging.Formatter("time=%(asctime)sZ level=%(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
