"""What a person is told where a page cannot be shown or a step cannot be taken."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from handrail.errors import (
    CheckFailed,
    HandrailError,
    NotAllowed,
    NotPermitted,
    StoreUnavailable,
    TicketError,
    TicketNotFound,
)
from handrail.inbox.pages.page import page, telling_of
from handrail.inbox.words import Words
from handrail.review.changes.proposal import ProposalRefused, WhyRefused

Handler = Callable[[Request, Exception], Awaitable[Response]]


def told(error: Exception, t: Words) -> tuple[HTTPStatus, str]:
    """Return the status and the words for an error of a step."""
    match error:
        case TicketNotFound() | NotPermitted(lacks="role" | "scope" | "manager" | "owner"):
            # Whether a ticket exists is nothing that somebody else is told.
            return HTTPStatus.NOT_FOUND, t("error.not_found")
        case NotPermitted():
            return HTTPStatus.FORBIDDEN, t("decide.step_up")
        case NotAllowed():
            return HTTPStatus.FORBIDDEN, t("error.not_allowed", why=error.problem)
        case TicketError():
            return HTTPStatus.CONFLICT, t("error.refused", why=error.problem)
        case StoreUnavailable():
            return HTTPStatus.SERVICE_UNAVAILABLE, t("error.store")
        case ProposalRefused():
            is_unknown = error.code is WhyRefused.UNKNOWN
            status = HTTPStatus.NOT_FOUND if is_unknown else HTTPStatus.CONFLICT
            return status, t("error.refused", why=error.problem)
        case CheckFailed():
            return HTTPStatus.UNPROCESSABLE_ENTITY, t("error.refused", why=error.why)
    return HTTPStatus.CONFLICT, t("error.other")


async def refused(request: Request, error: Exception) -> Response:
    """Show what went wrong on a page of its own."""
    return await run_in_threadpool(_page, request, error)


def _page(request: Request, error: Exception) -> Response:
    telling = telling_of(request)
    status, why = told(error, telling.t)
    return page(request, "refusal.html", {"why": why}, telling=telling, status=status)


handlers: Mapping[type[Exception], Handler] = {HandrailError: refused}
