"""Showing what is masked to somebody who says why: on record before it is shown, and shown once."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from handrail.errors import CheckFailed, NotPermitted
from handrail.inbox.context import form_of, inbox_of, reviewer_of
from handrail.inbox.pages.page import go_to, page, sign_in_anew, telling_of


def unmask(request: Request) -> Response:
    """Show unmasked texts on a page of their own, which no browser keeps."""
    inbox, who, ref = inbox_of(request), reviewer_of(request), request.path_params["ref"]
    form = form_of(request)
    try:
        sealed = inbox.service.unmask(who, ref, form.getlist("field"), reason=form.get("reason", ""))
    except CheckFailed:
        return go_to(f"/tickets/{ref}", "unmask")
    except NotPermitted as error:
        if error.lacks != "level":
            raise
        return sign_in_anew(f"/tickets/{ref}")
    telling = telling_of(request)
    parts = [(name, _lines(getattr(sealed, name))) for name in form.getlist("field")]
    return page(request, "unmasked.html", {"ref": ref, "parts": parts, "here": "list"}, telling=telling)


def _lines(value: object) -> list[tuple[str, str]]:
    """Return a sealed field as pairs of who or what, and the text."""
    if isinstance(value, str) or value is None:
        return [("", value or "")]
    pairs = []
    for one in value if isinstance(value, tuple) else ():
        if isinstance(one, str):
            pairs.append(("", one))
        else:
            who = getattr(one, "speaker", "") or getattr(one, "tool", "")
            text = (
                getattr(one, "text", "") or f"{getattr(one, 'arguments', '')} → {getattr(one, 'result', '')}"
            )
            pairs.append((who, text))
    return pairs


routes = [Route("/tickets/{ref}/unmask", unmask, methods=["POST"])]
