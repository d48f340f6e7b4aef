"""What one operation of the API is: its path, what it takes, what it answers, what the service asks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from pydantic import BaseModel

from handrail.inbox.context import Inbox
from handrail.inbox.replays import Again
from handrail.inbox.rest import sent
from handrail.service import Operation, Reviewer

ALWAYS: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
OF_A_BODY: Final = (
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.REQUEST_TIMEOUT,
)
OF_A_TICKET: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of an operation: who asks for what of which ticket; `key` is its idempotency key."""

    inbox: Inbox
    who: Reviewer
    ref: str = ""
    said: Any = None
    version: int | None = None
    key: str = ""


Run: TypeAlias = Callable[[Call], BaseModel]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiOperation:
    """One operation of the API.

    Args:
        method: GET or POST.
        path: below `/api/v1`; `{ref}` is a ticket's id or reference.
        name: its id in the OpenAPI document.
        about: what it does, in one sentence.
        needs: what the service asks of whoever calls it; None where being known is enough.
        takes: model of the body, or of the query of a GET.
        answers: model of the answer.
        run: does it.
        is_tagged: whether the answer has an ETag, the ticket's version.
        again: what becomes of it when it is sent again under its idempotency key.
    """

    method: str
    path: str
    name: str
    about: str
    needs: Operation | None
    answers: type[BaseModel]
    run: Run
    takes: type[sent.Sent] = sent.Nothing
    is_tagged: bool = False
    again: Again = Again.ANSWERED
    more: tuple[HTTPStatus, ...] = field(default=())

    @property
    def is_step(self) -> bool:
        """True for what may change something."""
        return self.method != "GET"

    @property
    def is_of_a_ticket(self) -> bool:
        """True where the path names a ticket."""
        return "{ref}" in self.path

    @property
    def statuses(self) -> tuple[HTTPStatus, ...]:
        """Every status it may answer beside 200."""
        of_body = OF_A_BODY if self.is_step else ()
        of_ticket = OF_A_TICKET if self.is_of_a_ticket else ()
        not_modified = (HTTPStatus.NOT_MODIFIED,) if self.is_tagged else ()
        unusable = (HTTPStatus.UNPROCESSABLE_ENTITY,)
        return tuple(sorted({*ALWAYS, *of_body, *of_ticket, *not_modified, *unusable, *self.more}))
