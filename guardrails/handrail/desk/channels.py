"""Ways to tell people: signed webhooks, and e-mail, chat and the rest through apprise."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import httpx

from handrail.desk.notice import Notice, envelope
from handrail.errors import ConfigError, HandrailError, MissingExtra

TIMEOUT_S = 15.0
_GONE = 410


class DeliveryError(HandrailError):
    """A notice did not get through; `code` says how.

    `is_final`: trying again is useless. `is_down`: the receiver could not be reached at all.
    """

    def __init__(self, channel: str, code: str, *, is_final: bool = False, is_down: bool = False) -> None:
        super().__init__(f"channel {channel}: {code}")
        self.channel, self.code, self.is_final, self.is_down = channel, code, is_final, is_down


class Channel(Protocol):
    """One way to tell people."""

    @property
    def name(self) -> str:
        """Name of the channel; the record of what was delivered goes by it."""

    def wants(self, notice: Notice) -> bool:
        """Tell whether this channel is for such a notice; pure."""

    def deliver(self, notice: Notice, *, now: datetime) -> None:
        """Deliver a notice, at least once; raises `DeliveryError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """Which notices a channel is for; empty means all."""

    roles: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()

    def matches(self, notice: Notice) -> bool:
        """Tell whether a notice is meant; pure."""
        return (
            (not self.roles or not self.roles.isdisjoint((notice.role, notice.next_role or "")))
            and (not self.kinds or notice.kind in self.kinds)
            and (not self.tenants or notice.tenant in self.tenants)
        )


EVERYTHING: Final = Interest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Posts a CloudEvent signed by Standard Webhooks.

    Args:
        name: name of the channel.
        url: https, or http on the loopback interface only. Redirects are not followed.
        secrets: `whsec_…`, newest first; with several, every one signs, so that keys can be rotated.
        interest: which notices it is for.
        source: the CloudEvents `source`.
        client: what sends; one with time-outs of its own.
    """

    name: str
    url: str
    secrets: tuple[str, ...] = field(repr=False)
    interest: Interest = EVERYTHING
    source: str = "handrail"
    client: httpx.Client | None = None

    def __post_init__(self) -> None:
        check_url(self.url, channel=self.name)
        if not self.secrets:
            raise ConfigError(f"channel {self.name}: a webhook needs a secret")
        for secret in self.secrets:
            _signer(secret, self.name)

    def wants(self, notice: Notice) -> bool:
        """Tell whether a notice is meant; pure."""
        return self.interest.matches(notice)

    def deliver(self, notice: Notice, *, now: datetime) -> None:
        """Post the notice; its id is the `webhook-id`, so that a receiver can drop what it has seen."""
        body, headers = envelope(notice, source=self.source)
        text = body.decode()
        signatures = [_signer(secret, self.name).sign(notice.id, now, text) for secret in self.secrets]
        headers |= {
            "webhook-id": notice.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }
        try:
            status = self._post(body, headers)
        except httpx.HTTPError as error:
            raise DeliveryError(self.name, type(error).__name__, is_down=True) from None
        if not 200 <= status < 300:
            raise DeliveryError(self.name, f"HTTP {status}", is_final=status == _GONE)

    def _post(self, body: bytes, headers: dict[str, str]) -> int:
        if self.client is not None:
            return self.client.post(self.url, content=body, headers=headers).status_code
        with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as client:
            return client.post(self.url, content=body, headers=headers).status_code


@dataclass(frozen=True, slots=True, kw_only=True)
class Apprise:
    """Sends title and lines to any service apprise knows: `mailto://`, `slack://`, `workflows://` (Teams) …

    Args:
        name: name of the channel.
        urls: apprise URLs; they hold credentials.
        interest: which notices it is for.
    """

    name: str
    urls: tuple[str, ...] = field(repr=False)
    interest: Interest = EVERYTHING

    def __post_init__(self) -> None:
        _sender(self.urls, self.name)

    def wants(self, notice: Notice) -> bool:
        """Tell whether a notice is meant; pure."""
        return self.interest.matches(notice)

    def deliver(self, notice: Notice, *, now: datetime) -> None:
        """Send the notice as plain text."""
        sender = _sender(self.urls, self.name)
        if not sender.notify(body=notice.body, title=notice.title, body_format="text"):
            raise DeliveryError(self.name, "not accepted")


def _sender(urls: Sequence[str], channel: str) -> Any:
    try:
        import apprise
    except ImportError:
        raise MissingExtra("notify", "apprise") from None
    # Without image addresses no receiver is made to fetch anything from elsewhere.
    asset = apprise.AppriseAsset(
        app_id="handrail", app_desc="handrail", image_url_mask="", image_url_logo="", async_mode=False
    )
    made = apprise.Apprise(asset=asset)
    if not urls or not all(made.add(url) for url in urls):
        raise ConfigError(f"channel {channel}: no apprise URL, or one that apprise cannot read")
    return made


def _signer(secret: str, channel: str) -> Any:
    try:
        from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook
    except ImportError:
        raise MissingExtra("notify", "standardwebhooks") from None
    try:
        return Webhook(secret)
    except (ValueError, EmptyWebhookSecretError):
        raise ConfigError(f"channel {channel}: a webhook secret is whsec_ and base64") from None


def check_url(url: str, *, channel: str) -> None:
    """Accept https anywhere and http on the loopback interface; pure.

    Raises:
        ConfigError: anything else.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
        raise ConfigError(f"channel {channel}: the address needs https (http on loopback only)")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
