"""Replaces findings in a text."""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, TypeAlias

from handrail.records import Finding

Style: TypeAlias = Literal["label", "mask", "hmac"]

KEPT = 4
"""How many trailing letters and digits `mask` leaves readable, at most a third of them."""


def redact(
    text: str, findings: Iterable[Finding], *, style: Style = "label", key: bytes | None = None
) -> str:
    """Return the text with every finding replaced; pure.

    Styles: `label` writes the type (`[EMAIL]`); `mask` keeps up to four trailing letters or digits and
    the separators (`**** **** **** 1111`); `hmac` writes the type with a keyed hash, so that equal values
    stay recognisable to whoever holds no key (`[EMAIL:3f9c2a7b1d04]`). Findings that overlap are replaced
    as one, named after the longest of them.

    Raises:
        ValueError: `hmac` without a key, or a style that is not known.
    """
    return replaced(text, findings, replacer(style, key))


def replaced(text: str, findings: Iterable[Finding], replace: Callable[[str, Finding], str]) -> str:
    """Return the text with each group of overlapping findings put through `replace(value, finding)`."""
    pieces = []
    at = 0
    for start, end, finding in clusters(findings):
        pieces.append(text[at:start])
        pieces.append(replace(text[start:end], finding))
        at = end
    pieces.append(text[at:])
    return "".join(pieces)


def clusters(findings: Iterable[Finding]) -> Iterator[tuple[int, int, Finding]]:
    """Merge overlapping findings; yields start, end and the longest finding, first by start, then by type."""
    start = end = -1
    chosen: Finding | None = None
    for finding in sorted(findings, key=lambda f: (f.start, -f.end, f.type)):
        if chosen is not None and finding.start < end:
            end = max(end, finding.end)
            if finding.end - finding.start > chosen.end - chosen.start:
                chosen = finding
            continue
        if chosen is not None:
            yield start, end, chosen
        start, end, chosen = finding.start, finding.end, finding
    if chosen is not None:
        yield start, end, chosen


def replacer(style: Style, key: bytes | None = None) -> Callable[[str, Finding], str]:
    """Return what turns a value and its finding into its replacement, for a style of `redact`."""
    if style == "label":
        return label
    if style == "mask":
        return _mask
    if style == "hmac":
        if not key:
            raise ValueError("the style hmac needs a key")
        secret = key
        return lambda value, finding: f"[{finding.type.upper()}:{keyed_hash(value, secret)}]"
    raise ValueError(f"unknown style {style!r}; choose label, mask or hmac")


def label(value: str, finding: Finding) -> str:
    """Return the finding's type in brackets."""
    return f"[{finding.type.upper()}]"


def keyed_hash(value: str, key: bytes) -> str:
    """Return the first twelve hexadecimal digits of HMAC-SHA-256 over the value (RFC 2104)."""
    return hmac.new(key, value.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:12]


def _mask(value: str, finding: Finding) -> str:
    readable = [index for index, character in enumerate(value) if character.isalnum()]
    hidden = set(readable[: len(readable) - min(KEPT, len(readable) // 3)])
    return "".join("*" if index in hidden else character for index, character in enumerate(value))
