"""The weights of features, added up over a whole text at once. Pure.

A feature's weights for all heads are one whole number with a lane for each head, so that one addition adds
them all. Each word is one character here, that of the class that stands for it beside others, and brings
along what may follow it: the pairs that begin with it, in each of these the triples, and the pairs with a
gap. So no feature is spelled out, and what a token adds takes four look-ups at most. What the features are
says `features`, which names them one by one for whoever explains a score;
`tests/property/signals/test_heads_properties.py` compares the two.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from handrail.signals.features import (
    AFTER_CLAIM,
    AFTER_QUESTION,
    FIRST,
    LAST,
    LONGEST,
    NEGATIONS,
    QUESTION,
    REACH,
    STRANGE,
    Vocabulary,
    affixes,
    spelled,
)
from handrail.signals.tokens import PAUSE, STOP

RESERVED = frozenset((FIRST, AFTER_CLAIM, AFTER_QUESTION, LAST, QUESTION, PAUSE))
"""Tokens that are no word's and no class's."""

_BEGIN = "^"
_WORDS_FROM = 0x100
_ENDING = {LAST: STOP, QUESTION: QUESTION}
_OPENINGS = (FIRST, AFTER_CLAIM, AFTER_QUESTION)

_Weights: TypeAlias = Mapping[str, int]
_NOTHING: Final[dict[str, int]] = {}
_NO_PAIR: Final = (0, _NOTHING)


class _Next(NamedTuple):
    """What may follow a word.

    Attributes:
        beside: second word → the weights of the pair, and third word → the weights of the triple.
        apart: word after one more word → the weights of that pair.
    """

    beside: dict[str, tuple[int, dict[str, int]]]
    apart: dict[str, int]


Row: TypeAlias = tuple[str, int, bool, _Next]
"""A token: its character, its weights, whether it negates, what may follow it. What ends a sentence has the
next one's beginning as a second character.
"""


_NONE: Final = _Next({}, {})
_STOPS: Final[Row] = (STOP + _BEGIN, 0, False, _NONE)


@dataclass(frozen=True, slots=True)
class Sums:
    """The weights of each sentence of a text, added up for all heads at once, and how many tokens it has."""

    sentences: Sequence[int]
    tokens: int


class WeightTable:
    """The weights of the features of some heads; reading is safe between threads.

    Args:
        totals: feature → its weights for all heads, see `lanes`.
        vocabulary: the words that are known.
    """

    def __init__(self, totals: Mapping[str, int], vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._single: dict[str, int] = {}
        self._negated: dict[str, int] = {}
        self._chars = {FIRST: _BEGIN, STRANGE: STRANGE, **_ENDING}
        self._next: dict[str, _Next] = {}
        self._openings = {opening: self._char(opening) for opening in _OPENINGS}
        # What opens a sentence comes first alone in it, and what ends it last alone.
        across = re.compile(rf"[{STOP}{QUESTION}].|.[{re.escape(''.join(self._openings.values()))}]")
        beside: dict[str, int] = {}
        apart: dict[str, int] = {}
        negation, gap = self._char("!"), self._char("_")
        for name, chars, total in zip(totals, self._written(totals), totals.values(), strict=True):
            if len(chars) == 1:
                self._single[name] = total
            elif chars[0] == negation:
                self._negated[chars[1]] = total
            elif chars[1] == gap:
                apart[chars[::2]] = total
            else:
                beside[chars] = total
        self._follow(_without(across, beside), _without(across, apart))
        self._rows = dict(self._known_rows())
        self._strange = self._after(STRANGE)

    def _written(self, names: Collection[str]) -> Sequence[str]:
        """Return names of features with each token as one character; all at once, which is done soonest."""
        if not names:
            return ()
        tokens = "\n".join(names).replace("\n", " \n ").split(" ")
        chars = {token: self._char(token) for token in dict.fromkeys(tokens)}
        chars["\n"] = "\n"
        return "".join(map(chars.__getitem__, tokens)).split("\n")

    def _follow(self, beside: Mapping[str, int], apart: Mapping[str, int]) -> None:
        """Take up pairs and triples, and pairs with a gap."""
        for char in dict.fromkeys(chars[0] for chars in (*beside, *apart)):
            self._after(char)
        follow = self._next
        for chars, total in apart.items():
            follow[chars[0]].apart[chars[1]] = total
        for chars, total in beside.items():
            pairs, second = follow[chars[0]].beside, chars[1]
            pair, triples = pairs.get(second, _NO_PAIR)
            if len(chars) == 2:
                pairs[second] = total, triples
            elif triples:
                triples[chars[2]] = total
            else:
                pairs[second] = pair, {chars[2]: total}

    def single(self, name: str) -> int:
        """Return the weights of a feature that is one token, nothing for an unknown one."""
        return self._single.get(name, 0)

    def sums(self, tokens: Sequence[str], openings: Sequence[str]) -> tuple[Sums, ...]:
        """Add up the weights of each sentence's features, once for each of some openings.

        They differ in the first sentence alone.

        Args:
            tokens: of a text, see `tokens_of`.
            openings: how the first sentence may begin.
        """
        rows = self._rows_of(tokens)
        whole = self._added_up(rows, openings[0])
        if len(openings) == 1:
            return (whole,)
        first, rest = _first_sentence(rows), whole.sentences[1:]
        others = (self._added_up(first, opening) for opening in openings[1:])
        return (whole, *(Sums([*one.sentences, *rest], whole.tokens) for one in others))

    def _added_up(self, rows: Sequence[Row], opening: str) -> Sums:
        negated = self._negated.get
        before, begins = self._openings[opening], self._after(_BEGIN)
        (after, gap), triples, across, earlier = self._after(before), _NOTHING, _NOTHING, ""
        sums: list[int] = []
        tokens = total = count = reach = 0
        for char, weight, negates, follow in rows:
            if len(char) > 1 or count >= LONGEST:
                if count:
                    end = char[0] if len(char) > 1 else STOP
                    total += after.get(end, _NO_PAIR)[0] + triples.get(end, 0) + across.get(end, 0)
                    sums.append(total + negated(end, 0) * (reach > 0))
                    tokens += count
                    total = count = reach = 0
                    before, earlier = _BEGIN, ""
                    (after, gap), triples, across = begins, _NOTHING, _NOTHING
                if len(char) > 1:
                    continue
            if char == PAUSE:
                reach = 0
                continue
            count += 1
            if char == before == earlier and char != STRANGE:
                continue
            total += weight
            if char in triples:
                total += triples[char]
            if char in across:
                total += across[char]
            if char in after:
                pair, triples = after[char]
                total += pair
            else:
                triples = _NOTHING
            if reach:
                total += negated(char, 0)
                reach -= 1
            if negates:
                reach = REACH
            earlier, before, across = before, char, gap
            after, gap = follow
        return Sums(sums or [0], tokens)

    def _rows_of(self, tokens: Sequence[str]) -> list[Row]:
        """Return tokens as rows, the last sentence closed."""
        rows: list[Any] = list(map(self._rows.get, tokens))
        if None in rows:
            self._complete(tokens, rows)
        if rows and rows[-1][0][-1] != _BEGIN:
            rows.append(_STOPS)
        return rows

    def _complete(self, tokens: Sequence[str], rows: list[Any]) -> None:
        others: dict[str, Row] = {}
        for at in [at for at, row in enumerate(rows) if row is None]:
            token = tokens[at]
            row = others.get(token)
            if row is None:
                row = others[token] = self._other(token)
            rows[at] = row

    def _other(self, piece: str) -> Row:
        """Return a token that is not known as it is written."""
        word = spelled(piece)
        known = self._rows.get(word)
        if known is None and (meant := self._vocabulary.corrected(word)) is not None:
            known = self._rows.get(meant)
        if known is not None:
            return known
        weight = sum(self._single.get(affix, 0) for affix in affixes(word))
        return STRANGE, weight, word in NEGATIONS, self._strange

    def _known_rows(self) -> Iterator[tuple[str, Row]]:
        classes, single = self._vocabulary.classes, self._single
        for word in self._vocabulary.words:
            shown = classes.get(word, word)
            weight = single.get(word, 0) + (single.get(shown, 0) if shown != word else 0)
            char = self._char(shown)
            yield word, (char, weight, word in NEGATIONS, self._after(char))
        for mark in (STOP, "!", ";", "\n"):
            yield mark, _STOPS
        yield QUESTION, (QUESTION + _BEGIN, 0, False, _NONE)
        for mark in (PAUSE, ":"):
            yield mark, (PAUSE, 0, False, _NONE)

    def _char(self, token: str) -> str:
        found = self._chars.get(token)
        if found is None:
            code = _WORDS_FROM + len(self._chars)
            found = self._chars[token] = chr(code)
        return found

    def _after(self, char: str) -> _Next:
        found = self._next.get(char)
        if found is None:
            found = self._next[char] = _Next({}, {})
        return found


def _without(pattern: re.Pattern[str], grams: Mapping[str, int]) -> Mapping[str, int]:
    """Return the grams in which a pattern is not found."""
    if pattern.search("\n".join(grams)) is None:
        return grams
    return {gram: weight for gram, weight in grams.items() if pattern.search(gram) is None}


def _first_sentence(rows: Sequence[Row]) -> Sequence[Row]:
    """Return the rows of a text's first sentence, with what ends it."""
    count = 0
    for at, (char, *_) in enumerate(rows):
        is_end = char[-1] == _BEGIN
        if count and (is_end or count >= LONGEST):
            return [*rows[:at], rows[at] if is_end else _STOPS]
        count += not is_end and char != PAUSE
    return rows
