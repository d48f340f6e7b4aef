"""Whether a message is nothing but a greeting, thanks or small talk. Pure."""

import re
from functools import cache

from handrail.signals.features import fold
from handrail.signals.wordlists import plain

_ENDS = re.compile(r"[.!?,;:\n]+")
_OTHER = re.compile(r"[^\w\s']+")


def is_small_talk(text: str) -> bool:
    """Tell whether every sentence of a text is a greeting, thanks or small talk, or has no words at all."""
    said = fold(plain(text))
    whole = " ".join(_OTHER.sub(" ", said).split())
    phrases = _phrases()
    if whole in phrases:
        return True
    sentences = (" ".join(_OTHER.sub(" ", part).split()) for part in _ENDS.split(said))
    return all(not sentence or sentence in phrases for sentence in sentences)


@cache
def _phrases() -> frozenset[str]:
    # Whole sentences; what is not listed is no small talk, so a doubt costs a look and never a miss.
    from importlib import resources

    return frozenset(
        resources.files("handrail.signals").joinpath("small_talk.txt").read_text("utf-8").splitlines()
    )
