"""Keys from the environment, for programs that are given none: what a process may do is set where it runs."""

import os
from pathlib import Path

from handrail.errors import ConfigError
from handrail.store.keys import VARIABLE, EnvKeys, FileKeys, KeyProvider
from handrail.store.signing import Signer, Trusted, read_signer, read_trusted

KEY_FILE = "HANDRAIL_KEY_FILE"
SIGNING_KEY = "HANDRAIL_SIGNING_KEY"
TRUSTED_KEYS = "HANDRAIL_TRUSTED_KEYS"


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
