"""Confidence in a stretch of text from the log-probabilities of its tokens."""

import math
from collections.abc import Sequence

from handrail.confidence.alignment import Aligned
from handrail.records import TokenLogprob


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
