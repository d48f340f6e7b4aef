"""Numbers as people write them: digits with separators, words and scales, in a text cut into tokens. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

_ONES = {
    "zero": 0,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "thirteen": 13,
    "fourteen": 14,
    "fifteen": 15,
    "sixteen": 16,
    "seventeen": 17,
    "eighteen": 18,
    "nineteen": 19,
}
_TENS = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
SCALES = {
    "hundred": 100,
    "thousand": 10**3,
    "grand": 10**3,
    "k": 10**3,
    "million": 10**6,
    "millions": 10**6,
    "mn": 10**6,
    "m": 10**6,
    "mio": 10**6,
    "billion": 10**9,
    "billions": 10**9,
    "bn": 10**9,
    "b": 10**9,
    "trillion": 10**12,
    "lakh": 10**5,
    "crore": 10**7,
}
SHORT_SCALES = frozenset({"k", "m", "b", "mn", "bn", "mio"})
_WORD_SCALES = frozenset({"thousand", "grand", "million", "billion", "trillion", "lakh", "crore"})
_SHARES = ((("half", "a"), 2), (("half",), 2), (("a", "half"), 2), (("a", "quarter"), 4), (("quarter",), 4))
_HALF, _QUARTER = Decimal("0.5"), Decimal("0.25")
_AFTER_WHOLE: dict[tuple[str, ...], Decimal] = {
    ("and", "a", "half"): _HALF,
    ("and", "one", "half"): _HALF,
    ("and", "a", "quarter"): _QUARTER,
    ("and", "three", "quarters"): Decimal("0.75"),
}
_BEFORE_UNIT = (
    (("a", "quarter", "of", "a"), _QUARTER),
    (("half", "of", "a"), _HALF),
    (("half", "a"), _HALF),
    (("half", "an"), _HALF),
    (("a", "half"), _HALF),
    (("half",), _HALF),
)
_GROUPED = re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d+)?|\d{1,3}(?:'\d{3})+(?:\.\d+)?")
_CONTINENTAL = re.compile(r"\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}")


def read_digits(text: str) -> Decimal | None:
    """Read digits with separators: `1,250.50`, `1.250,50`, `1'250`, `12,5`; None if they make no number."""
    if _GROUPED.fullmatch(text):
        return Decimal(text.replace(",", "").replace("'", ""))
    if _CONTINENTAL.fullmatch(text):
        return Decimal(text.replace(".", "").replace(",", "."))
    plain = text.replace(",", ".") if re.fullmatch(r"\d+,\d{1,2}", text) else text
    return Decimal(plain) if re.fullmatch(r"\d+(?:\.\d+)?", plain) else None


def is_number_word(word: str) -> bool:
    """Tell whether a lower-case word may begin a number written in words."""
    return word in _ONES or word in _TENS


def read_words(words: Sequence[str]) -> tuple[Decimal, int] | None:
    """Read a number from the start of some lower-case words; returns it and how many words it took.

    `a hundred`, `half a million`, `a quarter million`, `two thousand and ten`; a lone `a` is none.
    """
    for share, divisor in _SHARES:
        taken = len(share)
        if tuple(words[:taken]) == share and len(words) > taken and words[taken] in _WORD_SCALES:
            return Decimal(SCALES[words[taken]]) / divisor, taken + 1
    at = 0
    total, part, is_begun = 0, 0, False
    while at < len(words):
        word = words[at]
        if word in ("a", "an") and not is_begun and words[at + 1 : at + 2] and words[at + 1] in SCALES:
            part = 1
        elif word in _ONES and _may_follow(words, at):
            part += _ONES[word]
        elif word in _TENS:
            part += _TENS[word]
        elif word == "hundred" and is_begun:
            part = max(part, 1) * 100
        elif word in _WORD_SCALES and is_begun:
            total += max(part, 1) * SCALES[word]
            part = 0
        elif word == "and" and is_begun and _goes_on(words, at):
            pass
        else:
            break
        is_begun = True
        at += 1
    return (Decimal(total + part), at) if is_begun else None


def _may_follow(words: Sequence[str], at: int) -> bool:
    """`forty five` is one number, `five six` are two."""
    return at == 0 or words[at - 1] not in _ONES


def _goes_on(words: Sequence[str], at: int) -> bool:
    """In `two hundred and ten` the number goes on after `and`; in `ten and five` it does not."""
    return words[at - 1] in SCALES and at + 1 < len(words) and is_number_word(words[at + 1])


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
    """Read the number that begins at a token: digits with a scale, or words, with a half or a quarter."""
    number = _whole_at(tokens, at)
    share = share_after(tokens, number.after) if number is not None else None
    if number is None or share is None:
        return number
    amount, after = number.amount + share.amount, share.after
    if after < len(tokens) and tokens[after].low in _WORD_SCALES:
        amount, after = amount * SCALES[tokens[after].low], after + 1
    return Read(amount, at, after)


def share_after(tokens: Sequence[Token], at: int) -> Read | None:
    """Read `and a half`, `and a quarter` at a token; None if it is none."""
    words = tuple(token.low for token in tokens[at : at + 3])
    share = _AFTER_WHOLE.get(words[:3])
    return Read(share, at, at + 3) if share is not None else None


def share_at(tokens: Sequence[Token], at: int) -> Read | None:
    """Read `half a`, `half`, `a half`, `a quarter of a` before what it is a share of; None if it is none."""
    for words, share in _BEFORE_UNIT:
        if tuple(token.low for token in tokens[at : at + len(words)]) == words:
            return Read(share, at, at + len(words))
    return None


def _whole_at(tokens: Sequence[Token], at: int) -> Read | None:
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


def plain_number(text: str) -> str:
    """Return a number as it is written where it is whole: `4111.0` is `4111`; any other as it was given."""
    whole, _, fraction = text.partition(".")
    return whole if fraction and not fraction.strip("0") else text
