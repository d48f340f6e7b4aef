"""The routes of the API, made from its table: who asks, what they send, what they get."""

import re
from collections.abc import Callable
from http import HTTPStatus

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handrail.errors import HandrailError
from handrail.inbox.context import inbox_of, reviewer_of
from handrail.inbox.problem import problem, problem_of
from handrail.inbox.replays import answered
from handrail.inbox.rest.openapi import BASE, document
from handrail.inbox.rest.operations import OPERATIONS
from handrail.inbox.rest.sent import Sent
from handrail.inbox.rest.table import ApiOperation, Call

_TAG = re.compile(r'(?:W/)?"([0-9]{1,9})"')
_KEY = re.compile(r"[!-~]{1,200}")
_LONGEST_REF = 200
_PATHS = {one.path: re.compile(one.path.replace("{ref}", "[^/]+")) for one in OPERATIONS}


class _Unreadable(Exception):
    """What was sent cannot be read; carries the answer that says so."""

    def __init__(self, answer: Response) -> None:
        super().__init__("unreadable")
        self.answer = answer


def _endpoint(operation: ApiOperation) -> Callable[[Request], Response]:
    def endpoint(request: Request) -> Response:
        try:
            return _answer(operation, request)
        except _Unreadable as unreadable:
            return unreadable.answer
        except HandrailError as error:
            return problem_of(error)

    return endpoint


def _answer(operation: ApiOperation, request: Request) -> Response:
    inbox, who = inbox_of(request), reviewer_of(request)
    if not who.person:
        raise _Unreadable(problem(HTTPStatus.UNAUTHORIZED, "not_signed_in", "sign in, or show a token"))
    if request.state.token and operation.is_step and (wait_s := inbox.steps.take(who.person)):
        after = {"retry-after": str(wait_s)}
        raise _Unreadable(problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many", "wait a little", headers=after))
    key = _key(request) if operation.is_step else ""
    call = Call(
        inbox=inbox,
        who=who,
        ref=_ref(request),
        said=_said(operation, request),
        version=_version(request.headers.get("if-match")),
        key=key,
    )
    headers: dict[str, str] = {}

    def run() -> str:
        found = operation.run(call)
        if operation.is_tagged:
            headers["etag"] = f'"{getattr(found, "version", 0)}"'
        return found.model_dump_json()

    text = run() if not key else _answered_once(operation, call, request, run)
    if headers and request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(text, headers=headers, media_type="application/json")


def _answered_once(operation: ApiOperation, call: Call, request: Request, run: Callable[[], str]) -> str:
    asked = [operation.name, call.ref, request.state.body.decode("utf-8", "replace")]
    return answered(call.inbox.service, call.who, call.key, asked, operation.again, run)


def _ref(request: Request) -> str:
    ref = str(request.path_params.get("ref", ""))
    if len(ref) > _LONGEST_REF:
        raise _Unreadable(problem(HTTPStatus.NOT_FOUND, "not_found", "no such ticket"))
    return ref


def _said(operation: ApiOperation, request: Request) -> Sent:
    try:
        if operation.is_step:
            return operation.takes.model_validate_json(request.state.body or b"{}")
        names = operation.takes.model_fields
        given: dict[str, object] = {}
        for name in request.query_params:
            values = request.query_params.getlist(name)
            is_list = name in names and str(names[name].annotation).startswith("tuple")
            given[name] = values if is_list or len(values) > 1 else values[0]
        return operation.takes.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(step) for step in first["loc"][:1]) if operation.is_step else "query"
        raise _Unreadable(
            problem(HTTPStatus.UNPROCESSABLE_ENTITY, "unreadable", f"{place or 'body'}: {first['type']}")
        ) from None


def _key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "")
    if key and not _KEY.fullmatch(key):
        raise _Unreadable(problem(HTTPStatus.BAD_REQUEST, "unreadable", "Idempotency-Key"))
    return key


def _version(tag: str | None) -> int | None:
    if tag is None or tag == "*":
        return None
    match = _TAG.fullmatch(tag)
    if match is None:
        raise _Unreadable(problem(HTTPStatus.BAD_REQUEST, "unreadable", "If-Match"))
    return int(match[1])


def openapi(request: Request) -> Response:
    """Return the OpenAPI document to whoever is known."""
    if not reviewer_of(request).person:
        return problem(HTTPStatus.UNAUTHORIZED, "not_signed_in", "sign in, or show a token")
    return JSONResponse(document(inbox_of(request).settings.address))


def missing(request: Request) -> Response:
    """Say that there is no such operation, or none by this method."""
    path = request.url.path.removeprefix(BASE)
    methods = sorted({one.method for one in OPERATIONS if _PATHS[one.path].fullmatch(path)})
    if methods:
        allow = {"allow": ", ".join(methods)}
        return problem(HTTPStatus.METHOD_NOT_ALLOWED, "no_such_operation", headers=allow)
    return problem(HTTPStatus.NOT_FOUND, "no_such_operation", "no such operation")


routes = [
    Route(f"{BASE}/openapi.json", openapi, methods=["GET"]),
    *(Route(BASE + one.path, _endpoint(one), methods=[one.method]) for one in OPERATIONS),
    Route("/api/{path:path}", missing, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
]
