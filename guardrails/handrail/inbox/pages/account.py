"""A person's own page: the roles they act in, and the passkeys by which they show that it is them."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from handrail.inbox.context import form_of, inbox_of, reviewer_of, session_of
from handrail.inbox.pages.page import go_to, page, sign_in_anew, telling_of
from handrail.inbox.step_up import passkey_host

HERE = "/me"


def show(request: Request) -> Response:
    """Show a person's passkeys, and the way to another one."""
    inbox, who = inbox_of(request), reviewer_of(request)
    values = {
        "passkeys": inbox.passkeys.of(who),
        "is_fresh": inbox.sessions.is_fresh(session_of(request)),
        "has_name": bool(passkey_host(request)),
    }
    return page(request, "account.html", values, telling=telling_of(request))


def forget(request: Request) -> Response:
    """Forget one of one's own passkeys; only by somebody who has just signed in."""
    inbox = inbox_of(request)
    if not inbox.sessions.is_fresh(session_of(request)):
        return sign_in_anew(HERE)
    inbox.passkeys.remove(reviewer_of(request), form_of(request).get("passkey", ""))
    return go_to(HERE, "passkey_gone")


routes = [
    Route(HERE, show, methods=["GET"]),
    Route(f"{HERE}/forget", forget, methods=["POST"]),
]
