"""How a gateway is set up: where it sends, who may call it, and its limits."""

import hashlib
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from handrail.errors import ConfigError


class Part(BaseModel):
    """What every part of the settings shares."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Caller(Part):
    """An application that may call: the sha256 of its key, its tenant and, if another one, its policy."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="sha256 of the application's key.")]
    tenant: str
    policy: str | None = None


class Limits(Part):
    """Bounds on one gateway process."""

    body_bytes: Annotated[int, Field(gt=0)] = 4 * 1024 * 1024
    at_once: Annotated[int, Field(gt=0)] = 600
    seconds: Annotated[float, Field(gt=0)] = 300.0
    keep_alive_s: Annotated[float, Field(gt=0)] = 5.0
    drain_s: Annotated[float, Field(ge=0)] = 30.0


class Settings(Part):
    """A gateway's settings.

    `upstream_key_env` names the environment variable that holds the provider's key; the gateway alone knows
    it, so an application cannot go round the guard. Without `callers` anybody who reaches the port may call,
    as tenant `default`.
    """

    upstream: str
    policy: str
    store: str = "sqlite:///handrail.db"
    upstream_key_env: str = "OPENAI_API_KEY"
    callers: tuple[Caller, ...] = ()
    shape: Literal["auto", "error"] = "auto"
    named: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    limits: Limits = Limits()
    guard: bool = True

    def upstream_key(self) -> str | None:
        """Return the provider's key, None where the variable is not set."""
        return os.environ.get(self.upstream_key_env) or None


def read_settings(path: Path) -> Settings:
    """Read a gateway's settings from YAML.

    Raises:
        ConfigError: the file cannot be read or a setting is wrong; names it, never its value.
    """
    try:
        raw = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read ({type(error).__name__})") from None
    return checked(raw if isinstance(raw, dict) else {}, source=str(path))


def checked(raw: dict[str, object], *, source: str) -> Settings:
    """Check settings.

    Raises:
        ConfigError: the first setting that is wrong.
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
