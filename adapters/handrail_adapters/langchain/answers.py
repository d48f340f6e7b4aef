"""A model's message as a draft that the guard judges, and the message that may be released."""

from collections.abc import Sequence
from typing import Any, TypeVar

from langchain_core.messages import BaseMessage

from handrail.records import Draft
from handrail.text.values import Leaf, Path, read
from handrail.wire.foreign_json import mapping_of, text_of
from handrail.wire.logprobs import read_logprobs
from handrail.wire.objects import Said, changed, fixed_spans, runs_of, said_in, spans_of
from handrail_adapters.langchain.fields import (
    Fields,
    Json,
    fields_of,
    is_plain,
    repeated_tokens,
    without_logprobs,
)
from handrail_adapters.langchain.messages import call_fields, calls_of
from handrail_adapters.langchain.structure import BESIDE

MessageT = TypeVar("MessageT", bound=BaseMessage)


def read_draft(message: BaseMessage, beside: Json | None = None, *, trusted: Sequence[str] = ()) -> Draft:
    """Read what a model produced: each leaf of it, but for the text, is an aside of the draft.

    Args:
        message: its message.
        beside: what LangChain keeps beside the message; see `structure.BESIDE`.
        trusted: kinds of content that count as read.
    """
    if not beside and is_plain(message):
        return Draft(text=str(message.content))
    fields = fields_of(message, trusted=trusted)
    text = "".join(_at(message, path) for path in fields.texts)
    around = _said_beside(beside, text)
    about: Json = {**mapping_of((beside or {}).get("info")), **mapping_of(message.response_metadata)}
    refusal = refusal_of(message)
    leaves = [*_aside_leaves(fields, has_refusal=refusal is not None), *around.leaves]
    return Draft(
        text=text,
        asides=tuple(leaf.text for leaf in leaves),
        tool_calls=calls_of(message),
        refusal=refusal,
        finish_reason=text_of(about.get("finish_reason") or about.get("stop_reason")) or None,
        logprobs=read_logprobs(mapping_of(about.get("logprobs")).get("content")),
        model=text_of(about.get("model_name")) or None,
        unreadable=(*fields.said.unreadable, *around.unreadable),
        **_placed(text, refusal, leaves, fields),
    )


def _said_beside(beside: Json | None, text: str) -> Said:
    if not beside:
        return Said(())
    logprobs = mapping_of(beside.get("info")).get("logprobs")
    repeats = [("info", "logprobs", *path) for path in repeated_tokens(logprobs, text)]
    return said_in(read(beside), BESIDE, without=repeats)


def _placed(text: str, refusal: str | None, leaves: list[Leaf], fields: Fields) -> dict[str, Any]:
    if not leaves:
        return {}
    spans = spans_of((leaf.text for leaf in leaves), at=len(Draft(text=text, refusal=refusal).answer) + 1)
    runs = list(runs_of(leaves, spans))
    if fields.is_split:
        of_text = fields.of_text
        blocks = tuple(
            span
            for leaf, span in zip(of_text, spans, strict=False)
            if leaf.holds_mask and leaf.path in fields.texts
        )
        runs += [blocks] if len(blocks) > 1 and blocks not in runs else []
    return {"fixed": fixed_spans(leaves, spans), "runs": tuple(runs)}


def _aside_leaves(fields: Fields, *, has_refusal: bool) -> list[Leaf]:
    beside = [leaf for leaf in fields.beside if not (has_refusal and leaf.path[:2] == _REFUSAL)]
    return [*fields.of_text, *beside] if fields.is_split else beside


_REFUSAL: Path = ("additional_kwargs", "refusal")


def refusal_of(message: BaseMessage) -> str | None:
    """Return the model's refusal, None if there is none."""
    return text_of(mapping_of(message.additional_kwargs).get("refusal")) or None


def _at(message: BaseMessage, path: Path) -> str:
    value: Any = message.content
    for step in path[1:]:
        value = value[step]
    return str.__str__(value)


def write_draft(message: MessageT, original: Draft, draft: Draft) -> MessageT:
    """Return the message that may be released; the same object if nothing in it changes."""
    if said(draft) == said(original):
        return message
    fields = fields_of(message)
    leaves = _aside_leaves(fields, has_refusal=original.refusal is not None)
    asides = dict(zip([leaf.path for leaf in leaves], draft.asides, strict=False))
    new: dict[Path, str] = {leaf.path: asides[leaf.path] for leaf in leaves if asides[leaf.path] != leaf.text}
    is_by_part = fields.is_split and any(leaf.path in new for leaf in fields.of_text)
    if draft.text != original.text and not is_by_part:
        new |= {path: draft.text if index == 0 else "" for index, path in enumerate(fields.texts)}
    if draft.refusal != original.refusal:
        new[_REFUSAL] = draft.refusal or ""
    written = changed(message, new)
    update: dict[str, Any] = {}
    if draft.text != original.text or is_by_part or any("logprobs" in path for path in new):
        update["response_metadata"] = without_logprobs(mapping_of(written.response_metadata))
    if draft.tool_calls != original.tool_calls:
        update |= call_fields(written, draft.tool_calls)
    return written.model_copy(update=update) if update else written


def write_beside(beside: Json, original: Draft, draft: Draft) -> Json:
    """Return what may be released of what stands beside a message."""
    if draft.asides == original.asides:
        return beside
    leaves = _said_beside(beside, original.text).leaves
    texts = draft.asides[len(draft.asides) - len(leaves) :]
    pairs = zip(leaves, texts, strict=True)
    return changed(beside, {leaf.path: new for leaf, new in pairs if new != leaf.text})


def said(draft: Draft) -> tuple[object, ...]:
    """Return what a draft says."""
    return (draft.text, draft.asides, draft.tool_calls, draft.refusal)
