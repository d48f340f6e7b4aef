"""Confidence in one answer from one call: log-probabilities if there are any, else the model's own number."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from handrail.confidence.scorers.labels import chosen, label_logprob
from handrail.confidence.scorers.logprobs import (
    Aligned,
    align,
    answer_tokens,
    mean_logprob,
    min_logprob,
    probability,
)
from handrail.confidence.scorers.structured import argument_logprob, field_scores, json_part, weakest
from handrail.records import Confidence, Draft

Method: TypeAlias = Literal[
    "auto", "label", "sequence", "min_token", "fields", "tool_arguments", "self_reported"
]

NONE = "none"
"""Method of a confidence that nothing could measure."""


def score(
    draft: Draft,
    *,
    method: Method = "auto",
    labels: Sequence[str] = (),
    span: tuple[int, int] | None = None,
    choices: Mapping[str, Sequence[str]] | None = None,
) -> Confidence:
    """Say how sure a model is of its answer, at the cost of no further call. Pure; never raises.

    `auto` takes the first of these that is available: the label's probability (where `labels` are given and
    the answer is one), the arguments' (where it proposes calls), the weakest field's (where it is JSON), the
    length-normalised probability of the answer span; then the model's own number. Any other method is tried
    alone, with the model's own number behind it.

    Args:
        draft: what the model produced, without its self-check.
        method: how to measure.
        labels: the labels the answer must be one of.
        span: where the answer stands in the text, in characters; the whole text if not given.
        choices: fixed choices of fields, for `fields`; see `field_scores`.

    Returns:
        The value in 0..1 with the method that gave it. `value` is None and the method "none" when nothing
        could measure it; `missing` names what was not available.
    """
    attempt = _Attempt(draft, labels=labels, span=span, choices=choices)
    missing: list[str] = []
    if method != "self_reported":
        found = attempt.by(method)
        if found is not None:
            name, logprob = found
            return Confidence(value=probability(logprob), method=name)
        missing.append(attempt.why)
    if draft.self_reported is not None and 0.0 <= draft.self_reported <= 1.0:
        return Confidence(value=draft.self_reported, method="self_reported", missing=tuple(missing))
    return Confidence(value=None, method=NONE, missing=(*missing, "self_reported"))


def signals(draft: Draft, *, labels: Sequence[str] = ()) -> dict[str, float | None]:
    """Every signal that one call gives, by the names that a combiner knows; None where it is missing.

    `label`, `sequence` and `fields` are probabilities, `brevity` is the number of output tokens.
    """
    found: dict[str, float | None] = {"self_reported": draft.self_reported}
    methods: tuple[Method, ...] = ("label", "sequence", "fields")
    attempt = _Attempt(draft, labels=labels, span=None, choices=None)
    for method in methods:
        measured = attempt.by(method)
        found[method] = None if measured is None else probability(measured[1])
    found["brevity"] = float(len(draft.logprobs)) if draft.logprobs else None
    return found


class _Attempt:
    """One look at a draft's tokens; `why` names what was missing when nothing was found."""

    def __init__(
        self,
        draft: Draft,
        *,
        labels: Sequence[str],
        span: tuple[int, int] | None,
        choices: Mapping[str, Sequence[str]] | None,
    ) -> None:
        self._draft, self._labels, self._span, self._choices = draft, labels, span, choices
        self._aligned: Aligned | str = ""
        self.why = ""

    def by(self, method: Method) -> tuple[str, float] | None:
        """Name of the method that worked and its log-probability."""
        if method == "tool_arguments" or (method == "auto" and self._draft.tool_calls):
            # The words beside a proposed call say nothing of whether the call is right.
            self.why = "logprobs of the tool call"
            return _named("tool_arguments", argument_logprob(self._draft))
        if not self._draft.logprobs:
            self.why = "logprobs" if self._draft.logprobs is None else "logprobs (empty)"
            return None
        aligned = self._aligned = self._aligned or align(self._draft)
        if isinstance(aligned, str):
            self.why = f"logprobs ({aligned})"
            return None
        tries = {
            "label": self._label,
            "fields": self._fields,
            "sequence": self._sequence,
            "min_token": self._min,
        }
        order = ("label", "fields", "sequence") if method == "auto" else (method,)
        for name in order:
            found = _named(name, tries[name](aligned))
            if found is not None:
                return found
        self.why = f"logprobs for {order[-1]}"
        return None

    def _label(self, aligned: Aligned) -> float | None:
        label = chosen(aligned.text, self._labels)
        return None if label is None else label_logprob(aligned, label, self._labels)

    def _fields(self, aligned: Aligned) -> float | None:
        start, _ = json_part(aligned.text)
        if self._span is not None or not aligned.text[start:].lstrip().startswith(("{", "[")):
            return None
        scores = field_scores(aligned, choices=self._choices)
        return weakest(scores).logprob if scores else None

    def _sequence(self, aligned: Aligned) -> float | None:
        return mean_logprob(answer_tokens(aligned, self._span))

    def _min(self, aligned: Aligned) -> float | None:
        return min_logprob(answer_tokens(aligned, self._span))


def _named(name: str, logprob: float | None) -> tuple[str, float] | None:
    return None if logprob is None else (name, logprob)
