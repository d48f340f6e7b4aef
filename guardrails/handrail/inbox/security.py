"""What stands before every route: host, session, origin, token, size and rate; what is not public is shut."""

import asyncio
import re
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handrail.errors import StoreUnavailable
from handrail.inbox.forms import read_form
from handrail.inbox.headers import protect
from handrail.inbox.problem import problem
from handrail.inbox.sessions import Session
from handrail.inbox.settings import is_loopback

if TYPE_CHECKING:
    from handrail.inbox.context import Inbox

API, STATIC, SIGN_IN = "/api/", "/static/", "/sign-in"
OF_PROGRAMS = (API, "/live", "/passkeys", "/step-up")
"""What is answered as JSON, refusals too; a page is led to the sign-in."""
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
_TOKEN_FIELD, _TOKEN_HEADER = "csrf", "x-csrf-token"
_BODY_WITHIN_S = 30.0
_FILLED_IN = re.compile(r"/tickets/([A-Za-z0-9-]{1,64})/(?:preview|decide)")
"""Forms that took somebody a while to fill in."""
_CODES = {
    HTTPStatus.UNAUTHORIZED: "not_signed_in",
    HTTPStatus.TOO_MANY_REQUESTS: "too_many",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unreadable",
    HTTPStatus.BAD_REQUEST: "unreadable",
}


class Refused(Exception):
    """A request that goes no further; `status` and `why` are its answer."""

    def __init__(self, status: HTTPStatus, why: str, *, after_s: int = 0) -> None:
        super().__init__(why)
        self.status, self.why, self.after_s = status, why, after_s


def is_public(path: str) -> bool:
    """Tell whether a path is for people who have not signed in; everything else is not."""
    return path in _PROBES or path == SIGN_IN or path.startswith((SIGN_IN + "/", STATIC))


def local_path(text: str) -> str:
    """Return where to go on after signing in: a path of this inbox, or its first page; never elsewhere."""
    is_local = text.startswith("/") and not text.startswith(("//", "/\\"))
    is_plain = all(" " < sign < "\x7f" and sign != "\\" for sign in text)
    return text if is_local and is_plain and not text.startswith((SIGN_IN, "/sign-out", API)) else "/"


class Protected:
    """The application behind its checks.

    Args:
        app: the routes.
        inbox: its parts.
    """

    def __init__(self, app: ASGIApp, inbox: "Inbox") -> None:
        self._app, self._inbox = app, inbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it before any route has seen it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        request = _Incoming(scope, self._inbox)
        answer = request.protected(send)
        try:
            request.check_host()
            await request.check_session()
            refusal = request.sign_in_first()
            if refusal is not None and scope["method"] == "POST":
                refusal = await request.kept_for_later(receive) or refusal
            if refusal is None and scope["method"] not in _SAFE:
                receive = await request.checked_body(receive)
        except Refused as refused:
            refusal = _written(refused, is_api=scope["path"].startswith(OF_PROGRAMS))
        await (refusal or self._app)(scope, receive, answer)


def _written(refused: Refused, *, is_api: bool) -> Response:
    after = {"retry-after": str(refused.after_s)} if refused.after_s else {}
    if is_api:
        return problem(refused.status, _CODES.get(refused.status, "refused"), refused.why, headers=after)
    return PlainTextResponse(refused.why + "\n", refused.status, after)


class _Incoming:
    """One request on its way in."""

    def __init__(self, scope: Scope, inbox: "Inbox") -> None:
        self._scope, self._inbox, self._headers = scope, inbox, Headers(scope=scope)
        self._path: str = scope["path"]
        self._before = self._session()
        session = self._before or inbox.sessions.anonymous()
        self._state = scope.setdefault("state", {})
        # A program shows its token and nothing else: a cookie beside it says nothing.
        self._has_bearer = self._path.startswith(API) and "authorization" in self._headers
        self._state["session"] = inbox.sessions.anonymous() if self._has_bearer else session
        self._state["token"] = self._headers["authorization"] if self._has_bearer else ""
        self._first: Session = self._state["session"]

    def _session(self) -> Session | None:
        cookies = cookie_parser(self._headers.get("cookie", ""))
        return self._inbox.sessions.read(cookies.get(self._inbox.sessions.cookie))

    def check_host(self) -> None:
        """Refuse a host that is not this inbox, such as a name that was made to point at this machine."""
        if self._path in _PROBES:
            return
        host, address = self._headers.get("host", ""), self._inbox.settings.address
        if address:
            if host.lower() != urlsplit(address).netloc.lower():
                raise Refused(HTTPStatus.MISDIRECTED_REQUEST, "this inbox has another address")
            return
        client = self._scope.get("client")
        if not is_loopback(urlsplit(f"//{host}").hostname or "") or not (client and is_loopback(client[0])):
            raise Refused(HTTPStatus.FORBIDDEN, "this inbox is for its own machine only")

    async def check_session(self) -> None:
        """Forget a session that was ended before its time."""
        if not self._first.is_signed_in or self._path in _PROBES or self._path.startswith(STATIC):
            return
        try:
            has_ended = await run_in_threadpool(self._inbox.endings.has_ended, self._first)
        except StoreUnavailable:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "the ticket store is out of reach") from None
        if has_ended:
            self._before = None
            self._first = self._state["session"] = self._inbox.sessions.anonymous()

    def sign_in_first(self) -> Response | None:
        """Return the answer to somebody who has not signed in and asks for what is not public."""
        if is_public(self._path) or self._has_bearer or self._first.is_signed_in:
            return None
        is_page = self._scope["method"] == "GET" and not self._path.startswith(OF_PROGRAMS)
        query = self._scope["query_string"].decode("latin-1")
        here = f"{self._path}?{query}" if query else self._path
        if "hx-request" in self._headers:
            # The whole page goes to the sign-in, not the part that was to be replaced.
            return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"hx-redirect": SIGN_IN})
        if self._path.startswith(OF_PROGRAMS):
            raise Refused(HTTPStatus.UNAUTHORIZED, "sign in, or show a token")
        target = f"{SIGN_IN}?next={quote(local_path(here), safe='/')}" if is_page else SIGN_IN
        return RedirectResponse(target, HTTPStatus.SEE_OTHER)

    async def kept_for_later(self, receive: Receive) -> Response | None:
        """Keep what somebody filled in whose session has run out; returns the way back to it, else None."""
        of_ticket, sessions = _FILLED_IN.fullmatch(self._path), self._inbox.sessions
        cookie = cookie_parser(self._headers.get("cookie", "")).get(sessions.cookie)
        before = sessions.run_out(cookie) if of_ticket is not None else None
        if of_ticket is None or before is None:
            return None
        self._first = before
        try:
            await self.checked_body(receive)
        except Refused:
            return None
        finally:
            self._first = self._state["session"]
        form, back = dict(self._state["form"].items()), f"/tickets/{of_ticket[1]}"
        self._inbox.kept_forms.keep(before.tenant, before.person, of_ticket[1], form)
        target = f"{SIGN_IN}?next={quote(back, safe='/')}"
        if "hx-request" in self._headers:
            return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"hx-redirect": target})
        return RedirectResponse(target, HTTPStatus.SEE_OTHER)

    async def checked_body(self, receive: Receive) -> Receive:
        """Return the body of a changing request, once it is known to come from a page of this inbox."""
        kind = self._headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in ("", _FORM, _JSON):
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send a form or JSON")
        body = await self._body(receive)
        if body and not kind:
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send a form or JSON")
        try:
            self._state["body"], self._state["form"] = body, read_form(body if kind == _FORM else b"")
        except ValueError:
            raise Refused(HTTPStatus.BAD_REQUEST, "the form cannot be read") from None
        if not self._has_bearer:
            self._check_origin()
            self._check_token()
            await self._check_rate()
        return _replayed(body, receive)

    async def _body(self, receive: Receive) -> bytes:
        most, read = self._inbox.settings.limits.body_bytes, bytearray()
        try:
            async with asyncio.timeout(_BODY_WITHIN_S):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Refused(HTTPStatus.BAD_REQUEST, "the request did not arrive")
                    read += message.get("body", b"")
                    if len(read) > most:
                        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the request is too large")
                    if not message.get("more_body"):
                        return bytes(read)
        except TimeoutError:
            raise Refused(HTTPStatus.REQUEST_TIMEOUT, "the request took too long to arrive") from None

    def _check_origin(self) -> None:
        own = self._inbox.settings.address or f"http://{self._headers.get('host', '')}"
        origin, site = self._headers.get("origin", own), self._headers.get("sec-fetch-site", "same-origin")
        if origin.lower() != own.lower() or site not in ("same-origin", "none"):
            raise Refused(HTTPStatus.FORBIDDEN, "the request comes from another site")

    def _check_token(self) -> None:
        given = self._headers.get(_TOKEN_HEADER) or self._state["form"].get(_TOKEN_FIELD, "")
        if not self._inbox.sessions.is_csrf_token(self._first, given):
            raise Refused(HTTPStatus.FORBIDDEN, "the page is from another session; load it again")

    async def _check_rate(self) -> None:
        client = self._scope.get("client") or ("",)
        if self._path.startswith(SIGN_IN):
            try:
                wait_s = await run_in_threadpool(self._inbox.sign_ins.take, str(client[0]))
            except StoreUnavailable:
                raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "the ticket store is out of reach") from None
        else:
            wait_s = self._inbox.steps.take(self._first.person)
        if wait_s:
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "too often; wait a little", after_s=wait_s)

    def protected(self, send: Send) -> Send:
        """Return a `send` that adds the security headers, and the cookie of a session that changed."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                is_static = self._path.startswith(STATIC) and message["status"] == HTTPStatus.OK
                protect(headers, is_secure=self._inbox.settings.is_secure, is_static=is_static)
                message["headers"] = headers.raw
                cookie = self._cookie()
                if cookie is not None and not is_static:
                    headers.append("set-cookie", cookie)
            await send(message)

        return sending

    def _cookie(self) -> str | None:
        sessions, session = self._inbox.sessions, self._state["session"]
        if self._has_bearer or self._path in _PROBES:
            return None
        if session is not self._first or self._before is None:
            return sessions.set_cookie(session)
        renewed = sessions.renewed(session)
        return sessions.set_cookie(renewed) if renewed is not None else None


def _replayed(body: bytes, receive: Receive) -> Receive:
    is_given = False

    async def replaying() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replaying
