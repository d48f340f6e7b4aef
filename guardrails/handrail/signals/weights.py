"""The weights of features, added up over a whole text at once. Pure.

A feature's weights for all heads are one whole number with a lane for each head, so that one addition adds
them all. Each word is one character here, that of the class that stands for it beside others. So a text of
words is a text of characters, and in a long one an automaton finds all pairs and triples that weigh anything
in one pass; pairs with a gap it finds in every second character. What the features are says `features`, which
names them one by one for whoever explains a score; `tests/property/signals/test_heads_properties.py` compares
the two.
"""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, compress
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

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

_LONG = 64
"""From so many tokens on the automata are faster than a look at each token."""
_BLOCK = 2048
"""From so many tokens on a text is read in parts of whole sentences."""

_BEGIN = "^"
_WORDS_FROM = 0x100
_HALVES, _HALVES_COUNT = 0xD800, 0x800
_ENDING = {LAST: STOP, QUESTION: QUESTION}
_ENDS = frozenset(_ENDING.values())
_OPENINGS = (FIRST, AFTER_CLAIM, AFTER_QUESTION)

_index, _end = itemgetter(0), itemgetter(2)

Row: TypeAlias = tuple[str, int, bool]
"""A token: its character, its weights, whether it negates. What ends a sentence has the next one's beginning
as a second character.
"""


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
        self._beside, self._apart = _Grams(_without(across, beside)), _Grams(_without(across, apart))
        self._rows = dict(self._known_rows())
        self._repeated = re.compile(rf"([^{STRANGE}])\1\1")

    def _written(self, names: Collection[str]) -> Sequence[str]:
        """Return names of features with each token as one character; all at once, which is done soonest."""
        if not names:
            return ()
        tokens = "\n".join(names).replace("\n", " \n ").split(" ")
        chars = {token: self._char(token) for token in dict.fromkeys(tokens)}
        chars["\n"] = "\n"
        return "".join(map(chars.__getitem__, tokens)).split("\n")

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
        first, *others = list(_blocks(self._rows_of(tokens))) or [[]]
        rest = [self._block(rows, (FIRST,))[0] for rows in others]
        return tuple(_joined([one, *rest]) for one in self._block(first, openings))

    def _block(self, rows: Sequence[Row], openings: Sequence[str]) -> tuple[Sums, ...]:
        """Add up the weights of some sentences, as `sums` does for a text."""
        read = _read(rows) if len(rows) >= _LONG else None
        if read is None or self._is_irregular(read):
            whole = self._one_by_one(rows, openings[0])
            first = _first_sentence(rows) if len(openings) > 1 else ()
            others = (self._one_by_one(first, opening) for opening in openings[1:])
            rest = whole.sentences[1:]
            return (whole, *(Sums([*one.sentences, *rest], whole.tokens) for one in others))
        totals, begins = list(accumulate(read.weights, initial=0)), [0, *read.ends]
        sums = [totals[end] - totals[begin] for begin, end in zip(begins, read.ends, strict=False)]
        if True in read.negates:
            self._add_negated(sums, read)
        self._add_grams(sums, _BEGIN, read.sentences)
        count = len(read.words) - 2 * len(sums)
        return tuple(Sums(self._opened(sums, opening, read.sentences[0]), count) for opening in openings)

    def _one_by_one(self, rows: Sequence[Row], opening: str) -> Sums:
        """Add up the weights token by token: of a short text, which the automata would not repay, and of one
        with empty or too long sentences or with many tokens in a row that read alike.
        """
        beside, apart, negated = self._beside.weights.get, self._apart.weights.get, self._negated.get
        sums: list[int] = []
        tokens = total = count = reach = 0
        before, earlier = self._openings[opening], ""
        for char, weight, negates in rows:
            is_end = char[-1] == _BEGIN
            if count >= LONGEST or is_end:
                if count:
                    end = char[0] if is_end else STOP
                    total += beside(before + end, 0) + negated(end, 0) * (reach > 0)
                    total += beside(earlier + before + end, 0) + apart(earlier + end, 0)
                    sums.append(total)
                    tokens += count
                    total = count = reach = 0
                    before, earlier = _BEGIN, ""
                if is_end:
                    continue
            if char == PAUSE:
                reach = 0
                continue
            count += 1
            if char == before == earlier and char != STRANGE:
                continue
            pair = before + char
            total += weight + beside(pair, 0)
            if earlier:
                total += beside(earlier + pair, 0) + apart(earlier + char, 0)
            if reach:
                total += negated(char, 0)
                reach -= 1
            if negates:
                reach = REACH
            earlier, before = before, char
        return Sums(sums or [0], tokens)

    def _opened(self, sums: Sequence[int], opening: str, first: str) -> Sequence[int]:
        """Return sums of sentences of which the first begins with an opening."""
        if opening == FIRST:
            return sums
        usual, own = [0], [0]
        self._add_grams(usual, _BEGIN, [first])
        self._add_grams(own, self._openings[opening], [first])
        return [sums[0] + own[0] - usual[0], *sums[1:]]

    def _add_grams(self, sums: list[int], opening: str, parts: Sequence[str]) -> None:
        # Long texts repeat themselves, and the same sentence need not be read twice.
        once = list(dict.fromkeys(parts)) if len(parts) > 1 else parts
        if len(once) < len(parts):
            own = [0] * len(once)
            self._add_grams(own, opening, once)
            known = dict(zip(once, own, strict=True))
            for number, part in enumerate(parts):
                sums[number] += known[part]
            return
        # No gram can stand across the beginning of a sentence.
        text = opening + _BEGIN.join(parts)
        ends = list(accumulate(len(part) + 1 for part in parts))
        self._beside.add(sums, text, ends)
        self._apart.add(sums, text[::2], [(end + 1) // 2 for end in ends])
        self._apart.add(sums, text[1::2], [end // 2 for end in ends])

    def _add_negated(self, sums: list[int], read: "_Read") -> None:
        get, chars, at = self._negated.get, read.chars, 0
        for negation in compress(range(len(chars)), read.negates):
            if negation < at:
                continue
            at, reach, sentence = negation + 1, REACH, bisect_right(read.ends, negation)
            while reach and chars[at] != PAUSE:
                sums[sentence] += get(chars[at][0], 0)
                if chars[at][-1] == _BEGIN:
                    break
                reach = REACH if read.negates[at] else reach - 1
                at += 1

    def _is_irregular(self, read: "_Read") -> bool:
        """Tell whether there are empty sentences, too long ones, or three words in a row that read alike."""
        words = read.words
        return (
            words[0] in _ENDS
            or f"{_BEGIN}{STOP}" in words
            or f"{_BEGIN}{QUESTION}" in words
            or max(map(len, read.sentences)) > LONGEST + 1
            or self._repeated.search(words) is not None
        )

    def _rows_of(self, tokens: Sequence[str]) -> list[Row]:
        """Return tokens as rows, the last sentence closed."""
        rows: list[Any] = list(map(self._rows.get, tokens))
        if None in rows:
            self._complete(tokens, rows)
        if rows and rows[-1][0][-1] != _BEGIN:
            rows.append(self._rows[STOP])
        return rows

    def _complete(self, tokens: Sequence[str], rows: list[Any]) -> None:
        others: dict[str, Row] = {}
        at = 0
        for _ in range(rows.count(None)):
            at = rows.index(None, at)
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
        return STRANGE, sum(self._single.get(affix, 0) for affix in affixes(word)), word in NEGATIONS

    def _known_rows(self) -> Iterator[tuple[str, Row]]:
        classes, single = self._vocabulary.classes, self._single
        for word in self._vocabulary.words:
            shown = classes.get(word, word)
            weight = single.get(word, 0) + (single.get(shown, 0) if shown != word else 0)
            yield word, (self._char(shown), weight, word in NEGATIONS)
        for mark in (STOP, "!", ";", "\n"):
            yield mark, (STOP + _BEGIN, 0, False)
        yield QUESTION, (QUESTION + _BEGIN, 0, False)
        for mark in (PAUSE, ":"):
            yield mark, (PAUSE, 0, False)

    def _char(self, token: str) -> str:
        found = self._chars.get(token)
        if found is None:
            code = _WORDS_FROM + len(self._chars)
            # Halves of characters are in no text that an automaton reads.
            found = self._chars[token] = chr(code + _HALVES_COUNT if code >= _HALVES else code)
        return found


def _without(pattern: re.Pattern[str], grams: Mapping[str, int]) -> Mapping[str, int]:
    """Return the grams in which a pattern is not found."""
    if pattern.search("\n".join(grams)) is None:
        return grams
    return {gram: weight for gram, weight in grams.items() if pattern.search(gram) is None}


class _Grams:
    """Grams as texts of characters, with their weights, found in one pass."""

    def __init__(self, weights: Mapping[str, int]) -> None:
        import ahocorasick_rs

        self.weights = weights
        self._automaton = ahocorasick_rs.AhoCorasick(list(weights))
        self._by_index = tuple(weights.values())

    def add(self, sums: list[int], text: str, ends: Sequence[int]) -> None:
        """Add the weights of what is found to the sum of the sentence that it ends in.

        Args:
            sums: of each sentence.
            text: the words.
            ends: where each sentence ends (exclusive).
        """
        found = self._automaton.find_matches_as_indexes(text, overlapping=True)
        if not found:
            return
        indexes, _, found_ends = zip(*found, strict=True)
        totals = list(accumulate(map(self._by_index.__getitem__, indexes), initial=0))
        done, count = 0, len(indexes)
        for index, end in enumerate(ends):
            upto = bisect_right(found_ends, end, done)
            if upto > done:
                sums[index] += totals[upto] - totals[done]
                if upto == count:
                    return
                done = upto


class _Read(NamedTuple):
    """Rows by column, and what their characters make.

    `words` are the characters without pauses, `sentences` these parted, each with what ends it; `ends` are
    the numbers of rows up to the end of each sentence.
    """

    chars: Sequence[str]
    weights: Sequence[int]
    negates: Sequence[bool]
    words: str
    sentences: Sequence[str]
    ends: Sequence[int]


def _read(rows: Sequence[Row]) -> _Read:
    chars, weights, negates = zip(*rows, strict=True)
    joined = "".join(chars)
    words = joined.replace(PAUSE, "")
    sentences = words[:-1].split(_BEGIN)
    parted = sentences if len(words) == len(joined) else joined[:-1].split(_BEGIN)
    return _Read(chars, weights, negates, words, sentences, list(accumulate(map(len, parted))))


def _blocks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Part rows at the ends of sentences, so that what is kept at once does not grow with the text.

    What comes before the first word of a sentence, marks alone, is left out: it says nothing.
    """
    first = _first_word(rows, 0)
    while len(rows) - first > _BLOCK:
        ends = range(first + _BLOCK - 1, len(rows))
        last = next((at + 1 for at in ends if rows[at][0][-1] == _BEGIN), len(rows))
        yield rows[first:last]
        first = _first_word(rows, last)
    if first < len(rows):
        yield rows[first:] if first else rows


def _first_word(rows: Sequence[Row], start: int) -> int:
    """Return where the first word from `start` on stands, the end where there is none."""
    words = (at for at in range(start, len(rows)) if rows[at][0] != PAUSE and rows[at][0][-1] != _BEGIN)
    return next(words, len(rows))


def _joined(parts: Sequence[Sums]) -> Sums:
    """Return the sums of the parts of a text as those of the whole."""
    if len(parts) == 1:
        return parts[0]
    found = list(chain.from_iterable(one.sentences for one in parts))
    return Sums(found, sum(one.tokens for one in parts))


def _first_sentence(rows: Sequence[Row]) -> Sequence[Row]:
    """Return the rows of a text's first sentence, with what ends it."""
    count = 0
    for at, (char, _, _) in enumerate(rows):
        is_end = char[-1] == _BEGIN
        if count and (is_end or count >= LONGEST):
            return [*rows[:at], rows[at] if is_end else (STOP + _BEGIN, 0, False)]
        count += not is_end and char != PAUSE
    return rows
