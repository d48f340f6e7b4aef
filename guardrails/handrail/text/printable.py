"""Text without what no page or table can hold: control characters and halves of a character. Pure."""

import re
from collections.abc import Mapping
from typing import Final

MARK: Final = "\ufffd"
"""Stands where a character was that cannot be written."""
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
# A pair of halves is a character, and an escaped backslash begins no other escape.
_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.DOTALL
)
_BREAKS: Final = frozenset("\t\n\r")


def printable(text: str) -> str:
    """Return a text with a mark for each character that cannot be written."""
    return _UNPRINTABLE.sub(MARK, text)


def printable_json(text: str) -> str:
    """Return a text with marks also for such characters that it holds as escapes of JSON."""
    return _ESCAPE.sub(_marked, printable(text)) if "\\" in text else printable(text)


def printable_data(value: object) -> object:
    """Return JSON data with every text and key as `printable` gives it."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {printable_data(name): printable_data(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(printable_data, value))
    return value


def _marked(found: re.Match[str]) -> str:
    escape = found[0]
    if len(escape) != len(r"\u0000"):
        return r"\ufffd" if escape in (r"\b", r"\f") else escape
    said = chr(int(escape[2:], 16))
    return r"\ufffd" if said not in _BREAKS and _UNPRINTABLE.search(said) else escape
