"""Words, numbers and marks of a text, and the numbers they make. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from handrail.text.numerals import SCALES, SHORT_SCALES, read_digits, read_words

_TOKEN = re.compile(r"\d[\d.,']*\d|\d|[^\W\d_]+|\S")
_LONGEST_NUMBER = 12


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a number with its separators, or a mark; `low` is its lower-case form."""

    text: str
    low: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Read:
    """A number, or an amount, read from tokens; `first` and `after` (exclusive) are token positions."""

    amount: Decimal
    first: int
    after: int
    currency: str | None = None


def tokens_of(text: str) -> list[Token]:
    """Cut a text into tokens; white space separates them and is left out."""
    return [Token(m[0], m[0].lower(), m.start(), m.end()) for m in _TOKEN.finditer(text)]


def number_at(tokens: Sequence[Token], at: int) -> Read | None:
    """Read the number that begins at a token, in digits with a scale or in words."""
    if at >= len(tokens):
        return None
    if not tokens[at].text[0].isdigit():
        words = [token.low for token in tokens[at : at + _LONGEST_NUMBER] if token.text != "-"]
        spoken = read_words(words)
        if spoken is None:
            return None
        amount, taken = spoken
        return Read(amount, at, _after_words(tokens, at, taken))
    digits = read_digits(tokens[at].text)
    if digits is None:
        return None
    after = at + 1
    while after < len(tokens) and tokens[after].low in SCALES:
        is_apart = tokens[after].start > tokens[after - 1].end
        if is_apart and tokens[after].low in SHORT_SCALES - {"bn", "mn", "mio"}:
            break
        digits *= SCALES[tokens[after].low]
        after += 1
    return Read(digits, at, after)


def _after_words(tokens: Sequence[Token], at: int, taken: int) -> int:
    while taken:
        taken -= tokens[at].text != "-"
        at += 1
    return at
