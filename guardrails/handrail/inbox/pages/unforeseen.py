"""What is answered where a route fails in a way that nobody foresaw: words, and of the error nothing."""

import logging
import traceback
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handrail.inbox.pages.page import page, preferences
from handrail.inbox.problem import problem
from handrail.inbox.security import OF_PROGRAMS
from handrail.inbox.words import words

log = logging.getLogger("handrail.inbox")


class Unforeseen:
    """The routes, with an answer in words for whatever fails in them.

    Args:
        app: the routes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; what fails after an answer has begun ends the connection."""
        has_begun = False

        async def sending(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            if scope["type"] != "http" or has_begun:
                raise
            # The places alone: an error's own words may hold what somebody wrote.
            places = "".join(traceback.format_tb(error.__traceback__))
            log.error("%s failed with %s\n%s", scope["method"], type(error).__name__, places)
            answer = await run_in_threadpool(_answer, Request(scope, receive))
            await answer(scope, receive, send)


def _answer(request: Request) -> Response:
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    if request.url.path.startswith(OF_PROGRAMS):
        return problem(status, "unforeseen", "an error that was not foreseen; it is in the inbox's log")
    said = words(preferences(request)[0])("error.unforeseen")
    try:
        return page(request, "refusal.html", {"why": said}, status=status)
    except Exception as error:  # noqa: BLE001 - what failed may be what every page needs
        log.error("nor can a page be written: %s", type(error).__name__)
        return PlainTextResponse(f"{said}\n", status)
