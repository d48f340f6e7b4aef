"""AES-GCM with a fresh nonce in front; the cipher is imported when something is encrypted or decrypted."""

import secrets

NONCE_BYTES = 12


def encrypt(key: bytes, text: bytes, label: bytes) -> bytes:
    """Return nonce and ciphertext; `label` is associated data, checked when it is decrypted."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, text, label)


def decrypt(key: bytes, sealed: bytes, label: bytes) -> bytes:
    """Return the text of what `encrypt` returned.

    Raises:
        ValueError: it was altered, the label or the key is another.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], label)
    except InvalidTag:
        raise ValueError("altered, or another key's or label's") from None
