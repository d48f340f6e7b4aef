"""Rows that say what may run carry a keyed hash, so that who has the database alone cannot alter them."""

# A database file can be edited by whoever can write it. What a person decided is sealed, but the columns that
# say who decided, what, until when and where the ticket stands are not: queries need them. Each such row
# therefore has a column `mac`, an HMAC-SHA256 over all its columns. Its key is the index
# key of the key ring, which lies in another file. Every step writes it anew, so that of an earlier state no
# valid row is left to put back.
#
# A row without a `mac` is one that a version before this column wrote. The sealed content of a newer row
# opens under another label (`part_of`), so that nobody can pass a row off as an older one by emptying its
# `mac`.
#
# Who can write the database and holds an older copy of it can put whole rows back. A signed checkpoint, kept
# elsewhere, shows that: see `handrail.store.audit.verify`.

import functools
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from handrail.errors import StoreUnavailable
from handrail.store.crypto.keys import KeyRing

APART = frozenset({"mac", "signature", "reference"})
"""Columns that the hash leaves out: itself, a signature over much the same, and what follows from the id."""
ADDED = frozenset({"duplicate_of", "tool", "snoozed_until", "extended_at", "undone_at", "is_seeded"})
"""Columns that a later version added. The hash leaves them out while they are empty, as it did before."""


_AS_THEY_ARE = (str, int, type(None))
_written = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def mac_of(ring: KeyRing, table: str, values: Mapping[Any, Any]) -> str:
    """Return the keyed hash of a row over all its columns but those `APART`, 64 hexadecimal digits; pure."""
    row = dict(values)
    kept = [
        [name, value if type(value) in _AS_THEY_ARE else _plain(value)]
        for name in _hashed_columns(tuple(row))
        if (value := row[name]) is not None or name not in ADDED
    ]
    return ring.hashed("row", table, _written(kept))


@functools.lru_cache(maxsize=64)
def _hashed_columns(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(names) - APART))


def _plain(value: object) -> object:
    if isinstance(value, (bytes, memoryview)):
        return hashlib.sha256(value).hexdigest()
    # SQLite has no truth values.
    return int(value) if isinstance(value, bool) else value


def is_authentic(ring: KeyRing, table: str, values: Mapping[Any, Any]) -> bool:
    """Return whether a row is as it was written; a row without `mac` is of an earlier version; pure."""
    mac = values["mac"]
    return mac is None or hmac.compare_digest(mac, mac_of(ring, table, values))


def authentic(ring: KeyRing, table: str, values: Mapping[Any, Any]) -> None:
    """Accept a row that is as it was written.

    Raises:
        StoreUnavailable: it was altered.
    """
    if not is_authentic(ring, table, values):
        raise StoreUnavailable("store", why=f"a row of {table} was altered; run `handrail audit verify`")


def part_of(name: str, *, is_authentic: bool) -> str:
    """Return the label under which a field of a row is sealed: another one if the row has a `mac`; pure."""
    return f"{name}+mac" if is_authentic else name
