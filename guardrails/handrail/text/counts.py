"""How often an amount is meant: `7 refunds of $92`, `$92 seven times`. Pure."""

from collections.abc import Sequence
from decimal import Decimal

from handrail.text.numerals import is_number_word, read_digits, read_words
from handrail.text.tokens import Read, Token, number_at

_COUNTABLE = 10_000
_MANY = {"twice": 2, "thrice": 3, "once": 1}
_EACH = frozenset({"each", "apiece", "per", "every"})
_TIMES = frozenset({"x", "×", "*", "times", "@", "à"})
_OF = frozenset({"of", "at", "worth"})
_NOUN_WORDS = 4


def count_before(tokens: Sequence[Token], read: Read) -> int | None:
    """Read the count of `7 refunds of $92`, `3 x $90`, `seven refunds, $92 each`, `twice $92`."""
    at = read.first - 1
    while at >= 0 and tokens[at].text in ("(", "~"):
        at -= 1
    if at < 0:
        return None
    link = tokens[at].low
    if link in _MANY:
        return _MANY[link]
    if link in _TIMES:
        return _count_ending(tokens, at - 1)
    is_each = read.after < len(tokens) and tokens[read.after].low in _EACH
    if link not in _OF and not is_each:
        return None
    if link in _OF or link in (",", ":", "for", "-", "–", "with"):
        at -= 1
    for words in range(_NOUN_WORDS + 1):
        if at - words < 0:
            return None
        token = tokens[at - words]
        count = _count_ending(tokens, at - words)
        if count is not None:
            return count
        if not token.text[0].isalpha():
            return None
    return None


def count_after(tokens: Sequence[Token], read: Read) -> int | None:
    """Read the count of `$92 x 7`, `$92 seven times`, `$92 each, 7 times`, `$92 twice`."""
    at = read.after
    while at < len(tokens) and tokens[at].low in (",", "each", "apiece", ")", "for", "all", "done"):
        at += 1
    if at >= len(tokens):
        return None
    if tokens[at].low in _MANY:
        return _MANY[tokens[at].low]
    if tokens[at].low in _TIMES - {"times"} or (tokens[at].low == "times" and at + 1 < len(tokens)):
        number = number_at(tokens, at + 1)
        return _as_count(number.amount) if number else None
    number = number_at(tokens, at)
    is_times = number is not None and number.after < len(tokens) and tokens[number.after].low == "times"
    return _as_count(number.amount) if number is not None and is_times else None


def _count_ending(tokens: Sequence[Token], at: int) -> int | None:
    """Read the count that ends at a token."""
    if at < 0:
        return None
    if tokens[at].text[0].isdigit():
        digits = read_digits(tokens[at].text)
        return _as_count(digits) if digits is not None else None
    if not is_number_word(tokens[at].low):
        return None
    first = at
    while first > 0 and (is_number_word(tokens[first - 1].low) or tokens[first - 1].text == "-"):
        first -= 1
    spoken = read_words([token.low for token in tokens[first : at + 1] if token.text != "-"])
    return _as_count(spoken[0]) if spoken else None


def _as_count(number: Decimal) -> int | None:
    is_whole = number == number.to_integral_value()
    return int(number) if is_whole and 1 <= number <= _COUNTABLE else None
