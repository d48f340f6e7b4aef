"""Where a value ends: what may stand beside it without making it part of something longer. Pure."""

import re
from typing import Literal, TypeAlias

Edge: TypeAlias = Literal["word", "number", "token", "none"]
"""What may not touch a value: `word` a letter, digit or underscore; `number` also a sign of quantity and a
separator that leads to another digit; `token` also the characters of keys (`-`, `/`, `+`); `none` anything
may.
"""

_QUANTITY = "$\u20ac\u00a3\u00a5%#+"


def is_apart(text: str, start: int, end: int) -> bool:
    """Tell whether no letter, digit or underscore touches a span; pure."""
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    return not (before.isalnum() or after.isalnum() or before == "_" or after == "_")


def is_whole(text: str, start: int, end: int, edge: Edge) -> bool:
    """Tell whether nothing touches a span that would make it part of something longer; pure."""
    if edge == "none":
        return True
    if not is_apart(text, start, end):
        return False
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    if edge == "number":
        return not (
            before in _QUANTITY
            or after in _QUANTITY
            or (before in ".-/,:" and start > 1 and text[start - 2].isdigit())
            or (after in ".-/," and end + 1 < len(text) and text[end + 1].isdigit())
        )
    return edge != "token" or (before not in "-/+" and after not in "-/+")


def holds_whole(text: str, value: str) -> bool:
    """Tell whether a value stands in a text as a whole word; thousands separators and `.00` do not count.

    Args:
        text: any text.
        value: in lower case, a number without separators and trailing zeros.
    """
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", text.casefold())
    return re.search(rf"(?<![\w.]){re.escape(value)}(?:\.0+)?(?![\w]|\.\d)", plain) is not None
