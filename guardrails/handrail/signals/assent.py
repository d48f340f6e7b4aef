"""Whether a reply agrees to what was proposed. Pure."""

import re

from handrail.signals.lexicon import assent_words, compiled
from handrail.signals.wordlists import plain

_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n+")


def agrees(text: str) -> bool:
    """Tell whether a reply says a clear yes; in doubt it does not.

    A yes is a word of assent that is neither negated (`I never agreed`, `not sure`) nor asked (`is that
    correct?`) nor made conditional (`yes, but first`), with no sentence beside it that refuses.
    """
    words = assent_words()
    has_assent = False
    for sentence in _SENTENCES.split(plain(text).strip()):
        if compiled(words.refuses).search(sentence):
            return False
        if not compiled(words.unless).search(sentence):
            has_assent = has_assent or _says_yes(sentence)
    return has_assent


def _says_yes(sentence: str) -> bool:
    words = assent_words()
    return any(
        not compiled(words.never_after).search(sentence[: match.span()[0]])
        for match in compiled(words.says).finditer(sentence)
    )
