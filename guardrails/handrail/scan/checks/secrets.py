"""Keys and tokens: whether something is random enough, or signed as its maker signs it."""

import base64
import binascii
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping

_PLACEHOLDERS = (
    "example", "your", "xxxx", "placeholder", "changeme", "redacted", "dummy", "sample", "insert", "<",
    "${", "{{",
    "****", "....", "secret_here", "token_here", "key_here", "12345678", "abcdefgh", "undefined", "null",
)  # fmt: skip


def entropy(text: str) -> float:
    """Return Shannon's entropy of the characters, in bits per character."""
    length = len(text)
    return -sum(n / length * math.log2(n / length) for n in Counter(text).values())


def is_random(text: str) -> bool:
    """Tell whether a token is no placeholder and its characters are spread as a generator spreads them."""
    low = text.lower()
    return not any(word in low for word in _PLACEHOLDERS) and entropy(text) >= min(
        3.0, math.log2(len(text)) * 0.7
    )


def is_secret_value(text: str) -> bool:
    """Tell whether what is assigned to a name such as `password` or `api_key` looks generated or chosen.

    At least two kinds of characters, or more than 3.5 bits per character; plain words and placeholders
    are not.
    """
    if len(text) < 6 or any(word in text.lower() for word in _PLACEHOLDERS):
        return False
    kinds = (
        any(character.islower() for character in text)
        + any(character.isupper() for character in text)
        + any(character.isdigit() for character in text)
        + any(not character.isalnum() for character in text)
    )
    has_digit = any(character.isdigit() for character in text)
    return entropy(text) > 2.2 and ((kinds >= 2 and has_digit) or kinds >= 3)


def is_password(text: str) -> bool:
    """Tell whether a word said to be a password is more than a dictionary word."""
    word = text.rstrip(".,!?:)")
    return len(set(word)) > 3 and not word.isalpha() and "*" not in word


def is_jwt(text: str) -> bool:
    """Tell whether the first part of a web token decodes to a JSON object that names its algorithm (RFC
    7519).
    """
    head = text.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return False
    return isinstance(header, dict) and ("alg" in header or "enc" in header)


CHECKS: Mapping[str, Callable[[str], bool]] = {
    "random": is_random,
    "secret_value": is_secret_value,
    "password": is_password,
    "jwt": is_jwt,
}
