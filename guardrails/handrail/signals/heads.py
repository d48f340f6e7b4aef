"""The learned heads: what their sums of weights mean, and which words made them. Pure."""

import gzip
import itertools
import json
import math
import struct
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from handrail.errors import ConfigError
from handrail.signals.features import FIRST, Feature, Vocabulary, features_of, sentences
from handrail.signals.lanes import HALF, LANE, LaneWeights, base_of, lane_of, laned, unpacked_lanes
from handrail.signals.tokens import tokens_of
from handrail.signals.weights import RESERVED, Sums, WeightTable
from handrail.signals.wordlists import Span, joined

_FAR = HALF >> 1

WHOLE = 80
"""A text of up to this many tokens is also judged as a whole."""

LEXICON = "lexicon:"
"""Beginning of the feature that says that the word lists show a signal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """Trained heads. Build them with `from_data`; reading is safe between threads.

    Attributes:
        names: of the heads, in the order of the lanes.
        vocabulary: the words that are known.
        weights: feature → head index → weight, `scale` to one logit.
        bias, slope: per head; `probability = sigmoid(slope * sum of weights + bias)` is calibrated.
        levels: per head, the probability from which its signal counts unless a policy says otherwise.
    """

    names: tuple[str, ...]
    vocabulary: Vocabulary
    weights: Mapping[str, Mapping[int, int]]
    scale: int
    bias: tuple[float, ...]
    slope: tuple[float, ...]
    levels: tuple[float, ...]
    _table: WeightTable = field(init=False, repr=False, compare=False)
    _weights: LaneWeights = field(init=False, repr=False, compare=False)
    _lanes: struct.Struct = field(init=False, repr=False, compare=False)
    _base: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        given, count = self.weights, len(self.names)
        weights = given if isinstance(given, LaneWeights) else laned(given, count)
        derived: dict[str, object] = {
            "weights": weights,
            "_weights": weights,
            "_table": WeightTable(weights.totals, self.vocabulary),
            "_lanes": struct.Struct(f"<{count}I"),
            "_base": base_of(count),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def score(self, text: str, opening: str, *, seen: Collection[str] = ()) -> tuple[float, ...]:
        """Return the probability of each head for a text; see `weigh`."""
        return tuple(
            self.probability(head, sum_) for head, sum_ in enumerate(self.weigh(text, opening, seen))
        )

    def weigh(self, text: str, opening: str, seen: Collection[str] = ()) -> tuple[int, ...]:
        """Return each head's sum of weights: for its likeliest sentence, or for the whole of a short text.

        Args:
            text: in lower case, with plain apostrophes.
            opening: see `features`.
            seen: names of further features, such as signs of the word lists, that hold anywhere in the text.
        """
        return self.heaviest(self.sums(text, opening), seen)

    def heaviest(self, summed: Sums, seen: Collection[str] = ()) -> tuple[int, ...]:
        """Return what `weigh` does, of sums that were read before."""
        extra = self._base + self._seen(seen)
        unpack, size = self._lanes.unpack, self._lanes.size
        lanes = [unpack((total + extra).to_bytes(size, "little")) for total in _judged(summed)]
        best = map(max, *lanes) if len(lanes) > 1 else lanes[0]
        return tuple([lane - HALF for lane in best])

    def threshold(self, levels: Sequence[float]) -> int:
        """Return a level for every head as one number for `reached`, a lane each."""
        least = (self.least(head, level) for head, level in enumerate(levels))
        # No sum of weights comes near half a lane; a level that none can reach must not either.
        lanes = (HALF - max(-_FAR, min(_FAR, lane)) for lane in least)
        return sum(lane << LANE * head for head, lane in enumerate(lanes))

    def reached(self, summed: Sums, threshold: int, seen: Collection[str] = ()) -> Mapping[int, int]:
        """Return what `heaviest` does for the heads that reach a threshold, by their index.

        Mostly none does, which one addition and one comparison of all lanes tell for each sentence.
        """
        extra, over = threshold + self._seen(seen), 0
        for total in _judged(summed):
            over |= total + extra
        # A lane's highest bit says that its weights reach the threshold.
        if not over & self._base:
            return {}
        heaviest = self.heaviest(summed, seen)
        tops = ((head, HALF << LANE * head) for head in range(len(self.names)))
        return {head: heaviest[head] for head, top in tops if over & top}

    def _seen(self, names: Collection[str]) -> int:
        """Return the weights of further features."""
        return sum(map(self._table.single, names)) if names else 0

    def probability(self, head: int, weight: int) -> float:
        """Return what a head's sum of weights means."""
        return 1 / (1 + math.exp(-max(-40.0, min(40.0, self.logit(head, weight)))))

    def logit(self, head: int, weight: int) -> float:
        """Return the logarithm of the odds that a head's sum of weights means."""
        return self.slope[head] * weight / self.scale + self.bias[head]

    def least(self, head: int, level: float) -> int:
        """Return the least sum of weights with which a head reaches a level."""
        logit = math.log(level / (1 - level)) if 0 < level < 1 else (40.0 if level else -40.0)
        return math.ceil((logit - self.bias[head]) / self.slope[head] * self.scale)

    def explain(
        self, text: str, opening: str, names: Collection[str], summed: Sums
    ) -> Mapping[str, tuple[Span, ...]]:
        """Return, for some heads, the words that weigh most in the sentence that weighs most for each."""
        if not names:
            return {}
        numbers = {name: self.names.index(name) for name in names}
        weighty = self._weightiest(summed.sentences, numbers)
        wanted = frozenset(weighty.values())
        read = {
            number: features_of(sentence, FIRST if number else opening, self.vocabulary)
            for number, sentence in enumerate(itertools.islice(sentences(text), max(wanted) + 1))
            if number in wanted
        }
        return {name: self._telling(read.get(weighty[name], []), at) for name, at in numbers.items()}

    def _weightiest(self, sums: Sequence[int], numbers: Mapping[str, int]) -> dict[str, int]:
        """Return for each head the index of the first of the sentences that weigh most for it."""
        # Long texts repeat themselves.
        firsts = {total + self._base: index for index, total in reversed([*enumerate(sums)])}

        def weightiest(head: int) -> int:
            most = max(lane_of(total, head) for total in firsts)
            return min(at for total, at in firsts.items() if lane_of(total, head) == most)

        return {name: weightiest(head) for name, head in numbers.items()}

    def _telling(self, sentence: Sequence[Feature], head: int) -> tuple[Span, ...]:
        totals, base = self._weights.totals, self._base
        weighed = [
            (lane_of(totals[name] + base, head), start, end)
            for name, start, end in sentence
            if name in totals
        ]
        most = sorted((one for one in weighed if one[0] > 0), key=lambda one: -one[0])[:4]
        return tuple(joined(sorted((start, end) for _, start, end in most)))

    def sums(self, text: str, opening: str) -> Sums:
        """Add up the weights of each sentence's features; see `features` for what they are."""
        return self.sums_after(text, (opening,))[0]

    def sums_after(self, text: str, openings: Sequence[str]) -> tuple[Sums, ...]:
        """Return what `sums` does, for each of some openings. They differ in the first sentence alone."""
        return self.sums_of(tokens_of(text), openings)

    def sums_of(self, tokens: Sequence[str], openings: Sequence[str]) -> tuple[Sums, ...]:
        """Return what `sums_after` does, of the tokens of a text."""
        return self._table.sums(tokens, openings)


def _judged(summed: Sums) -> Collection[int]:
    """Return the sums by which a text is judged: of each sentence, and of the whole of a short text."""
    sums = summed.sentences
    if len(sums) < 2:
        return sums
    # Long texts repeat themselves, and the same sentence need not be looked at twice.
    return {*sums, sum(sums)} if summed.tokens <= WHOLE else set(sums)


def from_data(data: Mapping[str, Any]) -> Heads:
    """Build heads from the content of their file.

    Raises:
        ValueError: a word or a class is a token that stands for an end of a sentence, or the weights are
            not one for each feature and head.
    """
    classes = {word: name for name, members in data["classes"].items() for word in members.split()}
    words = data["words"].split()
    if not RESERVED.isdisjoint((*words, *classes.values())):
        raise ValueError("a word or a class that stands for the end of a sentence")
    return Heads(
        names=tuple(data["heads"]),
        vocabulary=Vocabulary(words=frozenset(words), classes=classes, salient=data["salient"].split()),
        weights=_weights(data),
        scale=data["scale"],
        bias=tuple(data["bias"]),
        slope=tuple(data["slope"]),
        levels=tuple(data["levels"]),
    )


def _weights(data: Mapping[str, Any]) -> LaneWeights:
    """Return the weights of a file: packed in lanes, or feature by feature as earlier files have them."""
    count, given = len(data["heads"]), data["weights"]
    if isinstance(given, str):
        return unpacked_lanes(data["features"].split("\n"), given, count)
    rows = {name: {row[i]: row[i + 1] for i in range(0, len(row), 2)} for name, row in given.items()}
    return laned(rows, count)


def unpacked(data: bytes, *, source: str) -> Heads:
    """Read the content of a file of heads.

    Raises:
        ConfigError: it is no such file; `source` names it.
    """
    try:
        return from_data(json.loads(gzip.decompress(data)))
    except (
        OSError,
        EOFError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
        zlib.error,
    ):
        raise ConfigError(f"{source}: is no file of heads; `handrail signals train` writes one") from None


@cache
def shipped() -> Heads:
    """Return the heads that come with handrail, read on first use."""
    from importlib import resources

    data = resources.files("handrail.signals").joinpath("heads.json.gz").read_bytes()
    return unpacked(data, source="heads.json.gz")
