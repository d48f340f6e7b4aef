"""Confidence value by value: of the least likely token, of an argument, a field or a stated fact. Pure."""

import re
from collections.abc import Sequence

from handrail.confidence.scorers.logprobs import align, is_logprob, min_logprob, probability
from handrail.confidence.scorers.structured import FieldScore, argument_scores, field_scores, leaves
from handrail.policy import Policy
from handrail.policy.language import sources
from handrail.records import NOT_SAID, Draft, FactValue, Finding, Unknown
from handrail.tickets.masking import STATED

NOT_ASKED, NONE_CAME, TOO_FEW, NOTHING = "not_asked", "none_came", "too_few", "none"
"""Why there are no log-probabilities: nobody asked, none came, they do not cover the answer; else `none`."""

_INDEX = re.compile(r"\[\d+\]")


def why_missing(draft: Draft, *, was_asked: bool) -> str:
    """Return why a draft has no usable log-probabilities, `none` if it has them."""
    if not draft.logprobs:
        return NONE_CAME if was_asked else NOT_ASKED
    if not all(is_logprob(token.logprob) for token in draft.logprobs):
        return TOO_FEW
    return TOO_FEW if draft.text and isinstance(align(draft), str) else NOTHING


def sureness(
    policy: Policy, draft: Draft, stated: Sequence[Finding], *, was_asked: bool
) -> dict[str, FactValue]:
    """Return the value of each fact on confidence, by its source as it is written and by its own name.

    Args:
        policy: its facts say what is asked.
        draft: the answer.
        stated: the words in which it states facts.
        was_asked: log-probabilities were asked for.
    """
    if not policy.measured_facts:
        return {}
    why = why_missing(draft, was_asked=was_asked)
    found: dict[str, FactValue] = {}
    for fact in policy.measured_facts:
        name, source = fact.name, fact.source
        match source:
            case sources.ConfidenceMissing():
                value: object = why
            case sources.ConfidenceMin():
                value = _least(draft) if why == NOTHING else Unknown(why=why)
            case sources.ConfidenceOf(name=of):
                value = _of(draft, of, stated, why)
            case _:
                continue
        read = fact.read(value)
        found |= {name: read, sources.written(source): read}
    return found


def _least(draft: Draft) -> object:
    least = min_logprob(draft.logprobs or ())
    return Unknown(why=TOO_FEW) if least is None else probability(least)


def _of(draft: Draft, name: str, stated: Sequence[Finding], why: str) -> object:
    """Return the probability of a value of the answer, not said where it holds no such value."""
    spans = [one for one in stated if one.type == STATED and one.note in (name, f"answer.{name}")]
    fields = _named(leaves(draft.text) or (), name)
    calls = [call for call in draft.tool_calls if _named(leaves(call.arguments) or (), name)]
    if not (spans or fields or calls):
        return Unknown(why=NOT_SAID)
    if not draft.logprobs:
        return Unknown(why=why)
    found: list[float | None] = []
    aligned = align(draft)
    if isinstance(aligned, str):
        found += [None] * (len(spans) + len(fields))
    else:
        found += [min_logprob(aligned.within(one.start, one.end)) for one in spans]
        found += _scores(field_scores(aligned) or (), name) if fields else []
    for call in calls:
        found += _scores(argument_scores(draft.logprobs, call) or (), name) or [None]
    known = [one for one in found if one is not None]
    return probability(min(known)) if known and len(known) == len(found) else Unknown(why=TOO_FEW)


def _scores(scores: Sequence[FieldScore], name: str) -> list[float | None]:
    return [one.logprob for one in scores if _fits(one.name, name)]


def _named(found: Sequence[object], name: str) -> list[object]:
    paths = ((one, ".".join(str(step) for step in getattr(one, "path", ()))) for one in found)
    return [one for one, path in paths if _fits(path, name)]


def _fits(path: str, name: str) -> bool:
    """Tell whether a path is the one that is named, or ends in it; positions in lists are left out."""
    bare = ".".join(step for step in _INDEX.sub("", path).split(".") if not step.isdigit())
    return bare == name or bare.endswith(f".{name}")
