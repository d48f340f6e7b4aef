"""What each model at each endpoint was seen to give; learned from answers, never from a model's name."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from handrail.records import Draft

Key: TypeAlias = tuple[str, str]
"""Model and endpoint."""


class Support(StrEnum):
    """What came of asking for log-probabilities."""

    UNKNOWN = "unknown"
    GIVES = "gives"
    IGNORES = "ignores"
    REFUSES = "refuses"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What was learned so far; every lesson gives a new object, so that it can be shared without a lock."""

    known: Mapping[Key, Support] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, model: str, endpoint: str) -> Support:
        """What is known of one model at one endpoint."""
        return self.known.get((model, endpoint), Support.UNKNOWN)

    def should_ask(self, model: str, endpoint: str) -> bool:
        """True unless asking for log-probabilities is known to fail or to give nothing."""
        return self.of(model, endpoint) in (Support.UNKNOWN, Support.GIVES)

    def saw(self, model: str, endpoint: str, draft: Draft) -> "Capabilities":
        """Learn from an answer to a request that asked for log-probabilities.

        Missing and empty mean the same. Faults, and answers without text of their own, teach nothing: most
        providers give no log-probabilities for tool calls.
        """
        if draft.fault is not None or not draft.text:
            return self
        if self.of(model, endpoint) is Support.GIVES and not draft.logprobs:
            return self
        return self._with(model, endpoint, Support.GIVES if draft.logprobs else Support.IGNORES)

    def refused(self, model: str, endpoint: str) -> "Capabilities":
        """Learn that a request failed because it asked for log-probabilities."""
        return self._with(model, endpoint, Support.REFUSES)

    def _with(self, model: str, endpoint: str, support: Support) -> "Capabilities":
        if self.of(model, endpoint) is support:
            return self
        return replace(self, known=MappingProxyType({**self.known, (model, endpoint): support}))


def blames_logprobs(status: int, message: str) -> bool:
    """True when an error reply (HTTP status and message) says that log-probabilities cannot be had."""
    return status in (400, 404, 422) and "logprob" in message.casefold()
