"""The routes of live streams."""

from collections.abc import AsyncIterator
from contextlib import suppress
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from handrail.errors import HandrailError
from handrail.inbox.context import inbox_of, reviewer_of
from handrail.inbox.live import TooManyStreams
from handrail.inbox.problem import problem
from handrail.inbox.rest.beside import LIVE
from handrail.service import Reviewer


def stream(request: Request) -> Response:
    """Stream to whoever has signed in that something changed; never what."""
    who = reviewer_of(request)
    if not who.person:
        return problem(HTTPStatus.UNAUTHORIZED, "not_signed_in", "sign in, or show a token")
    if inbox_of(request).live.is_full(who.tenant, who.person):
        return problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many", "too many live streams")
    return StreamingResponse(_events(request, who), media_type="text/event-stream")


async def _events(request: Request, who: Reviewer) -> AsyncIterator[bytes]:
    inbox = inbox_of(request)

    def is_over() -> bool:
        # A session that has run out, or a person who has left, hears nothing more.
        try:
            roles = reviewer_of(request).roles
        except HandrailError:
            return True
        session = inbox.sessions.read(request.cookies.get(inbox.sessions.cookie))
        if session is None or inbox.endings.has_ended(session):
            return True
        return not (roles or who.is_manager)

    with suppress(TooManyStreams), inbox.live.place(who.tenant, who.person):
        async for event in inbox.live.stream(who.tenant, is_over):
            yield event


routes = [Route(LIVE, stream, methods=["GET"])]
