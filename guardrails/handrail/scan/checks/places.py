"""Postal addresses: whether a span that looks like one holds what an address needs."""

import re
from collections.abc import Callable, Mapping

_STREET_BEFORE_NUMBER = re.compile(
    r"(?i)^(?:rue|avenue|boulevard|route|via|plaza|place|calle|cours|corso|largo)\b"
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
    """Tell whether there is a number, and words that are no unit of time."""
    if not any(character.isdigit() for character in text):
        return False
    if _STREET_BEFORE_NUMBER.match(text) and not re.search(r"\d", text.split(",")[0]):
        return False
    words = [word.strip(".,").lower() for word in text.split()]
    return not (len(words) < 4 and any(word in _SMALL_WORDS for word in words[1:2]))


CHECKS: Mapping[str, Callable[[str], bool]] = {"address": is_address}
