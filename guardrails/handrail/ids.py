"""Ids in time order (UUID version 7, RFC 9562): indexes grow at one end, and nobody can guess one."""

import os
import time
from collections import deque

_VERSION, _VARIANT = 0x7 << 76, 0b10 << 62
_BYTES = 10
"""Bytes of chance of one id, of which 74 bits are used."""

_AT_ONCE = 64
"""For how many ids chance is drawn together: each drawing gives up the interpreter's lock."""

_drawn: deque[int] = deque()
if hasattr(os, "register_at_fork"):
    # A child of a fork must not give the ids that its parent goes on to give.
    os.register_at_fork(after_in_child=_drawn.clear)


def new_id() -> str:
    """Return a new UUIDv7 as 32 hexadecimal digits: 48 bits of milliseconds, then 74 random bits."""
    millis = (time.time_ns() // 1_000_000) & (2**48 - 1)
    try:
        random = _drawn.pop()
    except IndexError:
        random = _draw()
    return f"{millis << 80 | _VERSION | (random >> 62) << 64 | _VARIANT | random & (2**62 - 1):032x}"


def _draw() -> int:
    """Draw chance for several ids and return that of one."""
    data = os.urandom(_AT_ONCE * _BYTES)
    each = [int.from_bytes(data[at : at + _BYTES], "big") >> 6 for at in range(0, len(data), _BYTES)]
    _drawn.extend(each[1:])
    return each[0]
