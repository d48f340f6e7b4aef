"""What the heads read in a text: words, pairs and triples of words, negated words, endings of strange ones.
Pure.

Beside other words a word is shown as its class: whoever asks for an *operator* asks for a *person*.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

PIECES = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+|[.!?;,:\n]")
ENDS = frozenset(".!?;\n")
"""Tokens that end a sentence."""

LONGEST = 60
"""After this many tokens a sentence counts as a new one, so that no score grows with the length of a text."""

NUMBER, STRANGE, LAST, QUESTION = "0", "~", "$", "?"
"""Tokens for any number, a word that nobody knows, and the ends of a sentence."""

FIRST, AFTER_CLAIM, AFTER_QUESTION = "^", "^claim", "^question"
"""Tokens for the beginning of a sentence; the latter two after a statement or a question of the assistant."""

NEGATIONS = frozenset({
    "not", "no", "never", "dont", "doesnt", "didnt", "wont", "wouldnt", "cant", "cannot", "couldnt", "isnt",
    "wasnt", "arent", "neednt", "shouldnt", "without", "neither", "nor", "hardly", "nicht", "kein", "keine",
    "keinen", "keinem", "keiner", "nie", "niemals", "ohne", "pas", "jamais", "sans", "aucun", "aucune",
    "nunca", "sin", "tampoco", "ninguna", "ninguno", "ningun",
})  # fmt: skip
REACH = 6
"""A negation reaches this many tokens, or to the next comma or end of a sentence."""

_ACCENTED = "áàâãäåéèêëíìîïóòôõöúùûüñçýÿ"
_ACCENTS = str.maketrans(_ACCENTED, "aaaaaaeeeeiiiiooooouuuuncyy")
_HAS_ACCENT = re.compile(f"[{_ACCENTED}]")
_CORRECTED = range(4, 21)
_BEGINNING, _ENDINGS = 4, (3, 4, 5)


def fold(text: str) -> str:
    """Drop accents, which people leave out; every character keeps its place."""
    return text if text.isascii() or _HAS_ACCENT.search(text) is None else text.translate(_ACCENTS)


def spelled(piece: str) -> str:
    """Return a token as the heads know it: without apostrophes, any number as `0`."""
    if piece[0].isdigit():
        return NUMBER
    return piece.replace("'", "") if "'" in piece else piece


def words_in(text: str) -> frozenset[str]:
    """Return the different words of a text."""
    return frozenset(spelled(piece) for piece in PIECES.findall(fold(text.lower())) if piece[0].isalnum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The words that heads were trained on.

    Attributes:
        words: All of them.
        classes: Word → the token that stands for it beside other words; a word that is missing stands for
            itself.
        salient: Words for which a misspelt one, one edit off, is taken.
    """

    words: Collection[str]
    classes: Mapping[str, str]
    salient: Collection[str]
    _forms: dict[str, str | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        forms: dict[str, str | None] = {}
        for word in sorted(self.salient):
            for form in (word, *_shorter(word)):
                # A form that two words share tells of neither.
                forms[form] = word if forms.get(form, word) == word else None
        object.__setattr__(self, "_forms", forms)

    def corrected(self, word: str) -> str | None:
        """Return the salient word that an unknown one is misspelt from, None if there is none."""
        if len(word) not in _CORRECTED:
            return None
        for form in (word, *_shorter(word)):
            found = self._forms.get(form)
            if found is not None and abs(len(found) - len(word)) <= 1:
                return found
        return None


def _shorter(word: str) -> Iterator[str]:
    # The first letter is hardly ever the wrong one.
    for index in range(1, len(word)):
        yield word[:index] + word[index + 1 :]


def affixes(word: str) -> Iterator[str]:
    """Return the beginning and the endings by which a strange word is judged."""
    if len(word) > _BEGINNING:
        yield f"{word[:_BEGINNING]}-"
    for length in _ENDINGS:
        if len(word) > length:
            yield f"-{word[-length:]}"


Feature: TypeAlias = tuple[str, int, int]
"""One thing that the heads may weigh: its name, and its span in the text."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: its tokens as they were found, and the token that ends it, with its place."""

    tokens: Sequence[re.Match[str]]
    closing: str
    end: int


def sentences(text: str) -> Iterator[Sentence]:
    """Yield the sentences of a text that hold a word or a number; the text as in `features`."""
    tokens: list[re.Match[str]] = []
    count = 0
    for match in PIECES.finditer(fold(text)):
        piece = match[0]
        ends = piece in ENDS
        if count and (ends or count >= LONGEST):
            yield Sentence(tokens, piece, match.start())
            tokens, count = [], 0
        if not ends:
            tokens.append(match)
            count += piece not in ",:"
    if count:
        yield Sentence(tokens, LAST, len(text))


def features(text: str, opening: str, vocabulary: Vocabulary) -> list[list[Feature]]:
    """Return the features of a text by sentence. `Heads.score` adds up the weights of the same features.

    Args:
        text: in lower case, with plain apostrophes.
        opening: `FIRST`, `AFTER_CLAIM` or `AFTER_QUESTION`: how the first sentence begins.
        vocabulary: the words that are known.
    """
    return [
        features_of(sentence, FIRST if number else opening, vocabulary)
        for number, sentence in enumerate(sentences(text))
    ]


def features_of(sentence: Sentence, opening: str, vocabulary: Vocabulary) -> list[Feature]:
    """Return the features of one sentence."""
    reader = _Reader(vocabulary, opening)
    for token in sentence.tokens:
        reader.take(token[0], *token.span())
    return reader.closed(sentence.closing, sentence.end)


class _Reader:
    """Reads one sentence, token by token."""

    def __init__(self, vocabulary: Vocabulary, opening: str) -> None:
        self._done: list[Feature] = []
        self._vocabulary = vocabulary
        self._before: list[tuple[str, int]] = [("", 0), (opening, 0)]
        self._negated = 0

    def closed(self, piece: str, at: int) -> list[Feature]:
        """Return the features of the sentence, which ends with a token."""
        self._show(QUESTION if piece == QUESTION else LAST, at, at)
        return self._done

    def take(self, piece: str, start: int, end: int) -> None:
        """Take a token that ends no sentence."""
        if piece in ",:":
            self._negated = 0
            return
        word = spelled(piece)
        if word not in self._vocabulary.words:
            word = self._vocabulary.corrected(word) or word
        if word in self._vocabulary.words:
            shown = self._vocabulary.classes.get(word, word)
            names = [word] if shown == word else [word, shown]
        else:
            names, shown = list(affixes(word)), STRANGE
        if shown != STRANGE and shown == self._before[0][0] == self._before[1][0]:
            return  # a row of tokens that read alike says no more than its first two
        self._done += [(name, start, end) for name in names]
        self._show(shown, start, end)
        self._negated = REACH if word in NEGATIONS else max(0, self._negated - 1)

    def _show(self, shown: str, start: int, end: int) -> None:
        (first, first_at), (before, before_at) = self._before
        self._done.append((f"{before} {shown}", before_at, end))
        if first:
            self._done.append((f"{first} {before} {shown}", first_at, end))
            self._done.append((f"{first} _ {shown}", first_at, end))
        if self._negated:
            self._done.append((f"! {shown}", start, end))
        self._before = [(before, before_at), (shown, start)]
