"""Names that are written without capitals, as in chats."""

from collections.abc import Callable, Iterator, Mapping

from handrail.scan.wordlists import lexicon, sign_set, signs

_NO_NAME = ("ed", "ing", "ly", "rect", "able", "ible", "ful", "less", "n't", "'s")
MOST_WORDS = 3


def lower_name_readings(text: str) -> Iterator[int]:
    """Yield how many characters the first three, two words and one word take."""
    ends = [at for at, character in enumerate(text) if character == " "] + [len(text)]
    yield from reversed(ends[:MOST_WORDS])


def given_name_readings(text: str) -> Iterator[int]:
    """Yield what `lower_name_readings` does where the first word is a known given name, else nothing."""
    if _begins_with_given(text):
        yield from lower_name_readings(text)


def _begins_with_given(text: str) -> bool:
    first = text.replace("-", " ").split(maxsplit=1)[0]
    return first in lexicon("given") and first not in sign_set("words_too")


def _is_part(word: str) -> bool:
    is_form = word.endswith(_NO_NAME) or "\u2019" in word
    return len(word) > 1 and not is_form and word not in lexicon("ordinary") and word not in lexicon("places")


def is_lower_name(text: str) -> bool:
    """Tell whether lower-case words begin with a known given name that is no ordinary word."""
    return _begins_with_given(text) and all(map(_is_part, text.replace("-", " ").split()))


def is_lower_surname(text: str) -> bool:
    """Tell whether lower-case words behind a title or `my name is` can be a name: no ordinary words and no
    forms of verbs.
    """
    words = text.split()
    known = words[0] in lexicon("given") or words[-1].endswith(signs("surname_endings"))
    return known and all(map(_is_part, words))


CHECKS: Mapping[str, Callable[[str], bool]] = {
    "lower_name": is_lower_name,
    "lower_surname": is_lower_surname,
}
