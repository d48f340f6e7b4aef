"""Ids in time order (UUID version 7, RFC 9562), so that indexes grow at one end."""

import secrets
import time
import uuid


def new_id() -> str:
    """Return a fresh UUIDv7 as text."""
    millis = time.time_ns() // 1_000_000
    value = (millis & (2**48 - 1)) << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62
    return str(uuid.UUID(int=value | secrets.randbits(62)))
