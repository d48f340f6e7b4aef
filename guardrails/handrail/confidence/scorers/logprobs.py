"""Log-probabilities of tokens: exact arithmetic, the tokens of a span, confidence in a stretch of text."""

import bisect
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from handrail.records import Draft, TokenLogprob

EDGE = 1e-9
"""Probabilities are kept this far from 0 and 1 before a logit; a wider clip ties the surest answers."""


def is_logprob(value: float) -> bool:
    """True for a usable natural-log probability: not NaN and not above 0, but for rounding."""
    return value <= 1e-6


def log_sum(values: Iterable[float]) -> float:
    """Natural log of a sum of probabilities given as logs; -inf of none."""
    terms = [value for value in values if value > -math.inf]
    if not terms:
        return -math.inf
    peak = max(terms)
    return peak + math.log(math.fsum(math.exp(term - peak) for term in terms))


def probability(logprob: float) -> float:
    """Probability of a log-probability, unrounded; what rounding put above 0 counts as certain."""
    return math.exp(min(logprob, 0.0))


def logit(value: float) -> float:
    """Log-odds of a probability, kept `EDGE` from either end so that it is finite and never falls."""
    held = min(max(value, EDGE), 1.0 - EDGE)
    return math.log(held) - math.log1p(-held)


def sigmoid(value: float) -> float:
    """Probability of log-odds, without overflow on either side."""
    if value >= 0:
        return 1.0 / (1.0 + math.exp(-value))
    grown = math.exp(value)
    return grown / (1.0 + grown)


def total_logprob(tokens: Sequence[TokenLogprob]) -> float:
    """Log-probability of a sequence, in nats (<= 0): sum of l_t. 0 of no tokens."""
    return math.fsum(min(token.logprob, 0.0) for token in tokens)


def mean_logprob(tokens: Sequence[TokenLogprob]) -> float | None:
    """Length-normalised log-probability, in nats per token (<= 0): (1/T) * sum of l_t. None of no tokens.

    Its exponential is one over the perplexity.
    """
    return total_logprob(tokens) / len(tokens) if tokens else None


def min_logprob(tokens: Sequence[TokenLogprob]) -> float | None:
    """Log-probability of the least likely token, in nats (<= 0): min of l_t. None of no tokens."""
    return min((min(token.logprob, 0.0) for token in tokens), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aligned:
    """Tokens laid over the answer's text.

    Args:
        tokens: every token of the output.
        starts: byte offset of each token's first byte in the answer; a token may begin inside a character.
        offsets: byte offset of each character of the answer, and of its end.
        text: the answer.
    """

    tokens: tuple[TokenLogprob, ...]
    starts: tuple[int, ...]
    offsets: tuple[int, ...]
    text: str

    def within(self, start: int, end: int) -> tuple[TokenLogprob, ...]:
        """Tokens that hold at least one byte of the characters from `start` to `end` (exclusive)."""
        if start >= end:
            return ()
        first_byte, last_byte = self.offsets[start], self.offsets[end]
        first = max(bisect.bisect_right(self.starts, first_byte) - 1, 0)
        last = bisect.bisect_left(self.starts, last_byte)
        return self.tokens[first:last]


def align(draft: Draft) -> Aligned | str:
    """Lay a draft's tokens over its text, or say in one word why that cannot be done.

    What the model said beside the answer (a self-check that was taken out again, a leading space) may lie in
    one gap before, inside or after the text; its tokens are left out. Words for failure: `invalid` (a number
    that is no log-probability), `partial` (the tokens do not cover the text).
    """
    spoken = draft.logprobs or ()
    if not all(is_logprob(token.logprob) for token in spoken):
        return "invalid"
    text = draft.text.encode("utf-8", "surrogatepass")
    pieces = [token.data for token in spoken]
    if not all(pieces):
        # A token without bytes, such as the end mark of some servers, is no part of the text.
        spoken = tuple(token for token in spoken if token.data)
    said = b"".join(pieces)
    if said == text:
        tokens, starts = spoken, _starts(spoken)
    else:
        kept = _around_gap(spoken, said, text)
        if kept is None:
            return "partial"
        tokens, starts = kept
    return Aligned(tokens=tokens, starts=starts, offsets=offsets_of(draft.text), text=draft.text)


def _starts(tokens: Sequence[TokenLogprob]) -> tuple[int, ...]:
    return tuple(itertools.accumulate((len(token.data) for token in tokens[:-1]), initial=0))


def offsets_of(text: str) -> tuple[int, ...]:
    """Byte offset of every character of a text, and of its end."""
    if text.isascii():
        return tuple(range(len(text) + 1))
    widths = (len(character.encode("utf-8", "surrogatepass")) for character in text)
    return tuple(itertools.accumulate(widths, initial=0))


def _around_gap(
    tokens: Sequence[TokenLogprob], said: bytes, text: bytes
) -> tuple[tuple[TokenLogprob, ...], tuple[int, ...]] | None:
    """Cut one gap out of what was said so that the text remains; None if no single gap does."""
    gap = len(said) - len(text)
    if gap <= 0 or not text:
        return None
    head = _common(said, text)
    lead = len(said) - len(said.lstrip())
    if head < len(text) and said[head + gap :] != text[head:]:
        if not said[lead:].startswith(text):
            return None
        head, gap = 0, lead
    kept, starts, at = [], [], 0
    for token in tokens:
        begin, end = at, at + len(token.data)
        at = end
        is_in_gap = begin >= head and end <= head + gap
        if is_in_gap or begin >= len(text) + gap:
            continue
        kept.append(token)
        starts.append(begin if begin < head else max(begin - gap, head))
    return tuple(kept), tuple(starts)


def _common(left: bytes, right: bytes) -> int:
    shorter = min(len(left), len(right))
    if left[:shorter] == right[:shorter]:
        return shorter
    low, high = 0, shorter
    while low < high:
        middle = (low + high + 1) // 2
        if left[:middle] == right[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def answer_tokens(aligned: Aligned, span: tuple[int, int] | None = None) -> tuple[TokenLogprob, ...]:
    """Tokens of the answer span: of the whole text without the white space around it if no span is given.

    Score the answer, not the reasoning before it: over a whole chain of thought these numbers rank errors
    little better than chance.

    Args:
        aligned: the answer's tokens.
        span: start and end (exclusive), in characters of the text.
    """
    if span is None:
        start = len(aligned.text) - len(aligned.text.lstrip())
        span = start, len(aligned.text.rstrip())
    start, end = max(span[0], 0), min(span[1], len(aligned.text))
    return aligned.within(start, end)
