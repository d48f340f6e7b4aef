"""Keys and tokens: whether something is random enough, or signed as its maker signs it."""

import base64
import binascii
import json
import math
import re
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


_TECHNICAL = re.compile(
    r"(?ix) (?: sha|md|rsa|aes|utf|base|argon|pbkdf|bcrypt|scrypt|oauth|oidc|saml|tls|ssl|https?|ipv|win"
    r"|office|level|step|field|input|page|line|test|chapter|section|ver(?:sion)?|user|account|option|attempt|rule|column"
    r"|row|item|error|code|part|phase|day|week|iso|rfc|cve|nist|ntlm|ldap|mfa|2fa|v|q|covid|mp|ps|h|type|group|hash|salt"
    r"|api|login|form|db|host|server|zone|gate|room ) [-_ ]?v?\d[\d.-]*[a-z]{0,2}"
    r"|\d+(?:st|nd|rd|th|am|pm|px|ms|mins?|s|h|d|kb|mb|gb|x|k|m|digits?|char(?:acter)?s?|times?|days?|hours?|minutes?)"
)


def is_chosen_word(text: str) -> bool:
    """Tell whether a word that merely stands where a password may stand has the look of one: letters and a
    digit.

    Names of techniques, numbered things and measures (`SHA256`, `field2`, `30min`) have that look too.
    """
    word = text.rstrip(".,!?:)")
    has_both = any(map(str.isalpha, word)) and any(map(str.isdigit, word))
    is_address = "://" in word or "@" in word[1:] or "::" in word or word.startswith(("test_", "/"))
    return (
        len(word) > 4 and has_both and is_password(word) and not is_address and not _TECHNICAL.fullmatch(word)
    )


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
    "chosen_word": is_chosen_word,
    "jwt": is_jwt,
}
