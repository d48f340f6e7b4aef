"""Heads read on sources that they were not trained on."""

from collections.abc import Collection, Mapping, Sequence

from benchmarks.heads import corpus
from benchmarks.heads.given import SOURCES, given

from handrail.review.calibration.heads import Fitted, Row, Settings, fit, heads_of
from handrail.signals.features import Vocabulary
from handrail.signals.heads import LEXICON, Heads
from handrail.signals.wordlists import listed, plain

Scores = Mapping[str, float]


def trained(without: Collection[str] = ()) -> tuple[Fitted, Vocabulary, Sequence[Row]]:
    """Fit heads to every row but those of some sources."""
    rows = corpus.training_rows(without)
    vocabulary = corpus.vocabulary_of(rows)
    read = corpus.read_all(rows, vocabulary)
    return fit(rows, read, corpus.HEADS, Settings()), vocabulary, rows


def scores(heads: Heads, row: Row) -> Scores:
    """Return every head's probability for one row."""
    text = plain(row.text)
    seen = frozenset(f"{LEXICON}{kind}" for kind in listed(text, row.opening))
    return dict(zip(heads.names, heads.score(text, row.opening, seen=seen), strict=True))


def left_out(
    shifts: Mapping[str, float] | None = None, *, at_once: bool = False, step: int = 1
) -> dict[str, list[tuple[Row, Scores]]]:
    """Read each given set with heads that were not trained on it.

    Args:
        shifts: added to the logits of some heads.
        at_once: train once, on the grammars alone, instead of once for each set on all the others.
        step: read every so many-th row.
    """
    found: dict[str, list[tuple[Row, Scores]]] = {}
    heads: Heads | None = None
    for source in SOURCES:
        if heads is None or not at_once:
            fitted, vocabulary, _ = trained(SOURCES if at_once else (source,))
            heads = heads_of(fitted, vocabulary, shifts)
        found[source] = [(row, scores(heads, row)) for row in list(given(source))[::step]]
    return found
