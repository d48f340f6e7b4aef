"""The list of tickets."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from handrail.inbox.context import csrf_of, inbox_of, session_of


def show(request: Request) -> Response:
    """Show the open tickets, soonest due first."""
    inbox, session = inbox_of(request), session_of(request)
    page = inbox.store.list(session.tenant)
    values = {"csrf": csrf_of(request), "person": session.person, "rows": page.rows}
    return HTMLResponse(inbox.renderer.text("list.html", values))


routes = [Route("/", show, methods=["GET"])]
