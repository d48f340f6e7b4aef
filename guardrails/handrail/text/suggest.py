"""Suggestions for words that were nearly right."""

from collections.abc import Iterable
from itertools import islice

MOST_WORDS, LONGEST = 500, 80


def near(word: str, words: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return `; did you mean '…'?` when one of `words` looks like `word`, else nothing; pure.

    `cutoff` is how much they have to have in common, 0..1 (`difflib.SequenceMatcher.ratio`).

    Only the first few hundred words are looked at, so that a huge file costs no more than a large one.
    """
    close = nearest(word, words, cutoff=cutoff)
    return f"; did you mean '{close}'?" if close is not None else ""


def nearest(word: str, words: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the one of `words` that looks most like `word`, None if none does; bounded as `near`. Pure."""
    if len(word) > LONGEST:
        return None
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, list(islice(words, MOST_WORDS)), n=1, cutoff=cutoff)), None)
