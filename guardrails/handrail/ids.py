"""Ids in time order (UUID version 7, RFC 9562): indexes grow at one end, and nobody can guess one."""

import secrets
import time

_VERSION, _VARIANT = 0x7 << 76, 0b10 << 62


def new_id() -> str:
    """Return a new UUIDv7 as 32 hexadecimal digits: 48 bits of milliseconds, then 74 random bits."""
    millis = (time.time_ns() // 1_000_000) & (2**48 - 1)
    random = secrets.randbits(74)
    return f"{millis << 80 | _VERSION | (random >> 62) << 64 | _VARIANT | random & (2**62 - 1):032x}"
