"""Addresses of machines, and mail addresses."""

import ipaddress
from collections.abc import Callable, Mapping

_FILE_ENDINGS = frozenset(
    [
        "png",
        "jpg",
        "jpeg",
        "gif",
        "svg",
        "webp",
        "css",
        "js",
        "ts",
        "py",
        "md",
        "txt",
        "json",
        "yaml",
        "yml",
        "html",
        "zip",
        "gz",
        "pdf",
        "exe",
    ]
)


def is_ipv4(text: str) -> bool:
    """Tell whether four parts are bytes, without leading zeros."""
    parts = text.split(".")
    return all(len(part) < 4 and int(part) < 256 and (part == "0" or part[0] != "0") for part in parts)


def is_ipv6(text: str) -> bool:
    """Tell whether the standard library reads it as an address with enough of it written out."""
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return sum(1 for part in text.split(":") if part) >= 3 or text.startswith("fe80")


def is_email(text: str) -> bool:
    """Tell whether local part and domain keep the length and dot rules of RFC 5321, and no file name ends
    it.
    """
    local, _, domain = text.rpartition("@")
    if len(local) > 64 or local[0] == "." or local[-1] == "." or ".." in local or ".." in domain:
        return False
    return domain.rpartition(".")[2].lower() not in _FILE_ENDINGS


def is_mac(text: str) -> bool:
    """Tell whether one separator is used throughout and the address is not all one digit."""
    return len({character for character in text if character in ":-."}) == 1 and len(set(text.lower())) > 2


CHECKS: Mapping[str, Callable[[str], bool]] = {
    "ipv4": is_ipv4,
    "ipv6": is_ipv6,
    "email": is_email,
    "mac": is_mac,
}
