"""Signing in, anew and out: with the organisation's provider, or in development as anybody, here only."""

from dataclasses import asdict
from http import HTTPStatus
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from handrail.inbox.context import Inbox, begin_session, form_of, inbox_of, reviewer_of, session_of
from handrail.inbox.oidc import Begun, Claimed, SignInRefused
from handrail.inbox.pages.page import page
from handrail.inbox.security import SIGN_IN, local_path
from handrail.inbox.sessions import Session

_BEGUN = TypeAdapter(Begun)
_PURPOSE, _WITHIN_S = "sign-in", 600


def show(request: Request) -> Response:
    """Show how to sign in."""
    return _page(request, HTTPStatus.OK)


def show_again(request: Request) -> Response:
    """Show how a person who has signed in shows anew who they are."""
    return _page(request, HTTPStatus.OK, again=session_of(request).person)


def _page(request: Request, status: HTTPStatus, *, problem: str = "", again: str = "") -> Response:
    inbox = inbox_of(request)
    people = sorted(_known_people(inbox)) if inbox.settings.development else []
    target = local_path(request.query_params.get("next", "/"))
    values = {
        "people": [
            (person, sorted(inbox.people.roles_of(person))) for person in people if again in ("", person)
        ],
        "provider": f"{SIGN_IN}/oidc?next={quote(target, safe='')}" + ("&again=1" if again else "")
        if inbox.provider is not None
        else "",
        "next": target,
        "problem": problem,
        "again": again,
    }
    return page(request, "sign_in.html", values, status=status)


def _known_people(inbox: Inbox) -> frozenset[str]:
    return frozenset().union(*inbox.people.current.roles.values(), inbox.settings.managers)


def sign_in(request: Request) -> Response:
    """Sign in as somebody of the people file, in development."""
    inbox = inbox_of(request)
    if not inbox.settings.development:
        return Response(status_code=HTTPStatus.NOT_FOUND)
    form = form_of(request)
    person = form.get("person", "")
    if person not in _known_people(inbox):
        return _page(request, HTTPStatus.FORBIDDEN, problem="unknown_person")
    claimed = Claimed(person=person, tenant=inbox.settings.tenant, roles=None, is_manager=False)
    begin_session(request, _session(inbox, claimed))
    return RedirectResponse(local_path(form.get("next", "/")), HTTPStatus.SEE_OTHER)


def begin(request: Request) -> Response:
    """Send the browser to the provider; what comes back is held against a cookie of this browser."""
    inbox = inbox_of(request)
    if inbox.provider is None:
        return Response(status_code=HTTPStatus.NOT_FOUND)
    person = session_of(request).person if "again" in request.query_params else ""
    try:
        target, begun = inbox.provider.begin(local_path(request.query_params.get("next", "/")), person=person)
    except SignInRefused as refused:
        return _page(request, HTTPStatus.BAD_GATEWAY, problem=refused.code)
    answer = RedirectResponse(target, HTTPStatus.SEE_OTHER)
    sealed = inbox.sessions.sealed(asdict(begun), _PURPOSE)
    answer.headers.append("set-cookie", inbox.sessions.cookie_header(_cookie(inbox), sealed, _WITHIN_S))
    return answer


def finish(request: Request) -> Response:
    """Sign in whoever the provider says it is."""
    inbox = inbox_of(request)
    try:
        begun = _begun(request)
        claimed = inbox.provider.finish(begun, request.query_params) if inbox.provider else None
        if claimed is None:
            raise SignInRefused("provider")
        if begun.person and begun.person != claimed.person:
            raise SignInRefused("another_person")
        begin_session(request, _session(inbox, claimed))
        answer: Response = RedirectResponse(local_path(begun.next), HTTPStatus.SEE_OTHER)
    except SignInRefused as refused:
        answer = _page(request, HTTPStatus.FORBIDDEN, problem=refused.code)
    # A begun sign-in ends with its first answer, whatever that is.
    answer.headers.append("set-cookie", inbox.sessions.cookie_header(_cookie(inbox), "", 0))
    return answer


def _cookie(inbox: Inbox) -> str:
    return f"{inbox.sessions.cookie}-sign-in"


def _begun(request: Request) -> Begun:
    inbox = inbox_of(request)
    opened = inbox.sessions.opened(request.cookies.get(_cookie(inbox), ""), _PURPOSE)
    try:
        begun = _BEGUN.validate_python(opened)
    except ValidationError:
        raise SignInRefused("not_begun_here") from None
    if inbox.clock().timestamp() - begun.at > _WITHIN_S:
        raise SignInRefused("too_late")
    return begun


def _session(inbox: Inbox, claimed: Claimed) -> Session:
    is_manager = claimed.is_manager or claimed.person in inbox.settings.managers
    roles = inbox.people.roles_of(claimed.person) if claimed.roles is None else claimed.roles
    if not roles and not is_manager:
        raise SignInRefused("no_role")
    return inbox.sessions.signed_in(claimed.person, claimed.tenant, roles=claimed.roles, manager=is_manager)


def sign_out(request: Request) -> Response:
    """End the session, and every other one of this person."""
    inbox_of(request).endings.end(reviewer_of(request))
    begin_session(request, inbox_of(request).sessions.anonymous())
    return RedirectResponse(SIGN_IN, HTTPStatus.SEE_OTHER)


routes = [
    Route(SIGN_IN, show, methods=["GET"]),
    Route(SIGN_IN, sign_in, methods=["POST"]),
    Route(f"{SIGN_IN}/oidc", begin, methods=["GET"]),
    Route(f"{SIGN_IN}/callback", finish, methods=["GET"]),
    Route(f"{SIGN_IN}/again", show_again, methods=["GET"]),
    Route("/sign-out", sign_out, methods=["POST"]),
]
