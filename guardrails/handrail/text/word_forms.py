"""Words in their forms: `return` is in `returns`, `money back` in `get your money and more back`. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from handrail.text.numbers import Token

_ENDINGS = frozenset(
    {
        *(
            "",
            "s",
            "es",
            "d",
            "ed",
            "ing",
            "er",
            "ers",
            "r",
            "al",
            "als",
            "able",
            "ible",
            "ment",
            "ments",
            "ation",
        ),
        *(
            "ations",
            "lation",
            "lations",
            "led",
            "ling",
            "y",
            "ies",
            "ied",
            "age",
            "ly",
            "ance",
            "ability",
            "'s",
            "’s",
        ),
        *("ion", "ions", "ped", "ping", "ted", "ting", "ned", "ning"),
    }
)
_SHORTEST_STEM = 3
_WIDEST = 7
"""Most words between the first and the last word of a phrase that is not written together."""

_OTHER_WORDS: dict[str, tuple[str, ...]] = {
    "return": ("send back", "bring back", "give back", "take back", "ship back", "sent back", "brought back"),
    "refund": ("money back", "reimburse", "pay you back", "paid back"),
    "cancel": ("terminate", "end the contract"),
    "discount": ("off", "rebate", "reduction"),
    "warranty": ("guarantee",),
    "luggage": ("baggage", "suitcase"),
    "delivery": ("deliver", "arrive"),
    "email": ("e mail",),
    "phone": ("telephone",),
}
"""Other words for what policies often speak of; they count wherever the first is asked for."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words to look for, each in any of its forms."""

    stems: tuple[str, ...]
    is_exact: tuple[bool, ...]


def phrases_of(says: Iterable[str]) -> tuple[Phrase, ...]:
    """Return what to look for: every wording that was given, and the other words for it."""
    found: dict[Phrase, None] = {}
    for text in says:
        low = text.casefold().strip()
        others = next((ways for word, ways in _OTHER_WORDS.items() if low and _is_form(low, _stem(word))), ())
        for way in (low, *others):
            phrase = _phrase(way)
            if phrase.stems:
                found[phrase] = None
    return tuple(found)


def places_of(phrase: Phrase, tokens: Sequence[Token]) -> list[tuple[int, int]]:
    """Return the token positions, first and last, of a phrase: its words stand near, in any order."""
    first, *rest = phrase.stems
    found = []
    for at, token in enumerate(tokens):
        if not _fits(token, first, is_exact=phrase.is_exact[0]):
            continue
        spots = [at]
        for stem, is_exact in zip(rest, phrase.is_exact[1:], strict=True):
            near = range(max(0, at - _WIDEST), min(len(tokens), at + _WIDEST + 1))
            others = [p for p in near if p not in spots and _fits(tokens[p], stem, is_exact=is_exact)]
            if not others:
                break
            spots.append(min(others, key=lambda spot: abs(spot - at)))
        if len(spots) == len(phrase.stems):
            found.append((min(spots), max(spots)))
    return found


@cache
def _phrase(text: str) -> Phrase:
    words = re.findall(r"[^\W_]+(?:[-'’][^\W_]+)*", text.replace("_", " "))
    kept = [word for word in words if word not in _SMALL] or words
    parts = [part for word in kept for part in word.replace("’", "'").split("-") if part]
    return Phrase(tuple(_stem(part) for part in parts), tuple(len(part) <= _SHORTEST_STEM for part in parts))


_SMALL = frozenset(
    {"the", "a", "an", "of", "by", "to", "from", "for", "is", "are", "your", "our", "in", "on", "you"}
)


def _stem(word: str) -> str:
    for ending in ("ellation", "ations", "ation", "ing", "ies", "ied", "ed", "es", "able", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM + 1:
            return word[: -len(ending)]
    return word


def _fits(token: Token, stem: str, *, is_exact: bool) -> bool:
    return token.low in (stem, f"{stem}s") if is_exact else _is_form(token.low, stem)


def _is_form(word: str, stem: str) -> bool:
    if not word.startswith(stem):
        return False
    rest = word[len(stem) :]
    return (
        rest in _ENDINGS
        or (rest[:1] == "e" and rest[1:] in _ENDINGS)
        or (rest[:1] == stem[-1:] and rest[1:] in _ENDINGS)
    )
