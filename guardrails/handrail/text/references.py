"""The shape of a ticket's reference, as it stands in a text: `HR-7K3F-2Q`. Pure."""

import re

PREFIX = "HR"
LENGTH = 6
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No letter or digit that is taken for another one when it is read or heard: no 0, 1, I, L, O or U."""
FIRST = 4
_REST = re.compile(rf"-[{ALPHABET}]{{{FIRST}}}-[{ALPHABET}]{{{LENGTH - FIRST}}}", re.IGNORECASE)


def heads_reference(text: str, start: int, end: int) -> bool:
    """Tell whether what stands there is the head of a reference, and so no word of its own; pure."""
    return text[start:end].upper() == PREFIX and _REST.match(text, end) is not None
