"""Signatures of resolutions (Ed25519): the inbox side signs, the application can only check."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from handrail.errors import ConfigError, NotAllowed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SIGNED = (
    "tenant", "id", "ticket", "round", "turn", "verdict", "is_final", "person", "role", "slot", "agreed",
    "digest", "content_sha256", "decided_at", "expires_at", "idempotency_key", "key_id",
)  # fmt: skip


def signed_bytes(resolution: Mapping[str, Any]) -> bytes:
    """Return what a signature covers: every column of a resolution but its encrypted text; pure."""
    text = json.dumps([resolution[name] for name in SIGNED], ensure_ascii=False, separators=(",", ":"))
    return b"handrail decision 1\n" + text.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Signs resolutions; only the inbox side holds one."""

    key_id: str
    private: "Ed25519PrivateKey" = field(repr=False)

    def sign(self, resolution: Mapping[str, Any]) -> bytes:
        """Return the signature of a resolution."""
        return self.private.sign(signed_bytes(resolution))

    @property
    def public(self) -> "Trusted":
        """The public half, for the application."""
        raw = self.private.public_key().public_bytes_raw()
        return Trusted(keys={self.key_id: raw})


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """Public keys (32 bytes each, by id) whose resolutions count."""

    keys: Mapping[str, bytes]

    def check(self, resolution: Mapping[str, Any]) -> None:
        """Accept a resolution that one of these keys signed.

        Raises:
            NotAllowed: no signature, another key's, or altered since.
        """
        signature = resolution["signature"]
        if resolution["key_id"] not in self.keys or signature is None:
            raise NotAllowed(resolution["ticket"], "its resolution is not signed by a trusted key")
        if not self.has_signed(resolution["key_id"], bytes(signature), signed_bytes(resolution)):
            raise NotAllowed(resolution["ticket"], "its resolution was altered after it was signed")

    def has_signed(self, key_id: str, signature: bytes, data: bytes) -> bool:
        """True if the key of this id signed exactly this."""
        if key_id not in self.keys:
            return False
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.keys[key_id]).verify(signature, data)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """How resolutions are signed here: by which key, if any, and whose signatures count.

    `is_required` is True where the application and the inbox do not trust each other.
    """

    signer: Signer | None = None
    trusted: Trusted | None = None
    is_required: bool = False

    def check(self, resolution: Mapping[str, Any]) -> None:
        """Accept a resolution that a trusted key signed.

        Raises:
            NotAllowed: as `Trusted.check`; nobody's signature counts where no key is trusted.
        """
        (self.trusted or Trusted(keys={})).check(resolution)


def new_signer(key_id: str = "s1") -> Signer:
    """Return a signer with a fresh key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Signer(key_id=key_id, private=Ed25519PrivateKey.generate())


def write_signer(signer: Signer) -> str:
    """Return a signer's private key as text for a secret store."""
    raw = signer.private.private_bytes_raw()
    return f"{signer.key_id}:{base64.b64encode(raw).decode()}"


def read_signer(text: str) -> Signer:
    """Read what `write_signer` wrote.

    Raises:
        ConfigError: it is not a signing key. The text is not in the message.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key_id, raw = _parsed(text)
    return Signer(key_id=key_id, private=Ed25519PrivateKey.from_private_bytes(raw))


def write_trusted(trusted: Trusted) -> str:
    """Return public keys as text: `id:base64`, separated by commas."""
    return ",".join(f"{key_id}:{base64.b64encode(raw).decode()}" for key_id, raw in trusted.keys.items())


def read_trusted(text: str) -> Trusted:
    """Read public keys from text.

    Raises:
        ConfigError: one of them is not a public key.
    """
    return Trusted(keys=dict(_parsed(part) for part in text.split(",") if part.strip()))


def _parsed(text: str) -> tuple[str, bytes]:
    key_id, _, encoded = text.strip().partition(":")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except ValueError:
        raw = b""
    if not key_id or len(raw) != 32:
        raise ConfigError("not a key; write it as id:base64 of 32 bytes")
    return key_id, raw
