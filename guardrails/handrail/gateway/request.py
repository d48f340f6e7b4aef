"""A caller's request, read within limits; refused if the provider could read it differently."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from handrail.gateway.responses import Refusal, error_response
from handrail.http.endpoints import Endpoint, endpoint

PREFIX = "/v1"
# No escapes and no dot segments: an upstream that reads them otherwise would serve another resource.
_PATH = re.compile(r"/v1(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~:@!$'()*+,;=-]+)+")
_UNGUARDED = (Endpoint.OPEN, Endpoint.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayRequest:
    """A caller's request. `path` begins with `/v1`; `facts` are what the caller states."""

    about: Endpoint
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    is_stream: bool = False
    facts: Mapping[str, object] = field(default_factory=dict)


async def read_request(request: Request, *, limit: int, named: tuple[str, ...]) -> GatewayRequest:
    """Read a request.

    Raises:
        Refusal: too large, not readable, or with an address or a body that could be read in two ways.
        ClientDisconnect: the caller is gone.
    """
    raw = request.scope.get("raw_path") or request.scope["path"].encode()
    path = request.scope["path"]
    if raw.split(b"?")[0] != path.encode() or not _PATH.fullmatch(path):
        raise Refusal(error_response(404, "no such resource", code="not_guarded"))
    about = endpoint(request.method, path, named=named)
    body = await _body(request, limit)
    loaded = {} if about in _UNGUARDED else _loaded(body)
    return GatewayRequest(
        about=about,
        method=request.method,
        path=path,
        query=request.url.query,
        headers=request.headers,
        body=body,
        is_stream=loaded.get("stream") is True,
        facts=_facts(request.headers.get("x-handrail-facts")),
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


def _loaded(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise Refusal(
            error_response(400, "the body is no JSON object, or names a field twice", code="bad_body")
        ) from None
    if not isinstance(value, dict):
        raise Refusal(error_response(400, "the body is no JSON object", code="bad_body"))
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
