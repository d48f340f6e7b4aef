"""Currencies, and the strict reading of a typed amount, as tool arguments carry it. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from handrail.records import Money, Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Currencies:
    """The currency table; an empty code is money of a currency that the word alone does not tell."""

    codes: frozenset[str]
    lower_case: frozenset[str]
    words: frozenset[str]
    dotted: frozenset[str]
    digits: Mapping[str, int]
    symbols: Mapping[str, str]
    dollars: Mapping[str, str]
    units: Mapping[str, str]
    parts: Mapping[str, str]
    nations: Mapping[str, str]

    def decimals(self, code: str) -> int:
        """Return how many decimals an amount of this currency may have."""
        return self.digits.get(code, 2)

    def is_money(self, word: str) -> bool:
        """Tell whether a word or mark can make a number an amount of money."""
        low = word.lower()
        named = word in self.symbols or low in self.units or low in self.parts or low == "p"
        return named or self.code(word) is not None

    def code(self, word: str) -> str | None:
        """Read a word as a currency code: any in upper case, everyday ones in lower case too."""
        if word in self.codes:
            return word
        return word.upper() if word in self.lower_case else None


@cache
def currencies() -> Currencies:
    """Return the currency table, read once."""
    import tomllib
    from importlib import resources

    data = tomllib.loads(resources.files("handrail.text").joinpath("currencies.toml").read_text("utf-8"))
    return Currencies(
        codes=frozenset(data["codes"].split()),
        lower_case=frozenset(data["lower_case"].split()),
        words=frozenset(data["words"].split()),
        dotted=frozenset(data["dotted"].split()),
        digits=data["digits"],
        symbols=data["symbols"],
        dollars=data["dollars"],
        units=data["units"],
        parts=data["parts"],
        nations=data["nations"],
    )


def has_too_many_decimals(amount: Decimal, currency: str) -> bool:
    """Tell whether an amount is finer than its currency, as 12.345 USD; pure."""
    places = currencies().decimals(currency)
    return amount.is_finite() and amount != round(amount, places)


NOT_A_NUMBER = "not a number"
NOT_FINITE = "not finite"
NEGATIVE = "negative amount"
EXPONENT = "exponent form"
TOO_MANY_DECIMALS = "more decimals than the currency has"
UNREADABLE = "unreadable amount"
OTHER_CURRENCY = "another currency"
NO_CURRENCY = "no currency"
UNKNOWN_CURRENCY = "unknown currency"

_LONGEST = 40
_MOST_DIGITS = 24
_NUMBER = re.compile(r"\d{1,20}(?:\.\d{1,20})?|\d{1,3}(?:,\d{3}){1,6}(?:\.\d{1,20})?", re.ASCII)
_EXPONENT = re.compile(r"[\d.]+[eE][+-]?\d+", re.ASCII)
_PARTS = re.compile(r"([^\d.,+\-\s]{0,4})\s?([\d.,]+)\s?([^\d.,+\-\s]{0,4})", re.ASCII)


def parse_money(raw: object, *, currency: str | None) -> Money | Unknown:
    """Read a typed amount, or say why it cannot be trusted; never raises.

    Accepted are whole numbers, floats and decimals, and texts such as `640`, `640.00`, `1,250.50`, `$640`,
    `640 USD`; a mapping with `amount` (or `value`) and `currency`. Anything else is `Unknown`: yes/no, NaN,
    infinities, negative amounts (minus zero too), exponent forms, more decimals than the currency has, digits
    of other scripts, and a currency other than `currency`.

    Args:
        raw: the argument as it was given.
        currency: the ISO 4217 code that holds where `raw` names none; None if it must name one.
    """
    if isinstance(raw, Mapping):
        return _of_mapping(raw, currency)
    if currency is not None and currency not in currencies().codes:
        return Unknown(why=UNKNOWN_CURRENCY)
    if isinstance(raw, str):
        return _of_text(raw, currency)
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        return Unknown(why=NOT_A_NUMBER)
    return _of_number(raw, currency)


def _of_mapping(raw: Mapping[object, object], currency: str | None) -> Money | Unknown:
    amounts = [raw[key] for key in ("amount", "value") if key in raw]
    named = raw.get("currency", currency)
    if len(amounts) != 1 or isinstance(amounts[0], Mapping) or not isinstance(named, str):
        return Unknown(why=UNREADABLE if isinstance(named, str) else NO_CURRENCY)
    if named not in currencies().codes:
        return Unknown(why=UNKNOWN_CURRENCY)
    if currency is not None and named != currency:
        return Unknown(why=OTHER_CURRENCY)
    return parse_money(amounts[0], currency=named)


def _of_number(raw: float | Decimal, currency: str | None) -> Money | Unknown:
    if isinstance(raw, int) and abs(raw) >= 10**_MOST_DIGITS:
        return Unknown(why=UNREADABLE)
    number = Decimal(repr(raw)) if isinstance(raw, float) else Decimal(raw)
    if not number.is_finite():
        return Unknown(why=NOT_FINITE)
    return _checked(number, currency)


def _of_text(raw: str, currency: str | None) -> Money | Unknown:
    text = raw.strip()
    if len(text) > _LONGEST:
        return Unknown(why=UNREADABLE)
    if text.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        return Unknown(why=NOT_FINITE)
    if _EXPONENT.search(text):
        return Unknown(why=EXPONENT)
    if text.startswith(("-", "−")) or re.match(r"[^\d\s]{1,3}\s?[-−]\d", text):
        return Unknown(why=NEGATIVE)
    parts = _PARTS.fullmatch(text)
    if parts is None or not _NUMBER.fullmatch(parts[2]):
        return Unknown(why=UNREADABLE)
    named = _named(parts[1], parts[3])
    if isinstance(named, Unknown):
        return named
    if named is not None and currency is not None and named != currency:
        return Unknown(why=OTHER_CURRENCY)
    return _checked(Decimal(parts[2].replace(",", "")), named or currency)


def _named(before: str, after: str) -> str | Unknown | None:
    words = [word for word in (before, after) if word]
    if not words:
        return None
    if len(words) == 2:
        return Unknown(why=UNREADABLE)
    word, table = words[0], currencies()
    letters = word[:-1].lower()
    code = table.code(word) or table.symbols.get(word)
    if code is None and word.endswith("$"):
        code = table.dollars.get(letters)
    return code if code is not None else Unknown(why=UNKNOWN_CURRENCY)


def _checked(number: Decimal, currency: str | None) -> Money | Unknown:
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return Unknown(why=NOT_FINITE)
    if exponent > 0:
        return Unknown(why=EXPONENT)
    if sign:
        return Unknown(why=NEGATIVE)
    if currency is None:
        return Unknown(why=NO_CURRENCY)
    if len(digits) > _MOST_DIGITS:
        return Unknown(why=UNREADABLE)
    places = currencies().decimals(currency)
    # A whole float is written with one decimal, 640.0, in any currency.
    if -exponent > max(places, 1) or number != number.quantize(Decimal(1).scaleb(-places)):
        return Unknown(why=TOO_MANY_DECIMALS)
    return Money(amount=number, currency=currency)
