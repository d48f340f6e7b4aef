"""The training rows: lines drawn from the grammars, noise added, and the given sets."""

import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from benchmarks.heads.given import SOURCES, given
from benchmarks.heads.grammar import GRAMMARS, Line, read
from benchmarks.heads.noise import noisy

from handrail.review.calibration.heads import Row, row_features
from handrail.signals.features import FIRST, NEGATIONS, PIECES, Vocabulary, fold, spelled
from handrail.signals.wordlists import plain

SEED = 20261128
HEADS = (
    "asks_for_human", "complaint", "aggrieved", "dispute", "repeats", "legal_threat", "emergency",
    "overrides_rule", "injection", "health", "legal", "personnel", "financial",
)  # fmt: skip
_TOPICS = frozenset({"health", "legal", "personnel", "financial"})
_COMMON, _EVERYDAY = 6, 60
"""Rows in which a word must stand to be known where rare words are strangers: on no topic, and in all."""

_SALIENT = 12
"""A word that grammars of signals write this often is one that misspelt words are taken for."""


def shared() -> Mapping[str, list[str]]:
    """Return the names that every grammar may use."""
    names: dict[str, list[str]] = {}
    for path in sorted(GRAMMARS.glob("*.grammar")):
        names |= read(path, {}).names
    return names


def lines(seed: int = SEED) -> list[Line]:
    """Draw every grammar's lines, with noise; no text twice with the same opening."""
    names, drawn = shared(), dict[tuple[str, str], Line]()
    for path in sorted(GRAMMARS.glob("*.grammar")):
        chance = random.Random(f"{seed} {path.stem}")
        for line in read(path, names).draw(chance):
            text = noisy(line.text, line.language, chance, frames=line.opening == FIRST)
            drawn.setdefault((text, line.opening), replaced(line, text))
    return list(drawn.values())


def replaced(line: Line, text: str) -> Line:
    """Return a line with another text."""
    return Line(
        text=text,
        labels=line.labels,
        open=line.open,
        source=line.source,
        language=line.language,
        opening=line.opening,
    )


def training_rows(without: Collection[str] = ()) -> list[Row]:
    """Return all rows, but for those of some sources."""
    found = [
        Row(text=line.text, labels=line.labels, open=line.open, source="grammar", opening=line.opening)
        for line in lines()
    ]
    for source in SOURCES:
        if source not in without:
            found += given(source)
    return found


def vocabulary_of(rows: Sequence[Row]) -> Vocabulary:
    """Number the words of some rows; classes are the grammar names in capitals."""
    counts: Counter[str] = Counter()
    signals: Counter[str] = Counter()
    for row in rows:
        words = set(words_of(row.text))
        counts.update(words)
        if row.source == "grammar" and row.labels - _TOPICS:
            signals.update(words)
    classes = {
        member: name
        for name, members in shared().items()
        if name.isupper()
        for member in members
        if " " not in member
    }
    least = 3
    known = {word for word, count in counts.items() if count >= least} | classes.keys() | NEGATIONS
    salient = {
        word for word, count in signals.items() if count >= _SALIENT and len(word) > 3 and word.isalpha()
    }
    return Vocabulary(words=frozenset(known), classes=classes, salient=sorted(salient & known))


def words_of(text: str) -> Iterable[str]:
    """Return the words of a text as the heads know them."""
    return (spelled(piece) for piece in PIECES.findall(fold(plain(text))) if piece[0].isalnum())


def read_all(rows: Sequence[Row], vocabulary: Vocabulary) -> list[frozenset[str]]:
    """Return every row's features. In one of three rows, words that are not common are strangers.

    So the heads learn the endings of words that nobody listed (`-itis`), not only the words of the
    grammars, and that a strange word by itself is a sign of nothing.
    """
    counts: Counter[str] = Counter()
    everyday: Counter[str] = Counter()
    for row in rows:
        words = set(words_of(row.text))
        counts.update(words)
        if not row.labels & _TOPICS:
            everyday.update(words)
    off_topic = _only(vocabulary, {word for word in vocabulary.words if everyday[word] >= _COMMON})
    common = _only(vocabulary, {word for word in vocabulary.words if counts[word] >= _EVERYDAY})
    return [
        frozenset(row_features(row, vocabulary if at % 3 else off_topic if row.labels & _TOPICS else common))
        for at, row in enumerate(rows)
    ]


def _only(vocabulary: Vocabulary, words: set[str]) -> Vocabulary:
    """Return a vocabulary in which only some words are known."""
    return Vocabulary(words=frozenset(words), classes=vocabulary.classes, salient=vocabulary.salient)
