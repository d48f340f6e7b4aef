"""Signing in with the organisation's own provider: OpenID Connect, code flow with PKCE and a nonce.

What the provider says counts only as far as its signature, issuer, audience, times and nonce are right.
"""

import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, ValidationError

from handrail.clock import Clock
from handrail.errors import HandrailError
from handrail.inbox.settings import Oidc

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
"""Signatures that only the provider can make; a shared secret or none at all is not among them."""
_LEEWAY_S = 60
_KEPT_FOR = timedelta(hours=1)
_NEW_KEYS_AFTER = timedelta(minutes=1)
_WITHIN_S = 10.0
_MOST_BYTES = 1024 * 1024


class SignInRefused(HandrailError):
    """The provider's answer does not show who it is; `code` names what is wrong, from a fixed list."""

    def __init__(self, code: str) -> None:
        super().__init__(f"signing in was refused: {code}")
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A sign-in that waits for the provider's answer; sealed into a cookie of the browser that began it.

    `person` is who signs in anew, empty for a first sign-in.
    """

    state: str
    nonce: str
    verifier: str
    next: str
    at: float
    person: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """Who somebody is by the provider's word; `roles` is None where the people file alone says."""

    person: str
    tenant: str
    roles: tuple[str, ...] | None
    is_manager: bool


class _Discovered(BaseModel):
    """What the provider says about itself; the rest of it is not read."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class _Tokens(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    id_token: str


class Provider:
    """The organisation's provider, asked when somebody signs in.

    Args:
        settings: which provider, and what its claims mean.
        address: where people reach the inbox.
        tenant: of whom the provider names none.
        clock: the time.
    """

    def __init__(self, settings: Oidc, address: str, tenant: str, clock: Clock) -> None:
        self._settings, self._tenant, self._clock = settings, tenant, clock
        self.callback = f"{address}/sign-in/callback"
        self._lock = threading.Lock()
        self._known: tuple[float, _Discovered] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def begin(self, next_path: str, *, person: str = "") -> tuple[str, Begun]:
        """Return where the browser goes, and what its answer will be held against.

        Args:
            next_path: where it goes on afterwards.
            person: who must show anew who they are, empty for a first sign-in.

        Raises:
            SignInRefused: the provider cannot be reached or says nothing usable.
        """
        begun = Begun(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            next=next_path,
            at=self._clock().timestamp(),
            person=person,
        )
        anew = {"prompt": "login", "max_age": "0"} if person else {}
        target: str = prepare_grant_uri(
            self._discovered().authorization_endpoint,
            client_id=self._settings.client_id,
            response_type="code",
            redirect_uri=self.callback,
            scope=" ".join(self._settings.scopes),
            state=begun.state,
            nonce=begun.nonce,
            code_challenge=create_s256_code_challenge(begun.verifier),
            code_challenge_method="S256",
            **anew,
        )
        return target, begun

    def finish(self, begun: Begun, answer: Mapping[str, str]) -> Claimed:
        """Return who it is.

        Args:
            begun: what this browser began.
            answer: the query with which the provider sent it back.

        Raises:
            SignInRefused: any part of the answer is not what it must be.
        """
        if not secrets.compare_digest(answer.get("state", "").encode(), begun.state.encode()):
            raise SignInRefused("state")
        if answer.get("iss", self._settings.issuer) != self._settings.issuer:
            raise SignInRefused("issuer")
        if "error" in answer or not answer.get("code"):
            raise SignInRefused("provider")
        claims = self._claims(self._id_token(answer["code"], begun.verifier))
        self._check(claims, begun)
        return self._claimed(claims)

    def _discovered(self) -> _Discovered:
        now = self._clock().timestamp()
        with self._lock:
            if self._known is not None and now - self._known[0] < _KEPT_FOR.total_seconds():
                return self._known[1]
        address = f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            found = _Discovered.model_validate_json(self._fetched("GET", address))
        except ValidationError:
            raise SignInRefused("provider") from None
        # Another issuer than the one that was asked could sign in anybody.
        if found.issuer != self._settings.issuer:
            raise SignInRefused("issuer")
        with self._lock:
            self._known = (now, found)
        return found

    def _id_token(self, code: str, verifier: str) -> str:
        secret = self._settings.client_secret()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.callback,
            "code_verifier": verifier,
        }
        address = self._discovered().token_endpoint
        headers = {"accept": "application/json"}
        if secret is None:
            form["client_id"] = self._settings.client_id
        else:
            auth = ClientAuth(self._settings.client_id, secret, "client_secret_basic")
            _, signed, _ = auth.prepare("POST", address, {}, "")
            headers["authorization"] = signed["Authorization"]
        try:
            return _Tokens.model_validate_json(self._fetched("POST", address, form, headers)).id_token
        except ValidationError:
            raise SignInRefused("provider") from None

    def _fetched(
        self,
        method: str,
        address: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        try:
            with (
                httpx.Client(timeout=_WITHIN_S, follow_redirects=False) as client,
                client.stream(method, address, data=form, headers=headers) as answer,
            ):
                answer.raise_for_status()
                read = b""
                for chunk in answer.iter_bytes():
                    read += chunk
                    if len(read) > _MOST_BYTES:
                        raise SignInRefused("provider")
                return read
        except (httpx.HTTPError, httpx.InvalidURL):
            raise SignInRefused("provider") from None

    def _claims(self, token: str) -> Mapping[str, object]:
        try:
            return jwt.decode(token, self._key_set(), algorithms=ALGORITHMS).claims
        except (JoseError, ValueError):
            pass
        # The provider may have changed its keys since they were read.
        try:
            return jwt.decode(token, self._key_set(anew=True), algorithms=ALGORITHMS).claims
        except (JoseError, ValueError):
            raise SignInRefused("signature") from None

    def _key_set(self, *, anew: bool = False) -> KeySet:
        now = self._clock().timestamp()
        kept_for = _NEW_KEYS_AFTER if anew else _KEPT_FOR
        with self._lock:
            if self._keys is not None and now - self._keys[0] < kept_for.total_seconds():
                return self._keys[1]
        try:
            found = KeySet.import_key_set(json.loads(self._fetched("GET", self._discovered().jwks_uri)))
        except (JoseError, ValueError, KeyError, TypeError):
            raise SignInRefused("provider") from None
        with self._lock:
            self._keys = (now, found)
        return found

    def _check(self, claims: Mapping[str, object], begun: Begun) -> None:
        now = self._clock().timestamp()
        if claims.get("iss") != self._settings.issuer:
            raise SignInRefused("issuer")
        audience = claims.get("aud")
        named = [audience] if isinstance(audience, str) else audience
        if not isinstance(named, list) or self._settings.client_id not in named:
            raise SignInRefused("audience")
        if (len(named) > 1 or "azp" in claims) and claims.get("azp") != self._settings.client_id:
            raise SignInRefused("audience")
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not secrets.compare_digest(nonce.encode(), begun.nonce.encode()):
            raise SignInRefused("nonce")
        if _stamp(claims, "exp") <= now - _LEEWAY_S or _stamp(claims, "iat") > now + _LEEWAY_S:
            raise SignInRefused("time")
        if "nbf" in claims and _stamp(claims, "nbf") > now + _LEEWAY_S:
            raise SignInRefused("time")
        if begun.person and _stamp(claims, "auth_time") < begun.at - _LEEWAY_S:
            raise SignInRefused("not_anew")

    def _claimed(self, claims: Mapping[str, object]) -> Claimed:
        of = self._settings
        person = claims.get(of.person_claim)
        if not isinstance(person, str) or not person:
            raise SignInRefused("person")
        # An address that nobody has verified is whatever its owner typed.
        if of.person_claim == "email" and claims.get("email_verified") is not True:
            raise SignInRefused("email_not_verified")
        tenant = claims.get(of.tenant_claim) if of.tenant_claim else self._tenant
        if not isinstance(tenant, str) or not tenant:
            raise SignInRefused("tenant")
        values = _values(claims.get(of.roles_claim)) if of.roles_claim else frozenset()
        roles = tuple(sorted({role for value in values for role in of.roles.get(value, ())}))
        return Claimed(
            person=person,
            tenant=tenant,
            roles=roles if of.roles_claim else None,
            is_manager=not values.isdisjoint(of.managers),
        )


def _stamp(claims: Mapping[str, object], name: str) -> float:
    found = claims.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise SignInRefused("time")
    return float(found)


def _values(claim: object) -> frozenset[str]:
    found = claim if isinstance(claim, list) else [claim]
    return frozenset(value for value in found if isinstance(value, str))
