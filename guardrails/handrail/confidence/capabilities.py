"""What each model at each endpoint was seen to give; learned from answers, never from a model's name."""

from collections.abc import Sequence
from enum import StrEnum
from typing import TypeAlias

from handrail.records import Draft

Key: TypeAlias = tuple[str, str]
"""Model and endpoint; the same name may stand for something else at another endpoint."""


class Support(StrEnum):
    """What came of asking for log-probabilities."""

    UNKNOWN = "unknown"
    GIVES = "gives"
    IGNORES = "ignores"
    REFUSES = "refuses"


class ModelCapabilities:
    """Whether log-probabilities can be had of a model; shared by all calls of one guard.

    Every lesson replaces the whole mapping, so threads need no lock. A lesson that two of them lose between
    each other comes again. A model without a name teaches nothing.
    """

    def __init__(self) -> None:
        self._known: dict[Key, Support] = {}

    def of(self, model: str, endpoint: str) -> Support:
        """What is known of one model at one endpoint."""
        return self._known.get((model, endpoint), Support.UNKNOWN)

    def should_ask(self, model: str, endpoint: str) -> bool:
        """True unless asking for log-probabilities is known to fail or to give nothing."""
        return self.of(model, endpoint) in (Support.UNKNOWN, Support.GIVES)

    def saw(self, model: str, endpoint: str, drafts: Sequence[Draft]) -> None:
        """Learn from the answers to a request that asked for log-probabilities.

        Missing and empty mean the same. Faults, and answers without text of their own, teach nothing: most
        providers give no log-probabilities for tool calls.
        """
        for draft in drafts:
            if draft.fault is not None or not draft.text:
                continue
            if draft.logprobs:
                self._learn(model, endpoint, Support.GIVES)
            elif self.of(model, endpoint) is not Support.GIVES:
                self._learn(model, endpoint, Support.IGNORES)

    def refused(self, model: str, endpoint: str) -> None:
        """Learn that a request failed because it asked for log-probabilities."""
        self._learn(model, endpoint, Support.REFUSES)

    def _learn(self, model: str, endpoint: str, support: Support) -> None:
        if model and self.of(model, endpoint) is not support:
            self._known = {**self._known, (model, endpoint): support}


def blames_logprobs(status: int, message: str) -> bool:
    """True when an error reply (HTTP status and message) says that log-probabilities cannot be had."""
    return status in (400, 404, 422) and "logprob" in message.casefold()
