"""The learned heads: one table of weights for all of them, read in one pass over the tokens. Pure.

A feature's weights for all heads are one whole number with a lane for each head, so one addition adds them
all.
"""

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
from handrail.signals.features import (
    AFTER_CLAIM,
    AFTER_QUESTION,
    ENDS,
    FIRST,
    LAST,
    LONGEST,
    NEGATIONS,
    PIECES,
    QUESTION,
    REACH,
    STRANGE,
    Feature,
    Vocabulary,
    affixes,
    features_of,
    fold,
    sentences,
    spelled,
)
from handrail.signals.wordlists import Span, joined

_LANE = 32
_HALF = 1 << (_LANE - 1)
_WORD, _SKIP, _NEGATED = 20, 1 << 61, 1 << 62

WHOLE = 80
"""A text of up to this many tokens is also judged as a whole."""

LEXICON = "lexicon:"
"""Beginning of the feature that says that the word lists show a signal."""


@dataclass(frozen=True, slots=True)
class Sums:
    """The weights of each sentence of a text, added up for all heads at once, and how many tokens it has."""

    sentences: Sequence[int]
    tokens: int


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
    _numbers: dict[str, int] = field(init=False, repr=False, compare=False)
    _words: dict[str, tuple[int, int, bool]] = field(init=False, repr=False, compare=False)
    _grams: dict[int, int] = field(init=False, repr=False, compare=False)
    _packed: dict[str, int] = field(init=False, repr=False, compare=False)
    _lanes: struct.Struct = field(init=False, repr=False, compare=False)
    _base: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        numbers: dict[str, int] = {}
        packed: dict[str, int] = {}
        grams: dict[int, int] = {}
        number = numbers.setdefault
        for name, weights in self.weights.items():
            total = 0
            for head, weight in weights.items():
                total += weight << _LANE * head
            tokens = name.split(" ")
            if len(tokens) == 1:
                packed[name] = total
                continue
            now = number(tokens[-1], len(numbers) + 1)
            if tokens[0] == "!":
                grams[_NEGATED | now] = total
                continue
            first = number(tokens[0], len(numbers) + 1)
            if len(tokens) == 2:
                grams[first << _WORD | now] = total
            elif tokens[1] == "_":
                grams[_SKIP | first << _WORD | now] = total
            else:
                middle = number(tokens[1], len(numbers) + 1)
                grams[(first << _WORD | middle) << _WORD | now] = total
        classes = self.vocabulary.classes
        words = {
            word: (
                _number(numbers, classes.get(word, word)),
                packed.get(word, 0) + (packed.get(classes[word], 0) if word in classes else 0),
                word in NEGATIONS,
            )
            for word in self.vocabulary.words
        }
        # Every token that a text can begin or end with has a number, whether or not anything weighs it.
        for token in (FIRST, AFTER_CLAIM, AFTER_QUESTION, LAST, QUESTION, STRANGE):
            _number(numbers, token)
        derived: dict[str, object] = {
            "_numbers": numbers,
            "_words": words,
            "_grams": grams,
            "_packed": packed,
            "_lanes": struct.Struct(f"<{len(self.names)}I"),
            "_base": sum(_HALF << _LANE * head for head in range(len(self.names))),
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

    def heaviest(self, summed: "Sums", seen: Collection[str] = ()) -> tuple[int, ...]:
        """Return what `weigh` does, of sums that were read before."""
        sums, tokens = list(summed.sentences), summed.tokens
        extra = self._base
        for name in seen:
            extra += self._packed.get(name, 0)
        if len(sums) > 1:
            if tokens <= WHOLE:
                sums.append(sum(sums))
            # Long texts repeat themselves, and the same sentence need not be looked at twice.
            sums = list(set(sums))
        unpack, size = self._lanes.unpack, self._lanes.size
        best = unpack((sums[0] + extra).to_bytes(size, "little"))
        for total in sums[1:]:
            best = tuple(map(max, best, unpack((total + extra).to_bytes(size, "little"))))
        return tuple([lane - _HALF for lane in best])

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
        self, text: str, opening: str, names: Collection[str], summed: "Sums"
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
        unpack, size = self._lanes.unpack, self._lanes.size
        firsts: dict[int, int] = {}
        for index, total in enumerate(sums):
            firsts.setdefault(total, index)
        lanes = [(unpack((total + self._base).to_bytes(size, "little")), at) for total, at in firsts.items()]
        return {name: max(lanes, key=lambda one: one[0][head])[1] for name, head in numbers.items()}

    def _telling(self, sentence: Sequence[Feature], head: int) -> tuple[Span, ...]:
        weighed = [(self.weights.get(one.name, {}).get(head, 0), one) for one in sentence]
        most = sorted((one for one in weighed if one[0] > 0), key=lambda one: -one[0])[:4]
        return tuple(joined(sorted((one.start, one.end) for _, one in most)))

    def sums(self, text: str, opening: str) -> "Sums":
        """Add up the weights of each sentence's features; see `features` for what they are."""
        return self.sums_after(text, (opening,))[0]

    def sums_after(self, text: str, openings: Sequence[str]) -> tuple["Sums", ...]:
        """Return what `sums` does, for each of some openings. They differ in the first sentence alone."""
        pieces = PIECES.findall(fold(text))
        pieces.append("\n")
        whole = self._added(pieces, openings[0])
        first = _first_sentence(pieces) if len(openings) > 1 else ()
        firsts = (self._added(first, opening) for opening in openings[1:])
        return (
            whole,
            *(Sums([*one.sentences, *whole.sentences[1:]], whole.tokens) for one in firsts),
        )

    def _added(self, pieces: Sequence[str], opening: str) -> "Sums":
        words, grams, numbers = self._words, self._grams, self._numbers
        get = grams.get
        strange, first = numbers[STRANGE], numbers[FIRST]
        last, question = numbers[LAST], numbers[QUESTION]
        sums: list[int] = []
        others: dict[str, tuple[int, int, bool]] = {}
        tokens = total = count = reach = 0
        before, earlier = numbers[opening], 0
        for piece in pieces:
            if count >= LONGEST or piece in ENDS:
                if count:
                    now = question if piece == QUESTION else last
                    total += get(before << _WORD | now, 0) + get(_SKIP | earlier << _WORD | now, 0)
                    total += get((earlier << _WORD | before) << _WORD | now, 0)
                    if reach:
                        total += get(_NEGATED | now, 0)
                    sums.append(total)
                    tokens += count
                    total = count = reach = 0
                    before, earlier = first, 0
                if piece in ENDS:
                    continue
            if piece in ",:":
                reach = 0
                continue
            count += 1
            known = words.get(piece) or others.get(piece)
            if known is None:
                known = others[piece] = self._other(piece, strange)
            now, weight, negates = known
            if now == before == earlier and now != strange:
                continue
            total += weight + get(before << _WORD | now, 0)
            if earlier:
                total += get((earlier << _WORD | before) << _WORD | now, 0)
                total += get(_SKIP | earlier << _WORD | now, 0)
            if reach:
                total += get(_NEGATED | now, 0)
                reach -= 1
            if negates:
                reach = REACH
            earlier, before = before, now
        return Sums(sums or [0], tokens)

    def _other(self, piece: str, strange: int) -> tuple[int, int, bool]:
        word = spelled(piece)
        known = self._words.get(word)
        if known is None and (meant := self.vocabulary.corrected(word)) is not None:
            known = self._words.get(meant)
        if known is not None:
            return known
        return strange, sum(self._packed.get(affix, 0) for affix in affixes(word)), word in NEGATIONS


def _first_sentence(pieces: Sequence[str]) -> Sequence[str]:
    """Return the pieces of a text's first sentence, with what ends it."""
    count = 0
    for at, piece in enumerate(pieces):
        if count and (count >= LONGEST or piece in ENDS):
            return [*pieces[:at], piece if piece in ENDS else "\n"]
        count += piece not in ENDS and piece not in ",:"
    return pieces


def _number(numbers: dict[str, int], token: str) -> int:
    return numbers.setdefault(token, len(numbers) + 1)


def from_data(data: Mapping[str, Any]) -> Heads:
    """Build heads from the content of their file."""
    classes = {word: name for name, members in data["classes"].items() for word in members.split()}
    words = data["words"].split()
    weights = {
        name: {row[i]: row[i + 1] for i in range(0, len(row), 2)} for name, row in data["weights"].items()
    }
    return Heads(
        names=tuple(data["heads"]),
        vocabulary=Vocabulary(words=frozenset(words), classes=classes, salient=data["salient"].split()),
        weights=weights,
        scale=data["scale"],
        bias=tuple(data["bias"]),
        slope=tuple(data["slope"]),
        levels=tuple(data["levels"]),
    )


def unpacked(data: bytes, *, source: str) -> Heads:
    """Read the content of a file of heads.

    Raises:
        ConfigError: it is no such file; `source` names it.
    """
    try:
        return from_data(json.loads(gzip.decompress(data)))
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, RecursionError, zlib.error):
        raise ConfigError(f"{source}: is no file of heads; `handrail signals train` writes one") from None


@cache
def shipped() -> Heads:
    """Return the heads that come with handrail, read on first use."""
    from importlib import resources

    data = resources.files("handrail.signals").joinpath("heads.json.gz").read_bytes()
    return unpacked(data, source="heads.json.gz")
