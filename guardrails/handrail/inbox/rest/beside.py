"""What programs may ask of the inbox beside the API: live events, passkeys, and showing anew who one is.

These serve a browser's session alone, so they stand beside the pages and not under `/api/v1`, where a token
does as well. Everything else outside the API answers with pages and forms, and is no part of the document.
"""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

from pydantic import Field, JsonValue

from handrail.inbox.rest.answered import Answered
from handrail.inbox.rest.sent import Nothing, Sent
from handrail.inbox.rest.table import ALWAYS, OF_A_BODY

LIVE, PASSKEYS, STEP_UP = "/live", "/passkeys", "/step-up"


class StepUpWish(Sent):
    """For which ticket, and bound to what: a preview's `binds`, or a ticket's `digest` to unmask it."""

    ref: Annotated[str, Field(max_length=200)] = ""
    digest: Annotated[str, Field(pattern="^[0-9a-f]{0,64}$")] = ""


class PasskeyAnswer(Sent):
    """What the browser's `navigator.credentials` gave, binary parts in base64url, and the `token`."""

    token: Annotated[str, Field(max_length=4096)]
    credential: dict[str, JsonValue]
    name: Annotated[str, Field(max_length=100, description="Of a new passkey.")] = ""


class PasskeyAsked(Answered):
    """What to ask the browser's `navigator.credentials` for; `token` goes with its answer."""

    publicKey: dict[str, JsonValue]  # noqa: N815 - the name that WebAuthn gives it
    token: str


class SteppedUp(Answered):
    """For how many seconds the session may take the one step that was signed for."""

    bound_for_s: int


class KeptPasskey(Answered):
    """A passkey that was kept, by the name its person gave it."""

    name: str


class PasskeyLine(Answered):
    """One of one's own passkeys."""

    id: str
    name: str
    made_at: datetime


class Passkeys(Answered):
    """One's own passkeys, oldest first."""

    passkeys: tuple[PasskeyLine, ...]


class Removed(Answered):
    """It is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BesideOperation:
    """One operation beside the API; without `answers` it answers with a stream of events."""

    method: str
    path: str
    name: str
    about: str
    answers: type[Answered] | None
    takes: type[Sent] | None = None
    more: tuple[HTTPStatus, ...] = ()

    @property
    def statuses(self) -> tuple[HTTPStatus, ...]:
        """Every status it may answer beside 200."""
        of_body = (*OF_A_BODY, HTTPStatus.UNPROCESSABLE_ENTITY) if self.takes is not None else ()
        return tuple(sorted({*ALWAYS, *of_body, *self.more}))


BESIDE: Final = (
    BesideOperation(
        method="GET",
        path=LIVE,
        name="live",
        about="Streams that something changed, at once and after every change; never what.",
        answers=None,
    ),
    BesideOperation(
        method="POST",
        path=f"{STEP_UP}/options",
        name="step_up_options",
        about="Asks for a passkey of whoever has signed in, for one step with one ticket.",
        takes=StepUpWish,
        answers=PasskeyAsked,
        more=(HTTPStatus.NOT_FOUND,),
    ),
    BesideOperation(
        method="POST",
        path=STEP_UP,
        name="step_up",
        about="Takes what a passkey signed; for a short while the session may take that one step.",
        takes=PasskeyAnswer,
        answers=SteppedUp,
    ),
    BesideOperation(
        method="GET",
        path=PASSKEYS,
        name="passkeys",
        about="Lists one's own passkeys.",
        answers=Passkeys,
    ),
    BesideOperation(
        method="POST",
        path=f"{PASSKEYS}/options",
        name="new_passkey_options",
        about="Asks for a new passkey of whoever has just signed in.",
        takes=Nothing,
        answers=PasskeyAsked,
    ),
    BesideOperation(
        method="POST",
        path=PASSKEYS,
        name="add_passkey",
        about="Keeps a new passkey of whoever has just signed in.",
        takes=PasskeyAnswer,
        answers=KeptPasskey,
    ),
    BesideOperation(
        method="POST",
        path=f"{PASSKEYS}/{{id}}/remove",
        name="remove_passkey",
        about="Forgets one of one's own passkeys, for whoever has just signed in.",
        takes=Nothing,
        answers=Removed,
        more=(HTTPStatus.NOT_FOUND,),
    ),
)
