"""What is one leaf of a value, and how it is written: a text or its bytes, a number, a date, a name."""

import datetime
import ipaddress
import numbers
import uuid
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum, StrEnum
from fractions import Fraction
from pathlib import PurePath
from typing import Any

from handrail.text.numbers import plain_number
from handrail.text.straight import spelled


class LeafKind(StrEnum):
    """What a leaf is. Only a text and bytes can hold a mask in place of what was found.

    What is shown is masked where its parts are, and must then show the mask.
    """

    TEXT = "text"
    BYTES = "bytes"
    NUMBER = "number"
    DATE = "date"
    KEY = "key"
    ENUM = "enum"
    NAME = "name"
    FIXED = "text of a value that cannot be rebuilt"
    SHOWN = "text that a class makes of its parts"


# By the built-in class: a subclass may write its numbers as anything.
_NUMBERS: Mapping[type, Any] = {
    int: int.__repr__,
    float: float.__repr__,
    complex: complex.__repr__,
    Decimal: Decimal.__str__,
    Fraction: Fraction.__str__,
    # Numbers of other packages, such as the scalars of numpy.
    numbers.Number: str,
}
_DATES = (datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo)
_NAMES = (
    uuid.UUID,
    PurePath,
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
)


def leaf_text(value: object) -> tuple[str, LeafKind] | None:
    """Return the text of a leaf and its kind, None of what is no leaf or cannot be decoded."""
    if isinstance(value, Enum):
        return None
    if isinstance(value, str):
        return spelled(value), LeafKind.TEXT
    for kind, written in _NUMBERS.items():
        if isinstance(value, kind):
            return plain_number(written(value)), LeafKind.NUMBER
    if isinstance(value, (bytes, bytearray, memoryview)):
        raw = bytes(value) if isinstance(value, memoryview) else bytes(memoryview(value))
        codec = codec_of(raw)
        own = LeafKind.FIXED if isinstance(value, memoryview) else LeafKind.BYTES
        return None if codec is None else (raw.decode(codec), own)
    if isinstance(value, _DATES):
        return str(value), LeafKind.DATE
    if isinstance(value, _NAMES):
        return str(value), LeafKind.NAME
    return None


def codec_of(value: bytes | bytearray) -> str | None:
    """Return the coding of bytes that are a text, None of others."""
    codec = "utf-16" if value[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    try:
        # A NUL is in no text: these bytes are in a coding of wider characters, or they are no text.
        return None if "\0" in value.decode(codec) else codec
    except UnicodeDecodeError:
        return None


def is_plain_leaf(kind: type) -> bool:
    """True of classes whose values are known to be what they say and nothing else."""
    return kind in _PLAIN_LEAVES or kind.__module__ in _PLAIN_MODULES


_PLAIN_MODULES = ("pathlib", "uuid", "ipaddress", "datetime", "zoneinfo")
_PLAIN_LEAVES = frozenset({str, int, float, complex, bytes, bytearray, Decimal, Fraction})
