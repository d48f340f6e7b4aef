"""Confidence in a choice: how much probability the decision token gives to the label that was chosen."""

from collections.abc import Sequence

from handrail.confidence.scorers.logprobs import Aligned, is_logprob, log_sum
from handrail.records import TokenLogprob

_MARKS = " \t\n\r.,:;!?()[]{}\"'`*_#▁Ġ"
"""Marks around a label that do not change it, with the two ways in which vocabularies print a space."""


def chosen(text: str, labels: Sequence[str]) -> str | None:
    """The label that an answer consists of, marks around it aside; None if it is none of them."""
    bare = text.strip(_MARKS)
    exact = [label for label in labels if label == bare]
    folded = [label for label in labels if label.casefold() == bare.casefold()]
    found = exact or folded
    return found[0] if len(found) == 1 else None


def label_logprob(aligned: Aligned, label: str, labels: Sequence[str]) -> float | None:
    """Log of the probability of a label, in nats (<= 0): log of the sum of exp(l) over its variants.

    Taken at the decision token, the first one that holds a character of the label. Variants among its rivals
    are the label in another case, with spaces or marks around it, and beginnings of the label that begin no
    other label. (Label log-probability as used for multiple choice; Plaut et al. 2024, summed over variants.)

    Args:
        aligned: the answer's tokens.
        label: the label that was chosen.
        labels: every label there is.

    Returns:
        None if no token can be told to speak for this label, or a rival's number is no log-probability.
    """
    lead = len(aligned.text) - len(aligned.text.lstrip(_MARKS))
    tokens = aligned.within(lead, min(lead + 1, len(aligned.text)))
    if not tokens:
        return None
    rivals = _rivals(tokens[0])
    if not all(map(is_logprob, rivals.values())):
        return None
    mine = [text for text in rivals if _speaks_for(text, label, labels)]
    return min(log_sum(rivals[text] for text in mine), 0.0) if mine else None


def _rivals(token: TokenLogprob) -> dict[str, float]:
    rivals = dict(token.top)
    rivals[token.token] = token.logprob
    return rivals


def _speaks_for(text: str, label: str, labels: Sequence[str]) -> bool:
    bare = text.strip(_MARKS).casefold()
    if not bare:
        return False
    begun = [other for other in labels if other.casefold().startswith(bare)]
    whole = [other for other in labels if other.casefold() == bare]
    return (whole or begun) == [label]
