"""What went wrong with a model's answer, read from the answer itself. Pure."""

import json
import re

from handrail.records import Draft, FaultKind

_FILTERED = frozenset(
    {"content_filter", "safety", "recitation", "blocklist", "prohibited_content", "refusal"}
)
_CUT_OFF = frozenset({"length", "max_tokens", "max_output_tokens", "model_length"})
_FAILED = frozenset({"error", "failed", "malformed_function_call"})

# Only a short answer that says nothing else counts: a long one may decline a part and answer the rest.
_SHORT = 200
_DECLINES = re.compile(
    r"(?i)^\W*(?:(?:i['’]m|i am|we['’]re|we are)?\s*(?:very |really |so )?(?:sorry|afraid)\b[^.!?]{0,40}?)?"
    r"\b(?:i|we)\s*(?:['’]m|am|['’]re|are)?\s*(?:can['’]?t|cannot|can not|won['’]?t|unable to|not able to)\s+"
    r"(?:help|assist|comply|continue|engage)(?: you)?(?: with)?(?: (?:that|this|your))?"
    r"(?: (?:request|question|one|topic))?(?: at this time)?\W*$"
)


def read_fault(draft: Draft, *, wants_json: bool = False) -> FaultKind | None:
    """Return what is wrong with a draft, None if nothing is.

    Args:
        draft: what the model produced; a fault that it already carries is returned as it is.
        wants_json: the caller asked for structured output, so a text that is no JSON object or list is one.
    """
    if draft.fault is not None:
        return draft.fault
    reason = (draft.finish_reason or "").lower()
    text = draft.text.strip()
    if draft.refusal or reason in _FILTERED or (len(text) <= _SHORT and _DECLINES.match(text)):
        return FaultKind.REFUSAL
    if reason in _CUT_OFF:
        return FaultKind.TRUNCATED
    if reason in _FAILED:
        return FaultKind.ERROR
    if draft.tool_calls:
        return None
    if not text:
        return FaultKind.EMPTY
    if wants_json and not _is_json(text):
        return FaultKind.INVALID_OUTPUT
    return None


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text, parse_constant=_refuse), dict | list)
    except (ValueError, RecursionError):
        return False


def _refuse(constant: str) -> object:
    raise ValueError(constant)
