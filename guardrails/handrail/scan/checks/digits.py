"""Check-digit arithmetic shared by many numbers; every function takes text and is pure."""

import re
from collections.abc import Iterable
from itertools import cycle

_LUHN_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")
_ZERO = ord("0")

_VERHOEFF_PRODUCT = tuple(
    tuple(map(int, row))
    for row in (
        "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
        "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
    )
)  # fmt: skip
_VERHOEFF_TURN = tuple(
    tuple(map(int, row))
    for row in (
        "0123456789", "1576283094", "5803796142", "8916043527",
        "9453126870", "4286573901", "2793806415", "7046913258",
    )
)  # fmt: skip

_ALNUM_VALUE = {character: value for value, character in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")}


_NO_DIGITS = bytes(set(range(256)) - set(b"0123456789"))


def only_digits(text: str) -> str:
    """Return the ASCII digits of a text."""
    return text.encode("ascii", "ignore").translate(None, _NO_DIGITS).decode("ascii")


def compact(text: str) -> str:
    """Return the ASCII letters (upper case) and digits of a text."""
    return "".join(character for character in text if character.isascii() and character.isalnum()).upper()


def is_one_digit(digits: str) -> bool:
    """Tell whether all characters are the same."""
    return len(set(digits)) <= 1


_SEPARATOR = re.compile(r"(?<=[\d)])[^\d()xe]+(?=[\d(])")
_PLAIN = re.compile(r"[ ./-]|[ ]-[ ]|[ ]{2}")
_ALL_PLAIN = re.compile(rf"(?:[\d()]+(?:{_PLAIN.pattern}))*[\d()]+")
"""Groups with nothing but plain separators between them, the most usual case, told in one match."""


def parted_alike(text: str) -> int:
    """Return how many characters of a number's groups are parted alike; a comma after blanks begins
    something else.
    """
    if _ALL_PLAIN.fullmatch(text):
        return len(text)
    first = ""
    for found in _SEPARATOR.finditer(text):
        written = "plain" if _PLAIN.fullmatch(found.group()) else found.group()
        if first not in ("", written):
            return found.start()
        first = written
    return len(text)


def luhn(digits: str) -> bool:
    """Tell whether the Luhn sum is a multiple of ten (ISO/IEC 7812-1, annex B)."""
    written = digits.encode("ascii")
    doubled = written[-2::-2].translate(_LUHN_DOUBLED)
    return (sum(written[::-2]) + sum(doubled) - len(written) * _ZERO) % 10 == 0


def mod_97(text: str) -> int:
    """Return a text modulo 97 with letters as two digits, A = 10 (ISO 7064)."""
    rest = 0
    for character in text:
        value = _ALNUM_VALUE[character]
        rest = (rest * (100 if value > 9 else 10) + value) % 97
    return rest


def mod_11_10(digits: str) -> bool:
    """Tell whether the last digit closes ISO 7064 mod 11,10."""
    product = 10
    for character in digits[:-1]:
        rest = (int(character) + product) % 10 or 10
        product = rest * 2 % 11
    return (11 - product) % 10 == int(digits[-1])


def verhoeff(digits: str) -> bool:
    """Tell whether the Verhoeff checksum is zero (J. Verhoeff, 1969)."""
    check = 0
    for place, character in enumerate(reversed(digits)):
        check = _VERHOEFF_PRODUCT[check][_VERHOEFF_TURN[place % 8][int(character)]]
    return check == 0


def weighted(digits: str, weights: Iterable[int]) -> int:
    """Return the sum of digits times weights, as far as the shorter of both goes."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def weighted_cyclic(digits: str, weights: Iterable[int]) -> int:
    """Return the sum of digits times weights that repeat."""
    return sum(int(digit) * weight for digit, weight in zip(digits, cycle(weights), strict=False))


def alnum_value(character: str) -> int:
    """Return 0-9 for a digit, 10-35 for A-Z."""
    return _ALNUM_VALUE[character]
