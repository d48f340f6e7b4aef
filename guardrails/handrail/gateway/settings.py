"""How a gateway is set up: where it sends, who may call it, and its limits."""

import hashlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from handrail.errors import ConfigError
from handrail.http.bounds import Bounds


class Part(BaseModel):
    """A part of the settings: frozen, without unknown fields, and silent about values in its errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Caller(Part):
    """An application that may call: the sha256 of its key, its tenant, and its policy if it has its own."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="sha256 of the application's key.")]
    tenant: Annotated[str, Field(min_length=1, max_length=200)]
    policy: str | None = None


class Limits(Part):
    """Bounds on one gateway process. Times are seconds.

    `seconds` bounds the provider's part of a request, `check_s` what handrail adds to it; `retries` is
    how often the provider is asked again after a passing failure; `waiters` bounds how many callers wait for
    a person at once. `answers`, `messages`, `fields` and `depth` bound what one request may ask for and hold.
    """

    body_bytes: Annotated[int, Field(gt=0)] = 4 * 1024 * 1024
    answer_bytes: Annotated[int, Field(gt=0)] = 32 * 1024 * 1024
    answers: Annotated[int, Field(gt=0)] = 128
    messages: Annotated[int, Field(gt=0)] = 10_000
    fields: Annotated[int, Field(gt=0)] = 500
    depth: Annotated[int, Field(gt=0, le=500)] = 100
    at_once: Annotated[int, Field(gt=0)] = 600
    waiters: Annotated[int, Field(gt=0)] = 200
    seconds: Annotated[float, Field(gt=0)] = 300.0
    check_s: Annotated[float, Field(gt=0)] = 30.0
    retries: Annotated[int, Field(ge=0, le=5)] = 1
    keep_alive_s: Annotated[float, Field(gt=0)] = 5.0
    drain_s: Annotated[float, Field(ge=0)] = 30.0

    def bounds(self) -> Bounds:
        """Return the bounds on one exchange."""
        names = [field.name for field in fields(Bounds)]
        return Bounds(**{name: getattr(self, name) for name in names})


class Settings(Part):
    """A gateway's settings.

    `upstream_key_env` names the environment variable that holds the provider's key; the gateway alone knows
    it, so an application cannot go round the guard. `upstream_key_header` is the header it travels in: as
    `Bearer KEY` in `authorization`, bare in any other. Without `callers` anybody who reaches the port may
    call, as tenant `default`; the command then listens on loopback only.
    """

    upstream: str
    policy: str
    people: str | None = None
    store: str = "sqlite:///handrail.db"
    upstream_key_env: str = "OPENAI_API_KEY"
    upstream_key_header: Annotated[str, Field(pattern="^[a-z0-9-]+$")] = "authorization"
    callers: tuple[Caller, ...] = ()
    shape: Literal["auto", "error"] = "auto"
    named: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    limits: Limits = Limits()
    guard: bool = True

    @field_validator("upstream")
    @classmethod
    def _is_an_address(cls, upstream: str) -> str:
        parts = urlsplit(upstream)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("an http or https address is needed")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("no credentials, query or fragment; the key comes from the environment")
        return upstream.rstrip("/")

    @model_validator(mode="after")
    def _keys_differ(self) -> Self:
        if len({caller.sha256 for caller in self.callers}) < len(self.callers):
            raise ValueError("two callers have the same key")
        return self

    def upstream_key(self) -> str | None:
        """Return the provider's key, None where the variable is not set."""
        return os.environ.get(self.upstream_key_env) or None

    def check_listening(self, host: str) -> None:
        """Refuse to listen beyond this machine without callers.

        Raises:
            ConfigError: everybody who reaches the port could use the provider's key.
        """
        if not self.callers and not _is_loopback(host):
            raise ConfigError("listening beyond this machine needs `callers` in the settings")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_settings(path: Path) -> dict[str, object]:
    """Read a gateway's settings, unchecked.

    A TOML file holds what all commands share, of which `policy`, `people` and `store` count here, and the
    gateway's own under `[gateway]`; any other file is YAML and holds them all.

    Raises:
        ConfigError: the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".toml":
            return _of_toml(tomllib.loads(text), path)
        raw = YAML(typ="safe", pure=True).load(text)
    except (OSError, UnicodeDecodeError, YAMLError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({type(error).__name__})") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: settings are names with values")
    return raw


def _of_toml(raw: Mapping[str, object], path: Path) -> dict[str, object]:
    own = raw.get("gateway", {})
    if not isinstance(own, dict):
        raise ConfigError(f"{path}: [gateway] is a table")
    return {**{name: raw[name] for name in ("policy", "people", "store") if name in raw}, **own}


def checked(raw: dict[str, object], *, source: str) -> Settings:
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


def key_sha256(key: str) -> str:
    """Return how a key is written in the settings."""
    return hashlib.sha256(key.encode()).hexdigest()
