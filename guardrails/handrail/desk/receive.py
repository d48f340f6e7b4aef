"""For those who receive the desk's webhooks: genuine, fresh, and each one once."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from handrail.errors import HandrailError, MissingExtra

TOLERANCE: Final = timedelta(minutes=5)
_FORGET_AFTER: Final = 2 * TOLERANCE + timedelta(minutes=1)


class WebhookError(HandrailError):
    """A webhook that must not be acted on."""


class SignatureError(WebhookError):
    """Not signed with a known secret, altered, too old or too new."""


class ReplayError(WebhookError):
    """Seen before; answer 2xx and do nothing, because delivery is at least once."""


@dataclass(slots=True)
class Seen:
    """Remembers webhook ids for as long as their time stamp would still be accepted; for one process."""

    now: Callable[[], datetime]
    _until: dict[str, datetime] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, webhook: str) -> bool:
        """Return True the first time an id is seen."""
        at = self.now()
        with self._lock:
            for old in [key for key, until in self._until.items() if until < at]:
                del self._until[old]
            if webhook in self._until:
                return False
            self._until[webhook] = at + _FORGET_AFTER
            return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Checks incoming webhooks.

    Args:
        secrets: every secret that is good at present, so that keys can be rotated.
        is_new: returns True the first time an id is seen; with several processes, ask a shared table.
    """

    secrets: Sequence[str] = field(repr=False)
    is_new: Callable[[str], bool]

    def __call__(self, body: bytes, headers: Mapping[str, str]) -> Any:
        """Return the CloudEvent as plain data.

        Raises:
            SignatureError: not genuine or not fresh.
            ReplayError: seen before.
        """
        try:
            from standardwebhooks.webhooks import Webhook, WebhookVerificationError
        except ImportError:
            raise MissingExtra("notify", "standardwebhooks") from None
        named = {name.lower(): value for name, value in headers.items()}
        for secret in self.secrets:
            try:
                event = Webhook(secret).verify(body, named)
            except (WebhookVerificationError, ValueError):
                continue
            if not self.is_new(named["webhook-id"]):
                raise ReplayError("this webhook was received before")
            return event
        raise SignatureError("the webhook is not signed with a known secret, or not fresh")
