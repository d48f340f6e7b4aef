"""Fits heads: logistic regression over the features that `handrail.signals.features` reads. Deterministic.

All heads are fitted together, each on the rows for which its label is known. The penalised likelihood is
convex (Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 2009, section 4.4) and is
minimised with L-BFGS from zero, so the same rows give the same heads.
"""

import gzip
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from handrail.signals.features import FIRST, Vocabulary, features
from handrail.signals.heads import LEXICON, Heads
from handrail.signals.lanes import packed_lanes
from handrail.signals.wordlists import listed, plain

if TYPE_CHECKING:
    import numpy as np

LISTED = 4
"""Logits that a sign of the word lists counts for beside what was learned of it."""

SCALE = 64
"""Weights are whole numbers of 1/64 logit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One labelled text; for heads in `open` it is not known whether they hold."""

    text: str
    labels: frozenset[str]
    open: frozenset[str] = frozenset()
    source: str = ""
    opening: str = FIRST
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How heads are fitted.

    Attributes:
        penalty: Weight of the squared weights against the sum of the rows' log-losses.
        least_word, least_gram: A word, and a pair or triple of words, must stand in this many rows.
        most: Features kept, those that tell most between the first fit and the second.
        steps: Most steps of L-BFGS in each.
    """

    penalty: float = 1.0
    least_word: int = 2
    least_gram: int = 4
    most: int = 36_000
    steps: int = 45


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """Weights before they are rounded: feature → one weight for each head."""

    names: tuple[str, ...]
    features: Mapping[str, "np.ndarray[Any, Any]"]
    bias: "np.ndarray[Any, Any]"


def row_features(row: Row, vocabulary: Vocabulary) -> set[str]:
    """Return the names of a row's features, each once."""
    text = plain(row.text)
    names = {name for sentence in features(text, row.opening, vocabulary) for name, _, _ in sentence}
    names |= {f"{LEXICON}{kind}" for kind in listed(text, row.opening)}
    return names


def fit(
    rows: Sequence[Row], read: Sequence[Collection[str]], names: Sequence[str], settings: Settings
) -> Fitted:
    """Fit heads to rows whose features were read; see `Settings`."""
    counts = Counter(name for found in read for name in found)
    kept = [
        name
        for name in sorted(counts)
        if counts[name] >= (settings.least_gram if " " in name else settings.least_word)
    ]
    weights, bias = _solve(_design(rows, read, kept, names), settings)
    if len(kept) > settings.most:
        import numpy as np

        # A feature tells as much as it moves the heads, over the rows in which it stands.
        told = np.abs(weights).max(axis=1) * np.sqrt([counts[name] for name in kept])
        kept = sorted(kept[index] for index in np.argsort(-told, kind="stable")[: settings.most])
        weights, bias = _solve(_design(rows, read, kept, names), settings)
    return Fitted(names=tuple(names), features=dict(zip(kept, weights, strict=True)), bias=bias)


@dataclass(slots=True)
class _Design:
    """The rows as numbers: which features each has, its labels, and the weight of each label."""

    matrix: Any
    labels: "np.ndarray[Any, Any]"
    weights: "np.ndarray[Any, Any]"
    offset: Any = 0.0
    transposed: Any = field(init=False)

    def __post_init__(self) -> None:
        self.transposed = self.matrix.T.tocsr()


def _design(
    rows: Sequence[Row], read: Sequence[Collection[str]], kept: Sequence[str], names: Sequence[str]
) -> _Design:
    import numpy as np
    from scipy.sparse import csr_matrix

    index = {name: at for at, name in enumerate(kept)}
    columns, starts = [], [0]
    for found in read:
        columns += sorted(index[name] for name in found if name in index)
        starts.append(len(columns))
    matrix = csr_matrix((np.ones(len(columns)), columns, starts), shape=(len(rows), len(kept)))
    labels = np.array([[name in row.labels for name in names] for row in rows], dtype=float)
    weights = np.array([[row.weight * (name not in row.open) for name in names] for row in rows])
    return _Design(matrix, labels, weights)


def _solve(design: _Design, settings: Settings) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    import numpy as np
    from scipy.optimize import minimize
    from scipy.special import expit

    heads, size = design.labels.shape[1], design.matrix.shape[1]

    def loss(flat: "np.ndarray[Any, Any]") -> "tuple[float, np.ndarray[Any, Any]]":
        weights, bias = flat[:-heads].reshape(size, heads), flat[-heads:]
        logits = design.matrix @ weights + bias + design.offset
        lost = design.weights * (np.logaddexp(0, logits) - design.labels * logits)
        slope = design.weights * (expit(logits) - design.labels)
        gradient = design.transposed @ slope + settings.penalty * weights
        value = lost.sum() + settings.penalty / 2 * (weights * weights).sum()
        return float(value), np.concatenate([gradient.ravel(), slope.sum(axis=0)])

    begin = np.zeros(size * heads + heads)
    found = minimize(
        loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": settings.steps, "maxcor": 8}
    )
    return found.x[:-heads].reshape(size, heads), found.x[-heads:]


def fit_shift(
    rows: Sequence[Row],
    read: Sequence[Collection[str]],
    heads: Heads,
    logits: Sequence[Sequence[float]],
    settings: Settings,
) -> Heads:
    """Fit what is to be added to the weights of heads that say `logits` of some rows; return new ones."""
    import numpy as np

    counts = Counter(name for found in read for name in found)
    kept = [
        name
        for name in sorted(counts)
        if counts[name] >= (settings.least_gram if " " in name else settings.least_word)
    ]
    design = _design(rows, read, kept, heads.names)
    design.offset = np.array(logits)
    weights, bias = _solve(design, settings)
    table = {name: dict(row) for name, row in heads.weights.items()}
    for name, row in zip(kept, weights, strict=True):
        of_name = table.setdefault(name, {})
        for head, weight in enumerate(row):
            if abs(round(float(weight) * heads.scale)) > 1:
                of_name[head] = of_name.get(head, 0) + round(float(weight) * heads.scale)
    return replace(
        heads,
        weights={name: row for name, row in table.items() if row},
        bias=tuple(round(was + float(more), 4) for was, more in zip(heads.bias, bias, strict=True)),
    )


def heads_of(fitted: Fitted, vocabulary: Vocabulary, shifts: Mapping[str, float] | None = None) -> Heads:
    """Return fitted heads as they are read; `shifts` are added to the logits of some heads."""
    moved = shifts or {}
    weights = rounded(fitted)
    for head, name in enumerate(fitted.names):
        # What the word lists see can be explained to a person, so it counts for more than was learned of it.
        if (of_list := weights.get(f"{LEXICON}{name}")) is not None:
            of_list[head] = of_list.get(head, 0) + LISTED * SCALE
    return Heads(
        names=fitted.names,
        vocabulary=vocabulary,
        weights=weights,
        scale=SCALE,
        bias=tuple(
            round(float(bias) + moved.get(name, 0.0), 4)
            for name, bias in zip(fitted.names, fitted.bias, strict=True)
        ),
        slope=(1.0,) * len(fitted.names),
        levels=(0.5,) * len(fitted.names),
    )


def packed(heads: Heads) -> bytes:
    """Return heads as the content of their file: JSON, compressed, the same bytes for the same heads."""
    members: dict[str, list[str]] = {}
    for word, name in sorted(heads.vocabulary.classes.items()):
        members.setdefault(name, []).append(word)
    weights = dict(sorted(heads.weights.items()))
    data = {
        "heads": heads.names,
        "scale": heads.scale,
        "bias": heads.bias,
        "slope": heads.slope,
        "levels": heads.levels,
        "classes": {name: " ".join(words) for name, words in sorted(members.items())},
        "words": " ".join(sorted(heads.vocabulary.words)),
        "salient": " ".join(sorted(heads.vocabulary.salient)),
        "features": "\n".join(weights),
        "weights": packed_lanes(weights, len(heads.names)),
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


def rounded(fitted: Fitted) -> dict[str, dict[int, int]]:
    """Return the weights as whole numbers, without those that are nothing then."""
    table: dict[str, dict[int, int]] = {}
    for name, weights in fitted.features.items():
        row = {head: round(float(weight) * SCALE) for head, weight in enumerate(weights)}
        row = {head: weight for head, weight in row.items() if abs(weight) > 1}
        if row:
            table[name] = row
    return table
