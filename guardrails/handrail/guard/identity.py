"""Ids that sort by time and cannot be guessed."""

import secrets
import time


def new_id() -> str:
    """Return a new id: 48 bits of milliseconds, then 80 random bits, as 32 hexadecimal digits."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"
