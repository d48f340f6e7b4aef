"""A text cut into the tokens that `features.PIECES` describes, mostly without running it. Pure.

Of an ASCII text in which no word touches a digit or has an apostrophe at its edge, splitting at blanks gives
the same tokens for a fifth of the cost. Whatever ends a sentence without asking is then given as `STOP`, and
whatever parts it as `PAUSE`: the heads make no difference between them.
"""

import string

from handrail.signals.features import ENDS, PIECES, QUESTION, fold

STOP, PAUSE = ".", ","

_LETTERS, _APOSTROPHE = string.ascii_letters, "'"
_KEPT = {ord(char): char for char in _LETTERS + string.digits + _APOSTROPHE}
_MARKS = {ord(char): STOP for char in ENDS} | {ord(QUESTION): QUESTION} | {ord(char): PAUSE for char in ",:"}
_MARKED = dict.fromkeys(range(128), " ") | _KEPT | _MARKS
_SHAPE = (
    dict.fromkeys(range(128), " ")
    | {ord(char): "a" for char in _LETTERS}
    | {ord(char): "0" for char in string.digits}
    | {ord(_APOSTROPHE): _APOSTROPHE}
)
_MIXED = ("a0", "0a")
_EDGES = (" '", "' ", "''", "0'", "'0")


def tokens_of(text: str) -> list[str]:
    """Return the tokens of a text in lower case with plain apostrophes; accents are dropped."""
    text = fold(text)
    if not text.isascii() or _is_mixed(text):
        return PIECES.findall(text)
    marked = text.translate(_MARKED)
    return marked.replace(".", " . ").replace(",", " , ").replace("?", " ? ").split()


def _is_mixed(text: str) -> bool:
    """Tell whether some token of an ASCII text has no blank or mark on one of its sides."""
    shape = f" {text} ".translate(_SHAPE)
    return any(pair in shape for pair in _MIXED) or (
        _APOSTROPHE in shape and any(pair in shape for pair in _EDGES)
    )
