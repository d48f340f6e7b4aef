"""Signing in and out; in development as anybody of the people file, on this machine only."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from handrail.inbox.context import begin_session, csrf_of, form_of, inbox_of
from handrail.inbox.security import SIGN_IN, local_path


def show(request: Request) -> Response:
    """Show how to sign in."""
    return _page(request, HTTPStatus.OK)


def _page(request: Request, status: HTTPStatus, *, problem: str = "") -> Response:
    inbox = inbox_of(request)
    people = sorted(_known_people(request)) if inbox.settings.development else []
    values = {
        "csrf": csrf_of(request),
        "people": [(person, sorted(inbox.people.roles_of(person))) for person in people],
        "has_provider": inbox.settings.oidc is not None,
        "next": local_path(request.query_params.get("next", "/")),
        "problem": problem,
    }
    return HTMLResponse(inbox.renderer.text("sign_in.html", values), status)


def _known_people(request: Request) -> frozenset[str]:
    inbox = inbox_of(request)
    roles = inbox.people.current.roles.values()
    return frozenset().union(*roles, inbox.settings.managers)


def sign_in(request: Request) -> Response:
    """Sign in as somebody of the people file, in development."""
    inbox = inbox_of(request)
    if not inbox.settings.development:
        return Response(status_code=HTTPStatus.NOT_FOUND)
    form = form_of(request)
    person = str(form.get("person", ""))
    if person not in _known_people(request):
        return _page(request, HTTPStatus.FORBIDDEN, problem="unknown_person")
    is_manager = person in inbox.settings.managers
    session = inbox.sessions.signed_in(person, inbox.settings.tenant, roles=None, manager=is_manager)
    begin_session(request, session)
    return RedirectResponse(local_path(str(form.get("next", "/"))), HTTPStatus.SEE_OTHER)


def sign_out(request: Request) -> Response:
    """End the session."""
    begin_session(request, inbox_of(request).sessions.anonymous())
    return RedirectResponse(SIGN_IN, HTTPStatus.SEE_OTHER)


routes = [
    Route(SIGN_IN, show, methods=["GET"]),
    Route(SIGN_IN, sign_in, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
]
