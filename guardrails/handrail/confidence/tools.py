"""Confidence in the arguments of a proposed tool call, where the provider's log-probabilities cover them."""

import itertools
from collections.abc import Sequence

from handrail.confidence.alignment import Aligned, offsets_of
from handrail.confidence.fields import FieldScore, field_scores, weakest
from handrail.confidence.logspace import is_logprob
from handrail.records import Draft, TokenLogprob, ToolCall


def argument_scores(tokens: Sequence[TokenLogprob], call: ToolCall) -> tuple[FieldScore, ...] | None:
    """Score every argument of a call: sum of l_t over the tokens of its value, in nats.

    Most providers give log-probabilities for the answer's text only, some for all that was generated. None
    where the arguments do not occur among the tokens, word for word and once, or are not JSON.
    """
    said = b"".join(token.data for token in tokens)
    wanted = call.arguments.encode("utf-8", "surrogatepass")
    at = said.find(wanted) if wanted else -1
    if at < 0 or said.find(wanted, at + 1) >= 0:
        return None
    ends = list(itertools.accumulate(len(token.data) for token in tokens))
    kept = [
        index
        for index, end in enumerate(ends)
        if end > at and end - len(tokens[index].data) < at + len(wanted)
    ]
    if not all(is_logprob(tokens[index].logprob) for index in kept):
        return None
    aligned = Aligned(
        tokens=tuple(tokens[index] for index in kept),
        starts=tuple(ends[index] - len(tokens[index].data) - at for index in kept),
        offsets=offsets_of(call.arguments),
        text=call.arguments,
    )
    return field_scores(aligned)


def argument_logprob(draft: Draft) -> float | None:
    """Log-probability of the least likely argument of all proposed calls; None if a call has no score."""
    if not draft.logprobs or not draft.tool_calls:
        return None
    weakest_of = []
    for call in draft.tool_calls:
        scores = argument_scores(draft.logprobs, call)
        if not scores:
            return None
        weakest_of.append(weakest(scores).logprob)
    return min(weakest_of)
