"""Which language a text is in, told by small words and script: one that heads were trained on, or unknown."""

import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from itertools import islice

from handrail.signals.features import PIECES

UNKNOWN = "unknown"
"""The language of a text that is in none of those that the heads were trained on."""

_FEW = 3
"""A text of fewer words may be in any language; nothing is said of it."""

_TOLD = 2
"""Small words of a language that it takes to say that a text is in another one than the heads know."""


def language_of(text: str) -> str | None:
    """Return the language's code, `UNKNOWN`, or None where a text is too short or too odd to tell.

    A text mostly in a script other than Latin is unknown, and so is one with more small words of a language
    that nobody trained than of any trained one.
    """
    if _is_foreign(text):
        return UNKNOWN
    pieces = PIECES.findall(text.lower())
    if sum(1 for _ in islice((piece for piece in pieces if piece[0].isalpha()), _FEW)) < _FEW:
        return None
    counts: dict[str, int] = {}
    table = _table()
    # Of a long text most words are in no list.
    for word in filter(table.__contains__, pieces):
        for language in table[word]:
            counts[language] = counts.get(language, 0) + 1
    trained, others = _most(counts, _trained()), _most(counts, counts.keys() - _trained())
    if others[1] >= _TOLD and others[1] > trained[1]:
        return UNKNOWN
    return trained[0] if trained[1] else None


def trained_languages() -> frozenset[str]:
    """Return the codes of the languages that the heads were trained on."""
    return _trained()


def _most(counts: Mapping[str, int], among: "frozenset[str] | set[str]") -> tuple[str, int]:
    return max(
        ((name, counts.get(name, 0)) for name in sorted(among)), key=lambda one: one[1], default=("", 0)
    )


def _is_foreign(text: str) -> bool:
    if text.isascii():
        return False
    letters = [char for char in text if char.isalpha()]
    foreign = sum(not _is_latin(char) for char in letters)
    return foreign > 1 and foreign * 2 > len(letters)


@lru_cache(maxsize=4096)
def _is_latin(char: str) -> bool:
    return char.isascii() or unicodedata.name(char, "").startswith(
        ("LATIN", "FULLWIDTH LATIN", "FEMININE", "MASC")
    )


@cache
def _trained() -> frozenset[str]:
    return frozenset(_data()["trained"])


@cache
def _table() -> Mapping[str, tuple[str, ...]]:
    table: dict[str, tuple[str, ...]] = {}
    for language, words in _data()["words"].items():
        for word in dict.fromkeys(words.split()):
            table[word] = (*table.get(word, ()), language)
    return table


@cache
def _data() -> "Mapping[str, dict[str, str]]":
    import tomllib
    from importlib import resources

    return tomllib.loads(resources.files("handrail.signals").joinpath("languages.toml").read_text("utf-8"))
