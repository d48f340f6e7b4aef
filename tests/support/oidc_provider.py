"""A small OpenID Connect provider on loopback: code flow with PKCE, real signatures, ways to misbehave."""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "inbox", "client-secret-0123456789"


@dataclass
class OidcProvider:
    """What it says of the person who signs in; `bend` changes the claims before they are signed."""

    now: Callable[[], float]
    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    bend: Callable[[dict[str, Any]], None] = lambda claims: None
    key: Any = None
    algorithm: str = "ES256"
    published: list[Any] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    key_reads: int = 0

    def __post_init__(self) -> None:
        self.key = self.key or new_key("one")
        self.published = [self.key]

    def discovery(self, request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }
        )

    def keys(self, request: Request) -> Response:
        self.key_reads += 1
        return JSONResponse(KeySet(self.published).as_dict(private=False))

    def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.asked.append(asked)
        if asked["client_id"] != CLIENT or asked.get("code_challenge_method") != "S256":
            return Response(status_code=400)
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        query = urlencode({"code": code, "state": asked["state"], "iss": self.issuer})
        return RedirectResponse(f"{asked['redirect_uri']}?{query}", 303)

    async def token(self, request: Request) -> Response:
        form = {name: found[0] for name, found in parse_qs((await request.body()).decode()).items()}
        expected = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        asked = self.codes.pop(form.get("code", ""), None)
        proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if (
            request.headers.get("authorization") != f"Basic {expected}"
            or asked is None
            or asked["redirect_uri"] != form.get("redirect_uri")
            or asked["code_challenge"] != base64.urlsafe_b64encode(proof).rstrip(b"=").decode()
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse(
            {"access_token": "x", "token_type": "Bearer", "id_token": self.id_token(asked["nonce"])}
        )

    def id_token(self, nonce: str) -> str:
        now = int(self.now())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "u-1",
            "exp": now + 300,
            "iat": now,
            "auth_time": now,
            "nonce": nonce,
            **self.claims,
        }
        self.bend(claims)
        if self.algorithm == "none":
            parts = [_part({"alg": "none"}), _part(claims), ""]
            return ".".join(parts)
        header = {"alg": self.algorithm, "kid": self.key.kid}
        if self.algorithm == "HS256":
            text = f"{_part(header)}.{_part(claims)}"
            mark = hmac.digest(self.key.as_pem(private=False), text.encode(), "sha256")
            return f"{text}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"
        return jwt.encode(header, claims, self.key, algorithms=[self.algorithm])


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def new_key(name: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": name, "use": "sig"})


@contextmanager
def oidc_provider(now: Callable[[], float], **claims: Any) -> Iterator[OidcProvider]:
    """Serve a provider while the block runs."""
    provider = OidcProvider(now=now, claims=claims)
    app = Starlette(
        routes=[
            Route("/.well-known/openid-configuration", provider.discovery),
            Route("/authorize", provider.authorize),
            Route("/token", provider.token, methods=["POST"]),
            Route("/keys", provider.keys),
        ]
    )
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    give_up = time.monotonic() + 10
    while not server.started:
        if time.monotonic() > give_up:
            raise TimeoutError("the provider does not start")
        time.sleep(0.005)
    provider.issuer = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield provider
    finally:
        server.should_exit = True
        thread.join(timeout=10)
