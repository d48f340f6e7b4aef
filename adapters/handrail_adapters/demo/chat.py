"""The shop as a chat page on this machine: what the customer sees while a person decides."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from importlib.resources import files
from typing import Final
from urllib.parse import parse_qs, urlsplit

from jinja2 import Environment, PackageLoader
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from handrail.ids import new_id
from handrail_adapters.demo.play import Shop
from handrail_adapters.demo.talk import LOOK_EVERY_S, Line, Speaker, Talk, repeated, who_says

COOKIE: Final = "northwind_talk"
LONGEST_WORDS: Final = 2000
_MOST_TALKS: Final = 200
_POLL_S: Final = 20.0
_STYLES: Final = {"chat.css": "text/css", "chat.js": "text/javascript"}
_SUGGESTED: Final = (
    "Where is order 1182?",
    "Refund my $39 cable, please.",
    "Refund the $640 headphones.",
    "My desk lamp is opened but broken. I would like my money back.",
    "Let me talk to a person.",
)
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


class Talks:
    """The talks of one shop, by the id in the visitor's cookie; the oldest make way for new ones."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._talks: dict[str, Talk] = {}
        self._lock = threading.Lock()

    def get(self, key: str) -> Talk | None:
        """Return the talk of a visitor, None for a stranger."""
        with self._lock:
            return self._talks.get(key)

    def begin(self) -> tuple[str, Talk]:
        """Begin a talk with a visitor; returns the id for their cookie, too."""
        key = new_id()
        # Sums and counts go by customer, and every visitor is one of their own.
        talk = Talk(shop=self.shop, customer=f"visitor-{key}")
        with self._lock:
            while len(self._talks) >= _MOST_TALKS:
                del self._talks[next(iter(self._talks))]
            self._talks[key] = talk
        return key, talk

    def look(self) -> None:
        """Fetch what people have decided in every talk that waits."""
        with self._lock:
            waiting = [talk for talk in self._talks.values() if talk.is_waiting]
        for talk in waiting:
            talk.look()


def make_chat(shop: Shop, *, inbox: str = "") -> Starlette:
    """Build the chat page of an open shop as an ASGI application.

    Args:
        shop: the open shop.
        inbox: where people decide, linked for whoever tries the demonstration.
    """
    talks = Talks(shop)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        with repeated(talks.look, LOOK_EVERY_S):
            yield

    app = Starlette(
        routes=[
            Route("/", _page, methods=["GET"]),
            Route("/say", _say, methods=["POST"]),
            Route("/lines", _lines, methods=["GET"]),
            Route("/{name}", _file, methods=["GET"]),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
        lifespan=lifespan,
    )
    app.state.talks, app.state.inbox = talks, inbox
    return app


def _talk(request: Request) -> tuple[str, Talk, bool]:
    talks: Talks = request.app.state.talks
    key = request.cookies.get(COOKIE, "")
    talk = talks.get(key)
    if talk is not None:
        return key, talk, False
    return (*talks.begin(), True)


def _kept(response: Response, key: str, *, is_new: bool) -> Response:
    response.headers.update(_HEADERS)
    if is_new:
        response.set_cookie(COOKIE, key, httponly=True, samesite="strict")
    return response


def _page(request: Request) -> Response:
    key, talk, is_new = _talk(request)
    values = {
        "lines": [_shown(line, talk) for line in talk.lines],
        "is_scripted": talk.shop.model is not None,
        "inbox": request.app.state.inbox,
        "suggested": _SUGGESTED,
        "is_waiting": talk.is_waiting,
    }
    page = _templates().get_template("chat.html").render(values)
    return _kept(HTMLResponse(page), key, is_new=is_new)


@cache
def _templates() -> Environment:
    return Environment(loader=PackageLoader(__package__, "chat_files"), autoescape=True)


def _is_own(request: Request) -> bool:
    """Tell whether a page of this chat sent the request: no other page may speak for the customer."""
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == request.headers.get("host")


async def _say(request: Request) -> Response:
    if not _is_own(request):
        return Response(status_code=403)
    key, talk, is_new = _talk(request)
    body = await request.body()
    if len(body) > 4 * LONGEST_WORDS:
        return Response(status_code=413)
    words = parse_qs(body.decode("utf-8", "replace")).get("words", [""])[0].strip()[:LONGEST_WORDS]
    if words:
        await asyncio.to_thread(talk.say, words)
    if request.headers.get("accept") == "application/json":
        return _kept(JSONResponse({"said": bool(words)}), key, is_new=is_new)
    return _kept(RedirectResponse("/", 303), key, is_new=is_new)


async def _lines(request: Request) -> Response:
    """Return the lines as they stand, as soon as there is anything that the page does not know."""
    key, talk, is_new = _talk(request)
    known = request.query_params.get("known", "")
    for _ in range(int(_POLL_S / 0.2)):
        if _mark(talk) != known or await request.is_disconnected():
            break
        await asyncio.sleep(0.2)
    lines = [_shown(line, talk) for line in talk.lines]
    told = {
        "mark": _mark(talk),
        "typing": talk.is_typing,
        "lines": _templates().get_template("lines.html").render(lines=lines),
    }
    return _kept(JSONResponse(told), key, is_new=is_new)


def _mark(talk: Talk) -> str:
    lines = talk.lines
    return f"{len(lines)}.{sum(line.is_open for line in lines)}.{int(talk.is_typing)}"


def _shown(line: Line, talk: Talk) -> dict[str, object]:
    is_own = line.speaker is Speaker.CUSTOMER
    who = "" if is_own else who_says(line, talk.shop.guard.policy.time_zone)
    return {"speaker": line.speaker.value, "is_open": line.is_open, "who": who, "text": line.text}


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _STYLES:
        return Response(status_code=404)
    content = (files(__package__) / "chat_files" / name).read_bytes()
    return Response(content, media_type=_STYLES[name], headers=_HEADERS)
