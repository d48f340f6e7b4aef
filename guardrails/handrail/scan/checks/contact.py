"""Addresses of machines and mailboxes, telephone numbers, and postal addresses."""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping

from handrail.scan.checks.calling_codes import is_possible_number
from handrail.scan.checks.digits import is_one_digit, only_digits, parted_alike

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


_GROUP = re.compile(r"\d+")
_YEAR = re.compile(r"(?:19|20)\d\d")
_DECIMAL = re.compile(r"\+\d+[.,]\d+")
_TWO_GROUPS = frozenset({(3, 4), (4, 4), (2, 6), (3, 6), (4, 6), (5, 6), (2, 7), (3, 7), (4, 7)})


def phone_readings(text: str) -> Iterator[int]:
    """Yield how far the groups of a number are parted alike."""
    yield parted_alike(text)


def is_international_phone(text: str) -> bool:
    """Tell whether a number with its country code has a length that country uses (E.164)."""
    number = text.split("x")[0].split("ext")[0]
    if _DECIMAL.fullmatch(number):
        return False
    digits = only_digits(number).removeprefix("00")
    return is_possible_number(digits) and not is_one_digit(only_digits(text)[-7:])


def is_local_phone(text: str) -> bool:
    """Tell whether digits are grouped as numbers are said within a country, and not as dates or amounts
    are.
    """
    number = text.split("x")[0].split("ext")[0]
    groups = _GROUP.findall(number)
    digits = "".join(groups)
    if not 7 <= len(digits) <= 13 or len(set(digits)) < 3:
        return False
    if len(groups) == 1:
        return len(digits) <= 12
    if number.startswith("(") or (digits[0] == "0" and len(digits) >= 9):
        return True
    lengths = tuple(map(len, groups))
    are_years = all(_YEAR.fullmatch(group) for group in groups)
    if len(groups) == 2:
        is_decimal = "." in number and " " not in number
        return lengths in _TWO_GROUPS and not _YEAR.fullmatch(groups[1]) and not is_decimal
    return not are_years and not (
        lengths == (3, 2, 4) or _is_date_shaped(lengths) or _is_amount(number, groups, lengths)
    )


def is_grouped_phone(text: str) -> bool:
    """Tell whether digits that are said to be a telephone number have a length for one."""
    groups = _GROUP.findall(text.split("x")[0].split("ext")[0])
    digits = "".join(groups)
    return (
        6 <= len(digits) <= 13 and not is_one_digit(digits) and not _is_date_shaped(tuple(map(len, groups)))
    )


def _is_date_shaped(lengths: tuple[int, ...]) -> bool:
    if lengths == (2, 2, 2):
        return True
    return len(lengths) >= 3 and sorted(lengths[:3])[1] <= 2 and max(lengths[:3]) == 4


def _is_amount(number: str, groups: list[str], lengths: tuple[int, ...]) -> bool:
    """Tell whether groups of three, or decimals behind them, make a quantity of this."""
    if max(lengths) > 5 or (" " in number and number[-3:-2] == "." and "." not in number[:-3]):
        return True
    in_threes = lengths[0] <= 3 and set(lengths[1:]) == {3}
    return in_threes and (lengths != (3, 3, 3) or groups[-1] == "000")


_STREET_BEFORE_NUMBER = re.compile(
    r"(?i)^(?:rue|avenue|boulevard|route|via|plaza|place|calle|cours|corso|largo)\b"
)
_NO_STREET = re.compile(
    r"(?:via|route|plaza)[ ](?:[A-Z]{2}|(?:Terminal|Gate|Platform|Line|Bus|Train|Flight|Exit|Port|Channel)\b)"
)
_SMALL_WORDS = frozenset(
    [
        "day",
        "days",
        "hour",
        "hours",
        "minute",
        "minutes",
        "week",
        "weeks",
        "month",
        "months",
        "year",
        "years",
        "star",
        "stars",
        "way",
    ]
)


def is_address(text: str) -> bool:
    """Tell whether there is a number or a street corner, and words that are no unit of time."""
    if not any(character.isdigit() for character in text) and "corner of" not in text.lower():
        return False
    if _STREET_BEFORE_NUMBER.match(text) and not re.search(r"\d", text.split(",")[0]):
        return False
    if _NO_STREET.match(text):
        return False
    words = [word.strip(".,").lower() for word in text.split()]
    return not (len(words) < 4 and any(word in _SMALL_WORDS for word in words[1:2]))


CHECKS: Mapping[str, Callable[[str], bool]] = {
    "ipv4": is_ipv4,
    "ipv6": is_ipv6,
    "email": is_email,
    "mac": is_mac,
    "international_phone": is_international_phone,
    "local_phone": is_local_phone,
    "grouped_phone": is_grouped_phone,
    "address": is_address,
}
