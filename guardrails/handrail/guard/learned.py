"""What a guard has seen of the models it was asked about: whether log-probabilities can be had of them."""

from collections.abc import Sequence
from dataclasses import replace

from handrail.confidence.capabilities import Capabilities
from handrail.pipeline import NeedSamples
from handrail.records import Draft


class Learned:
    """Shared by all calls of one guard. A lesson that is lost between two threads comes again."""

    def __init__(self) -> None:
        self._capabilities = Capabilities()

    def should_ask(self, model: str, endpoint: str) -> bool:
        """Tell whether asking for log-probabilities may give some; a model without a name is always asked."""
        return not model or self._capabilities.should_ask(model, endpoint)

    def saw(self, model: str, endpoint: str, drafts: Sequence[Draft]) -> None:
        """Learn from answers to a request that asked for log-probabilities."""
        for draft in drafts if model else ():
            self._capabilities = self._capabilities.saw(model, endpoint, draft)

    def refused(self, model: str, endpoint: str) -> None:
        """Learn that a request failed because it asked for log-probabilities."""
        if model:
            self._capabilities = self._capabilities.refused(model, endpoint)


class Asking:
    """One call's part: which model it asks, and what is asked of it."""

    def __init__(self, learned: Learned, *, wants_logprobs: bool) -> None:
        self._learned, self._model, self._endpoint = learned, "", ""
        self.wants_logprobs = wants_logprobs

    def of(self, model: str, endpoint: str) -> None:
        """Say which model is asked, and where."""
        self._model, self._endpoint = model, endpoint
        self.wants_logprobs = self.wants_logprobs and self._learned.should_ask(model, endpoint)

    def refused(self) -> None:
        """The provider refused because log-probabilities were asked for."""
        self._learned.refused(self._model, self._endpoint)
        self.wants_logprobs = False

    def answered(self, drafts: Sequence[Draft]) -> None:
        """The model answered."""
        if self.wants_logprobs:
            self._learned.saw(self._model, self._endpoint, drafts)

    def within(self, need: NeedSamples) -> NeedSamples:
        """Return what may be asked of this model in place of what would be best."""
        if need.wants_logprobs and not self._learned.should_ask(self._model, self._endpoint):
            return replace(need, wants_logprobs=False)
        return need
