"""Which language a text is in, told by small words and script: one that heads were trained on, or unknown."""

import struct
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice

from handrail.signals.features import PIECES
from handrail.signals.tokens import tokens_of

UNKNOWN = "unknown"
"""The language of a text that is in none of those that the heads were trained on."""

_FEW = 3
"""A text of fewer words may be in any language; nothing is said of it."""

_TOLD = 2
"""Small words of a language that it takes to say that a text is in another one than the heads know."""


def language_of(text: str, read: tuple[str, Sequence[str]] = ("", ())) -> str | None:
    """Return the language's code, `UNKNOWN`, or None where a text is too short or too odd to tell.

    A text mostly in a script other than Latin is unknown, and so is one with more small words of a language
    that nobody trained than of any trained one.

    Args:
        text: the text.
        read: a text in lower case and its tokens, which are used if it is this one in lower case.
    """
    if _is_foreign(text):
        return UNKNOWN
    low = text.lower()
    pieces = _pieces(low, read)
    if sum(1 for _ in islice((piece for piece in pieces if piece[0].isalpha()), _FEW)) < _FEW:
        return None
    small = _small_words()
    # Of a long text most words are in no list.
    total = sum(filter(None, map(small.lanes.get, pieces)))
    counts = small.counts.unpack(total.to_bytes(small.counts.size, "little"))
    trained, others = counts[: small.trained], counts[small.trained :]
    most, most_of_others = max(trained), max(others)
    if most_of_others >= _TOLD and most_of_others > most:
        return UNKNOWN
    return small.names[trained.index(most)] if most else None


def _pieces(low: str, read: tuple[str, Sequence[str]]) -> Sequence[str]:
    # The heads' tokens have no accents, which small words do.
    if not low.isascii():
        return PIECES.findall(low)
    return read[1] if read[0] == low else tokens_of(low)


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


@dataclass(frozen=True, slots=True)
class _SmallWords:
    """The small words of all languages: a word is a whole number with one in the lane of each of its own.

    `names` are the languages by lane, the `trained` first ones first; `counts` reads the lanes of a sum.
    """

    lanes: Mapping[str, int]
    names: tuple[str, ...]
    trained: int
    counts: struct.Struct


@cache
def _small_words() -> _SmallWords:
    words, trained = _data()["words"], _trained()
    names = (*sorted(trained), *sorted(words.keys() - trained))
    lanes: dict[str, int] = {}
    for lane, name in enumerate(names):
        for word in dict.fromkeys(words.get(name, "").split()):
            lanes[word] = lanes.get(word, 0) + (1 << 32 * lane)
    return _SmallWords(lanes, names, len(trained), struct.Struct(f"<{len(names)}I"))


@cache
def _data() -> "Mapping[str, dict[str, str]]":
    import tomllib
    from importlib import resources

    return tomllib.loads(resources.files("handrail.signals").joinpath("languages.toml").read_text("utf-8"))
