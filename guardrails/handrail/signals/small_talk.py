"""Whether a message is nothing but a greeting, thanks or small talk. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice

from handrail.signals.features import fold
from handrail.signals.wordlists import plain

_ENDS = re.compile(r"[.!?,;:\n]+")
_OTHER = re.compile(r"[^\w\s']+")
_WORD = re.compile(r"[\w']+")


@dataclass(frozen=True, slots=True)
class _Phrases:
    """Whole sentences, the words that they begin with, and how many words the longest has."""

    whole: frozenset[str]
    first: frozenset[str]
    longest: int


def is_small_talk(text: str) -> bool:
    """Tell whether every sentence of a text is a greeting, thanks or small talk, or has no words at all."""
    said, phrases = fold(plain(text)), _phrases()
    words = [word[0] for word in islice(_WORD.finditer(said), phrases.longest + 1)]
    if not words:
        return True
    if words[0] not in phrases.first:
        return False
    if len(words) <= phrases.longest and " ".join(words) in phrases.whole:
        return True
    return all(not sentence or sentence in phrases.whole for sentence in _sentences(said))


def _sentences(said: str) -> Iterator[str]:
    # Mostly the first is none, and the rest need not be looked at.
    at = 0
    for end in _ENDS.finditer(said):
        yield " ".join(_OTHER.sub(" ", said[at : end.start()]).split())
        at = end.end()
    yield " ".join(_OTHER.sub(" ", said[at:]).split())


@cache
def _phrases() -> _Phrases:
    # Whole sentences; what is not listed is no small talk, so a doubt costs a look and never a miss.
    from importlib import resources

    file = resources.files("handrail.signals").joinpath("small_talk.txt")
    whole = frozenset(file.read_text("utf-8").splitlines())
    words = [phrase.split() for phrase in whole if phrase]
    return _Phrases(whole, frozenset(one[0] for one in words), max(map(len, words)))
