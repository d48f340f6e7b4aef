"""A caller's request, read within limits; refused if the provider could read it differently."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from handrail.gateway.responses import Fault, Refusal, error_response
from handrail.guard.threads import LONG, at_length
from handrail.http.endpoints import Endpoint, endpoint, words_beside
from handrail.wire.foreign_json import Json, load_object

PREFIX = "/v1"
# No escapes and no dot segments: an upstream that reads them otherwise would serve another resource.
_PATH = re.compile(r"/v1(?:/[A-Za-z0-9_~@][A-Za-z0-9._~:@!$'()*+,=-]*)+")
# The one thing that may stand before a guarded resource: the name of a deployment.
_GUARDED = re.compile(
    r"/v1(?:/deployments/[A-Za-z0-9_][A-Za-z0-9._-]{0,99})?/(?:chat/completions|responses|messages)"
)
_UNGUARDED = (Endpoint.OPEN, Endpoint.UNKNOWN)

_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}")
# Names of features end with the day or the version of each; so little fits in that no words do.
_FEATURE = r"[a-z_]{1,30}(?:-[a-z]{1,20}|-\d{1,3}[a-z]?){0,6}(?:-\d{4}-?\d{2}-?\d{2}|=v\d{1,2})"
_FEATURES = re.compile(rf"{_FEATURE}(?:, ?{_FEATURE}){{0,15}}")
# The caller's headers that go to the provider with a guarded request, and how each must look.
OF_GUARDED = {"anthropic-version": _VERSION, "anthropic-beta": _FEATURES, "openai-beta": _FEATURES}


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayRequest:
    """A caller's request.

    `path` begins with `/v1`; `loaded` is the body of a guarded one as an object, and `facts` are what the
    caller states.
    """

    about: Endpoint
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    loaded: Json = field(default_factory=dict, repr=False)
    is_stream: bool = False
    facts: Mapping[str, object] = field(default_factory=dict)


async def read_request(request: Request, *, limit: int, named: tuple[str, ...]) -> GatewayRequest:
    """Read a request. A long body is parsed in a thread.

    Raises:
        Refusal: too large, not readable, or its address, a header or its body could be read in two ways.
        ClientDisconnect: the caller is gone.
    """
    path, query = _address(request, named)
    about = endpoint(request.method, path, named=named)
    if about not in _UNGUARDED and not _GUARDED.fullmatch(path):
        raise Refusal(error_response(404, "no such resource", code="not_guarded"))
    body = await _body(request, limit)
    if about in _UNGUARDED:
        loaded: Json = {}
    else:
        _check_headers(request.headers)
        loaded = _loaded(body) if len(body) <= LONG else await at_length(_loaded, body)
    if about is Endpoint.OPEN and (beside := words_beside(path, query, has_body=bool(body), named=named)):
        raise Refusal(error_response(400, f"this request takes no {beside}", code=f"bad_{beside}"))
    return GatewayRequest(
        about=about,
        method=request.method,
        path=path,
        query=query,
        headers=request.headers,
        body=body,
        loaded=loaded,
        is_stream=loaded.get("stream") is True,
        facts=_facts(request.headers.get("x-handrail-facts")),
    )


def _address(request: Request, named: tuple[str, ...]) -> tuple[str, str]:
    raw = request.scope.get("raw_path") or request.scope["path"].encode()
    path: str = request.scope["path"]
    if raw.split(b"?")[0] != path.encode() or not _PATH.fullmatch(path):
        raise Refusal(error_response(404, "no such resource", code="not_guarded"))
    # As it came: decoding it once more could make another query of it.
    return path, request.scope["query_string"].decode("latin-1")


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, shape in OF_GUARDED.items():
        if name in headers and not shape.fullmatch(headers[name]):
            problem = Fault(code="bad_header", kind=name)
            raise Refusal(
                error_response(400, f"{name} is not as it should be", code="bad_header", fault=problem)
            )


async def _body(request: Request, limit: int) -> bytes:
    stated = request.headers.get("content-length", "0")
    if stated.isdecimal() and int(stated) > limit:
        raise Refusal(error_response(413, "the body is too large", code="too_large"))
    parts, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise Refusal(error_response(413, "the body is too large", code="too_large"))
        parts.append(chunk)
    return b"".join(parts)


def _loaded(body: bytes) -> Json:
    try:
        # Of the encodings that JSON may have, providers need to know one.
        value = load_object(body.decode())
    except UnicodeDecodeError:
        value = None
    if value is None:
        why = "the body is no JSON object in UTF-8, or names a field twice"
        raise Refusal(error_response(400, why, code="bad_body"))
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Parsers differ in which of two values they take, so the provider could see what was not judged.
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a field is named twice")
    return value


def _facts(header: str | None) -> dict[str, object]:
    if not header:
        return {}
    try:
        facts = json.loads(header, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict):
        raise Refusal(error_response(400, "x-handrail-facts is not a JSON object", code="bad_facts"))
    return facts
