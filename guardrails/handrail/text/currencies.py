"""Which currencies exist, how many decimals each has and how people write them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache


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
