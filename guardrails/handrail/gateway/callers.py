"""Who calls: finds the tenant and the guard that belong to an application's key."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from handrail.gateway.settings import Settings, key_sha256
from handrail.guard import Guard


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCaller:
    """A caller whose key was right."""

    tenant: str
    guard: Guard


class Callers:
    """The applications that may call.

    Args:
        settings: names them.
        guards: a guard for each policy that the settings name.
    """

    def __init__(self, settings: Settings, guards: Mapping[str, Guard]) -> None:
        self._is_open = not settings.callers
        self._default = KnownCaller(tenant="default", guard=guards[settings.policy])
        self._known = {
            caller.sha256: KnownCaller(tenant=caller.tenant, guard=guards[caller.policy or settings.policy])
            for caller in settings.callers
        }

    def identify(self, headers: Mapping[str, str]) -> KnownCaller | None:
        """Return the caller whose key is in `authorization` or `x-api-key`, None if it is no caller's."""
        if self._is_open:
            return self._default
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            key = headers.get("x-api-key", "")
        if not key.strip():
            return None
        digest = key_sha256(key.strip())
        # Comparing digests one by one takes the same time whichever is right.
        found = [known for sha256, known in self._known.items() if hmac.compare_digest(sha256, digest)]
        return found[0] if found else None


def policies_of(settings: Settings) -> tuple[str, ...]:
    """Return every policy that the settings name, each once."""
    named = (settings.policy, *(caller.policy or settings.policy for caller in settings.callers))
    return tuple(dict.fromkeys(named))
