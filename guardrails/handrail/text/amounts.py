"""Amounts of money in free text, with counts: `7 refunds of $92` is seven of 92 USD. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from handrail.records import Money
from handrail.text.money import Currencies, currencies
from handrail.text.numbers import (
    Read,
    Token,
    is_number_word,
    number_at,
    read_digits,
    read_words,
    share_after,
    share_at,
    tokens_of,
)

_COUNTABLE = 10_000
_MANY = {"twice": 2, "thrice": 3, "once": 1}
_EACH = frozenset({"each", "apiece", "per", "every"})
_TIMES = frozenset({"x", "×", "*", "times", "@", "à"})
_OF = frozenset({"of", "at", "worth"})
_NOUN_WORDS = 4
_GOES_ON = frozenset(
    {
        *("and", "or", "but", "for", "to", "on", "in", "from", "back", "please", "because", "if", "as", "is"),
        *(
            "was",
            "has",
            "will",
            "by",
            "at",
            "within",
            "per",
            "each",
            "instead",
            "which",
            "that",
            "so",
            "then",
        ),
    }
)
"""Words after which an amount has ended: what follows `15 dollars 50` is no noun that is counted."""
_DOTTED = re.compile(r"[1-9]\d{0,2}\.\d{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountSpan:
    """An amount in a text: `start` and `end` (exclusive) count characters; `count` is how often it is meant.

    `currency` is None where the words do not tell (francs, pesos).
    """

    start: int
    end: int
    amount: Decimal
    currency: str | None
    count: int = 1

    @property
    def money(self) -> Money | None:
        """The single amount as money, None without a currency."""
        return Money(amount=self.amount, currency=self.currency) if self.currency else None


def read_amounts(text: str) -> tuple[AmountSpan, ...]:
    """Return the amounts of money in a text, from left to right; a number without a currency is none."""
    table = currencies()
    tokens = tokens_of(text)
    if not any(table.is_money(token.text) for token in tokens):
        return ()
    found: list[AmountSpan] = []
    at = 0
    while at < len(tokens):
        read = _amount(tokens, at, table)
        if read is None:
            at += 1
            continue
        found.append(
            AmountSpan(
                start=tokens[read.first].start,
                end=tokens[read.after - 1].end,
                amount=read.amount,
                currency=read.currency or None,
                count=_count_before(tokens, read) or _count_after(tokens, read) or 1,
            )
        )
        at = read.after
    return tuple(found)


def total_of_counted(text: str) -> Money | None:
    """Return what the counted amounts of a text come to: `7 refunds of $92` is 644 USD.

    None if nothing is counted, or if the amounts are of several or unclear currencies.
    """
    counted = [span for span in read_amounts(text) if span.count > 1]
    known = {span.currency for span in counted}
    currency = known.pop() if len(known) == 1 else None
    if currency is None:
        return None
    return Money(amount=sum((span.amount * span.count for span in counted), Decimal(0)), currency=currency)


def _amount(tokens: Sequence[Token], at: int, table: Currencies) -> Read | None:
    before, begins = _prefix(tokens, at, table)
    number = number_at(tokens, begins)
    if number is None:
        return _without_number(tokens, at, table)
    if before is not None:
        read = Read(_in_thousands(tokens, number, before, table), at, number.after, before)
        return _with_code(tokens, _with_parts(tokens, read, table), table)
    unit = _unit(tokens, number.after, table)
    if unit is None:
        return None
    code, is_part, after = unit
    if is_part:
        return Read(number.amount / 100, at, after, code)
    amount = _in_thousands(tokens, number, code, table)
    return _with_parts(tokens, Read(amount, at, after, code), table)


def _without_number(tokens: Sequence[Token], at: int, table: Currencies) -> Read | None:
    """Read `half a dollar`, and `a dollar fifty`, `a dollar and a half`; a bare `a dollar` is no amount."""
    share = share_at(tokens, at)
    if share is not None:
        unit = _unit(tokens, share.after, table)
        return Read(share.amount, at, unit[2], unit[0]) if unit is not None and not unit[1] else None
    if tokens[at].low not in ("a", "an") or at + 1 >= len(tokens) or tokens[at + 1].low not in table.units:
        return None
    one = Read(Decimal(1), at, at + 2, table.units[tokens[at + 1].low])
    whole = _with_parts(tokens, one, table)
    return whole if whole.after > one.after else None


def _in_thousands(tokens: Sequence[Token], number: Read, code: str, table: Currencies) -> Decimal:
    """Read `€1.000` as a thousand: no such currency has three decimals."""
    is_dotted = code in table.dotted and number.after == number.first + 1
    return (
        number.amount * 1000 if is_dotted and _DOTTED.fullmatch(tokens[number.first].text) else number.amount
    )


def _prefix(tokens: Sequence[Token], at: int, table: Currencies) -> tuple[str | None, int]:
    """Read `$`, `US$`, `EUR` before a number; returns the code and where the number begins."""
    token = tokens[at]
    if token.text in table.symbols:
        return table.symbols[token.text], at + 1
    follower = tokens[at + 1] if at + 1 < len(tokens) else None
    if follower is None:
        return None, at
    letters = token.low in table.dollars and follower.text == "$"
    if letters and (follower.start == token.end or token.low in ("us", "c")):
        return table.dollars[token.low], at + 2
    code = table.code(token.text)
    if (
        code is not None
        and code not in table.words
        and (follower.text[0].isdigit() or follower.text in table.symbols)
    ):
        return code, at + 1 + (follower.text in table.symbols)
    return None, at


def _unit(tokens: Sequence[Token], at: int, table: Currencies) -> tuple[str, bool, int] | None:
    """Read `dollars`, `€`, `USD`, `cents` after a number: code, whether it is a hundredth, where it ends."""
    if at >= len(tokens):
        return None
    token = tokens[at]
    if token.text in table.symbols:
        return table.symbols[token.text], False, at + 1
    code = table.code(token.text)
    if code is not None:
        return code, False, at + 1
    if token.low in table.nations and at + 1 < len(tokens) and tokens[at + 1].low in table.units:
        return table.nations[token.low], False, at + 2
    if token.low in table.units:
        is_sterling = at + 1 < len(tokens) and tokens[at + 1].low == "sterling"
        return table.units[token.low], False, at + 1 + is_sterling
    if token.low in table.parts or (token.low == "p" and token.start == tokens[at - 1].end):
        return table.parts.get(token.low, "GBP"), True, at + 1
    return None


def _with_parts(tokens: Sequence[Token], read: Read, table: Currencies) -> Read:
    """Add the cents of `3 dollars 50 cents`, `15 dollars 50`, `one dollar and two`, `two and a half`."""
    at = read.after
    share = share_after(tokens, at)
    if share is not None:
        return Read(read.amount + share.amount, read.first, share.after, read.currency)
    if at < len(tokens) and tokens[at].low == "and":
        at += 1
    number = number_at(tokens, at)
    if number is None or number.amount >= 100:
        return read
    unit = _unit(tokens, number.after, table)
    if unit is None and _is_spoken_part(tokens, read, number, table):
        return Read(read.amount + number.amount / 100, read.first, number.after, read.currency)
    if unit is None or not unit[1]:
        return read
    return Read(read.amount + number.amount / 100, read.first, unit[2], read.currency)


def _is_spoken_part(tokens: Sequence[Token], read: Read, number: Read, table: Currencies) -> bool:
    """Tell whether a number after `15 dollars` is its cents: two digits or words, and counts nothing."""
    if tokens[read.after - 1].low not in table.units or read.amount != read.amount.to_integral_value():
        return False
    first = tokens[number.first]
    is_joined = number.first > read.after
    if number.after > number.first + 1 + (tokens[number.first].text[0].isalpha()) * _NOUN_WORDS:
        return False
    if first.text[0].isdigit() and (not first.text.isdigit() or (len(first.text) != 2 and not is_joined)):
        return False
    follower = tokens[number.after] if number.after < len(tokens) else None
    return (
        follower is None
        or not (follower.text[0].isalnum() or follower.text in "%$€£:/-–")
        or (follower.low in _GOES_ON)
    )


def _with_code(tokens: Sequence[Token], read: Read, table: Currencies) -> Read:
    """Take in the code of `$640 USD` or the word of `$5 dollars`; a code settles which dollar it is."""
    if read.after >= len(tokens):
        return read
    token = tokens[read.after]
    code = table.code(token.text)
    if code is not None:
        return Read(read.amount, read.first, read.after + 1, code)
    if (
        token.low in table.nations
        and read.after + 1 < len(tokens)
        and tokens[read.after + 1].low in table.units
    ):
        return Read(read.amount, read.first, read.after + 2, table.nations[token.low])
    if token.low in table.units and table.units[token.low] == read.currency:
        return Read(read.amount, read.first, read.after + 1, read.currency)
    return read


def _count_before(tokens: Sequence[Token], read: Read) -> int | None:
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


def _count_after(tokens: Sequence[Token], read: Read) -> int | None:
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
