"""Showing anew who one is with a passkey, for one ticket and one step with it only.

What the passkey signs is a digest of the person's session, the ticket and what the step is bound to: a
decision as it was previewed, or the action of a ticket that is to be unmasked. It says nothing of another.
"""

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from urllib.parse import urlsplit

import webauthn
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from handrail.errors import CheckFailed, HandrailError, NotPermitted
from handrail.inbox.context import begin_session, inbox_of, reviewer_of, session_of
from handrail.inbox.problem import problem, problem_of
from handrail.inbox.rest.answered import Answered
from handrail.inbox.rest.beside import (
    PASSKEYS,
    STEP_UP,
    KeptPasskey,
    PasskeyAnswer,
    PasskeyAsked,
    Passkeys,
    Removed,
    SteppedUp,
    StepUpWish,
)
from handrail.inbox.settings import is_loopback
from handrail.store.passkeys import Passkey

WITHIN_S = 120
_NAMED = "handrail step-up"
_STEP, _NEW = "step-up", "passkey"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Challenge:
    """What was asked of a passkey: whose session, for what, until when; the challenge is its digest."""

    purpose: str
    session: str
    person: str
    ticket: str
    digest: str
    salt: str
    until: float

    def challenge(self) -> bytes:
        parts = [_NAMED, *(str(value) for value in asdict(self).values())]
        return hashlib.sha256(json.dumps(parts).encode()).digest()


_CHALLENGE = TypeAdapter(_Challenge)


def options(request: Request) -> Response:
    """Ask for a passkey of whoever has signed in, for one action."""
    inbox, who = inbox_of(request), reviewer_of(request)
    try:
        asked = StepUpWish.model_validate_json(request.state.body)
        ticket = inbox.service.find(who, asked.ref)
        known = inbox.passkeys.of(who)
    except ValidationError:
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "unreadable")
    except HandrailError as error:
        return problem_of(error)
    host = passkey_host(request)
    if not known or not host:
        return problem(HTTPStatus.CONFLICT, "no_passkey", "sign in anew instead")
    made = _challenge(request, _STEP, ticket=ticket, digest=asked.digest)
    found = webauthn.generate_authentication_options(
        rp_id=host,
        challenge=made.challenge(),
        timeout=WITHIN_S * 1000,
        allow_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.id)) for one in known],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _asking(request, made, webauthn.options_to_json(found))


def step_up(request: Request) -> Response:
    """Take what a passkey signed; for a short while the session may then do what it was signed for."""
    inbox, who, session = inbox_of(request), reviewer_of(request), session_of(request)
    try:
        answered, made = _taken(request, _STEP)
        given = str(answered.credential.get("id", ""))
        passkey = next((one for one in inbox.passkeys.of(who) if one.id == given), None)
        if passkey is None:
            raise NotPermitted("step_up", "level")
        inbox.passkeys.used(who, passkey, _verified(request, answered, made, passkey))
    except HandrailError as error:
        return problem_of(error)
    bound = {
        "bound_ticket": made.ticket,
        "bound_digest": made.digest,
        "bound_until": inbox.clock().timestamp() + WITHIN_S,
    }
    begin_session(request, replace(session, **bound))  # type: ignore[arg-type]
    return _json(SteppedUp(bound_for_s=WITHIN_S))


def _verified(request: Request, answered: PasskeyAnswer, made: _Challenge, passkey: Passkey) -> int:
    try:
        found = webauthn.verify_authentication_response(
            credential=dict(answered.credential),
            expected_challenge=made.challenge(),
            expected_rp_id=passkey_host(request),
            expected_origin=_origin(request),
            credential_public_key=base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=passkey.uses,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise NotPermitted("step_up", "level") from None
    return found.new_sign_count


def new_options(request: Request) -> Response:
    """Ask for a new passkey; only of somebody who has just signed in."""
    inbox, who = inbox_of(request), reviewer_of(request)
    host = passkey_host(request)
    if not inbox.sessions.is_fresh(session_of(request)):
        return problem_of(NotPermitted("passkey", "level"))
    if not host:
        return problem(HTTPStatus.CONFLICT, "no_passkey", "passkeys need a name of a host, not an address")
    made = _challenge(request, _NEW)
    user = hashlib.sha256(json.dumps([who.tenant, who.person]).encode()).digest()
    found = webauthn.generate_registration_options(
        rp_id=host,
        rp_name="handrail",
        user_name=who.person,
        user_id=user,
        challenge=made.challenge(),
        timeout=WITHIN_S * 1000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.id)) for one in inbox.passkeys.of(who)
        ],
    )
    return _asking(request, made, webauthn.options_to_json(found))


def new(request: Request) -> Response:
    """Keep a new passkey of somebody who has just signed in."""
    inbox, who = inbox_of(request), reviewer_of(request)
    try:
        if not inbox.sessions.is_fresh(session_of(request)):
            raise NotPermitted("passkey", "level")
        answered, made = _taken(request, _NEW)
        found = webauthn.verify_registration_response(
            credential=dict(answered.credential),
            expected_challenge=made.challenge(),
            expected_rp_id=passkey_host(request),
            expected_origin=_origin(request),
            require_user_verification=True,
        )
        inbox.passkeys.add(
            who,
            id=bytes_to_base64url(found.credential_id),
            public_key=bytes_to_base64url(found.credential_public_key),
            uses=found.sign_count,
            name=answered.name,
        )
    except HandrailError as error:
        return problem_of(error)
    except (WebAuthnException, ValueError, KeyError, TypeError):
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "unreadable", "this is no passkey of ours")
    except IntegrityError:
        return problem(HTTPStatus.CONFLICT, "known", "this passkey is known")
    return _json(KeptPasskey(name=answered.name))


def listed(request: Request) -> Response:
    """List one's own passkeys."""
    try:
        found = inbox_of(request).passkeys.of(reviewer_of(request))
    except HandrailError as error:
        return problem_of(error)
    return _json(Passkeys.model_validate({"passkeys": found}))


def removed(request: Request) -> Response:
    """Forget one of one's own passkeys."""
    if not inbox_of(request).sessions.is_fresh(session_of(request)):
        return problem_of(NotPermitted("passkey", "level"))
    try:
        is_gone = inbox_of(request).passkeys.remove(reviewer_of(request), request.path_params["id"])
    except HandrailError as error:
        return problem_of(error)
    return _json(Removed()) if is_gone else problem(HTTPStatus.NOT_FOUND, "not_found")


def _challenge(request: Request, purpose: str, *, ticket: str = "", digest: str = "") -> _Challenge:
    session = session_of(request)
    return _Challenge(
        purpose=purpose,
        session=session.id,
        person=session.person,
        ticket=ticket,
        digest=digest,
        salt=secrets.token_hex(16),
        until=inbox_of(request).clock().timestamp() + WITHIN_S,
    )


def _asking(request: Request, made: _Challenge, asked: str) -> Response:
    token = inbox_of(request).sessions.sealed(asdict(made), _NAMED)
    return _json(PasskeyAsked(publicKey=json.loads(asked), token=token))


def _json(answer: Answered) -> Response:
    return Response(answer.model_dump_json(), media_type="application/json")


def _taken(request: Request, purpose: str) -> tuple[PasskeyAnswer, _Challenge]:
    """Return an answer with what was asked; raises where that was not asked here, of them, just now."""
    inbox, session = inbox_of(request), session_of(request)
    try:
        answered = PasskeyAnswer.model_validate_json(request.state.body)
        made = _CHALLENGE.validate_python(inbox.sessions.opened(answered.token, _NAMED))
    except ValidationError:
        raise CheckFailed("step_up", why="not readable") from None
    is_theirs = (made.purpose, made.session, made.person) == (purpose, session.id, session.person)
    if not is_theirs or inbox.clock().timestamp() > made.until:
        raise NotPermitted("step_up", "level")
    return answered, made


def _origin(request: Request) -> str:
    return inbox_of(request).settings.address or f"http://{request.headers.get('host', '')}"


def passkey_host(request: Request) -> str:
    """Return the name to which passkeys are bound, empty where people reach the inbox by an address only."""
    host = urlsplit(_origin(request)).hostname or ""
    return "" if is_loopback(host) and host != "localhost" else host


routes = [
    Route(f"{STEP_UP}/options", options, methods=["POST"]),
    Route(STEP_UP, step_up, methods=["POST"]),
    Route(PASSKEYS, listed, methods=["GET"]),
    Route(f"{PASSKEYS}/options", new_options, methods=["POST"]),
    Route(PASSKEYS, new, methods=["POST"]),
    Route(f"{PASSKEYS}/{{id}}/remove", removed, methods=["POST"]),
]
