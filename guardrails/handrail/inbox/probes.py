"""What machines ask: whether the process lives, whether it takes requests, and its metrics."""

import hmac
import os
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handrail.errors import StoreUnavailable
from handrail.inbox.context import inbox_of
from handrail.inbox.metrics import MEDIA_TYPE


async def healthy(request: Request) -> Response:
    """Say that the process is alive."""
    return JSONResponse({"status": "ok"})


def ready(request: Request) -> Response:
    """Say whether requests are taken: not without the store."""
    inbox = inbox_of(request)
    try:
        inbox.store.conversation(inbox.settings.tenant, "readiness")
    except StoreUnavailable:
        return JSONResponse({"status": "store out of reach"}, status_code=503)
    return JSONResponse({"status": "ok"})


def measured(request: Request) -> Response:
    """Return the metrics to whoever shows their key; in development to everybody on this machine."""
    inbox = inbox_of(request)
    key = os.environ.get(inbox.settings.metrics_key_env, "")
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    is_known = bool(key) and hmac.compare_digest(given.encode(), key.encode())
    if not (is_known or inbox.settings.development):
        return Response(status_code=HTTPStatus.UNAUTHORIZED)
    return Response(inbox.metrics.text(inbox.clock(), inbox.live.streams), media_type=MEDIA_TYPE)


routes = [
    Route("/healthz", healthy, methods=["GET"]),
    Route("/readyz", ready, methods=["GET"]),
    Route("/metrics", measured, methods=["GET"]),
]
