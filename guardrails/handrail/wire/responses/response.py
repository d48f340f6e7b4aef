"""A response: its draft for the guard, what may be released of it, and a hand-off in its shape."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from handrail.errors import CheckFailed
from handrail.records import Draft, FaultKind, Handoff, TokenLogprob, ToolCall
from handrail.text.values import Path, read
from handrail.wire.foreign_json import Json, mapping_of, objects_of, text_of, whole_of
from handrail.wire.handoff import handoff_body
from handrail.wire.logprobs import clip, read_logprobs
from handrail.wire.objects import changed
from handrail.wire.requests import take_call
from handrail.wire.responses.items import Items, action_of, with_arguments
from handrail.wire.responses.request import read_request
from handrail.wire.responses.table import ANSWER, REQUEST
from handrail.wire.structure import Words, structure_of
from handrail.wire.words import AnswerWords

_REASONS = {"max_output_tokens": "length", "content_filter": "content_filter"}
_OUTPUT = frozenset({"output"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A response as it was read."""

    said: AnswerWords
    draft: Draft


def read_response(body: Json, *, sent: Json | None = None) -> tuple[Draft, ...]:
    """Read a response as one draft. What cannot be read is `unreadable`, and a fault.

    The text is that of all its parts. What the response says again of the request that was `sent` is not said
    by the model.
    """
    return (_read(body, sent).draft,)


def _read(body: Json, sent: Json | None) -> _Read:
    model = text_of(body.get("model")) or None
    output = _output(body)
    if output is None:
        draft = Draft(fault=FaultKind.UNREADABLE, unreadable=("answer",), model=model)
        return _Read(said=AnswerWords(), draft=draft)
    items = Items(ANSWER)
    for index, item in output:
        items.take(item, "output[]", ("output", index))
    if not ANSWER.is_plain(body, without=_OUTPUT):
        items.beside.add(_beside(body, sent or {}))
    status = text_of(body.get("status"))
    unreadable = items.texts.unreadable | items.refusals.unreadable | items.beside.unreadable
    if status in ("queued", "in_progress"):
        unreadable.add("status")
    said = AnswerWords(
        texts=tuple(items.texts.leaves),
        refusals=tuple(items.refusals.leaves),
        beside=tuple(items.beside.leaves),
        unreadable=tuple(sorted(unreadable)),
    )
    fault = FaultKind.ERROR if status in ("failed", "cancelled") else None
    reason = text_of(mapping_of(body.get("incomplete_details")).get("reason"))
    draft = said.draft(
        tool_calls=tuple(action for _, item in output if (action := action_of(item))),
        finish_reason=_REASONS.get(reason, "length") if status == "incomplete" else "stop",
        logprobs=_logprobs(body),
        model=model,
        fault=FaultKind.UNREADABLE if unreadable else fault,
    )
    return _Read(said=said, draft=draft)


def _output(body: Json) -> list[tuple[int, Json]] | None:
    """Return the items of a response with their places; None if they cannot be read.

    Null says nothing, in place of the list as of an item. A body without the field is no response.
    """
    given = body.get("output", "")
    if given is None:
        return []
    if not isinstance(given, list):
        return None
    items = _objects(given)
    return items if len(items) + given.count(None) == len(given) else None


def _beside(body: Json, sent: Json) -> Words:
    """Return what a response says beside its output, without what it says again of the request."""
    words = ANSWER.judged({name: value for name, value in body.items() if name != "output"})
    known = {name: {leaf.text for leaf in read(sent[name]).leaves} for name in body.keys() & sent.keys()}
    words.leaves = [leaf for leaf in words.leaves if leaf.text not in known.get(str(leaf.path[0]), ())]
    return words


def _parts(body: Json) -> list[tuple[Path, Json]]:
    return [
        (("output", at, "content", index), part)
        for at, item in _output(body) or ()
        if (text_of(item.get("type")) or "message") == "message"
        for index, part in _objects(item.get("content"))
        if part.get("type") == "output_text"
    ]


def _objects(value: object) -> list[tuple[int, Json]]:
    parts = enumerate(value) if isinstance(value, list) else ()
    return [(index, part) for index, part in parts if isinstance(part, dict)]


def _logprobs(body: Json) -> tuple[TokenLogprob, ...] | None:
    read = [read_logprobs(part.get("logprobs")) for _, part in _parts(body)]
    if not read or any(tokens is None for tokens in read):
        return None
    return tuple(token for tokens in read for token in tokens or ())


def write_drafts(
    body: Json, drafts: Sequence[Draft], *, keep_logprobs: bool = True, sent: Json | None = None
) -> Json:
    """Return the response that may be released; the same object if nothing in it changes."""
    if len(drafts) != 1:
        raise CheckFailed("wire", why="a response has exactly one draft")
    draft, known = drafts[0], _read(body, sent)
    original = known.draft
    told = (draft.text, draft.asides[: len(original.asides)], draft.refusal)
    changes = {}
    if told != (original.text, original.asides, original.refusal):
        changes = known.said.changes(original, draft)
    strips = not keep_logprobs and any(part.get("logprobs") for _, part in _parts(body))
    if not changes and draft.tool_calls == original.tool_calls and not strips:
        return body
    # Tokens say what the text says; they are kept or left out, never rewritten.
    new: Json = changed(body, {path: text for path, text in changes.items() if "logprobs" not in path})
    in_tokens = {path[: path.index("logprobs")] for path in changes if "logprobs" in path}
    if draft.text != original.text or in_tokens or strips:
        new = _with_parts(new, body, original, in_tokens, strips=strips)
    if draft.tool_calls != original.tool_calls:
        new = {**new, "output": _with_actions(new, draft.tool_calls)}
    return new


def without_logprobs(body: Json) -> Json:
    """Return a response without log-probabilities."""
    return _with_parts(body, body, Draft(), set(), strips=True)


def _with_parts(body: Json, before: Json, original: Draft, in_tokens: set[Path], *, strips: bool) -> Json:
    """Return a response whose changed parts have neither notes on their text nor its tokens."""
    old = _parts(before)
    new: dict[Path, Json] = {}
    for (at, was), (_, part) in zip(old, _parts(body), strict=True):
        one = dict(part)
        is_changed = part.get("text") != was.get("text")
        if is_changed:
            # They point into the text by position, and their titles may say what was withheld.
            one["annotations"] = []
        tokens = part.get("logprobs")
        if isinstance(tokens, list) and tokens:
            kept: int | None = len(tokens)
            if strips or at in in_tokens:
                kept = 0
            elif is_changed:
                whole = original.logprobs if len(old) == 1 else None
                kept = clip(whole or (), original.text, text_of(part.get("text")))
            one["logprobs"] = tokens[: kept or 0]
        new[at] = one
    if not new:
        return body
    output: list[Any] = list(cast("list[Any]", body["output"]))
    for index, item in _objects(output):
        content = item.get("content")
        if isinstance(content, list) and any(at[1] == index for at in new):
            parts = [new.get(("output", index, "content", n), part) for n, part in enumerate(content)]
            output[index] = {**item, "content": parts}
    return {**body, "output": output}


def _with_actions(body: Json, calls: Sequence[ToolCall]) -> list[Json]:
    left = list(calls)
    output = []
    for item in objects_of(body.get("output")):
        action = action_of(item)
        if action is None:
            output.append(item)
        elif given := take_call(left, action.id, action.name):
            output.append(with_arguments(item, given))
    return output


def write_handoff(
    request: Json, handoff: Handoff | None, notice: str, *, created: int, upstream: Json | None = None
) -> Json:
    """Return a response that hands off; the ticket also stands in `metadata.handoff_ticket`."""
    asked, upstream = read_request(request), structure_of(ANSWER, upstream)
    reference = handoff.ticket if handoff else "blocked"
    # Of the request only what is structure is said again; the rest may be why it is handed off.
    said = structure_of(REQUEST, request)
    part: Json = {"type": "output_text", "text": notice, "annotations": [], "logprobs": []}
    if asked.is_structured:
        part = {"type": "refusal", "refusal": notice}
    item: Json = {
        **{"id": f"msg_handrail_{reference}", "type": "message", "role": "assistant"},
        **{"status": "completed", "content": [part]},
    }
    body: Json = {
        "id": text_of(upstream.get("id")) or f"resp_handrail_{reference}",
        "object": "response",
        "created_at": whole_of(upstream.get("created_at"), created),
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "model": text_of(upstream.get("model")) or asked.model or "",
        "output": [item],
        "parallel_tool_calls": said.get("parallel_tool_calls", True),
        "previous_response_id": said.get("previous_response_id"),
        "tool_choice": said.get("tool_choice", "auto"),
        "tools": [],
        "text": {"format": {"type": "text"}},
        "metadata": {**mapping_of(said.get("metadata"))},
        "usage": mapping_of(upstream.get("usage")) or _NO_USAGE,
    }
    if handoff is not None:
        body["metadata"] = {**mapping_of(body["metadata"]), "handoff_ticket": handoff.ticket}
        body["handoff"] = handoff_body(handoff)
    return body


_NO_USAGE: Json = {
    **{"input_tokens": 0, "output_tokens": 0, "total_tokens": 0},
    **{"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}},
}
