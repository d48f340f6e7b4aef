"""What a reader likes: their language, and whether single keys do something."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from handrail.inbox.context import form_of, inbox_of
from handrail.inbox.pages.page import PREFERENCES, go_to, remember
from handrail.inbox.security import local_path
from handrail.inbox.words import FALLBACK, languages


def keep(request: Request) -> Response:
    """Keep preferences in the browser, and go back to where the reader was."""
    form = form_of(request)
    chosen = form.get("language", FALLBACK)
    language = chosen if chosen in languages() else FALLBACK
    response = go_to(local_path(form.get("next", "/")))
    value = f"{language}.{'on' if form.get('keys') == 'on' else 'off'}"
    remember(response, PREFERENCES, value, is_secure=inbox_of(request).settings.is_secure)
    return response


routes = [Route("/preferences", keep, methods=["POST"])]
