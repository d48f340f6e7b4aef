"""Where keys come from: a key ring from a file or the environment, later a key service."""

import base64
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from handrail.errors import ConfigError, HandrailError, StoreUnavailable
from handrail.store.crypto.signing import Signer, Trusted, read_signer, read_trusted
from handrail.text.foreign import is_theirs

KEY_BYTES = 32
VARIABLE = "HANDRAIL_KEYS"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """Master keys by name, the one that wraps new data keys, and the key of index hashes (never rotated)."""

    current: str
    keys: Mapping[str, bytes] = field(repr=False)
    index: bytes = field(repr=False)

    def key(self, name: str) -> bytes:
        """Return a master key.

        Raises:
            ConfigError: the ring no longer has it.
        """
        try:
            return self.keys[name]
        except KeyError:
            raise ConfigError(f"the key ring has no key called {name!r}") from None

    def hashed(self, *parts: str) -> str:
        """Return a keyed hash (HMAC-SHA256, hex) of some texts, to compare by without showing them."""
        return hmac.digest(self.index, "\x1f".join(parts).encode("utf-8", "surrogatepass"), "sha256").hex()


class KeyProvider(Protocol):
    """Gives the key ring. A key service implements it by fetching and unwrapping the ring."""

    def ring(self) -> KeyRing:
        """Return the present ring; raises ConfigError if there is none."""


@dataclass(frozen=True, slots=True)
class FixedKeys:
    """A ring that the program holds itself."""

    held: KeyRing

    def ring(self) -> KeyRing:
        """Return the ring."""
        return self.held


@dataclass(frozen=True, slots=True)
class FileKeys:
    """A ring in a JSON file that only its owner can read; made on first use if `create` is set."""

    path: Path
    create: bool = False

    def ring(self) -> KeyRing:
        """Read the ring, making the file first if allowed."""
        if not self.path.exists() and self.create:
            _write_new(self.path, new_ring())
        try:
            if self.path.stat().st_mode & 0o077:
                raise ConfigError(f"{self.path} can be read by others; run: chmod 600 {self.path}")
            return parse_ring(self.path.read_text(), str(self.path))
        except OSError as error:
            raise ConfigError(f"key file {self.path} cannot be read: {error.strerror}") from None

    def rotate(self) -> KeyRing:
        """Add a new master key, make it current and keep the old ones; then rewrap with `Store.rotate`."""
        old = self.ring()
        name = f"k{len(old.keys) + 1}"
        ring = KeyRing(current=name, keys={**old.keys, name: secrets.token_bytes(KEY_BYTES)}, index=old.index)
        fresh = self.path.with_name(f"{self.path.name}.new")
        _write_new(fresh, ring)
        fresh.replace(self.path)
        return ring


@dataclass(frozen=True, slots=True)
class EnvKeys:
    """A ring in an environment variable, in the same JSON as the key file."""

    variable: str = VARIABLE

    def ring(self) -> KeyRing:
        """Read the ring."""
        text = os.environ.get(self.variable)
        if text is None:
            raise ConfigError(f"{self.variable} is not set; it must hold the key ring as JSON")
        return parse_ring(text, self.variable)


def new_ring() -> KeyRing:
    """Return a ring with one fresh master key."""
    return KeyRing(
        current="k1", keys={"k1": secrets.token_bytes(KEY_BYTES)}, index=secrets.token_bytes(KEY_BYTES)
    )


def parse_ring(text: str, where: str) -> KeyRing:
    """Read a ring from JSON: `{"current": …, "keys": {name: base64}, "index": base64}`.

    Raises:
        ConfigError: not that, or a key of another length than 32 bytes. No key is in the message.
    """
    try:
        raw = json.loads(text)
        keys = {str(name): base64.b64decode(key, validate=True) for name, key in raw["keys"].items()}
        ring = KeyRing(
            current=str(raw["current"]), keys=keys, index=base64.b64decode(raw["index"], validate=True)
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError(f"{where} does not hold a key ring") from None
    if any(len(key) != KEY_BYTES for key in (*keys.values(), ring.index)) or ring.current not in keys:
        raise ConfigError(f"{where} does not hold a key ring of {KEY_BYTES}-byte keys")
    return ring


def write_ring(ring: KeyRing) -> str:
    """Return a ring as the JSON that `parse_ring` reads."""
    keys = {name: base64.b64encode(key).decode() for name, key in ring.keys.items()}
    return json.dumps({"current": ring.current, "keys": keys, "index": base64.b64encode(ring.index).decode()})


def _write_new(path: Path, ring: KeyRing) -> None:
    """Write durably under a temporary name, so that no process ever reads half a ring."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(write_ring(ring))
        file.flush()
        os.fsync(file.fileno())
    # A link fails if another process was first; its ring then counts.
    with suppress(FileExistsError):
        os.link(scratch, path)
    scratch.unlink()
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


KEY_FILE = "HANDRAIL_KEY_FILE"
SIGNING_KEY = "HANDRAIL_SIGNING_KEY"
TRUSTED_KEYS = "HANDRAIL_TRUSTED_KEYS"


def ring_of(provider: KeyProvider) -> KeyRing:
    """Return the key ring that a provider gives.

    Raises:
        StoreUnavailable: the provider failed, in whatever way.
        ConfigError: it says that it gives none.
    """
    try:
        return provider.ring()
    except HandrailError:
        raise
    except BaseException as error:
        if not is_theirs(error):
            raise
        raise StoreUnavailable("keys", why=f"the key provider failed with {type(error).__name__}") from None


def key_provider() -> KeyProvider | None:
    """Return the provider that `HANDRAIL_KEYS` (the ring) or `HANDRAIL_KEY_FILE` (its path) names."""
    if os.environ.get(VARIABLE):
        return EnvKeys()
    path = os.environ.get(KEY_FILE)
    return FileKeys(Path(path)) if path else None


def signer() -> Signer | None:
    """Return the signing key in `HANDRAIL_SIGNING_KEY`: the key as `id:base64`, or a file that holds it.

    Raises:
        ConfigError: it is set and is neither.
    """
    text = os.environ.get(SIGNING_KEY)
    if not text:
        return None
    path = Path(text)
    if ":" not in text:
        try:
            text = path.read_text()
        except OSError as error:
            raise ConfigError(f"{SIGNING_KEY} names a file that cannot be read: {error.strerror}") from None
    return read_signer(text)


def trusted() -> Trusted | None:
    """Return the public keys in `HANDRAIL_TRUSTED_KEYS`: `id:base64`, separated by commas."""
    text = os.environ.get(TRUSTED_KEYS)
    return read_trusted(text) if text else None
