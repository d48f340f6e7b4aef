"""Writes a page: what every one of them needs, in the reader's language."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from handrail.inbox.context import csrf_of, inbox_of, reviewer_of
from handrail.inbox.security import SIGN_IN
from handrail.inbox.telling import Telling, spoken
from handrail.inbox.words import Words, accepted, languages, words

PREFERENCES = "handrail-view"
SHORTCUTS = (
    (("j", "k"), "move"),
    (("⏎",), "open"),
    (("x",), "select"),
    (("c",), "claim"),
    (("n",), "claim_next"),
    (("b",), "batch"),
    (("/",), "search"),
    (("Ctrl K",), "commands"),
    (("a",), "approve"),
    (("e",), "edit"),
    (("d",), "reject"),
    (("r",), "answer"),
    (("q",), "ask"),
    (("w",), "words"),
    (("u",), "undo"),
    (("⏎",), "confirm"),
    (("Esc",), "back"),
)
_SCRIPT_WORDS = {
    "in": "due.in", "late": "due.late", "seconds": "due.seconds", "minutes": "due.minutes",
    "hours": "due.hours", "days": "due.days", "empty": "diff.empty", "open_ticket": "palette.open_ticket",
    "search_for": "palette.search_for", "arrived": "list.arrived", "gone": "list.gone",
    "gone_here": "list.gone_here", "waiting": "list.waiting", "chosen": "list.chosen",
    "choose": "list.batch_hint", "reload": "ticket.reload",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A line above a page; `tone` is good, bad or empty."""

    text: str
    tone: str = ""


def preferences(request: Request) -> tuple[str, bool]:
    """Return the reader's language, and whether single keys do something."""
    language, _, keys = request.cookies.get(PREFERENCES, "").partition(".")
    chosen = language if language in languages() else accepted(request.headers.get("accept-language", ""))
    return chosen, keys != "off"


def telling_of(request: Request) -> Telling:
    """Return how pages tell of tickets to whoever asks."""
    inbox = inbox_of(request)
    details = inbox.people.current.details
    return Telling(
        t=words(preferences(request)[0]),
        zone=ZoneInfo(inbox.policy.time_zone),
        now=inbox.clock(),
        names={person: str(about.get("name", "")) for person, about in details.items()},
        policy=inbox.policy,
    )


def frame(request: Request, telling: Telling) -> dict[str, object]:
    """Return what every template is given."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return {
        **telling.names_for_pages(),
        "csrf": csrf_of(request),
        "me": reviewer_of(request),
        "path": path if request.method == "GET" else request.url.path.rpartition("/")[0] or "/",
        "here": "",
        "keys_on": preferences(request)[1],
        "languages": [(code, words(code)("language")) for code in languages()],
        "shortcuts": SHORTCUTS,
        "script_words": script_words(telling.t),
        "notice": _notice(request, telling.t),
        "paused": _paused(request, telling),
        "new_count": 0,
        "sees_reviews": sees_reviews(request),
    }


def sees_reviews(request: Request) -> bool:
    """Tell whether the reader is shown the way to the weekly review; the page itself asks the service."""
    who, policy = reviewer_of(request), inbox_of(request).policy
    return who.is_manager or not who.roles.isdisjoint({policy.owner, policy.enforced_by})


def _paused(request: Request, telling: Telling) -> str:
    """Return what is on hold, in words; empty where nothing is, or for somebody who has not signed in."""
    who = reviewer_of(request)
    if not who.person:
        return ""
    held = [pause.role for pause in inbox_of(request).service.pauses(who)]
    if "" in held:
        return telling.t("paused.all")
    return " ".join(telling.t("paused.role", role=spoken(role)) for role in held)


def script_words(t: Words) -> str:
    """Return the words of the page's script as JSON."""
    return json.dumps({name: t.texts[key] for name, key in _SCRIPT_WORDS.items()}, ensure_ascii=False)


def _notice(request: Request, t: Words) -> Notice | None:
    """Return what a step before this page came to; only sayings of the catalogue are known."""
    said = request.query_params.get("said", "")
    if t.has(f"said.{said}"):
        return Notice(text=t(f"said.{said}"), tone="good")
    if t.has(f"refused.{said}"):
        return Notice(text=t(f"refused.{said}"), tone="bad")
    return None


def page(
    request: Request,
    template: str,
    values: Mapping[str, object],
    *,
    telling: Telling | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> HTMLResponse:
    """Return a page of the inbox."""
    renderer = inbox_of(request).renderer
    renderer.environment.filters.setdefault("role", spoken)
    told = telling or telling_of(request)
    return HTMLResponse(renderer.text(template, {**frame(request, told), **values}), status)


def go_to(path: str, said: str = "") -> Response:
    """Return the way to another page, which says what was done."""
    sep = "&" if "?" in path else "?"
    return RedirectResponse(f"{path}{sep}said={said}" if said else path, HTTPStatus.SEE_OTHER)


def sign_in_anew(path: str) -> Response:
    """Return the way to showing once more who one is, and back to a page."""
    return RedirectResponse(f"{SIGN_IN}/again?next={quote(path, safe='')}", HTTPStatus.SEE_OTHER)


def is_part(request: Request) -> bool:
    """Tell whether a script asks for a part of a page, which it puts in place itself."""
    return "hx-request" in request.headers


def remember(response: Response, name: str, value: str, *, is_secure: bool) -> None:
    """Keep a preference that says nothing about anybody in the browser, for a year."""
    response.set_cookie(
        name,
        value,
        max_age=int(timedelta(days=365).total_seconds()),
        httponly=True,
        samesite="lax",
        secure=is_secure,
    )
