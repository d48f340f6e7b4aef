"""How an inbox is set up: its store and policy, who signs in and how, and its limits."""

import hashlib
import os
import secrets
import tomllib
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from handrail.errors import ConfigError

SHORTEST_KEY = 32


class Part(BaseModel):
    """A part of the settings: frozen, without unknown fields, and silent about values in its errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Oidc(Part):
    """How people sign in with the organisation's own OpenID Connect provider.

    `person_claim` names the claim that is the person's id in the people file; an `email` counts only with
    `email_verified`. `roles_claim` names the claim whose values `roles` maps to roles of the policy, and
    `managers` are those of its values that make a manager. Without `roles_claim` the people file alone says
    who fills which role. `tenant_claim` names the claim that is the tenant, the inbox's own if empty.
    """

    issuer: str
    client_id: Annotated[str, Field(min_length=1)]
    client_secret_env: str = "HANDRAIL_OIDC_SECRET"  # noqa: S105 - a variable's name
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    person_claim: Annotated[str, Field(min_length=1)] = "email"
    roles_claim: str = ""
    roles: Mapping[str, tuple[str, ...]] = {}
    managers: tuple[str, ...] = ()
    tenant_claim: str = ""

    @field_validator("issuer")
    @classmethod
    def _is_an_address(cls, issuer: str) -> str:
        parts = urlsplit(issuer)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        if not is_safe or not parts.hostname:
            raise ValueError("an https address is needed")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("no credentials, query or fragment")
        return issuer

    def client_secret(self) -> str | None:
        """Return the client's secret, None for a client that has none."""
        return os.environ.get(self.client_secret_env) or None


class Limits(Part):
    """Bounds on one inbox process. Times are seconds.

    A session ends `session_s` after the person signed in, or `idle_s` after they last did something; for
    `fresh_s` after signing in they need not do so again for a step that asks for it. `sign_ins` and `steps`
    are how many sign-ins and changes a minute are taken, by address and by person; `streams` is how many live
    streams are open at once, `streams_each` how many of one person.
    """

    session_s: Annotated[int, Field(gt=0)] = 10 * 3600
    idle_s: Annotated[int, Field(gt=0)] = 3600
    fresh_s: Annotated[int, Field(gt=0)] = 300
    body_bytes: Annotated[int, Field(gt=0)] = 1024 * 1024
    sign_ins: Annotated[int, Field(gt=0)] = 20
    steps: Annotated[int, Field(gt=0)] = 240
    streams: Annotated[int, Field(gt=0)] = 500
    streams_each: Annotated[int, Field(gt=0)] = 8


class Settings(Part):
    """An inbox's settings.

    `address` is where people reach it, such as `https://inbox.example.com`; without one it is for this
    machine only. `development` lets everybody on this machine sign in as anybody of the people file, and is
    refused with an `address`. `managers` are ids of people who see the manager's pages. `key_env` names the
    environment variable that holds the key of sessions, at least 32 characters; without it sessions end with
    the process; `metrics_key_env` names that of the key which Prometheus shows. The desk runs in the same
    process, by `desk_file`, if `desk` says so or the store is SQLite; otherwise `handrail desk` runs
    elsewhere. `proxies` are the addresses from which forwarded headers are believed.
    """

    policy: str = "support"
    people: str = "people.yaml"
    store: str = "sqlite:///handrail.db"
    tenant: Annotated[str, Field(min_length=1, max_length=200)] = "default"
    address: str = ""
    development: bool = False
    oidc: Oidc | None = None
    managers: tuple[str, ...] = ()
    key_env: str = "HANDRAIL_INBOX_KEY"
    metrics_key_env: str = "HANDRAIL_METRICS_KEY"
    desk: bool | None = None
    desk_file: str | None = None
    proxies: tuple[str, ...] = ()
    limits: Limits = Limits()

    @field_validator("address")
    @classmethod
    def _is_an_origin(cls, address: str) -> str:
        parts = urlsplit(address)
        if address and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username):
            raise ValueError("an http or https address is needed")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError("only scheme, host and port; the inbox has an origin of its own")
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            raise ValueError("beyond this machine an https address is needed")
        return address.rstrip("/")

    @model_validator(mode="after")
    def _somebody_can_sign_in(self) -> Self:
        if self.development and self.address and not is_loopback(urlsplit(self.address).hostname or ""):
            raise ValueError("development sign-in is for this machine only, so there is no address")
        return self

    @property
    def is_secure(self) -> bool:
        """True when people reach it by https only."""
        return self.address.startswith("https://")

    @property
    def runs_desk(self) -> bool:
        """True where the desk runs in this process; on PostgreSQL it has rights that the inbox has not."""
        return self.store.startswith("sqlite") if self.desk is None else self.desk

    def session_key(self) -> bytes:
        """Return 32 bytes that seal sessions: from the environment, or drawn anew.

        Raises:
            ConfigError: the variable holds fewer than 32 characters.
        """
        given = os.environ.get(self.key_env, "")
        if not given:
            return secrets.token_bytes(32)
        if len(given) < SHORTEST_KEY:
            raise ConfigError(f"{self.key_env} holds a key of fewer than {SHORTEST_KEY} characters")
        return hashlib.sha256(given.encode()).digest()

    def check_listening(self, host: str) -> None:
        """Refuse to listen beyond this machine where anybody could sign in as anybody.

        Raises:
            ConfigError: it would, or people could not sign in at all.
        """
        if self.development:
            if not is_loopback(host):
                raise ConfigError("development sign-in listens on this machine only: --host 127.0.0.1")
            return
        if self.oidc is None:
            raise ConfigError("nobody can sign in: name an [inbox.oidc] provider, or use --development")
        if not self.address:
            raise ConfigError("[inbox] needs the address at which people reach it")


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine itself; pure, no name is looked up."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def read_settings(path: Path) -> dict[str, object]:
    """Read what a TOML file says for all commands, and its table `[inbox]`, unchecked.

    Raises:
        ConfigError: the file cannot be read.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({type(error).__name__})") from None
    own = raw.get("inbox", {})
    if not isinstance(own, dict):
        raise ConfigError(f"{path}: [inbox] is a table")
    shared = {name: raw[name] for name in ("policy", "people", "store", "tenant", "desk_file") if name in raw}
    return {**shared, **own}


def checked(raw: Mapping[str, object], *, source: str) -> Settings:
    """Check settings.

    Raises:
        ConfigError: the first setting that is wrong; names it, never its value.
    """
    try:
        return Settings.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "settings"
        raise ConfigError(f"{source}: {place}: {first['msg']}") from None
