"""Fits heads to a customer's own words: the shipped weights, moved as far as their labelled texts ask for.

What is learned is the difference to the shipped weights, under a penalty, so that a few hundred texts move
what they speak of and leave the rest alone. Every fifth text is held out: what it says before and after is
what counts.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from handrail.errors import ConfigError
from handrail.review.calibration.heads import Row, Settings, fit_shift, row_features
from handrail.signals.features import Vocabulary, words_in
from handrail.signals.heads import LEXICON, Heads
from handrail.signals.wordlists import listed, plain

HELD_OUT = 5
"""Every so many-th text, by a hash of it, is held out."""

LEAST = 20
"""Fewer texts than this teach nothing."""

_SETTINGS = Settings(penalty=2.0, least_word=2, least_gram=2, most=20_000, steps=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How one head reads the held-out texts at its level."""

    positives: int
    negatives: int
    hits: int
    false: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapted:
    """Heads fitted to own words, with what the held-out texts say of them before and after, by head."""

    heads: Heads
    trained: int
    held_out: int
    before: Mapping[str, Figures]
    after: Mapping[str, Figures]


def read_rows(text: str, names: Sequence[str], *, source: str) -> list[Row]:
    """Read labelled texts: JSON Lines of `{"text": …, "labels": [signals and topics that it shows]}`.

    Raises:
        ConfigError: a line is no such object, or names a label that there is no head for; says which line.
    """
    rows: list[Row] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
            said, labels = data["text"], data["labels"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ConfigError(f"{source}:{number}: needs an object with `text` and `labels`") from None
        if not isinstance(said, str) or not isinstance(labels, list):
            raise ConfigError(f"{source}:{number}: `text` is a text and `labels` a list")
        if any(label not in names for label in labels):
            raise ConfigError(f"{source}:{number}: a label is none of {', '.join(names)}")
        rows.append(Row(text=said, labels=frozenset(labels)))
    if len(rows) < LEAST:
        raise ConfigError(f"{source}: {len(rows)} texts; at least {LEAST} are needed")
    return rows


def adapt(rows: Sequence[Row], shipped: Heads) -> Adapted:
    """Move the shipped heads towards labelled texts. Deterministic; the shipped heads stay as they are."""
    held = [row for row in rows if _is_held_out(row.text)]
    taught = [row for row in rows if not _is_held_out(row.text)]
    counts = Counter(word for row in taught for word in words_in(plain(row.text)))
    words = frozenset(shipped.vocabulary.words) | {word for word, count in counts.items() if count > 1}
    vocabulary = Vocabulary(
        words=words, classes=shipped.vocabulary.classes, salient=shipped.vocabulary.salient
    )
    begin = Heads(
        names=shipped.names,
        vocabulary=vocabulary,
        weights=shipped.weights,
        scale=shipped.scale,
        bias=shipped.bias,
        slope=shipped.slope,
        levels=shipped.levels,
    )
    read = [row_features(row, vocabulary) for row in taught]
    logits = [[begin.logit(head, sum_) for head, sum_ in enumerate(_weigh(begin, row))] for row in taught]
    heads = fit_shift(taught, read, begin, logits, _SETTINGS)
    return Adapted(
        heads=heads,
        trained=len(taught),
        held_out=len(held),
        before=dict(_figures(shipped, held)),
        after=dict(_figures(heads, held)),
    )


def _is_held_out(text: str) -> bool:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[0] % HELD_OUT == 0


def _weigh(heads: Heads, row: Row) -> tuple[int, ...]:
    text = plain(row.text)
    return heads.weigh(text, row.opening, [f"{LEXICON}{kind}" for kind in listed(text, row.opening)])


def _figures(heads: Heads, rows: Sequence[Row]) -> Iterator[tuple[str, Figures]]:
    sums = [_weigh(heads, row) for row in rows]
    for head, name in enumerate(heads.names):
        least = heads.least(head, heads.levels[head])
        fired = [one[head] >= least for one in sums]
        shown = [name in row.labels for row in rows]
        pairs = Counter(zip(fired, shown, strict=True))
        yield (
            name,
            Figures(
                positives=sum(shown),
                negatives=len(shown) - sum(shown),
                hits=pairs[True, True],
                false=pairs[True, False],
            ),
        )
